"""The tables of a project database, and how a connection to it is set up.

Holds no queries about labels; those are in reading, applying and linked. Older databases: see migrations.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rcnn_studio import __version__
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import durability

DATABASE_NAME = "project.rcnn"
APPLICATION_ID = 0x52434E4E  # "RCNN" in the database's header
PLACE_BITS = 40
VERSION = 2

# files.hash: SHA-256 of the bytes we last read or wrote, "" where there is no file.
# files.origin: "disk" = the imported bytes are still the ones on disk; "stored" = they are in originals;
#               "none" = there never were any (a file made by us).
# files.status: "ok", "conflict" (changed behind our back) or "refused" (could not be read: never written).
# images.touched: its labels have been edited since the import; the others need not be patched.
# files.generation: which of its base documents is the one that is patched; see documents.
# files.places_from: places of boxes with a lower id speak of no document (projects begun with version 1).
# files.revision, written: sequence of the last edit that touched it, and of the last one that reached it.
# files.since: sequence of the edit that made it lag behind.
# files.seen: size, times and number of the file on disk when its hash was last found to be `hash`.
# boxes.place: index of the record in the base document, plus the document's generation shifted by PLACE_BITS.
# documents: what a file's columns were when another base document took its place, by generation.
# originals: base documents, in compressed parts that follow each other.
# history.undoes: the sequence this edit takes back. kind: "" for single images, else what it does to many.
# history_images: the images that an edit speaks of one by one; those of a symbolic edit are on its shelf.
# shelf_*: what a symbolic edit took away or changed, by its sequence: boxes removed; boxes that had the category
#          merged away; states that images had before; the category itself.
# backups: earlier versions of linked files in the backups folder.
SINCE_VERSION_2 = """
CREATE TABLE originals (
    file_id INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (file_id, generation, part)
);
CREATE TABLE documents (
    file_id INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('stored', 'none')),
    places_from INTEGER NOT NULL,
    options TEXT NOT NULL,
    places TEXT NOT NULL,
    inherited BLOB NOT NULL,
    PRIMARY KEY (file_id, generation)
) WITHOUT ROWID;
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    text TEXT NOT NULL,
    key TEXT NOT NULL,
    undoes INTEGER,
    kind TEXT NOT NULL,
    edit TEXT NOT NULL
);
CREATE INDEX history_kind ON history (sequence, kind) WHERE kind <> '';
CREATE TABLE history_images (
    image_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (image_id, sequence)
) WITHOUT ROWID;
CREATE TABLE shelf_boxes (
    sequence INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    category_id INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    source INTEGER NOT NULL,
    run_id TEXT,
    score REAL,
    edited INTEGER NOT NULL,
    place INTEGER,
    extra TEXT NOT NULL,
    PRIMARY KEY (sequence, image_id, id)
) WITHOUT ROWID;
CREATE TABLE shelf_merged (
    sequence INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (sequence, image_id, id)
) WITHOUT ROWID;
CREATE TABLE shelf_images (
    sequence INTEGER NOT NULL,
    image_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (sequence, image_id)
) WITHOUT ROWID;
CREATE TABLE shelf_categories (
    sequence INTEGER NOT NULL,
    id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    hotkey TEXT,
    supercategory TEXT NOT NULL,
    extra TEXT NOT NULL,
    PRIMARY KEY (sequence, id)
) WITHOUT ROWID;
CREATE TABLE backups (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files (id),
    kind TEXT NOT NULL CHECK (kind IN ('first', 'version', 'theirs')),
    sequence INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    size INTEGER NOT NULL,
    time TEXT NOT NULL
);
CREATE INDEX backups_file ON backups (file_id, kind, id);
"""
_DDL = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL, app_version TEXT NOT NULL);
CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL, relative INTEGER NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    relative INTEGER NOT NULL,
    format TEXT NOT NULL,
    split TEXT NOT NULL,
    options TEXT NOT NULL,
    hash TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('disk', 'stored', 'none')),
    status TEXT NOT NULL DEFAULT 'ok' CHECK (status IN ('ok', 'conflict', 'refused')),
    message TEXT NOT NULL DEFAULT '',
    places_from INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    written INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    seen TEXT NOT NULL DEFAULT ''
);
CREATE INDEX files_pending ON files (revision) WHERE revision <> written;
CREATE INDEX files_status ON files (status) WHERE status = 'conflict';
CREATE TABLE intents (
    file_id INTEGER PRIMARY KEY REFERENCES files (id),
    expected TEXT NOT NULL,
    intended TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time TEXT NOT NULL
);
CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    hotkey TEXT,
    supercategory TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    root_id INTEGER NOT NULL REFERENCES roots (id),
    path TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    split TEXT NOT NULL,
    box_count INTEGER NOT NULL,
    touched INTEGER NOT NULL DEFAULT 0,
    file_id INTEGER REFERENCES files (id),
    place INTEGER,
    extra TEXT NOT NULL
);
CREATE INDEX images_file ON images (file_id);
CREATE TABLE boxes (
    image_id INTEGER NOT NULL REFERENCES images (id),
    id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    flags INTEGER NOT NULL,
    source INTEGER NOT NULL,
    run_id TEXT,
    score REAL,
    edited INTEGER NOT NULL,
    place INTEGER,
    extra TEXT NOT NULL,
    PRIMARY KEY (image_id, id)
) WITHOUT ROWID;
CREATE INDEX boxes_category ON boxes (category_id);
CREATE TABLE rejections (
    image_id INTEGER NOT NULL REFERENCES images (id),
    run_id TEXT NOT NULL,
    category_id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (image_id, run_id, category_id, x1, y1, x2, y2, score)
) WITHOUT ROWID;
CREATE TABLE problems (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    action TEXT NOT NULL,
    level TEXT NOT NULL
);
"""


