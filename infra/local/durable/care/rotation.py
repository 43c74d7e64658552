"""New keys in place of old ones: the root access key, the key of session tokens, and the master key.

A new master key is on the disk before the data keys are wrapped by it, and the old one is removed after that: whenever
a rotation is cut, one of the two files opens the folder, and the next start finds out which (see unfinished.py).
"""

from dataclasses import dataclass
from pathlib import Path

from infra.local.account import Account
from infra.local.durable.care.data_keys import rewrap
from infra.local.durable.care.unfinished import next_to, put_in_place
from infra.local.durable.errors import StoreError
from infra.local.durable.folder import DataFolder
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.owner import check_owner
from infra.local.durable.store import DATABASE_FILE
from infra.local.platform_calls import FolderLock


@dataclass(frozen=True, slots=True)
class MasterRotation:
    """Where the new master key is, and where the old one was put that backups made before still need (None: gone)."""

    key: Path
    kept: Path | None


def rotate_root(data: Path) -> Account:
    """The account with a new root access key; a running server takes it over with its next request."""
    check_owner(data)
    account = Account.load(data).with_new_root_key()
    account.save(data)
    return account


def rotate_sessions(data: Path) -> None:
    """End every session: no token that was issued before can be opened. Raises FolderInUseError while a server runs,
    which has sessions of its own."""
    check_owner(data)
    account = Account.load(data)
    with FolderLock(data):
        account.with_new_sealing_key().save(data)


def rotate_master(data: Path, current: Path | None = None, to: Path | None = None) -> MasterRotation:
    """Wrap the data keys by a new master key, in the place of the old one or in the file `to`.

    `current` names the old key's file where it is not in the folder. Raises FolderInUseError while a server runs.
    """
    check_owner(data)
    Account.load(data)
    if not (data / DATABASE_FILE).exists():
        raise StoreError(f"{data} holds no data yet, and so no master key")
    old_file = current or data / MASTER_KEY_FILE
    new_file = to or old_file
    if new_file != old_file and new_file.exists():
        raise StoreError(f"{new_file} already exists; a new master key never replaces another file")
    with FolderLock(data):
        folder = DataFolder.open(data, current)  # which also settles what an earlier rotation left half done
        try:
            next_to(new_file).unlink(missing_ok=True)
            new = MasterKey.create(next_to(new_file))
            with folder.store.writing() as connection:
                rewrap(connection, MasterKey.load(old_file), new)
        finally:
            folder.close()
        return MasterRotation(new_file, put_in_place(data, old_file, new_file))
