"""A disk of its own for a data folder, so small that a test can fill it: a file system in memory, mounted by root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"


def _mount(*arguments: str | Path) -> None:
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"only who may mount a file system can fill one: {done.stderr.strip()}")


@contextmanager
def small_disk(at: Path, mebibytes: int) -> Iterator[Path]:
    """A new file system mounted at this path. Skips the test where mounting is not allowed."""
    at.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "chorale-test", at)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def make_read_only(disk: Path) -> None:
    """Let nobody, root neither, write to the disk. Nothing may be open for writing there."""
    _mount("-o", "remount,ro", disk)


def fill(disk: Path) -> None:
    """Leave no room at all."""
    with (disk / FILLER).open("ab", buffering=0) as filler:
        while free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize:
            os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), free)


def make_room(disk: Path) -> None:
    (disk / FILLER).unlink()
