"""Page tokens: opaque, and of no use when tampered with, or with another operation or account."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.errors import FieldError, ValidationException

Item = TypeVar("Item")

_MAC_BYTES = 16


@dataclass(frozen=True)
class PageTokens:
    """Makes and reads the tokens of one operation in one account. A token carries the last item's id."""

    secret: bytes
    operation: str
    account: str

    def issue(self, last_id: str | None) -> str | None:
        if last_id is None:
            return None
        identifier = last_id.encode("utf-8")
        return base64.urlsafe_b64encode(self._mac(identifier) + identifier).decode("ascii").rstrip("=")

    def read(self, token: str | None) -> str | None:
        """The id behind which the page begins.

        Raises:
            ValidationException: the token was not issued by this operation for this account.
        """
        if token is None:
            return None
        mac, identifier = self._parts(token)
        if not hmac.compare_digest(mac, self._mac(identifier)):
            raise _foreign()
        return identifier.decode("utf-8")

    def _parts(self, token: str) -> tuple[bytes, bytes]:
        try:
            payload = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _foreign() from None
        return payload[:_MAC_BYTES], payload[_MAC_BYTES:]

    def _mac(self, identifier: bytes) -> bytes:
        bound_to = f"{self.operation}\n{self.account}\n".encode()
        return hmac.new(self.secret, bound_to + identifier, hashlib.sha256).digest()[:_MAC_BYTES]


def page_of(
    items: Sequence[Item], identity: Callable[[Item], str], limit: int, after: str | None
) -> tuple[list[Item], str | None]:
    """At most `limit` items behind the one named `after`, and the last one's id when more follow."""
    ids = [identity(item) for item in items]
    if after is not None and after not in ids:
        raise _foreign()
    start = ids.index(after) + 1 if after is not None else 0
    page = list(items[start : start + limit])
    more = start + limit < len(items)
    return page, identity(page[-1]) if more else None


def _foreign() -> ValidationException:
    return ValidationException.of(
        FieldError("nextToken", "must be the nextToken of an earlier answer to this operation")
    )
