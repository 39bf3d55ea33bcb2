"""The linked files' side of the database: what is to be written where, and the writing itself.

Builds the bytes through the codec and compares hashes; what is noted before and after a write is in intents, the
thread that decides when in writeback.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rcnn_studio.domain.dataset import Category, ImageRecord
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.formats import codec, read_back
from rcnn_studio.formats.atomic import FileChanged, file_hash, remove_atomic, write_atomic
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.store import documents, folders
from rcnn_studio.store.edits_json import extra_from_text
from rcnn_studio.store.locations import from_stored, to_stored
from rcnn_studio.store.marking import WITH_CATEGORY_TABLE
from rcnn_studio.store.reading import read_categories, read_images_of_file

_log = logging.getLogger(__name__)
_COLUMNS = (
    "id, path, relative, format, split, options, hash, origin, status, places_from, revision, written, generation, seen"
)

LARGE = 4 << 20
"""Bytes from which on an imported document goes into the database in several commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A linked file as the database knows it. The columns are explained in schema."""

    id: int
    path: Path
    linked: LinkedFile
    hash: str
    origin: str
    status: str
    places_from: int
    revision: int
    written: int
    generation: int
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJob:
    """A linked file that lags behind, with everything its new bytes are made from. root: the folder of its images,
    where it may have to be made below that."""

    file: FileRow
    original: bytes | None
    images: tuple[ImageRecord, ...]
    categories: tuple[Category, ...]
    places: dict[int, int | None]
    root: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """New bytes of a file (None: it is not to exist), ready to be written. imported: the bytes as imported, where
    they are not in the database yet. folders: to be made for it, or removed with it if they are empty then. keep:
    where the version on disk goes. Both are known once the intent is recorded."""

    file: FileRow
    data: bytes | None
    intended: str
    imported: bytes | None
    root: Path | None = None
    folders: tuple[Path, ...] = ()
    keep: Path | None = None

    @property
    def changes_nothing(self) -> bool:
        return self.intended == self.file.hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a file. kind: "written", "conflict" (changed by somebody else) or "failed" (to be retried)."""

    file: FileRow
    kind: Literal["written", "conflict", "failed"]
    intended: str = ""
    message: str = ""
    seen: str = ""


def digest(data: bytes | None) -> str:
    """SHA-256 as file_hash tells it; "" for a file that is not to exist."""
    return "" if data is None else hashlib.sha256(data).hexdigest()


def read_file(db: sqlite3.Connection, file_id: int, project: Path) -> FileRow:
    """The row of a linked file. Raises KeyError if there is none."""
    row = db.execute(f"SELECT {_COLUMNS} FROM files WHERE id = ?", (file_id,)).fetchone()
    if row is None:
        raise KeyError(file_id)
    return _file_row(row, project)


def read_files(db: sqlite3.Connection, project: Path, *, after: int, limit: int) -> list[FileRow]:
    """The linked files that could be read at import, in the order of their ids, from the one behind `after` on."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM files WHERE id > ? AND status <> 'refused' ORDER BY id LIMIT ?", (after, limit)
    ).fetchall()
    return [_file_row(row, project) for row in rows]


def file_with_path(db: sqlite3.Connection, path: Path, project: Path) -> FileRow | None:
    """The linked file that lies there, by the ways in which it may be written down."""
    for text, relative in {to_stored(path, project), (str(path), False)}:
        row = db.execute(
            f"SELECT {_COLUMNS} FROM files WHERE path = ? AND relative = ?", (text, int(relative))
        ).fetchone()
        if row is not None:
            return _file_row(row, project)
    return None


def _file_row(row: Sequence[Any], project: Path) -> FileRow:
    number, text, relative, name, split, options, found_hash, origin, status, places_from, *rest = row
    revision, written, generation, seen = rest
    path = from_stored(text, bool(relative), project)
    linked = LinkedFile(
        path=str(path), format=name, split=split, options=extra_from_text(options), exists=origin != "none"
    )
    return FileRow(
        id=number,
        path=path,
        linked=linked,
        hash=found_hash,
        origin=origin,
        status=status,
        places_from=places_from,
        revision=revision,
        written=written,
        generation=generation,
        seen=seen,
    )


def pending_files(db: sqlite3.Connection, limit: int = -1) -> list[tuple[int, str]]:
    """(id, format) of the files that lag behind and may be written, those of the oldest edit first."""
    return db.execute(
        "SELECT id, format FROM files WHERE revision <> written AND status = 'ok' ORDER BY revision, id LIMIT ?",
        (limit,),
    ).fetchall()


def may_be_written(db: sqlite3.Connection, file_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Those of these files that lag behind and are in nobody's hands."""
    found = (
        db.execute(
            "SELECT id, format FROM files WHERE id = ? AND revision <> written AND status = 'ok'", (file_id,)
        ).fetchone()
        for file_id in file_ids
    )
    return [row for row in found if row is not None]


