"""Making a project database from an imported dataset, all or nothing. Reads no dataset formats."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rcnn_studio import __version__
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats.atomic import file_hash
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile
from rcnn_studio.store.applying import box_row, write_boxes, write_categories
from rcnn_studio.store.edits_json import extra_to_text
from rcnn_studio.store.locations import to_stored
from rcnn_studio.store.schema import DATABASE_NAME, connect, create_tables, now_text, transaction

_IMAGES_A_STEP = 1000
_FILES_A_STEP = 200


def create_database(folder: Path, imported: Imported, *, report: Report, should_stop: ShouldStop) -> None:
    """Makes folder/project.rcnn. It appears whole or not at all, whatever happens on the way.

    Reports Progress. Raises ProjectError if there is a project already or the folder cannot be written,
    FormatError if a linked file cannot be read, Cancelled.
    """
    if (folder / DATABASE_NAME).exists():
        raise ProjectError(f"{folder}: there is a project already. Open it, or choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder}: is a file. Choose a folder for the project.")
    existed = folder.is_dir()
    temp = (folder if existed else folder.parent) / f".rcnn-new-{secrets.token_hex(4)}"
    try:
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
        create_tables(db)
        with transaction(db):
            _insert_meta(db, folder, imported)
            roots = [(number, *to_stored(root, folder)) for number, root in enumerate(imported.roots)]
            db.executemany("INSERT INTO roots VALUES (?, ?, ?)", roots)
            write_categories(db, imported.categories)
            _insert_problems(db, imported)
            _insert_files(db, folder, imported.files, report, should_stop)
            _insert_images(db, imported.images, report, should_stop)
        check(should_stop)
        report(Progress("Saving the project", 0, 0))
        db.execute("ANALYZE")
        db.execute("PRAGMA journal_mode = WAL")  # remembered in the file's header
    finally:
        db.close()
    _sync_file(path)


def _insert_meta(db: sqlite3.Connection, folder: Path, imported: Imported) -> None:
    highest = max((box.id for image in imported.images for box in image.record.boxes), default=0)
    values = {
        "project_id": str(uuid.uuid4()),
        "name": folder.name,
        "created": now_text(),
        "app_version": __version__,
        "next_box_id": str(highest + 1),
    }
    db.executemany("INSERT INTO meta VALUES (?, ?)", list(values.items()))


def _insert_problems(db: sqlite3.Connection, imported: Imported) -> None:
    db.executemany(
        "INSERT INTO problems (file, place, kind, message, action, level) VALUES (?, ?, ?, ?, ?, ?)",
        [(p.file, p.where, p.kind, p.message, p.action, p.level) for p in imported.problems],
    )


def _insert_files(
    db: sqlite3.Connection, folder: Path, files: Sequence[LinkedFile], report: Report, should_stop: ShouldStop
) -> None:
    for number, file in enumerate(files):
        if number % _FILES_A_STEP == 0:
            check(should_stop)
            report(Progress("Reading the linked files", number, len(files)))
        found = file_hash(Path(file.path)) if file.exists and not file.refused else ""
        if file.exists and not file.refused and not found:
            raise ProjectError(f"{file.path}: vanished during the import. Put it back and import again.")
        text, relative = to_stored(file.path, folder)
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


def _insert_images(
    db: sqlite3.Connection, images: Sequence[ImportedImage], report: Report, should_stop: ShouldStop
) -> None:
    done = 0
    for step in _batches(images):
        check(should_stop)
        report(Progress("Storing images and boxes", done, len(images)))
        db.executemany(
            "INSERT INTO images (id, root_id, path, width, height, state, split, box_count, file_id, place, extra)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_image_row(image) for image in step],
        )
        write_boxes(db, (box_row(image.record.id, box) for image in step for box in image.record.boxes))
        done += len(step)
    report(Progress("Storing images and boxes", done, len(images)))


def _image_row(image: ImportedImage) -> tuple[object, ...]:
    r = image.record
    return (
        r.id,
        r.root,
        r.path,
        r.width,
        r.height,
        int(r.state),
        r.split,
        len(r.boxes),
        image.file,
        image.place,
        extra_to_text(r.extra),
    )


def _batches(images: Sequence[ImportedImage]) -> Iterator[list[ImportedImage]]:
    rest = iter(images)
    while step := list(islice(rest, _IMAGES_A_STEP)):
        yield step


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
