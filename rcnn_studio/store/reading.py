"""Reads from the project database: single images, the image list, and the whole dataset as columns.

Writes nothing. Readers never wait for the writer: each uses its own read-only connection.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import (
    TRAINABLE_STATES,
    Box,
    BoxFlag,
    BoxSource,
    Category,
    Dataset,
    ImageRecord,
    ImageState,
)
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.store.edits_json import extra_from_text
from rcnn_studio.store.schema import connect, transaction

_KEPT_CONNECTIONS = 4
_IMAGE_COLUMNS = "id, root_id, path, width, height, state, split, extra"
_BOX_COLUMNS = "id, x1, y1, x2, y2, category_id, flags, source, run_id, score, edited, place, extra"
_BOX_DTYPE = np.dtype(
    [
        ("image", np.int64),
        ("id", np.int64),
        ("x1", np.float64),
        ("y1", np.float64),
        ("x2", np.float64),
        ("y2", np.float64),
        ("category", np.int64),
        ("flags", np.int64),
    ]
)
_HEAD_DTYPE = np.dtype([(n, np.int64) for n in ("id", "root", "width", "height", "state", "boxes")])

Row = Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageTable:
    """The image list as columns, in list order (by id).

    ids (N,) int64, roots (N,) int32 into the project's roots, paths N relative paths, widths and heights (N,)
    int32, states (N,) uint8 of ImageState, splits N names ("" for none), box_counts (N,) int32.
    """

    ids: NDArray[np.int64]
    roots: NDArray[np.int32]
    paths: tuple[str, ...]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    states: NDArray[np.uint8]
    splits: tuple[str, ...]
    box_counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.paths)

    def row_of(self, image_id: int) -> int:
        """The row of an image. Raises KeyError if there is none."""
        row = int(np.searchsorted(self.ids, image_id))
        if row == len(self.ids) or int(self.ids[row]) != image_id:
            raise KeyError(image_id)
        return row


class Readers:
    """A few read-only connections, lent to whichever thread reads. Safe to use from any thread."""

    def __init__(self, path: Path, *, mode: str = "ro") -> None:
        self._path = path
        self._mode = mode
        self._lock = threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._dropped = 0
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one read transaction: everything read in it is of one moment. Raises ProjectError."""
        try:
            db, dropped = self._take()
            kept = False
            try:
                with transaction(db, kind="DEFERRED"):
                    yield db
                kept = True
            except StudioError:
                kept = True
                raise
            finally:
                self._give_back(db, dropped if kept else -1)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise ProjectError(
                f"{self._path}: the project database cannot be read ({error}). "
                "Check the drive; if the file is damaged, restore it from a backup."
            ) from error

    def drop(self) -> None:
        """Closes the idle connections, and those that are lent out when they come back: what they share with the
        writer, such as a log that was opened for reading only, ends with the last of them."""
        with self._lock:
            self._dropped += 1
        self._close_free()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._close_free()

    def _close_free(self) -> None:
        with self._lock:
            free, self._free = self._free, []
        for db in free:
            db.close()

    def _take(self) -> tuple[sqlite3.Connection, int]:
        """A connection, and how often they had been dropped when it was lent."""
        with self._lock:
            if self._closed:
                raise ProjectError(f"{self._path}: the project is closed.")
            dropped = self._dropped
            if self._free:
                return self._free.pop(), dropped
        return connect(self._path, mode=self._mode), dropped

    def _give_back(self, db: sqlite3.Connection, dropped: int) -> None:
        with self._lock:
            if not self._closed and dropped == self._dropped and len(self._free) < _KEPT_CONNECTIONS:
                self._free.append(db)
                return
        db.close()


def read_categories(db: sqlite3.Connection) -> tuple[Category, ...]:
    rows = db.execute("SELECT id, name, color, hotkey, supercategory, extra FROM categories ORDER BY position, id")
    return tuple(
        Category(id=i, name=n, color=color, hotkey=key, supercategory=s, extra=extra_from_text(extra))
        for i, n, color, key, s, extra in rows
    )


def read_category_counts(db: sqlite3.Connection) -> dict[int, int]:
    """Boxes by category id; about 0.1 s for a million boxes."""
    return dict(db.execute("SELECT category_id, count(*) FROM boxes GROUP BY category_id"))


def read_problems(db: sqlite3.Connection) -> tuple[Problem, ...]:
    rows = db.execute("SELECT file, place, kind, message, action, level FROM problems ORDER BY id")
    return tuple(Problem(file=f, where=w, kind=k, message=m, action=a, level=level) for f, w, k, m, a, level in rows)


def read_image(db: sqlite3.Connection, image_id: int) -> ImageRecord:
    """One image with its boxes, in the order of their ids. Raises ProjectError if there is none."""
    row = db.execute(f"SELECT {_IMAGE_COLUMNS} FROM images WHERE id = ?", (image_id,)).fetchone()
    if row is None:
        raise ProjectError(f"The project has no image number {image_id}.")
    return _record(db, row)


