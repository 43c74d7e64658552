"""The only module with calls that differ between operating systems.

Linux and macOS are supported; Windows runs Chorale inside WSL2, which is Linux. Everything here is refused elsewhere
with one sentence instead of failing somewhere in the middle.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    raise ImportError("Chorale runs on Linux and macOS; on Windows, run it inside WSL2")

import fcntl

LOCK_FILE = "lock"
PRIVATE_FILE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700


class FolderInUseError(Exception):
    """Another process serves this folder."""


class FolderLock:
    """The right to serve a folder, held by one process at a time and given back when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises FolderInUseError, naming the process that holds it."""
        self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise FolderInUseError(f"{folder} is already served by process {holder}; stop it first") from None
        told = f"{os.getpid()}\n".encode()
        with suppress(OSError):  # on a full disk the lock is held all the same
            os.pwrite(self._descriptor, told, 0)
            os.ftruncate(self._descriptor, len(told))

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes hold locks on two files."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "FolderLock":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.release()


class FileLock:
    """A lock on a file that many hold together or one holds alone, in whichever processes they are."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold it together with others, after waiting for whoever holds it alone."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else holds it; if so, it is held alone while this lasts."""
        descriptor = self._open()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)


def process_runs(pid: int) -> bool:
    """Whether there is a process with this id, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def usable_processors() -> int:
    """How many processors this process may use; macOS only tells how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def make_private_folder(folder: Path) -> None:
    """Make the folder, and its parents where they are missing, so that only its owner can enter it.

    One that holds something already keeps the mode its owner gave it: it may be a home or /tmp.
    """
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        folder.chmod(PRIVATE_FOLDER_MODE)


def write_private_file(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, readable by its owner only, so that it survives a power cut."""
    _remove_left_scratches(path)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            sync_file(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _remove_left_scratches(path: Path) -> None:
    """What processes that were killed had begun to write: it may hold a secret."""
    name = re.compile(rf"{re.escape(path.name)}\.([0-9]+)\.new")
    for entry in path.parent.iterdir():
        writer = name.fullmatch(entry.name)
        if writer and (int(writer[1]) == os.getpid() or not process_runs(int(writer[1]))):
            entry.unlink(missing_ok=True)


def sync_file(descriptor: int) -> None:
    """Have the file's content on the disk itself: on macOS fsync stops at the drive's cache."""
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is None:
        os.fsync(descriptor)
    else:
        fcntl.fcntl(descriptor, full_sync)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, after a file was made or renamed there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
