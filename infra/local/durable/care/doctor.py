"""What is wrong with a data folder, and how it is made sound again.

A repair never throws anything away: the database is copied before it is first changed, bodies and keys are set aside
under other names, and what is lost is told by its name. It goes in rounds, because behind one damage another may lie.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infra.local.account import ACCOUNT_FILE
from infra.local.durable.care.examination import LOG_FILE, Subject, examine
from infra.local.durable.care.findings import Action, Finding, Severity, note
from infra.local.durable.care.unfinished import finish_reset, put_in_place
from infra.local.durable.errors import StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE
from infra.local.durable.layout import BODIES_FOLDER, RESET_DECIDED
from infra.local.durable.owner import check_owner
from infra.local.durable.s3.bodies import held
from infra.local.durable.store import DATABASE_FILE
from infra.local.durable.wal import examine_log
from infra.local.platform_calls import (
    PRIVATE_FILE_MODE,
    PRIVATE_FOLDER_MODE,
    FolderInUseError,
    FolderLock,
    sync_file,
    sync_folder,
)

_MOST_ROUNDS = 8
_SCRATCH = "doctor."
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair did: the damage that it found, what is left of it, and the copies that it kept."""

    repaired: tuple[Finding, ...]
    left: tuple[Finding, ...]
    kept: tuple[Path, ...]


def diagnose(data: Path, master_key: Path | None = None, *, deep: bool = False) -> list[Finding]:
    """Everything that is wrong with the folder, which is left as it is. Raises StoreError where there is none.

    `master_key` names the key's file where it is not in the folder; `deep` reads every body to its end.
    """
    _check_folder(data)
    with _lock_where_possible(data) as in_use, _held_bodies(data), _scratch(data) as scratch:
        subject = Subject(data, master_key or data / MASTER_KEY_FILE, scratch, in_use, deep)
        running = [note("server", "one is running; what it wrote until now was looked at")] if in_use else []
        return running + list(examine(subject))


def repair(data: Path, master_key: Path | None = None, *, deep: bool = False) -> Repair:
    """Make the folder sound again, as far as that is possible. Raises FolderInUseError while a server runs."""
    _check_folder(data)
    with FolderLock(data):
        for left_behind in data.glob(f"{_SCRATCH}*"):  # by one that was killed
            shutil.rmtree(left_behind, ignore_errors=True)
        work = _Work(data, master_key or data / MASTER_KEY_FILE)
        repaired: list[Finding] = []
        for _ in range(_MOST_ROUNDS):
            with _scratch(data) as scratch:
                found = list(examine(Subject(data, work.key_file, scratch, deep=deep)))
                damages = [finding for finding in found if finding.severity is Severity.DAMAGE]
                if not damages:
                    break
                repaired += work.carry_out(damages, scratch)
        return Repair(tuple(repaired), tuple(found), tuple(work.kept))


def exit_status(findings: Sequence[Finding]) -> int:
    """0: nothing to do, 1: there is damage that a repair mends, 2: there is some that none does."""
    severities = {finding.severity for finding in findings}
    return 2 if Severity.FATAL in severities else int(Severity.DAMAGE in severities)


