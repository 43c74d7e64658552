"""What every request and answer of the API is made of: the base of all structures, and the simple wire types.

A type that is declared with `TypeAliasType` is a shape with a name of its own in the OpenAPI document and in the
botocore model. Member names are camelCase on the wire and snake_case in Python.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType


class RequestShape(BaseModel):
    """A structure that a client sends: exact types, no members but the declared ones."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


class QueryShape(BaseModel):
    """The query parameters of an operation. Numbers and booleans arrive as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class AnswerShape(BaseModel):
    """A structure that the service sends. Members that are None are left out of the answer."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True, ser_json_inf_nan="null")

    def wire(self) -> bytes:
        """The structure as JSON, as it goes over the wire."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


def _boolean_in_text(value: Any) -> bool:
    if value not in ("true", "false"):
        raise PydanticCustomError("bool_parsing", "must be true or false")
    return bool(value == "true")


def decoded(value: Any) -> bytes:
    """The bytes of a blob, which on the wire is base64 of the standard alphabet with its padding and nothing else."""
    if not isinstance(value, str):
        raise PydanticCustomError("blob_type", "must be base64 text")
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise PydanticCustomError("blob_encoding", "must be valid base64") from None


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _epoch_seconds(value: datetime) -> float:
    return round(value.timestamp(), 3)


QueryBoolean = Annotated[bool, BeforeValidator(_boolean_in_text)]

Blob = TypeAliasType(
    "Blob",
    Annotated[
        bytes,
        PlainSerializer(_encoded, return_type=str),
        WithJsonSchema({"type": "string", "format": "byte"}),
    ],
)
Timestamp = TypeAliasType(
    "Timestamp",
    Annotated[
        datetime,
        PlainSerializer(_epoch_seconds, return_type=float),
        WithJsonSchema({"type": "number", "format": "epoch-seconds", "description": "Seconds since 1970-01-01 UTC."}),
    ],
)
