"""Making a project database from an imported dataset, all or nothing. Reads no dataset formats."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import numpy as np

from rcnn_studio import __version__
from rcnn_studio.domain.dataset import BoxSource
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats.atomic import file_hash, temp_name
from rcnn_studio.formats.box_columns import NO_PLACE
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile
from rcnn_studio.store.applying import write_boxes, write_categories, write_problems
from rcnn_studio.store.edits_json import extra_to_text
from rcnn_studio.store.locations import StoredPaths, to_stored
from rcnn_studio.store.schema import DATABASE_NAME, connect, create_tables, now_text, transaction

_IMAGES_A_STEP = 1000
_FILES_A_STEP = 200


def create_database(folder: Path, imported: Imported, *, report: Report, should_stop: ShouldStop) -> None:
    """Makes folder/project.rcnn. It appears whole or not at all, whatever happens on the way.

    Reports Progress. Raises ProjectError if there is a project already or the folder cannot be written,
    FormatError if a linked file cannot be read, Cancelled.
    """
    try:
        existed = _may_be_made(folder)
        temp = (folder if existed else folder.parent) / temp_name()
        temp.mkdir(parents=True)
        try:
            _build(temp / DATABASE_NAME, folder, imported, report, should_stop)
            (temp / "runs").mkdir()
            _put_in_place(temp, folder, existed)
        finally:
            shutil.rmtree(temp, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise ProjectError(
            f"{folder}: the project could not be made ({error}). Check free space and permissions."
        ) from error


def _may_be_made(folder: Path) -> bool:
    """-> whether the folder is there already. Raises ProjectError where it holds a project or is none, OSError."""
    if (folder / DATABASE_NAME).exists():
        raise ProjectError(f"{folder}: there is a project already. Open it, or choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder}: is a file. Choose a folder for the project.")
    return folder.is_dir()


def _put_in_place(temp: Path, folder: Path, existed: bool) -> None:
    if not existed:
        os.rename(temp, folder)
        _sync_folder(folder.parent)
        return
    (folder / "runs").mkdir(exist_ok=True)
    os.rename(temp / DATABASE_NAME, folder / DATABASE_NAME)
    _sync_folder(folder)


def _build(path: Path, folder: Path, imported: Imported, report: Report, should_stop: ShouldStop) -> None:
    db = connect(path, mode="rwc")
    try:
        # Nobody sees this file before it is whole, so nothing has to survive until then.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA temp_store = FILE")  # in memory, the sorting of a million boxes has no limit
        create_tables(db)
        with transaction(db):
            _insert_meta(db, folder, imported)
            roots = [(number, *to_stored(root, folder)) for number, root in enumerate(imported.roots)]
            db.executemany("INSERT INTO roots VALUES (?, ?, ?)", roots)
            write_categories(db, imported.categories)
            write_problems(db, imported.problems)
            _insert_files(db, folder, imported.files, report, should_stop)
            with _indexed_afterwards(db, "boxes"):
                _insert_images(db, imported, report, should_stop)
        check(should_stop)
        report(Progress("Saving the project", 0, 0))
        db.execute("ANALYZE")
        db.execute("PRAGMA journal_mode = WAL")  # remembered in the file's header
    finally:
        db.close()
    _sync_file(path)


def _insert_meta(db: sqlite3.Connection, folder: Path, imported: Imported) -> None:
    highest = int(imported.boxes.ids.max(initial=0))
    values = {
        "project_id": str(uuid.uuid4()),
        "name": folder.name,
        "created": now_text(),
        "app_version": __version__,
        "next_box_id": str(highest + 1),
    }
    db.executemany("INSERT INTO meta VALUES (?, ?)", list(values.items()))


def _insert_files(
    db: sqlite3.Connection, folder: Path, files: Sequence[LinkedFile], report: Report, should_stop: ShouldStop
) -> None:
    stored = StoredPaths(folder)
    for number, file in enumerate(files):
        if number % _FILES_A_STEP == 0:
            check(should_stop)
            report(Progress("Reading the linked files", number, len(files)))
        # The hash of what was read, where it is known: a file changed since then is noticed when it is next looked at.
        found = (file.hash or file_hash(Path(file.path))) if file.exists and not file.refused else ""
        if file.exists and not file.refused and not found:
            raise ProjectError(f"{file.path}: vanished during the import. Put it back and import again.")
        text, relative = stored.of(os.path.abspath(file.path))
        db.execute(
            "INSERT INTO files (id, path, relative, format, split, options, hash, origin, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                text,
                relative,
                file.format,
                file.split,
                extra_to_text(file.options),
                found,
                "disk" if file.exists else "none",
                "refused" if file.refused else "ok",
            ),
        )


def _insert_images(db: sqlite3.Connection, imported: Imported, report: Report, should_stop: ShouldStop) -> None:
    images, counts = imported.images, imported.boxes.counts().tolist()
    for start in range(0, len(images), _IMAGES_A_STEP):
        check(should_stop)
        report(Progress("Storing images and boxes", start, len(images)))
        stop = min(start + _IMAGES_A_STEP, len(images))
        db.executemany(
            "INSERT INTO images (id, root_id, path, width, height, state, split, box_count, file_id, place, extra)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(_image_row, images[start:stop], counts[start:stop]),
        )
        write_boxes(db, _box_rows(imported, start, stop))
    report(Progress("Storing images and boxes", len(images), len(images)))


@contextmanager
def _indexed_afterwards(db: sqlite3.Connection, table: str) -> Iterator[None]:
    """Takes the table's indexes away while it is filled: sorted at the end they cost a third of the time."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    indexes = db.execute(query, (table,)).fetchall()
    for name, _ in indexes:
        db.execute(f'DROP INDEX "{name}"')
    yield
    for _, sql in indexes:
        db.execute(sql)


def _image_row(image: ImportedImage, box_count: int) -> tuple[object, ...]:
    r = image.record
    return (
        r.id,
        r.root,
        r.path,
        r.width,
        r.height,
        int(r.state),
        r.split,
        box_count,
        image.file,
        image.place,
        extra_to_text(r.extra),
    )


def _box_rows(imported: Imported, start: int, stop: int) -> Iterator[tuple[object, ...]]:
    """Rows of table boxes for the images start..stop, straight from the columns: see applying.box_row."""
    boxes = imported.boxes
    rows = slice(int(boxes.offsets[start]), int(boxes.offsets[stop]))
    image_ids = np.array([image.record.id for image in imported.images[start:stop]], dtype=np.int64)
    places = (None if place == NO_PLACE else place for place in boxes.places[rows].tolist())
    extras: Iterable[str] = repeat("")
    if boxes.extras:
        extras = (extra_to_text(boxes.extras.get(row, {})) for row in range(rows.start, rows.stop))
    return zip(
        np.repeat(image_ids, np.diff(boxes.offsets[start : stop + 1])).tolist(),
        boxes.ids[rows].tolist(),
        *(boxes.xyxy[rows, side].tolist() for side in range(4)),
        boxes.category_ids[rows].tolist(),
        boxes.flags[rows].tolist(),
        repeat(int(BoxSource.IMPORTED)),
        repeat(None),
        repeat(None),
        repeat(0),
        places,
        extras,
        strict=False,
    )


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
