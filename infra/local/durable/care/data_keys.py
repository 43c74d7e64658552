"""The data keys of a database, seen from outside: whether a master key opens them, and how they get another one."""

import sqlite3

from infra.local.durable.errors import DamagedError
from infra.local.durable.keyring import OBJECTS, ROWS, MasterKey

PURPOSES = (ROWS, OBJECTS)


def unwrapped(connection: sqlite3.Connection, master: MasterKey) -> dict[str, bytes]:
    """The data keys by purpose. Raises StoreError when the master key is another one, DamagedError without keys."""
    found = dict(connection.execute("SELECT purpose, wrapped FROM data_key").fetchall())
    for purpose in PURPOSES:
        if purpose not in found:
            raise DamagedError(f"the data key for {purpose} is missing, and what is encrypted under it is lost with it")
    return {purpose: master.unwrap(found[purpose], purpose) for purpose in PURPOSES}


def rewrap(connection: sqlite3.Connection, old: MasterKey, new: MasterKey) -> None:
    """Have the data keys wrapped by `new`, in the transaction that the connection is in."""
    for purpose, key in unwrapped(connection, old).items():
        connection.execute("UPDATE data_key SET wrapped = ? WHERE purpose = ?", (new.wrap(key, purpose), purpose))
