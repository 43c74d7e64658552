"""A request to S3 while moto answers it: what it brought, and what it sees and changes of the objects."""

from collections.abc import Callable
from dataclasses import dataclass, field

from moto.s3.models import FakeKey

from infra.local.durable.s3.object_bodies import Body
from infra.local.durable.s3.object_encryption import ObjectEncryption, Protection
from infra.local.durable.s3.object_intake import Given, identity_of
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_units import Unit


class OvertakenError(Exception):
    """Another request changed what this one was got ready for: it begins anew."""


@dataclass(frozen=True, slots=True)
class Work:
    """The request that a thread answers. `note` is told of a service whose state in memory it changed besides S3's.

    `headers` are added to the answer.
    """

    unit: Unit
    given: Given
    encryption: ObjectEncryption
    note: Callable[[str], None]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Body:
        """The body that the request brought."""
        if self.given.body is None:
            raise OvertakenError("the request was got ready without a body")
        return self.given.body

    def protection(self, algorithm: str | None, key_id: str | None, region: str) -> Protection:
        """How what the request writes is encrypted. Raises S3ClientError."""
        if self.encryption.makes_managed_key(algorithm, key_id, region):
            self.note("kms")
        return self.encryption.protection(algorithm, key_id, region)

    def check_source(self, source: FakeKey) -> None:
        """Whether the body is still a copy of this version. Raises OvertakenError."""
        assert isinstance(source, StoredKey)
        if identity_of(source) != self.given.source:
            raise OvertakenError("the source of the copy was replaced meanwhile")
