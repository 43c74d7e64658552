"""At the start: rows and files of objects brought together.

A file without a row is of a write that never ended, and is removed. A row without its file is of an object that is
lost: it is noted, told of in the log, and nobody sees it any more.
"""

import json
import logging

from moto.core.utils import utcnow

from infra.local.durable.s3.object_bodies import BodyRow, ObjectBodies
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import Rows, object_place, part_place
from infra.local.durable.store import Store

log = logging.getLogger(__name__)


def sweep(store: Store, bodies: ObjectBodies, rows: Rows) -> None:
    """Before the first request. Raises DamagedError when rows cannot be read, and WriteRefusedError."""
    with store.reading() as connection:
        wanted = {name for (name,) in connection.execute("SELECT name FROM body_file")}
    swept = bodies.files.sweep(wanted)
    if swept.removed:
        log.info("removed %d files of writes that never ended", len(swept.removed))
    if swept.missing:
        with store.writing():
            _note_lost_objects(store, bodies, rows, swept.missing)
            _forget_lost_parts(store, swept.missing)
            bodies.forget_files(sorted(swept.missing))


def _note_lost_objects(store: Store, bodies: ObjectBodies, rows: Rows, missing: frozenset[str]) -> None:
    """Note the versions that one of these files belongs to, and forget their rows."""
    connection = store.connection
    noticed = utcnow().isoformat()
    for bucket, key, n, sealed in connection.execute("SELECT b, k, n, content FROM object").fetchall():
        version = rows.read_version(bucket, key, n, store.rows.open(sealed, object_place(bucket, key, n)))
        if not isinstance(version, StoredKey):
            continue
        assert isinstance(version.body, BodyRow)
        if missing.isdisjoint(bodies.file_names(version.body)):
            continue
        log.error("the object %s/%s is lost (version %s): a file of its body is missing", bucket, key.decode(), n)
        connection.execute("INSERT INTO lost_object (b, k, n, noticed) VALUES (?, ?, ?, ?)", (bucket, key, n, noticed))
        connection.execute("DELETE FROM object WHERE b = ? AND k = ? AND n = ?", (bucket, key, n))
        for name in bodies.remove(version.body):
            bodies.files.remove(name)


def _forget_lost_parts(store: Store, missing: frozenset[str]) -> None:
    """Parts of uploads in flight are sent again by whoever sent them."""
    connection = store.connection
    for bucket, upload_id, n, sealed in connection.execute("SELECT b, id, n, content FROM upload_part").fetchall():
        part = json.loads(store.rows.open(sealed, part_place(bucket, upload_id, n)))
        if part["file"] in missing:
            log.error("part %d of an upload to %s is lost: its file is missing", n, bucket)
            connection.execute("DELETE FROM upload_part WHERE b = ? AND id = ? AND n = ?", (bucket, upload_id, n))
