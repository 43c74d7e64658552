"""What the linter finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class FindingType(Enum):
    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` leads to the element, such as `Statement[0].Condition.StringEquals.aws:username`."""

    type: FindingType
    code: str
    path: str
    message: str
    advice: str


Found = Iterator[Finding]
