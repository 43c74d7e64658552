"""What is not part of the stored states, because it is in rows and given back when a state was restored."""

from collections.abc import Mapping

from infra.local.durable.dynamodb.backend import TRANSIENT_ATTRIBUTES
from infra.local.durable.logs import stored_logs
from infra.local.durable.s3 import object_backend

LEFT_OUT: Mapping[type, frozenset[str]] = {**TRANSIENT_ATTRIBUTES, **object_backend.LEFT_OUT, **stored_logs.LEFT_OUT}