def count_pending(db: sqlite3.Connection) -> int:
    """How many linked files lag behind, those in conflict included."""
    return int(db.execute("SELECT count(*) FROM files WHERE revision <> written").fetchone()[0])


def conflicts(db: sqlite3.Connection, project: Path) -> list[tuple[FileRow, str]]:
    """The files that somebody else has changed, with what is said about them."""
    rows = db.execute("SELECT id, message FROM files WHERE status = 'conflict' ORDER BY id").fetchall()
    return [(read_file(db, file_id, project), str(message)) for file_id, message in rows]


def conflict_message(db: sqlite3.Connection, file_id: int) -> str:
    """What is said of a file that somebody else has changed; "" for any other."""
    row = db.execute("SELECT message FROM files WHERE id = ? AND status = 'conflict'", (file_id,)).fetchone()
    return "" if row is None else str(row[0])


def read_job(db: sqlite3.Connection, file_id: int, project: Path) -> FileJob | None:
    """What the file's new bytes are made from; None when there is nothing to do. Inside one read transaction."""
    file = read_file(db, file_id, project)
    if file.revision == file.written or file.status != "ok":
        return None
    original = None
    if file.origin == "stored":
        original = documents.read(db, file_id, file.generation)
        if original is None:
            raise FormatError(file.path, "", "its imported version is not in the project. Run a check.")
    # A codec leaves images alone that it is not given: in an imported file of many, most have never been edited.
    few = file.linked.format in WITH_CATEGORY_TABLE and file.origin != "none"
    images, places = read_images_of_file(db, file_id, touched_only=few)
    inherited = documents.read_inherited(db, file_id, file.generation)
    images = [
        replace(i, boxes=documents.with_places_of(i.boxes, file.generation, file.places_from, inherited))
        for i in images
    ]
    return FileJob(
        file=file,
        original=original,
        images=tuple(images),
        categories=read_categories(db),
        places=places,
        root=_root_of(db, images[0], project) if images and file.origin == "none" else None,
    )


def _root_of(db: sqlite3.Connection, image: ImageRecord, project: Path) -> Path:
    text, relative = db.execute("SELECT path, relative FROM roots WHERE id = ?", (image.root,)).fetchone()
    return from_stored(text, bool(relative), project)


def prepare(job: FileJob) -> Prepared:
    """The file's new bytes, read back once. Raises FileChanged if somebody else has changed it before our first write,
    another FormatError if it cannot be read or made, OSError."""
    file, original = job.file, job.original
    if file.origin == "disk":
        original = _read_imported(file)
    data = codec(file.linked.format).patch(original, file.linked, job.images, job.categories, job.places)
    if data is None and file.origin != "none":
        raise FormatError(file.path, "", "would have to be removed, but it was not made by this program. Report this.")
    if data is not None and data is not original:
        read_back.check(data, file.linked, job.images, job.categories, job.places)
    imported = original if file.origin == "disk" else None
    return Prepared(file=file, data=data, intended=digest(data), imported=imported, root=job.root)


