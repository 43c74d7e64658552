"""The simple types that several operations share, each with its rule and what it means."""

from typing import Annotated

from fastapi import Path
from pydantic import Field
from typing_extensions import TypeAliasType

from service.api.shape import RequestShape

DEFAULT_PAGE = 50
_ID_RULE = r"^[A-Za-z0-9-]+$"

CompositionId = TypeAliasType(
    "CompositionId",
    Annotated[str, Field(min_length=1, max_length=64, pattern=_ID_RULE, description="The id of a composition.")],
)
ModelId = TypeAliasType(
    "ModelId",
    Annotated[str, Field(min_length=1, max_length=64, pattern=_ID_RULE, description="The id of a model.")],
)
SampleMelodyId = TypeAliasType(
    "SampleMelodyId",
    Annotated[str, Field(min_length=1, max_length=64, pattern=_ID_RULE, description="The id of a sample melody.")],
)
ResourceArn = TypeAliasType(
    "ResourceArn",
    Annotated[str, Field(min_length=1, max_length=256, description="The ARN of a composition.")],
)
CompositionName = TypeAliasType(
    "CompositionName",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
            description="What people call the composition: not only white space, and no control characters.",
        ),
    ],
)
ClientRequestToken = TypeAliasType(
    "ClientRequestToken",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[!-~]+$",
            description="Makes the request safe to repeat: for 24 hours the same token with the same parameters gives "
            "the same answer, and with other parameters a ConflictException.",
            json_schema_extra={"x-aws-idempotency-token": True},
        ),
    ],
)
NextToken = TypeAliasType(
    "NextToken",
    Annotated[
        str, Field(min_length=1, max_length=1024, description="Where the next page begins: from the answer before it.")
    ],
)
MaxResults = TypeAliasType(
    "MaxResults",
    Annotated[
        int, Field(ge=1, le=100, description=f"How many items a page has at most; {DEFAULT_PAGE} when not given.")
    ],
)
MIN_URL_SECONDS, DEFAULT_URL_SECONDS, MAX_URL_SECONDS = 60, 900, 43_200
MAX_REVISION = 1_000_000

CompositionIdInPath = Annotated[CompositionId, Path(alias="compositionId")]
ModelIdInPath = Annotated[ModelId, Path(alias="modelId")]
ResourceArnInPath = Annotated[ResourceArn, Path(alias="resourceArn")]


class Tag(RequestShape):
    """A label on a resource, such as project: thesis."""

    key: str = Field(
        min_length=1,
        max_length=128,
        description="Letters, digits, white space and _ . : / = + - only; not beginning with aws: in any case.",
    )
    value: str = Field(max_length=256, description="The same characters, or nothing.")
