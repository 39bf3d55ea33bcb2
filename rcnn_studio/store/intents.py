"""What is noted of a linked file before a write and settled after it, so that a crash between leaves no doubt.

Builds no bytes and writes no linked file; that is linked's work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rcnn_studio.formats.atomic import sync_folder
from rcnn_studio.store import backups, folders
from rcnn_studio.store.linked import FileRow, Outcome, Prepared, changed_text, keep_imported, mark_conflict, read_file
from rcnn_studio.store.schema import now_text


def record_intents(db: sqlite3.Connection, prepared: Sequence[Prepared], project: Path, folder: Path) -> list[Prepared]:
    """Before the writes: what each file is now and what it shall be, its imported bytes for good, the folders that are
    made or removed with it, and where its present version goes in the backups folder."""
    return [_record_intent(db, _with_folders(db, item, project), folder) for item in prepared]


def _with_folders(db: sqlite3.Connection, item: Prepared, project: Path) -> Prepared:
    file = item.file
    if file.origin != "none":
        return item
    if item.data is None:
        return replace(item, folders=folders.made_above(db, file.path, project))
    needed = folders.missing(file.path, item.root)
    folders.remember(db, needed, project)
    return replace(item, folders=needed)


def _record_intent(db: sqlite3.Connection, item: Prepared, folder: Path) -> Prepared:
    file = item.file
    if item.imported is not None:
        keep_imported(db, file, item.imported)
    db.execute(
        "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?)",
        (file.id, file.hash, item.intended, file.revision, now_text()),
    )
    if not file.hash:
        return item
    try:
        size = file.path.stat().st_size
    except OSError:
        return item  # the write will say what is wrong with it
    keep = backups.plan(db, folder, file.id, file.path.name, sequence=file.written, digest=file.hash, size=size)
    return replace(item, keep=keep)


def record_outcomes(db: sqlite3.Connection, outcomes: Sequence[Outcome], project: Path, folder: Path) -> list[Path]:
    """After the writes: the intents are settled, but those of failed ones, which may have come halfway: they are
    looked at again before the next try. -> files of backups that are none, to be removed after the commit"""
    gone: list[Path] = []
    for outcome in outcomes:
        file = outcome.file
        if outcome.kind == "failed":
            continue
        db.execute("DELETE FROM intents WHERE file_id = ?", (file.id,))
        if outcome.kind == "written":
            db.execute(
                "UPDATE files SET hash = ?, written = ?, message = '', seen = ? WHERE id = ?",
                (outcome.intended, file.revision, outcome.seen, file.id),
            )
        else:
            db.execute("UPDATE files SET status = 'conflict', message = ? WHERE id = ?", (outcome.message, file.id))
            gone += backups.forget(db, folder, file.id, digest=file.hash, sequence=file.written)
    if any(outcome.kind == "written" and not outcome.intended for outcome in outcomes):
        folders.forget_removed(db, project)
    return gone


def open_intents(db: sqlite3.Connection, project: Path) -> list[FileRow]:
    """The files whose last write may or may not have happened."""
    rows = db.execute("SELECT file_id FROM intents ORDER BY file_id").fetchall()
    return [read_file(db, file_id, project) for (file_id,) in rows]


def has_intent(db: sqlite3.Connection, file_id: int) -> bool:
    return db.execute("SELECT 1 FROM intents WHERE file_id = ?", (file_id,)).fetchone() is not None


def settle_intent(db: sqlite3.Connection, file: FileRow, found: str, folder: Path) -> list[Path]:
    """Decides from the file's hash `found` on disk what became of an interrupted write: done, to be redone, or
    changed by somebody else. -> files of backups that are none, to be removed after the commit"""
    row = db.execute("SELECT expected, intended, revision FROM intents WHERE file_id = ?", (file.id,)).fetchone()
    if row is None:
        return []
    expected, intended, revision = row
    gone: list[Path] = []
    if found == intended:
        db.execute("UPDATE files SET hash = ?, written = ?, seen = '' WHERE id = ?", (intended, revision, file.id))
    else:
        gone = backups.forget(db, folder, file.id, digest=expected, sequence=file.written)
    if found not in (intended, expected):
        mark_conflict(db, file, changed_text(found))
    db.execute("DELETE FROM intents WHERE file_id = ?", (file.id,))
    return gone


def flush_interrupted(file: FileRow) -> None:
    """Before an interrupted write is called done: its rename may not have been flushed. Raises OSError."""
    if file.path.parent.is_dir():
        sync_folder(file.path.parent)
