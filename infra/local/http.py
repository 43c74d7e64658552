"""One HTTP request and its answer as plain values: between the gateway, our own clients and the services behind."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A parsed request: `path` and `query` as they came, percent-encoded; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """An answer: header names in lower case, a name may come twice."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
