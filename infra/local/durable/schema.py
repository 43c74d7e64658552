"""The tables of the one SQLite file, and the versions of its format.

Keys are in the clear, because they are what SQLite searches by; every value is sealed (see keyring.py), which also
tells damaged ones from sound ones.
"""

import sqlite3
from collections.abc import Callable, Mapping

FORMAT = 1

# What takes a file from one format to the next, by the format it starts from; each runs in one transaction.
Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: Mapping[int, Migration] = {}

APPLICATION_ID = 0x43484F52  # "CHOR", in the header of the file

SCHEMA = """
CREATE TABLE data_key (purpose TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;

-- The whole state of a small service, or what is left of a large one without its items, objects or events.
CREATE TABLE state (service TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;

-- DynamoDB: items by table, hash key and range key (order-preserving bytes), and a row for each index an item is in,
-- which is also found by its item. The number of a table is never given to a second one.
CREATE TABLE item_table (id INTEGER PRIMARY KEY AUTOINCREMENT, items INTEGER NOT NULL DEFAULT 0);
CREATE TABLE item (
    t INTEGER NOT NULL, h BLOB NOT NULL, r BLOB NOT NULL, content BLOB NOT NULL, PRIMARY KEY (t, h, r)
) WITHOUT ROWID;
CREATE TABLE item_index (
    t INTEGER NOT NULL, i TEXT NOT NULL, ih BLOB NOT NULL, ir BLOB NOT NULL, h BLOB NOT NULL, r BLOB NOT NULL,
    PRIMARY KEY (t, i, ih, ir, h, r)
) WITHOUT ROWID;
CREATE INDEX item_index_of_item ON item_index (t, h, r);
-- The tokens of transactions that were carried out lately, at a time in seconds; the content is a digest.
CREATE TABLE transaction_token (token TEXT PRIMARY KEY, at INTEGER NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX transaction_token_by_time ON transaction_token (at);

-- S3: the versions of objects, the newest with the highest n; k is the object's key in UTF-8, whose order is S3's. An
-- object's body, or the list of its files, is in a row of its own, so that a listing need not read it.
CREATE TABLE object (
    b TEXT NOT NULL, k BLOB NOT NULL, n INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (b, k, n DESC)
) WITHOUT ROWID;
CREATE TABLE object_body (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE upload (
    b TEXT NOT NULL, id TEXT NOT NULL, k BLOB NOT NULL, content BLOB NOT NULL, PRIMARY KEY (b, id)
) WITHOUT ROWID;
CREATE INDEX upload_by_key ON upload (b, k, id);
CREATE TABLE upload_part (
    b TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (b, id, n)
) WITHOUT ROWID;

-- Every file in the folder of bodies that a row above needs; what is not listed here may be deleted.
CREATE TABLE body_file (name TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
-- Objects whose body was found missing: they are listed for the owner, and for nobody else.
CREATE TABLE lost_object (b TEXT NOT NULL, k BLOB NOT NULL, n INTEGER NOT NULL, noticed TEXT NOT NULL);

-- CloudWatch Logs: what each stream counts; events by stream, by time, and in the order in which they came.
CREATE TABLE log_stream (s INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE log_event (
    s INTEGER NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (s, at, n)
) WITHOUT ROWID;
"""