def read_images_of_file(
    db: sqlite3.Connection, file_id: int, *, touched_only: bool
) -> tuple[list[ImageRecord], dict[int, int | None]]:
    """The images whose labels are in this file, and their places in it by image id."""
    rows = db.execute(
        f"SELECT {_IMAGE_COLUMNS}, place FROM images WHERE file_id = ? AND touched >= ? ORDER BY id",
        (file_id, int(touched_only)),
    ).fetchall()
    return [_record(db, row[:-1]) for row in rows], {int(row[0]): row[-1] for row in rows}


def _record(db: sqlite3.Connection, row: Sequence[object]) -> ImageRecord:
    image_id, root, path, width, height, state, split, extra = row
    boxes = db.execute(f"SELECT {_BOX_COLUMNS} FROM boxes WHERE image_id = ? ORDER BY id", (image_id,))
    return ImageRecord(
        id=_whole(image_id),
        root=_whole(root),
        path=str(path),
        width=_whole(width),
        height=_whole(height),
        state=ImageState(_whole(state)),
        split=str(split),
        boxes=tuple(read_box(box) for box in boxes),
        extra=extra_from_text(str(extra)),
    )


def read_box(row: tuple[object, ...]) -> Box:
    """A row of boxes, without the image's id."""
    box_id, x1, y1, x2, y2, category_id, flags, source, run_id, score, edited, place, extra = row
    return Box(
        id=_whole(box_id),
        x1=_real(x1),
        y1=_real(y1),
        x2=_real(x2),
        y2=_real(y2),
        category_id=_whole(category_id),
        flags=BoxFlag(_whole(flags)),
        source=BoxSource(_whole(source)),
        run_id=None if run_id is None else str(run_id),
        score=None if score is None else _real(score),
        edited=bool(edited),
        place=None if place is None else _whole(place),
        extra=extra_from_text(str(extra)),
    )


def read_rejections(db: sqlite3.Connection, image_id: int) -> tuple[Rejection, ...]:
    rows = db.execute(
        "SELECT run_id, category_id, x1, y1, x2, y2, score FROM rejections WHERE image_id = ?", (image_id,)
    )
    return tuple(
        Rejection(run_id=run, category_id=c, x1=x1, y1=y1, x2=x2, y2=y2, score=score)
        for run, c, x1, y1, x2, y2, score in rows
    )


def read_table(db: sqlite3.Connection) -> ImageTable:
    """The whole image list: about 0.2 s for 100,000 images."""
    head = _fill(db, "SELECT id, root_id, width, height, state, box_count FROM images ORDER BY id", _HEAD_DTYPE)
    return ImageTable(
        ids=head["id"].copy(),
        roots=head["root"].astype(np.int32),
        paths=tuple(row[0] for row in db.execute("SELECT path FROM images ORDER BY id")),
        widths=head["width"].astype(np.int32),
        heights=head["height"].astype(np.int32),
        states=head["state"].astype(np.uint8),
        splits=tuple(row[0] for row in db.execute("SELECT split FROM images ORDER BY id")),
        box_counts=head["boxes"].astype(np.int32),
    )


def read_dataset(db: sqlite3.Connection, roots: tuple[str, ...], *, trainable_only: bool) -> Dataset:
    """Everything that is labelled, as columns; no Box is made for a row."""
    states = ", ".join(str(int(s)) for s in sorted(TRAINABLE_STATES))
    which = f"WHERE state IN ({states})" if trainable_only else ""
    head = _fill(
        db, f"SELECT id, root_id, width, height, state, box_count FROM images {which} ORDER BY id", _HEAD_DTYPE
    )
    names = {"": 0}
    splits: list[int] = []
    paths: list[str] = []
    for path, split in db.execute(f"SELECT path, split FROM images {which} ORDER BY id"):
        paths.append(path)
        splits.append(names.setdefault(split, len(names)))
    boxes = _read_boxes(db, which)
    bounds = np.searchsorted(boxes["image"], head["id"], side="left")
    return Dataset(
        categories=read_categories(db),
        roots=roots,
        split_names=tuple(names),
        image_ids=head["id"].copy(),
        image_roots=head["root"].astype(np.int32),
        paths=tuple(paths),
        sizes=np.stack([head["width"], head["height"]], axis=1).astype(np.int32),
        states=head["state"].astype(np.uint8),
        splits=np.array(splits, dtype=np.int16),
        offsets=np.append(bounds, len(boxes)).astype(np.int64),
        box_ids=boxes["id"].copy(),
        xyxy=np.stack([boxes[name] for name in ("x1", "y1", "x2", "y2")], axis=1),
        category_ids=boxes["category"].copy(),
        flags=boxes["flags"].astype(np.uint8),
    )


def _read_boxes(db: sqlite3.Connection, which_images: str) -> NDArray[np.void]:
    """Rows of _BOX_DTYPE ordered by image and id, which is the order they are stored in."""
    columns = "image_id, id, x1, y1, x2, y2, category_id, flags"
    condition = f"WHERE image_id IN (SELECT id FROM images {which_images})" if which_images else ""
    return _fill(db, f"SELECT {columns} FROM boxes {condition} ORDER BY image_id, id", _BOX_DTYPE)


def _fill(db: sqlite3.Connection, query: str, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """The rows of a query poured into a structured array, without a list of them in between."""
    return np.fromiter(db.execute(query), dtype=dtype)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _real(value: object) -> float:
    if not isinstance(value, float | int):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
