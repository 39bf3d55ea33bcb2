"""The linked files' side of the database: what is to be written where, intents before a write, outcomes after it.

Builds the bytes through the codec and compares hashes; the thread that decides when is in writeback.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rcnn_studio.domain.dataset import Category, ImageRecord
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.formats import codec
from rcnn_studio.formats.atomic import FileChanged, file_hash, remove_atomic, write_atomic
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.store.applying import WITH_CATEGORY_TABLE
from rcnn_studio.store.edits_json import extra_from_text
from rcnn_studio.store.locations import from_stored
from rcnn_studio.store.reading import read_categories, read_images_of_file
from rcnn_studio.store.schema import now_text

_log = logging.getLogger(__name__)
_COLUMNS = "id, path, relative, format, split, options, hash, origin, status, places_from, revision, written"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileJob:
    """A linked file that lags behind, with everything its new bytes are made from."""

    file: FileRow
    original: bytes | None
    images: tuple[ImageRecord, ...]
    categories: tuple[Category, ...]
    places: dict[int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """New bytes of a file (None: it is not to exist), ready to be written. imported: the bytes as imported,
    compressed, where they are not in the database yet."""

    file: FileRow
    data: bytes | None
    intended: str
    imported: bytes | None

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


def digest(data: bytes | None) -> str:
    """SHA-256 as file_hash tells it; "" for a file that is not to exist."""
    return "" if data is None else hashlib.sha256(data).hexdigest()


def read_file(db: sqlite3.Connection, file_id: int, project: Path) -> FileRow:
    """The row of a linked file. Raises KeyError if there is none."""
    row = db.execute(f"SELECT {_COLUMNS} FROM files WHERE id = ?", (file_id,)).fetchone()
    if row is None:
        raise KeyError(file_id)
    number, text, relative, name, split, options, found_hash, origin, status, places_from, revision, written = row
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
    )


def pending_files(db: sqlite3.Connection) -> list[tuple[int, str]]:
    """(id, format) of the files that lag behind and may be written."""
    return db.execute(
        "SELECT id, format FROM files WHERE revision <> written AND status = 'ok' ORDER BY revision, id"
    ).fetchall()


def count_pending(db: sqlite3.Connection) -> int:
    """How many linked files lag behind, those in conflict included."""
    return int(db.execute("SELECT count(*) FROM files WHERE revision <> written").fetchone()[0])


def conflicts(db: sqlite3.Connection, project: Path) -> list[tuple[FileRow, str]]:
    """The files that somebody else has changed, with what is said about them."""
    rows = db.execute("SELECT id, message FROM files WHERE status = 'conflict' ORDER BY id").fetchall()
    return [(read_file(db, file_id, project), str(message)) for file_id, message in rows]


def read_job(db: sqlite3.Connection, file_id: int, project: Path) -> FileJob | None:
    """What the file's new bytes are made from; None when there is nothing to do. Inside one read transaction."""
    file = read_file(db, file_id, project)
    if file.revision == file.written or file.status != "ok":
        return None
    original = None
    if file.origin == "stored":
        row = db.execute("SELECT data FROM originals WHERE file_id = ?", (file_id,)).fetchone()
        original = zlib.decompress(row[0])
    # A codec leaves images alone that it is not given: in an imported file of many, most have never been edited.
    few = file.linked.format in WITH_CATEGORY_TABLE and file.origin != "none"
    images, places = read_images_of_file(db, file_id, touched_only=few)
    if file.places_from:
        images = [_without_void_places(image, file.places_from) for image in images]
    return FileJob(file=file, original=original, images=tuple(images), categories=read_categories(db), places=places)


def _without_void_places(image: ImageRecord, places_from: int) -> ImageRecord:
    return replace(image, boxes=tuple(b if b.id >= places_from else replace(b, place=None) for b in image.boxes))


