"""The folder of the bodies of large objects, one encrypted file each.

A body is written under a scratch name and given its own when all of it is on the disk; the row that refers to it is
written after that. So a row always has its file, and a file without a row is of a write that never ended: the sweep
at the next start removes it. An object may consist of several bodies, the parts in which it was uploaded.

Whoever copies the folder (a backup, in another process) holds it meanwhile. What is removed while it is held, or while
the body is being read, stays until that is over.
"""

import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.local.durable.s3.body_files import SCRATCH_SUFFIX, BodyReader, BodyWriter, Bytes, StoredBody, is_body_name
from infra.local.platform_calls import FileLock, make_private_folder, sync_folder

__all__ = ["INLINE_BYTES", "Bodies", "BodyReader", "BodyWriter", "Bytes", "StoredBody", "Swept", "held"]

INLINE_BYTES = 64 * 1024  # a body of this size at most is a row; a file of its own would cost more than it saves

LOCK_FILE = "bodies.lock"


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: the files it removed, and the names that should have had a file."""

    removed: frozenset[str]
    missing: frozenset[str]


def held(folder: Path) -> AbstractContextManager[None]:
    """Keeps every body in the folder where it is while this lasts, whichever process serves it."""
    return FileLock(folder / LOCK_FILE).shared()


class Bodies:
    """The bodies in one folder, made where there is none. Its methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        sync_folder(folder.parent)
        self.folder = folder
        self._lock = FileLock(folder / LOCK_FILE)
        self._counting = threading.RLock()  # a forgotten reader may be collected, and closed, at any moment
        self._read: Counter[str] = Counter()  # how many readers a body has; none: no entry
        self._postponed: set[str] = set()

    def writer(self) -> BodyWriter:
        """A new body, to be used in a `with`. Raises WriteRefusedError."""
        return BodyWriter(self.folder)

    def read(self, body: StoredBody, start: int = 0, end: int | None = None) -> BodyReader:
        """The bytes [start, end) of a body. Raises DamagedError; a later `remove` does not cut it short."""
        return self.read_pieces((body,), start, end)

    def read_pieces(self, pieces: Sequence[StoredBody], start: int = 0, end: int | None = None) -> BodyReader:
        """The bytes [start, end) of an object that consists of several bodies, like `read`."""
        size = sum(piece.size for piece in pieces)
        end = size if end is None else end
        if not 0 <= start <= end <= size:
            raise ValueError(f"[{start}, {end}) is no range of {size} bytes")
        names = [piece.name for piece in pieces]
        with self._counting:
            self._read.update(names)
        return BodyReader(self.folder, pieces, start, end, partial(self._is_read, names))

    def remove(self, name: str) -> None:
        """Remove a body: now, or when nobody reads it and nobody holds the folder any more."""
        if not is_body_name(name):
            raise ValueError(f"{name!r} is no name of a body")
        with self._counting:
            self._postponed.add(name)
        self._remove_postponed()

    def names(self) -> set[str]:
        """The names of all bodies that have a file."""
        return {entry.name for entry in self._files() if is_body_name(entry.name)}

    def sweep(self, wanted: Collection[str]) -> Swept:
        """Remove every body that is not `wanted`, and what unfinished writers left. Not while anybody writes."""
        found = {entry.name for entry in self._files()}
        unwanted = found - set(wanted)
        with self._counting:
            self._postponed |= unwanted
        self._remove_postponed()
        return Swept(frozenset(unwanted - self._postponed), frozenset(set(wanted) - found))

    def _is_read(self, names: Sequence[str]) -> None:
        with self._counting:
            for name in names:
                self._read[name] -= 1
                if not self._read[name]:
                    del self._read[name]
            postponed = bool(self._postponed)
        if postponed:
            self._remove_postponed()

    def _remove_postponed(self) -> None:
        with self._counting:
            ready = [name for name in self._postponed if name not in self._read]
            if not ready:
                return
            with self._lock.alone() as nobody_holds_it:
                if not nobody_holds_it:
                    return
                for name in ready:
                    (self.folder / name).unlink(missing_ok=True)
                    self._postponed.discard(name)

    def _files(self) -> Iterator[os.DirEntry[str]]:
        """The files of bodies, finished or not; nothing else that somebody may have put into the folder."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if is_body_name(entry.name.removesuffix(SCRATCH_SUFFIX)):
                    yield entry
