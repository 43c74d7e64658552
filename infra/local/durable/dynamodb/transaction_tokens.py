"""A transaction that is sent again under its token is carried out once.

AWS's SDKs give every TransactWriteItems a ClientRequestToken and send it again when no answer came. A transaction that
had landed before its server was killed must not land twice, so its token is written with it: a row each, for the ten
minutes in which AWS remembers it.
"""

import json
import time
from base64 import b64encode
from hashlib import sha256
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException, MockValidationException
from moto.dynamodb.responses import DynamoHandler

from infra.local.durable.store import Store

_KEPT_SECONDS = 600
_LONGEST = 36  # characters


class IdempotentParameterMismatchError(DynamodbException):
    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "Request rejected because ClientRequestToken was used before with other parameters.",
        )


class OnceOnlyHandler(DynamoHandler):
    """moto's DynamoDB, which overlooks the tokens. Called in the request's turn."""

    def transact_write_items(self) -> ActionResult:
        token = self.body.get("ClientRequestToken")
        if token is None:
            return super().transact_write_items()
        if not 1 <= len(token) <= _LONGEST:
            raise MockValidationException(
                f"1 validation error detected: Value '{token[:100]}' at 'clientRequestToken' failed to satisfy "
                f"constraint: Member must have length between 1 and {_LONGEST}"
            )
        backend: Any = self.dynamodb_backend  # a StoredDynamoDB
        digest = _digest(self.body["TransactItems"])  # before moto sees the items, which it changes
        if _is_new(backend.rows.store, token, digest, int(time.time())):
            return super().transact_write_items()
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})


def token_place(token: str) -> bytes:
    """What the content of a token's row, the digest of its transaction, is sealed for."""
    return b"transaction_token %b" % token.encode()


def _is_new(store: Store, token: str, digest: bytes, now: int) -> bool:
    """Notes the token, unless it was noted before. Raises IdempotentParameterMismatchError."""
    connection = store.connection
    # Of a clock that was set back a token may lie in the future: it is the same one nevertheless.
    connection.execute("DELETE FROM transaction_token WHERE at <= ?", (now - _KEPT_SECONDS,))
    found = connection.execute("SELECT content FROM transaction_token WHERE token = ?", (token,)).fetchone()
    if found is None:
        sealed = store.rows.seal(digest, token_place(token))
        connection.execute("INSERT INTO transaction_token (token, at, content) VALUES (?, ?, ?)", (token, now, sealed))
        return True
    if store.rows.open(found[0], token_place(token)) != digest:
        raise IdempotentParameterMismatchError
    return False


def _digest(items: list[dict[str, Any]]) -> bytes:
    written = json.dumps(items, sort_keys=True, separators=(",", ":"), default=lambda value: b64encode(value).decode())
    return sha256(written.encode()).digest()
