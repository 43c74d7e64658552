"""Small registers in the metadata table: keyboards' serial numbers, and secrets shared by all servers."""

import secrets
from datetime import datetime

from service.errors import ConflictException
from service.storage.items import coupon_key, moment, read_moment, secret_key, text
from service.storage.table import Put, Table

SECRET_BYTES = 32


class Registers:
    def __init__(self, table: Table) -> None:
        self._table = table

    def associate_coupon(self, account: str, serial: str, now: datetime) -> datetime:
        """When the keyboard with this serial number was first registered to the account.

        Raises ConflictException when it belongs to another account.
        """
        key = coupon_key(serial)
        if self._table.put(Put({**key, "account": text(account), "associatedAt": moment(now)})):
            return now
        item = self._table.get(key)
        if item is None or item["account"] != text(account):
            raise ConflictException(
                "This serial number is registered to another account.", resource_id=serial, resource_type="coupon"
            )
        return read_moment(item["associatedAt"])

    def secret(self, name: str) -> bytes:
        """The secret of this name, drawn once: whoever comes second reads what the first one wrote."""
        key = secret_key(name)
        item = self._table.get(key)
        if item is None:
            drawn = secrets.token_hex(SECRET_BYTES)
            if self._table.put(Put({**key, "secret": text(drawn)})):
                return bytes.fromhex(drawn)
            item = self._table.get(key)
        if item is None:
            raise RuntimeError(f"the secret {name} was removed while it was being read")
        return bytes.fromhex(item["secret"]["S"])
