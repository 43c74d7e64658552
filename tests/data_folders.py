"""Data folders with something in them, made without a server, and what can be told of them from outside."""

import hashlib
from pathlib import Path

from infra.local.durable.folder import DataFolder

BODY = b"a body of some size " * 20_000


def filled_folder(path: Path, *, master_key: Path | None = None, mark: bytes = b"first") -> Path:
    """A closed folder with a row of state, which is `mark`, and one body in a file."""
    folder = DataFolder.open(path, master_key)
    with folder.bodies.writer() as writer:
        writer.write(BODY)
        body = writer.finish()
    with folder.store.writing() as connection:
        connection.execute("INSERT INTO body_file VALUES (?, ?)", (body.name, body.size))
    folder.close()
    set_mark(path, mark, master_key=master_key)
    return path


def set_mark(path: Path, mark: bytes, *, master_key: Path | None = None) -> None:
    """Change the row that tells one state of a folder from another."""
    folder = DataFolder.open(path, master_key)
    with folder.store.writing() as connection:
        sealed = folder.store.rows.seal(mark, b"mark")
        connection.execute("INSERT OR REPLACE INTO state VALUES ('mark', ?)", (sealed,))
    folder.close()


def mark_of(path: Path, *, master_key: Path | None = None) -> bytes:
    """What `set_mark` wrote last, read as a server would."""
    folder = DataFolder.open(path, master_key)
    try:
        with folder.store.reading() as connection:
            sealed = connection.execute("SELECT content FROM state WHERE service = 'mark'").fetchone()[0]
        return folder.store.rows.open(sealed, b"mark")
    finally:
        folder.close()


def digests(path: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its name there, but for those that open and close with it."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not file.name.endswith(("lock", "-wal", "-shm"))
    }
