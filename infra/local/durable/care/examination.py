"""A look at everything in a data folder: the account, the keys, the database and its log, every row, every body.

Nothing is changed, and a server may be running: what is looked at is one snapshot. A database whose pages cannot be
read is first salvaged into a scratch file, and that is looked at in its place.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.account import ACCOUNT_FILE, Account, AccountError
from infra.local.durable.care.data_keys import unwrapped
from infra.local.durable.care.definitions import Definitions, restored
from infra.local.durable.care.findings import Action, Finding, Findings, damage_for, fatal, note
from infra.local.durable.care.object_checks import ObjectChecks
from infra.local.durable.care.read_store import ReadStore
from infra.local.durable.care.row_checks import WHOLE_SERVICES, check_items, check_sealed_rows, check_streams
from infra.local.durable.care.salvage import salvage
from infra.local.durable.care.sealed_tables import SEALED
from infra.local.durable.care.snapshot import check_format, reading_only
from infra.local.durable.care.unfinished import is_unfinished, next_to
from infra.local.durable.errors import NewerFormatError, StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.layout import BODIES_FOLDER
from infra.local.durable.store import DATABASE_FILE
from infra.local.durable.wal import State, examine_log

LOG_FILE = f"{DATABASE_FILE}-wal"
_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at. `in_use`: a server runs; `deep`: every body is read; `scratch` is a folder to work in."""

    data: Path
    key_file: Path
    scratch: Path
    in_use: bool = False
    deep: bool = False


def examine(subject: Subject) -> Findings:
    """Everything that is not as it should be, the gravest first: behind some findings nothing can be looked at."""
    data = subject.data
    if is_unfinished(data):
        yield damage_for(Action.FINISH_RESET, "reset", "it was decided and then cut off; the next start finishes it")
        return
    database = data / DATABASE_FILE
    if not (data / ACCOUNT_FILE).exists():
        yield fatal(ACCOUNT_FILE, f"it is missing, and {DATABASE_FILE} belongs to it; put it back, or restore a backup")
        return
    try:
        account = Account.load(data)
    except AccountError as error:
        yield fatal(ACCOUNT_FILE, str(error))
        return
    if not database.exists():
        yield from _check_key_without_database(subject)
        return
    if not subject.in_use:
        yield from check_log(data)
    yield from _check_database(subject, account, database)


def _check_key_without_database(subject: Subject) -> Findings:
    if subject.key_file.exists():
        try:
            MasterKey.load(subject.key_file)
        except StoreError as error:
            yield fatal("master key", str(error))
            return
    yield note(DATABASE_FILE, "there is none: the folder holds an account and nothing else yet")


def check_log(data: Path) -> Findings:
    """The write-ahead log: only its end may be damaged, which is what a power cut leaves."""
    report = examine_log(data / LOG_FILE)
    if report.state is State.TORN:
        yield note(LOG_FILE, "its end was never completely written; nobody had been told that it was")
    elif report.state is State.DAMAGED:
        yield damage_for(
            Action.CUT_LOG,
            LOG_FILE,
            f"it is damaged at byte {report.damage_at}; lost are that write and {report.lost_commits:,} acknowledged "
            "ones behind it",
        )


def _check_database(subject: Subject, account: Account, database: Path) -> Findings:
    try:
        with _snapshot(database) as connection:
            check_format(database, connection)
            faults = _faults(connection)
            found = [] if faults else list(_check_content(subject, account, database, connection))
    except NewerFormatError as error:
        yield fatal(DATABASE_FILE, str(error))
        return
    except StoreError as error:  # SQLite cannot read it, at the beginning or somewhere on the way
        found, faults = [], [str(error.__cause__ or error)]
    if not faults:
        yield from found
        return
    yield from _check_salvaged(subject, account, database, faults)


def _check_salvaged(subject: Subject, account: Account, database: Path, faults: list[str]) -> Findings:
    salvaged = subject.scratch / DATABASE_FILE
    try:
        told = salvage(database, salvaged, _master_key(subject))
    except StoreError as error:
        yield fatal(DATABASE_FILE, f"{faults[0]}; {error}")
        return
    with _snapshot(salvaged) as connection:
        message = f"{'; '.join(faults)}; {told}{_lost_services(connection) if 'state' in told.unreadable else ''}"
        yield damage_for(Action.REPLACE_DATABASE, DATABASE_FILE, message)
        yield from _check_content(subject, account, salvaged, connection)


def _lost_services(connection: sqlite3.Connection) -> str:
    """What is gone without a trace when the states of services cannot be read whole."""
    left = {service for (service,) in connection.execute("SELECT service FROM state")}
    gone = [f"{service} ({lost})" for service, lost in WHOLE_SERVICES.items() if service not in left]
    return f"; without a stored state are then the services {', '.join(gone)}" if gone else ""


def _check_content(subject: Subject, account: Account, database: Path, connection: sqlite3.Connection) -> Findings:
    try:
        found = list(_check_keys(subject, connection))
        store = ReadStore(database, connection, _master_key(subject, connection))
    except StoreError as error:
        yield fatal("master key", str(error))
        return
    yield from found
    damaged_states = list(check_sealed_rows(store, None, SEALED["state"]))
    yield from damaged_states
    if not damaged_states:
        try:
            with restored(store, account.id) as definitions:
                yield from list(_check_rows(subject, account, store, definitions))
            return
        except StoreError as error:
            yield fatal("services", str(error))
    yield from _check_rows(subject, account, store, None)


def _check_rows(subject: Subject, account: Account, store: ReadStore, definitions: Definitions | None) -> Findings:
    for table in SEALED.values():
        if table.name not in ("state", "item"):
            yield from check_sealed_rows(store, definitions, table)
    yield from check_items(store, definitions)
    if definitions is not None:
        yield from check_streams(store, definitions)
    bodies = subject.data / BODIES_FOLDER
    checks = ObjectChecks(store, bodies, account.id, account.region, deep=subject.deep)
    yield from checks.run(definitions, in_use=subject.in_use)


def _check_keys(subject: Subject, connection: sqlite3.Connection) -> Iterator[Finding]:
    """Keys that a rotation which was cut left behind."""
    current = _master_key(subject, connection)
    if current.path != subject.key_file:
        message = f"a rotation was cut off, and {current.path} opens the folder; the next start finishes it"
        yield damage_for(Action.PLACE_KEY, "master key", message)
    inside = subject.data / MASTER_KEY_FILE
    if subject.key_file.absolute() != inside.absolute() and inside.exists() and not _opens(inside, connection):
        yield damage_for(Action.SET_KEY_ASIDE, MASTER_KEY_FILE, "it opens nothing any more, and is still in the folder")


def _master_key(subject: Subject, connection: sqlite3.Connection | None = None) -> MasterKey:
    """The key that opens the folder, or was about to when a rotation was cut."""
    successor = next_to(subject.key_file)
    if connection is not None and successor.exists() and _opens(successor, connection):
        return MasterKey.load(successor)
    return MasterKey.load(subject.key_file)


def _opens(key_file: Path, connection: sqlite3.Connection) -> bool:
    try:
        unwrapped(connection, MasterKey.load(key_file))
    except StoreError:
        return False
    return True


@contextmanager
def _snapshot(database: Path) -> Iterator[sqlite3.Connection]:
    with reading_only(database) as connection:
        connection.execute("BEGIN")
        yield connection


def _faults(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the structure of the file; nothing for a sound one."""
    found = [line for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})")]
    return [] if found == ["ok"] else [" ".join(line.split()) for line in found]
