"""Which linked files the project has changed, and what each of them was before. Reads only; looks at no linked file.

A file "was not there" where the project was begun without it: such a file has no first version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import backups, documents, linked
from rcnn_studio.store.linked import FileRow
from rcnn_studio.store.listing import open_to_read
from rcnn_studio.store.locations import from_stored

_KEY = 16  # so many digits of a hash tell versions of one file apart
_MADE = """(f.generation = 0 AND f.origin = 'none' OR EXISTS (
    SELECT 1 FROM documents AS d WHERE d.file_id = f.id AND d.generation = 0 AND d.origin = 'none'))"""
_WRITTEN = f"""
SELECT f.id, f.path, f.relative, substr(f.hash, 1, {_KEY}), {_MADE},
    (SELECT substr(b.hash, 1, {_KEY}) FROM backups AS b WHERE b.file_id = f.id AND b.kind = 'first'),
    EXISTS (SELECT 1 FROM backups AS b WHERE b.file_id = f.id AND b.kind <> 'theirs' AND b.id > :newest)
FROM files AS f WHERE f.written > :since AND f.status <> 'refused' ORDER BY f.written DESC, f.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How the linked files were at a moment: the numbers of the last edit and of the newest backup then, and by the id
    of each file the beginning of its hash ("": it was not there)."""

    sequence: int
    newest: int
    hashes: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A linked file that the project has written. new: it was not there before. same: it is again what it was."""

    id: int
    path: str
    new: bool
    same: bool


def opening(folder: Path) -> Opening:
    """How the files are now. Raises ProjectError."""
    with open_to_read(folder) as db:
        sequence = db.execute("SELECT coalesce(max(sequence), 0) FROM history").fetchone()[0]
        newest = db.execute("SELECT coalesce(max(id), 0) FROM backups").fetchone()[0]
        hashes = dict(db.execute(f"SELECT id, substr(hash, 1, {_KEY}) FROM files").fetchall())
    return Opening(sequence=sequence, newest=newest, hashes=hashes)


def written_since(folder: Path, then: Opening | None) -> list[WrittenFile]:
    """The files written since then (None: ever), the one written last first. Raises ProjectError."""
    bounds = {"since": then.sequence if then else 0, "newest": then.newest if then else 0}
    found: list[WrittenFile] = []
    with open_to_read(folder) as db:
        for file_id, text, relative, now, made, first, replaced in db.execute(_WRITTEN, bounds):
            was = then.hashes.get(file_id, "") if then else "" if made else first
            if replaced or (now != was and (was == "" or _is_kept(db, file_id, was))):
                path = str(from_stored(text, bool(relative), folder))
                found.append(WrittenFile(id=file_id, path=path, new=was == "", same=now == was))
    return found


def was_made(folder: Path, path: str) -> bool:
    """True for a linked file that was not there when the project began. Raises ProjectError."""
    with open_to_read(folder) as db:
        file = linked.file_with_path(db, Path(path), folder)
        return file is not None and _is_made(db, file.id)


def before(folder: Path, kept: Path, path: str, then: Opening | None) -> tuple[bool, bytes | None]:
    """A linked file as it was then (None: when the project began). kept: the folder of the backups.

    -> (True, its bytes; None: it was not there), or (False, None) where it has not been written since. Raises
    ProjectError where that version is not kept any more.
    """
    with open_to_read(folder) as db:
        file = linked.file_with_path(db, Path(path), folder)
        if file is None:
            return False, None
        if (then.hashes.get(file.id, "") == "") if then else _is_made(db, file.id):
            return True, None
        wanted = then.hashes[file.id] if then else None
        if not file.written or wanted == file.hash[:_KEY]:
            return False, None
        return True, _version(db, kept, file, wanted)


def _is_made(db: sqlite3.Connection, file_id: int) -> bool:
    return bool(db.execute(f"SELECT {_MADE} FROM files AS f WHERE f.id = ?", (file_id,)).fetchone()[0])


def _is_kept(db: sqlite3.Connection, file_id: int, was: str | None) -> bool:
    """Whether a version whose hash begins so was kept: one taken over from another program was not ours to keep."""
    rows = db.execute("SELECT hash FROM backups WHERE file_id = ?", (file_id,))
    return was is not None and any(found.startswith(was) for (found,) in rows)


def _version(db: sqlite3.Connection, kept: Path, file: FileRow, wanted: str | None) -> bytes:
    """The version whose hash begins so (None: the first), from the backups or the project's own copy of the import."""
    for backup in backups.listing(db, kept, file.id):
        if backup.kind == "first" if wanted is None else backup.hash.startswith(wanted):
            return backups.read(backup)
    imported = documents.read(db, file.id, 0)
    if imported is not None and (wanted is None or linked.digest(imported).startswith(wanted)):
        return imported
    raise ProjectError(f"{file.path}: the version from before is not kept any more. Look at its earlier versions.")