def prepare(job: FileJob) -> Prepared:
    """The file's new bytes. Raises FileChanged if somebody else has changed it before our first write, another
    FormatError if it cannot be read or made, OSError."""
    file, original = job.file, job.original
    if file.origin == "disk":
        original = _read_imported(file)
    data = codec(file.linked.format).patch(original, file.linked, job.images, job.categories, job.places)
    if data is None and file.origin != "none":
        raise FormatError(file.path, "", "would have to be removed, but it was not made by this program. Report this.")
    imported = zlib.compress(original, 6) if file.origin == "disk" and original is not None else None
    return Prepared(file=file, data=data, intended=digest(data), imported=imported)


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
            remove_atomic(file.path, file.hash)
        else:
            if file.origin == "none":
                file.path.parent.mkdir(exist_ok=True)  # one level only: a missing drive must not be invented
            write_atomic(file.path, prepared.data, expected_hash=file.hash)
    except (FormatError, OSError) as error:
        return outcome_of(file, error)
    return Outcome(file=file, kind="written", intended=prepared.intended)


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


def record_intents(db: sqlite3.Connection, prepared: list[Prepared]) -> None:
    """Before the writes: what each file is now and what it shall be, and its imported bytes for good."""
    for item in prepared:
        file = item.file
        if item.imported is not None:
            db.execute("INSERT OR IGNORE INTO originals VALUES (?, ?)", (file.id, item.imported))
            db.execute("UPDATE files SET origin = 'stored' WHERE id = ? AND origin = 'disk'", (file.id,))
        db.execute(
            "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?)",
            (file.id, file.hash, item.intended, file.revision, now_text()),
        )


def record_outcomes(db: sqlite3.Connection, outcomes: list[Outcome]) -> None:
    """After the writes: the intents are settled."""
    for outcome in outcomes:
        file = outcome.file
        db.execute("DELETE FROM intents WHERE file_id = ?", (file.id,))
        if outcome.kind == "written":
            db.execute(
                "UPDATE files SET hash = ?, written = ?, message = '' WHERE id = ?",
                (outcome.intended, file.revision, file.id),
            )
        elif outcome.kind == "conflict":
            db.execute("UPDATE files SET status = 'conflict', message = ? WHERE id = ?", (outcome.message, file.id))


def open_intents(db: sqlite3.Connection, project: Path) -> list[FileRow]:
    """The files whose last write may or may not have happened."""
    rows = db.execute("SELECT file_id FROM intents ORDER BY file_id").fetchall()
    return [read_file(db, file_id, project) for (file_id,) in rows]


def has_intent(db: sqlite3.Connection, file_id: int) -> bool:
    return db.execute("SELECT 1 FROM intents WHERE file_id = ?", (file_id,)).fetchone() is not None


def settle_intent(db: sqlite3.Connection, file: FileRow, found: str) -> None:
    """Decides from the file's hash `found` on disk what became of an interrupted write: done, to be redone, or
    changed by somebody else."""
    row = db.execute("SELECT expected, intended, revision FROM intents WHERE file_id = ?", (file.id,)).fetchone()
    if row is None:
        return
    expected, intended, revision = row
    if found == intended:
        db.execute("UPDATE files SET hash = ?, written = ? WHERE id = ?", (intended, revision, file.id))
    elif found != expected:
        reason = "was changed by another program." if found else "is gone."
        outcome = outcome_of(file, FileChanged(file.path, "", reason))
        db.execute("UPDATE files SET status = 'conflict', message = ? WHERE id = ?", (outcome.message, file.id))
    db.execute("DELETE FROM intents WHERE file_id = ?", (file.id,))


def current_hash(file: FileRow) -> str:
    """What is on disk now. Raises FormatError if it is there and cannot be read, or if its whole folder is away."""
    found = file_hash(file.path)
    if not found and file.hash and not file.path.parent.is_dir():
        raise FormatError(file.path, "", "its folder is away. Connect the drive, or put the folder back.")
    return found
