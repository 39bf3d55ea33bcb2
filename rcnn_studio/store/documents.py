"""The base documents of linked files: what patching starts from, by generation, and switching between them.

Generation 0 is the file as it was imported; a version taken over from another program is the next one. The place
of a box names its generation, so a box from an old undo step is never patched into the wrong document.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.edits import DocumentChange
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import marking
from rcnn_studio.store.edits_json import dumps, extra_from_text, extra_to_text
from rcnn_studio.store.schema import PLACE_BITS

PART_BYTES = 1 << 20
_LEVEL = 6
NO_PLACES = 1 << 62
"""places_from of a document that no box's place speaks of."""
_INDEX = (1 << PLACE_BITS) - 1


def place_in(generation: int, index: int | None) -> int | None:
    """A record's index in a document as it is kept in Box.place."""
    return None if index is None else index + (generation << PLACE_BITS)


def with_places_of(
    boxes: Iterable[Box], generation: int, places_from: int, inherited: Mapping[int, int]
) -> tuple[Box, ...]:
    """The boxes as a codec wants them: places are indices in this document, None where they speak of another one.

    inherited: for places of earlier documents whose record stands unchanged in this one, its index here.
    """
    return tuple(_placed(box, generation, places_from, inherited) for box in boxes)


def _placed(box: Box, generation: int, places_from: int, inherited: Mapping[int, int]) -> Box:
    if box.place is None or (not generation and box.place <= _INDEX and box.id >= places_from):
        return box
    if box.place >> PLACE_BITS == generation and box.id >= places_from:
        return replace(box, place=box.place & _INDEX)
    return replace(box, place=inherited.get(box.place))


def read_inherited(db: sqlite3.Connection, file_id: int, generation: int) -> dict[int, int]:
    """Place -> index in this document, of the records that it has taken over from earlier ones."""
    row = db.execute(
        "SELECT inherited FROM documents WHERE file_id = ? AND generation = ?", (file_id, generation)
    ).fetchone()
    if row is None or not row[0]:
        return {}
    table = np.frombuffer(zlib.decompress(row[0]), dtype="<i8").reshape(-1, 2)
    return dict(table.tolist())


def compressed_parts(data: bytes) -> Iterator[bytes]:
    """The document in parts small enough that no commit waits for one; at least one part."""
    for start in range(0, max(1, len(data)), PART_BYTES):
        yield zlib.compress(data[start : start + PART_BYTES], _LEVEL)


def store_part(db: sqlite3.Connection, file_id: int, generation: int, part: int, data: bytes) -> None:
    db.execute("INSERT OR REPLACE INTO originals VALUES (?, ?, ?, ?)", (file_id, generation, part, data))


def store(db: sqlite3.Connection, file_id: int, generation: int, data: bytes) -> None:
    """Keeps a whole document."""
    for part, chunk in enumerate(compressed_parts(data)):
        store_part(db, file_id, generation, part, chunk)


def read(db: sqlite3.Connection, file_id: int, generation: int) -> bytes | None:
    """A kept document; None if there is none. Raises zlib.error on damaged data."""
    rows = db.execute(
        "SELECT data FROM originals WHERE file_id = ? AND generation = ? ORDER BY part", (file_id, generation)
    ).fetchall()
    return b"".join(zlib.decompress(row[0]) for row in rows) if rows else None


def next_generation(db: sqlite3.Connection, file_id: int) -> int:
    """A number that no base document of this file has had."""
    row = db.execute(
        "SELECT max(generation) FROM (SELECT generation FROM files WHERE id = :id"
        " UNION ALL SELECT generation FROM documents WHERE file_id = :id)",
        {"id": file_id},
    ).fetchone()
    return int(row[0]) + 1


def add(
    db: sqlite3.Connection,
    change: DocumentChange,
    data: bytes | None,
    options: Mapping[str, Any],
    places: Mapping[int, int | None],
    inherited: Mapping[int, int],
) -> None:
    """Makes the document `change.after` known, so that the change can be done.

    data: None for one that is to be made from the labels alone. places: of the file's images in it.
    """
    if data is not None:
        store(db, change.file_id, change.after, data)
    table = np.array(list(inherited.items()), dtype="<i8").reshape(-1, 2)
    db.execute(
        "INSERT INTO documents VALUES (?, ?, ?, 0, ?, ?, ?)",
        (
            change.file_id,
            change.after,
            "none" if data is None else "stored",
            extra_to_text(options),
            dumps(list(places.items())),
            zlib.compress(table.tobytes()) if inherited else b"",
        ),
    )


def switch(db: sqlite3.Connection, change: DocumentChange, sequence: int) -> None:
    """Makes `change.after` the document that is patched; the file is due for writing. Raises ProjectError."""
    row = db.execute(
        "SELECT generation, origin, places_from, options FROM files WHERE id = ?", (change.file_id,)
    ).fetchone()
    wanted = db.execute(
        "SELECT origin, places_from, options, places FROM documents WHERE file_id = ? AND generation = ?",
        (change.file_id, change.after),
    ).fetchone()
    if row is None or wanted is None or row[0] != change.before:
        raise ProjectError(
            f"A linked file (number {change.file_id}) is not the one this edit speaks of; the edit was not stored. "
            "Open the project again."
        )
    _remember_current(db, change.file_id, *row)
    origin, places_from, options, places = wanted
    db.execute(
        "UPDATE files SET generation = ?, origin = ?, places_from = ?, options = ?, status = 'ok', message = ''"
        " WHERE id = ?",
        (change.after, origin, places_from, options, change.file_id),
    )
    db.executemany(
        "UPDATE images SET place = ?, touched = 1 WHERE id = ?",
        [(place, image_id) for image_id, place in orjson.loads(places)],
    )
    marking.mark_file(db, change.file_id, sequence)


def _remember_current(
    db: sqlite3.Connection, file_id: int, generation: int, origin: str, places_from: int, options: str
) -> None:
    """What the file's and its images' columns say of the document that is left now."""
    places: dict[int, int | None] = dict(
        db.execute("SELECT id, place FROM images WHERE file_id = ?", (file_id,)).fetchall()
    )
    kept = extra_from_text(options)
    if origin == "disk":  # overwritten by somebody else before there was a copy: only the labels are left
        kept.pop("category_ids", None)
        places, places_from = dict.fromkeys(places), NO_PLACES
    db.execute(
        "INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, ?, ?, x'')",
        (
            file_id,
            generation,
            "stored" if origin == "stored" else "none",
            places_from,
            extra_to_text(kept),
            dumps(list(places.items())),
        ),
    )


def give_up(db: sqlite3.Connection, file_id: int) -> None:
    """The imported bytes are lost: from now on the file is made from the labels alone."""
    row = db.execute("SELECT options FROM files WHERE id = ?", (file_id,)).fetchone()
    options = extra_from_text(row[0])
    options.pop("category_ids", None)
    db.execute(
        "UPDATE files SET origin = 'none', places_from = ?, options = ? WHERE id = ?",
        (NO_PLACES, extra_to_text(options), file_id),
    )
    db.execute("UPDATE images SET place = NULL WHERE file_id = ?", (file_id,))
