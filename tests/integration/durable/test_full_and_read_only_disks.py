"""The commands on a data folder that cannot be written: they refuse in one sentence, and what only reads works."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.data_folders import digests, filled_folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a file system of its own cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def chorale(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CHORALE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_a_disk_that_takes_nothing_is_told_in_a_sentence(small_disk: Path, tmp_path: Path, kind: str) -> None:
    data = filled_folder(small_disk / "data")
    backup = tmp_path / "b.tar"
    if kind == "full":
        with (small_disk / "fill").open("wb", buffering=0) as fill, suppress(OSError):
            while True:
                fill.write(bytes(4096))
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    before = digests(data)
    for arguments in (
        ["backup", str(small_disk / "b.tar")],
        ["backup", "--as", "x"],
        ["rotate", "root"],
        ["rotate", "sessions"],
        ["rotate", "master"],
        ["reset", "--yes"],
        ["doctor", "--repair"],
    ):
        refused = chorale(*arguments, "--data", str(data))
        assert refused.returncode == 1, arguments
        assert refused.stderr.count("\n") == 1, refused.stderr
        told = ("No space left", "no room on the disk") if kind == "full" else ("Read-only file system",)
        assert any(sentence in refused.stderr for sentence in told), refused.stderr
        assert digests(data) == before
    assert chorale("backup", str(backup), "--data", str(data)).returncode == 0
    assert "body_file: 1 entries" in chorale("doctor", "--data", str(data)).stdout
    refused = chorale("restore", str(backup), "--data", str(small_disk / "again"))
    assert ("0 free" if kind == "full" else "Read-only file system") in refused.stderr
    assert sorted(path.name for path in small_disk.iterdir() if path.name != "fill") == ["data"]
    assert chorale("restore", str(backup), "--data", str(tmp_path / "again")).returncode == 0