def _read_imported(file: FileRow) -> bytes:
    try:
        data = file.path.read_bytes()
    except FileNotFoundError:
        if not file.path.parent.is_dir():
            raise
        raise FileChanged(file.path, "", "is gone since it was imported.") from None
    if digest(data) != file.hash:
        raise FileChanged(file.path, "", "was changed by another program since it was imported.")
    return data


def write(prepared: Prepared) -> Outcome:
    """Puts the bytes in place, unless the file is not what it was. Raises nothing: the outcome says it."""
    file = prepared.file
    try:
        if prepared.changes_nothing:
            pass
        elif prepared.data is None:
            remove_atomic(file.path, file.hash, keep=prepared.keep)
            folders.remove_empty(prepared.folders)
        else:
            folders.make(prepared.folders)
            write_atomic(file.path, prepared.data, expected_hash=file.hash, keep=prepared.keep)
    except (FormatError, OSError) as error:
        return outcome_of(file, error)
    return Outcome(file=file, kind="written", intended=prepared.intended, seen=look_of(file.path))


def look_of(path: Path) -> str:
    """Size, times and number of the file on disk as text: as long as they stay, nobody has written it. "" without
    one. Raises nothing; what cannot be looked at has a look of its own."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"error {error.errno}"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def outcome_of(file: FileRow, error: Exception) -> Outcome:
    """What an error while preparing or writing means for the file. A fault of a codec is logged and shown."""
    if isinstance(error, FileChanged):
        text = (
            f"{file.path}: {error.reason} It was not overwritten; your labels are safe in the project. "
            "Choose whose version to keep."
        )
        return Outcome(file=file, kind="conflict", message=text)
    if isinstance(error, StudioError | OSError):
        text = str(error) if isinstance(error, StudioError) else f"{file.path}: {error.strerror or error}."
        return Outcome(file=file, kind="failed", message=f"{text} Your labels are safe in the project.")
    _log.error("a codec failed on %s", file.path, exc_info=error)
    return Outcome(file=file, kind="failed", message=f"{file.path}: could not be made ({error!r}). Report this fault.")


def keep_imported(db: sqlite3.Connection, file: FileRow, data: bytes) -> None:
    """From now on the imported bytes are in the database, whatever becomes of the file."""
    keep_parts(db, file, documents.compressed_parts(data))


def keep_parts(db: sqlite3.Connection, file: FileRow, parts: Iterable[bytes]) -> None:
    """The same for bytes that are compressed already."""
    row = db.execute("SELECT origin FROM files WHERE id = ? AND generation = ?", (file.id, file.generation)).fetchone()
    if row is not None and row[0] == "disk":
        for number, part in enumerate(parts):
            documents.store_part(db, file.id, file.generation, number, part)
        db.execute("UPDATE files SET origin = 'stored' WHERE id = ?", (file.id,))


def changed_text(found: str) -> str:
    """What is said of a file with another hash than expected; "" for one that is not there."""
    return "was changed by another program." if found else "is gone."


def mark_conflict(db: sqlite3.Connection, file: FileRow, reason: str) -> str:
    """The file is not what it was: it is left alone until the person has chosen. -> what is said about it"""
    message = outcome_of(file, FileChanged(file.path, "", reason)).message
    db.execute("UPDATE files SET status = 'conflict', message = ? WHERE id = ?", (message, file.id))
    return message


def current_hash(file: FileRow) -> str:
    """What is on disk now. Raises FormatError if it is there and cannot be read, or if its whole folder is away."""
    found = file_hash(file.path)
    if not found and file.hash and not file.path.parent.is_dir():
        raise FormatError(file.path, "", "its folder is away. Connect the drive, or put the folder back.")
    return found
