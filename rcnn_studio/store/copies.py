"""A project's own database and its copy in the state folder: reading, copying, and which of the two has moved on.

Decides nothing about where a project lives; that is home's work.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rcnn_studio.formats.atomic import flush_to_drive, sync_folder, temp_name
from rcnn_studio.store.schema import connect

Newer = Literal["same", "own", "copy", "both"]
"""Which of the two has labels, or written files, that the other one lacks."""

_NOTE = "copied_at"
_LOGS = ("-wal", "-journal")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads a database wherever it lies, what a crash left in its log included. Raises
    sqlite3.Error, OSError."""
    if not has_log(path):
        with contextlib.closing(connect(path, mode="immutable")) as db:
            yield db
        return
    try:
        db = connect(path, mode="ro")
        db.execute("SELECT count(*) FROM meta").fetchone()
    except sqlite3.OperationalError:  # a log cannot be taken in where nothing can be written
        with tempfile.TemporaryDirectory(prefix="rcnn-studio-") as name:
            copy = Path(name) / path.name
            for suffix in ("", *_LOGS):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
            with contextlib.closing(connect(copy, mode="rw")) as db:
                yield db
        return
    with contextlib.closing(db):
        yield db


def has_log(path: Path) -> bool:
    """True if the newest of the database is in a log beside it, because it is open or was not closed."""
    for suffix in _LOGS:
        with contextlib.suppress(FileNotFoundError):
            if os.stat(f"{path}{suffix}").st_size:
                return True
    return False


def compare(own: Path, copy: Path) -> Newer:
    """What has become of the two since the copy was taken. Raises sqlite3.Error, OSError."""
    if not copy.is_file():
        return "own"
    with reading(own) as db:
        own_mark = mark(db)
    with reading(copy) as db:
        copy_mark = mark(db)
        row = db.execute("SELECT value FROM meta WHERE key = ?", (_NOTE,)).fetchone()
    noted = None if row is None else str(row[0])
    if noted == own_mark:
        return "same" if copy_mark == own_mark else "copy"
    return "own" if copy_mark in (own_mark, noted) else "both"


def mark(db: sqlite3.Connection) -> str:
    """What a database has come to, in a word: its last edit, and what it knows of its linked files."""
    last = db.execute("SELECT sequence, time, text FROM history ORDER BY sequence DESC LIMIT 1").fetchone()
    digest = hashlib.sha256(repr(last).encode())
    for row in db.execute("SELECT id, hash, written, status FROM files ORDER BY id"):
        digest.update(repr(row).encode())
    return digest.hexdigest()


def copy_database(source: Path, target: Path, *, noted: bool = False) -> None:
    """A whole, durable copy, in place in one step; the target must not be open. noted: it is to know what the source
    was when it was taken. Raises OSError, sqlite3.Error."""
    temp = target.with_name(temp_name())
    try:
        with reading(source) as db, contextlib.closing(sqlite3.connect(temp)) as copy:
            db.backup(copy)
            copy.execute("DELETE FROM meta WHERE key = ?", (_NOTE,))
            if noted:
                copy.execute("INSERT INTO meta VALUES (?, ?)", (_NOTE, mark(copy)))
            copy.commit()
        if has_log(temp):
            raise OSError(errno.EIO, "the copy could not be finished", str(temp))
        with temp.open("rb+") as file:
            flush_to_drive(file.fileno())
        _empty_log(target)
        os.replace(temp, target)
        sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            remove(temp)


def remove(path: Path) -> None:
    """Takes a copy away whose labels are elsewhere; the database goes last. Raises OSError."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _empty_log(path: Path) -> None:
    """What a crash left in the log of a database that is replaced must not be taken for the new one's."""
    if path.is_file() and has_log(path):
        with contextlib.closing(connect(path, mode="rw")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if has_log(path):
        raise OSError(errno.EBUSY, "the database there is open in another program", str(path))
