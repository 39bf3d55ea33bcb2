"""Which linked files a project has, and which file holds the labels of which image. Reads only; looks at no file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import home
from rcnn_studio.store.linked import FileRow, read_files
from rcnn_studio.store.schema import DATABASE_NAME, connect, transaction

_PAGE = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTable:
    """files: linked files by their id; file_of: image id -> file id, without the images that have none; touched: ids
    of the images whose labels have been edited since the import."""

    files: Mapping[int, FileRow]
    file_of: Mapping[int, int]
    touched: frozenset[int]


def read_linked(folder: Path) -> LinkedTable:
    """The linked files of the project in `folder`, as its database knows them. Raises ProjectError."""
    with open_to_read(folder) as db:
        rows = db.execute("SELECT id, file_id, touched FROM images").fetchall()
        files: dict[int, FileRow] = {}
        while page := read_files(db, folder, after=next(reversed(files), -1), limit=_PAGE):
            files.update((file.id, file) for file in page)
    return LinkedTable(
        files=files,
        file_of={image: file for image, file, _ in rows if file is not None},
        touched=frozenset(image for image, _, touched in rows if touched),
    )


def count_images_with(folder: Path, category_id: int) -> int:
    """Images with at least one box of this category; committed edits only. Raises ProjectError."""
    with open_to_read(folder) as db:
        row = db.execute("SELECT count(DISTINCT image_id) FROM boxes WHERE category_id = ?", (category_id,)).fetchone()
    return int(row[0])


@contextmanager
def open_to_read(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, to wherever the newest labels are, inside one read transaction. Raises ProjectError."""
    path = folder / DATABASE_NAME
    try:
        db = _connected(home.for_reading(folder).database)
        try:
            with transaction(db, kind="DEFERRED"):
                yield db
        finally:
            db.close()
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        raise ProjectError(f"{path}: the project database cannot be read ({error}). Restore a backup.") from error


def _connected(path: Path) -> sqlite3.Connection:
    """A reading connection; a project in a folder that cannot be written is read as a file that nobody changes."""
    db = connect(path, mode="ro")
    try:
        db.execute("SELECT count(*) FROM meta").fetchone()
    except sqlite3.OperationalError:
        db.close()
        return connect(path, mode="immutable")
    return db
