"""Creates that may be repeated: the same clientRequestToken with the same parameters gets the first answer again.

A token is claimed in the transaction that stores the resource, so that of several requests at once with one token
exactly one creates. It is kept for a day; DynamoDB's TTL removes it some time later.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from service.errors import ConflictException
from service.library.backend import Backend
from service.storage.items import Token


def digest_of(parameters: Sequence[Any]) -> str:
    """Equal for requests that ask for the same."""
    return hashlib.sha256(json.dumps(parameters).encode()).hexdigest()


def new_claim(
    backend: Backend, account: str, operation: str, token: str | None, digest: str, resource_id: str
) -> Token | None:
    """The claim that stores along with the resource; None when the request has no token."""
    if token is None:
        return None
    return Token(account, operation, token, digest, resource_id, backend.now() + backend.limits.token_life)


def earlier_claim(backend: Backend, account: str, operation: str, token: str | None, digest: str) -> Token | None:
    """The claim of an earlier request with this token, if there was one within a day.

    Raises ConflictException when that request asked for something else.
    """
    claim = token and backend.metadata.token(account, operation, token)
    if not claim or claim.expires <= backend.now():
        return None
    if claim.digest != digest:
        raise ConflictException(
            "This clientRequestToken was used before with other parameters.", resource_id=claim.resource_id
        )
    return claim


def no_longer_exists(claim: Token) -> ConflictException:
    return ConflictException(
        "What was made with this clientRequestToken no longer exists.", resource_id=claim.resource_id
    )
