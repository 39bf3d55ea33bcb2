"""The document that an image's labels are patched into, for whoever wants to know what else it says of a box.

Changes nothing and decides nothing about formats.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.dataset import Box
from rcnn_studio.store import documents, linked

Key = tuple[int, int]
"""Number of the file, and generation of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseDocument:
    """data: its bytes, None where there are none, they were not asked for, or somebody else has changed the file.

    key: differs for every document there has been. format: name of the codec. too_large: to be read for this.
    """

    key: Key
    format: str
    path: Path
    data: bytes | None
    too_large: bool
    places_from: int
    inherited: Mapping[int, int]

    def index_of(self, box: Box) -> int | None:
        """The index of a box's record in it; None for a box that is not in it."""
        return documents.with_places_of((box,), self.key[1], self.places_from, self.inherited)[0].place


def read(
    db: sqlite3.Connection, image_id: int, project: Path, *, known: Key | None, limits: Mapping[str, int]
) -> BaseDocument | None:
    """None for an image whose labels are in no file. Its bytes are left out where its key is `known`, and where its
    format has no limit or it is larger than that. Raises OSError for a file that cannot be read."""
    row = db.execute("SELECT file_id FROM images WHERE id = ?", (image_id,)).fetchone()
    if row is None or row[0] is None:
        return None
    file = linked.read_file(db, int(row[0]), project)
    limit, wanted = limits.get(file.linked.format, 0), (file.id, file.generation) != known
    large = wanted and limit > 0 and _size(db, file) > limit
    return BaseDocument(
        key=(file.id, file.generation),
        format=file.linked.format,
        path=file.path,
        data=_bytes(db, file) if wanted and limit and not large else None,
        too_large=large,
        places_from=file.places_from,
        inherited=documents.read_inherited(db, file.id, file.generation),
    )


def _size(db: sqlite3.Connection, file: linked.FileRow) -> int:
    """In bytes; of a kept document in whole parts."""
    if file.origin == "disk":
        return file.path.stat().st_size
    parts = "SELECT count(*) FROM originals WHERE file_id = ? AND generation = ?"
    return int(db.execute(parts, (file.id, file.generation)).fetchone()[0]) * documents.PART_BYTES


def _bytes(db: sqlite3.Connection, file: linked.FileRow) -> bytes | None:
    if file.origin == "stored":
        return documents.read(db, file.id, file.generation)
    if file.origin != "disk":
        return None
    found = file.path.read_bytes()
    return found if linked.digest(found) == file.hash else None
