"""A data folder: the account, the master key, the database and the bodies of objects, opened together.

    account.json    who root is (private)
    master.key      what everything else is encrypted under, unless it is kept elsewhere (private)
    state.db        every row, with state.db-wal and state.db-shm beside it while the folder is open
    bodies/         the bodies of large objects

Whoever opens a folder holds its lock (infra.local.platform_calls.FolderLock).
"""

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from infra.local.account import ACCOUNT_FILE, DEFAULT_ACCOUNT_ID, DEFAULT_REGION, Account
from infra.local.durable.care.unfinished import finish
from infra.local.durable.errors import DamagedError, StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.layout import BODIES_FOLDER
from infra.local.durable.s3.bodies import Bodies
from infra.local.durable.store import DATABASE_FILE, Store
from infra.local.durable.wal import State, examine_log

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """An open data folder."""

    path: Path
    account: Account
    store: Store
    bodies: Bodies

    @classmethod
    def open(
        cls,
        path: Path,
        master_key: Path | None = None,
        *,
        account_id: str = DEFAULT_ACCOUNT_ID,
        region: str = DEFAULT_REGION,
    ) -> "DataFolder":
        """The folder at `path`, made where there is none, with its account.

        `master_key` names the key's file where it is not in the folder; one that does not exist is made together
        with the database. Raises AccountError and StoreError.
        """
        key_file = master_key or path / MASTER_KEY_FILE
        _refuse_link(path / DATABASE_FILE)
        finish(path, key_file)
        holds_state = (path / DATABASE_FILE).exists()
        if holds_state and not (path / ACCOUNT_FILE).exists():
            raise StoreError(f"{path / ACCOUNT_FILE} is missing, and {DATABASE_FILE} belongs to it; restore a backup")
        account = Account.load_or_create(path, account_id=account_id, region=region)
        fresh = not holds_state and not key_file.exists()
        master = MasterKey.create(key_file) if fresh else MasterKey.load(key_file)
        _check_log(path)
        store = Store(path, master)
        try:
            _check_pages(store)
            return cls(path, account, store, Bodies(path / BODIES_FOLDER))
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Close the database; the bodies need no closing."""
        self.store.close()


def _refuse_link(database: Path) -> None:
    """SQLite would keep its log where the link leads to, and nothing of it would be looked at or synced here."""
    if database.is_symlink():
        raise StoreError(f"{database} is a symbolic link; let the whole folder be one, or --data name the real one")


def _check_log(path: Path) -> None:
    report = examine_log(path / f"{DATABASE_FILE}-wal")
    if report.state is State.DAMAGED:
        raise DamagedError(
            f"the write-ahead log {path / DATABASE_FILE}-wal is damaged at byte {report.damage_at}, with "
            f"{report.lost_commits} acknowledged writes behind the damage; `chorale doctor` tells what can be saved"
        )
    if report.state is State.TORN:
        log.warning(
            "the end of the write-ahead log was not completely written (byte %s); the write that it was part of "
            "had not been acknowledged, and is left out",
            report.damage_at,
        )


def _check_pages(store: Store) -> None:
    """SQLite's own look at the structure of the file: what is wrong with it is better known before the first write."""
    try:
        with store.reading() as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise DamagedError(f"{store.path} is damaged ({found}); `chorale doctor` tells what can be saved")