def now_text() -> str:
    """The time of day as it is stored: UTC, ISO 8601. For people to read; order comes from sequence numbers."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """A connection with explicit transactions. mode: "rwc" creates, "rw" writes, "ro" reads, "immutable" reads a
    database in a folder that cannot be written. Raises sqlite3.Error."""
    query = "immutable=1" if mode == "immutable" else f"mode={mode}"
    db = sqlite3.connect(
        f"{path.resolve().as_uri()}?{query}", uri=True, isolation_level=None, check_same_thread=False, timeout=10.0
    )
    # A project may come from anybody: what its schema calls must not run with our rights.
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA temp_store = MEMORY")
    if mode in ("ro", "immutable"):
        db.execute("PRAGMA query_only = ON")
    return db


def configure_for_writing(db: sqlite3.Connection, path: Path) -> None:
    """Makes a connection durable at every commit; checkpoints are left to the writer's pauses.

    A write-ahead log needs shared memory between the processes that read it, so on a network drive the
    rollback journal is used instead (SQLite documentation, "Write-Ahead Logging", section 1).
    """
    db.execute("PRAGMA foreign_keys = ON")
    db.execute(f"PRAGMA journal_mode = {'DELETE' if durability.is_network(path.parent) else 'WAL'}")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA fullfsync = ON")
    db.execute("PRAGMA checkpoint_fullfsync = ON")
    db.execute("PRAGMA wal_autocheckpoint = 0")


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The writing connection of a database that exists. Raises sqlite3.Error."""
    db = connect(path, mode="rw")
    try:
        configure_for_writing(db, path)
    except BaseException:
        db.close()
        raise
    return db


def create_tables(db: sqlite3.Connection) -> None:
    """Makes an empty database of the newest version."""
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.executescript(_DDL + SINCE_VERSION_2)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (VERSION, now_text(), __version__))


def check_version(db: sqlite3.Connection, path: Path) -> int:
    """The database's version. Raises ProjectError if it is not one of ours or is newer than this program."""
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION_ID:
        raise ProjectError(f"{path}: this is not an RCNN Studio project. Choose the folder that holds {DATABASE_NAME}.")
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise ProjectError(
            f"{path}: made by a newer RCNN Studio (format {version}, this one knows {VERSION}). "
            "Install the newer version to open it."
        )
    return version


@contextmanager
def transaction(db: sqlite3.Connection, *, kind: str = "IMMEDIATE") -> Iterator[None]:
    """BEGIN ... COMMIT, rolled back on any error. kind: "IMMEDIATE" to write, "DEFERRED" to read."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