class _Work:
    """One repair of one folder, which must be locked."""

    def __init__(self, data: Path, key_file: Path) -> None:
        self._data = data
        self.key_file = key_file
        self._suffix = _unused_suffix(data)
        self._database_is_kept = False
        self.kept: list[Path] = []

    def carry_out(self, damages: Sequence[Finding], scratch: Path) -> list[Finding]:
        """Repair what comes first, and tell which of the findings that was; the others are judged again after it."""
        for finding in damages:
            if finding.action is not None:
                self._act(finding.action, scratch)
                return [finding]
        self._keep_database()
        with closing(sqlite3.connect(self._data / DATABASE_FILE, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            for finding in damages:
                for statement, parameters in finding.statements:
                    connection.execute(statement, parameters)
            connection.execute("COMMIT")
        self._set_bodies_aside([name for finding in damages for name in finding.files])
        return list(damages)

    def _act(self, action: Action, scratch: Path) -> None:
        match action:
            case Action.FINISH_RESET:
                finish_reset(self._data)
            case Action.CUT_LOG:
                self._keep_database()
                self._cut_log()
            case Action.REPLACE_DATABASE:
                self._keep_database()
                self._replace_database(scratch / DATABASE_FILE)
            case Action.PLACE_KEY:
                self._note_kept(put_in_place(self._data, self.key_file, self.key_file))
            case Action.SET_KEY_ASIDE:
                inside = self._data / MASTER_KEY_FILE
                self._note_kept(inside.rename(inside.with_name(inside.name + self._suffix)))
                sync_folder(self._data)

    def _cut_log(self) -> None:
        log = self._data / LOG_FILE
        with log.open("rb+") as file:
            file.truncate(examine_log(log).damage_at or 0)
            sync_file(file.fileno())

    def _replace_database(self, salvaged: Path) -> None:
        """As a reset does it: whenever it is cut, it is finished or never happened."""
        staged = salvaged.parent / RESET_DECIDED
        staged.mkdir(PRIVATE_FOLDER_MODE)
        for suffix in ("-wal", "-shm"):
            salvaged.with_name(salvaged.name + suffix).unlink(missing_ok=True)
        salvaged.rename(staged / DATABASE_FILE)
        sync_folder(staged)
        staged.rename(self._data / RESET_DECIDED)
        sync_folder(self._data)
        finish_reset(self._data)

    def _keep_database(self) -> None:
        """A copy of the database and its log as they were before the first change."""
        if self._database_is_kept:
            return
        for name in (DATABASE_FILE, LOG_FILE):
            if (self._data / name).exists() and (self._data / name).stat().st_size:
                copy = self._data / f"{name}{self._suffix}"
                _copy_whole(self._data / name, copy)
                self._note_kept(copy)
        sync_folder(self._data)
        self._database_is_kept = True

    def _set_bodies_aside(self, names: Sequence[str]) -> None:
        bodies = self._data / BODIES_FOLDER
        aside = self._data / f"{BODIES_FOLDER}{self._suffix}"
        for name in names:
            if (bodies / name).exists():
                if not aside.exists():
                    aside.mkdir(PRIVATE_FOLDER_MODE)
                    self._note_kept(aside)
                (bodies / name).rename(aside / name)

    def _note_kept(self, path: Path | None) -> None:
        if path is not None:
            self.kept.append(path)


def _copy_whole(source: Path, copy: Path) -> None:
    """The whole copy, on the disk, or none."""
    try:
        with source.open("rb") as content, copy.open("xb") as target:
            os.fchmod(target.fileno(), PRIVATE_FILE_MODE)
            shutil.copyfileobj(content, target, 2**20)
            target.flush()
            sync_file(target.fileno())
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _unused_suffix(data: Path) -> str:
    """What the names of the copies of this repair end with."""
    stem = suffix = f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while any(data.glob(f"*{suffix}")):
        number += 1
        suffix = f"{stem}-{number}"
    return suffix


def _check_folder(data: Path) -> None:
    if not data.is_dir() or not any((data / name).exists() for name in (ACCOUNT_FILE, DATABASE_FILE)):
        raise StoreError(f"{data} is no data folder: it holds neither {ACCOUNT_FILE} nor {DATABASE_FILE}")
    check_owner(data)


@contextmanager
def _lock_where_possible(data: Path) -> Iterator[bool]:
    """Holds the folder, so that no server starts meanwhile, and tells whether one runs that holds it already."""
    try:
        lock = FolderLock(data)
    except FolderInUseError:
        yield True
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        yield False  # nobody can begin to serve a folder that cannot be written
    else:
        with lock:
            yield False


@contextmanager
def _held_bodies(data: Path) -> Iterator[None]:
    folder = data / BODIES_FOLDER
    if folder.is_dir() and os.access(folder, os.W_OK):
        with held(folder):
            yield
    else:
        yield


@contextmanager
def _scratch(data: Path) -> Iterator[Path]:
    """A folder to work in, in the data folder where that can be written."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=data)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        folder = tempfile.TemporaryDirectory(prefix="chorale-doctor.")
    with folder as scratch:
        yield Path(scratch)
