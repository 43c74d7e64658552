"""What a disk allows: commits of one row a second by SQLite alone, each on the disk before the next begins.

    python -m tests.benchmarks.bare_commits FOLDER BYTES SECONDS

prints how many there were in a second. A process of its own, so that a slow disk can be simulated around it.
"""

import os
import sqlite3
import sys
import time
from pathlib import Path


def commits_per_second(folder: Path, size: int, seconds: float) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID")
    contents = [os.urandom(size) for _ in range(16)]
    done = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute("INSERT OR REPLACE INTO row VALUES (?, ?)", (str(done % 16), contents[done % 7]))
        done += 1
    elapsed = time.perf_counter() - began
    connection.close()
    return done / elapsed


if __name__ == "__main__":
    print(commits_per_second(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
