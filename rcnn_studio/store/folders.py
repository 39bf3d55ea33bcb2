"""Folders that this program makes for label files which are not there yet, and removes when an undo has emptied them.

Which ones those are is remembered in the project; a folder that somebody else has made is never removed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from rcnn_studio.formats.atomic import sync_folder
from rcnn_studio.store.locations import from_stored, to_stored

_KEY = "made_folders"


def missing(path: Path, root: Path | None) -> tuple[Path, ...]:
    """What has to be made for this file, the outermost first: any number of folders where the dataset's root is there
    and holds the file, else one only, because a missing drive must not be invented."""
    found: list[Path] = []
    for folder in path.parents:
        if folder.is_dir():
            break
        found.append(folder)
    if root is None or not root.is_dir() or not path.is_relative_to(root):
        found = found[:1]
    return tuple(reversed(found))


def make(folders: Iterable[Path]) -> None:
    """Makes them durably. Raises OSError."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes those of these nested folders that are empty, the innermost (last) first. Raises nothing."""
    with contextlib.suppress(OSError):
        for folder in reversed(folders):
            folder.rmdir()


def remember(db: sqlite3.Connection, folders: Sequence[Path], project: Path) -> None:
    """Before they are made."""
    known = _read(db)
    new = [stored for stored in (to_stored(folder, project) for folder in folders) if stored not in known]
    if new:
        _write(db, [*known, *new])


def made_above(db: sqlite3.Connection, path: Path, project: Path) -> tuple[Path, ...]:
    """The folders above this file that this program has made, the outermost first."""
    above = set(path.parents)
    found = (from_stored(text, relative, project) for text, relative in _read(db))
    return tuple(sorted((folder for folder in found if folder in above), key=lambda folder: len(folder.parts)))


def forget_removed(db: sqlite3.Connection, project: Path) -> None:
    """Takes those off the list that are there no more."""
    known = _read(db)
    kept = [(text, relative) for text, relative in known if from_stored(text, relative, project).is_dir()]
    if kept != known:
        _write(db, kept)


def _read(db: sqlite3.Connection) -> list[tuple[str, bool]]:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return [] if row is None else [(str(text), bool(relative)) for text, relative in orjson.loads(row[0])]


def _write(db: sqlite3.Connection, folders: list[tuple[str, bool]]) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, orjson.dumps(folders).decode()))
