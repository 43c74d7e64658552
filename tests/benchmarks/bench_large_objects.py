"""200 MB in and out through S3, against the same bytes written and read plainly on the same disk."""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.config import Config

from tests.benchmarks.result import Result
from tests.benchmarks.servers import chorale, resident_megabytes

MEGABYTES = 200
ROUNDS = 3
_PIECE = 1 << 20


def run() -> Iterator[Result]:
    content = os.urandom(_PIECE) * MEGABYTES
    with chorale() as served, tempfile.TemporaryDirectory(prefix="chorale-bench-") as folder:
        s3 = served.client("s3", config=Config(signature_version="s3v4", request_checksum_calculation="when_required"))
        s3.create_bucket(Bucket="large")
        time.sleep(5)  # until the compose worker has been warmed up
        before = resident_megabytes(served.running.pid)
        rounds = [_round(s3, Path(folder, "plain"), content) for _ in range(ROUNDS)]
        put, get, written, read = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
        grown = resident_megabytes(served.running.pid) - before
    yield Result(
        f"PutObject of {MEGABYTES} MiB / plain write", put / written, "×", "", _told(put, written, "plain file, hashed")
    )
    yield Result(f"GetObject of {MEGABYTES} MiB / plain read", get / read, "×", "", _told(get, read, "plain file"))
    yield Result("memory gained by it", grown, "MB", "constant", f"{ROUNDS} times in and out")


def _round(s3: Any, path: Path, content: bytes) -> tuple[float, float, float, float]:
    """Seconds for one object in and out, and for a plain file in and out."""
    return (
        _seconds(lambda: s3.put_object(Bucket="large", Key="object", Body=BytesIO(content))),
        _seconds(lambda: [0 for _ in s3.get_object(Bucket="large", Key="object")["Body"].iter_chunks(_PIECE)]),
        _seconds(lambda: _write(path, content)),
        _seconds(lambda: _read(path)),
    )


def _write(path: Path, content: bytes) -> None:
    """S3 answers with the MD5 of what it took, so the peer takes it as well."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for start in range(0, len(content), _PIECE):
            piece = content[start : start + _PIECE]
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(_PIECE):
            pass


def _seconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _told(ours: float, theirs: float, peer: str) -> str:
    return f"{MEGABYTES / ours:.0f} MiB/s; {peer} {MEGABYTES / theirs:.0f} MiB/s"
