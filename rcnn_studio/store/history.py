"""The history as an undo stack that outlives the window, and as the past of a single image.

Reads only; restoring something is an ordinary Edit that the caller submits.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.edits import Edit, ImageChange, apply_to_boxes, change_between
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store.edits_json import change_from_json, edit_from_json, extra_from_text
from rcnn_studio.store.reading import read_box, read_categories, read_image

_SEEN_ROWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEdit:
    """An edit as it was stored; edit.inverse() takes it back. time: UTC, for people; order is by sequence. load: reads
    it as JSON, when the edit is asked for, because a stack may hold edits of a hundred thousand images."""

    sequence: int
    time: str
    text: str
    key: str
    load: Callable[[int], str] = field(repr=False, compare=False)

    @property
    def edit(self) -> Edit:
        """Raises ProjectError if it is damaged, or the project is closed."""
        try:
            return edit_from_json(self.load(self.sequence), key=self.key)
        except (ValueError, KeyError, TypeError) as error:
            raise ProjectError(f"Edit number {self.sequence} is damaged ({error!r}). It cannot be undone.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoStack:
    """undo: what can be taken back, the newest last. redo: what has been taken back and can be done once more, the
    next one last."""

    undo: tuple[PastEdit, ...]
    redo: tuple[PastEdit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One edit. undoes: sequence of the edit that it takes back. by_all: it was about all images. images: ids of
    those that it speaks of one by one; only read_history tells them."""

    sequence: int
    time: str
    text: str
    undoes: int | None = None
    by_all: bool = False
    images: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a box came from: the box as it is now, or was last, and the edits that it occurs in, the oldest first."""

    box: Box
    entries: tuple[HistoryEntry, ...]
    exists: bool


def read_undo_stack(db: sqlite3.Connection, limit: int, load: Callable[[int], str]) -> UndoStack:
    """The stack as it was left, by going through the latest edits once more. load: see PastEdit"""
    rows = db.execute(
        "SELECT sequence, key, undoes FROM history ORDER BY sequence DESC LIMIT ?", (max(_SEEN_ROWS, 4 * limit),)
    ).fetchall()
    undo: list[tuple[int, str]] = []
    redo: list[tuple[int, str]] = []
    for sequence, key, undoes in reversed(rows):
        if undoes is not None:
            found = next((item for item in reversed(undo) if item[0] == undoes), None)
            if found is not None:
                undo.remove(found)
                redo.append(found)
        elif redo and redo[-1][1] == key:
            redo.pop()
            undo.append((sequence, key))
        else:
            redo.clear()
            undo.append((sequence, key))
    return UndoStack(
        undo=tuple(_past(db, sequence, load) for sequence, _ in undo[max(0, len(undo) - limit) :]),
        redo=tuple(_past(db, sequence, load) for sequence, _ in redo[max(0, len(redo) - limit) :]),
    )


def _past(db: sqlite3.Connection, sequence: int, load: Callable[[int], str]) -> PastEdit:
    time, text, key = db.execute("SELECT time, text, key FROM history WHERE sequence = ?", (sequence,)).fetchone()
    return PastEdit(sequence=sequence, time=time, text=text, key=key, load=load)


def read_stored(db: sqlite3.Connection, sequence: int) -> str:
    """An edit as JSON. Raises KeyError if there is none."""
    row = db.execute("SELECT edit FROM history WHERE sequence = ?", (sequence,)).fetchone()
    if row is None:
        raise KeyError(sequence)
    return str(row[0])


def read_history(db: sqlite3.Connection, limit: int) -> list[HistoryEntry]:
    """The latest edits of the project, the newest first."""
    rows = db.execute(
        "SELECT sequence, time, text, undoes, kind FROM history ORDER BY sequence DESC LIMIT ?", (limit,)
    ).fetchall()
    images: dict[int, list[int]] = defaultdict(list)
    first = rows[-1][0] if rows else 0
    for image_id, sequence in db.execute("SELECT image_id, sequence FROM history_images WHERE sequence >= ?", (first,)):
        images[sequence].append(image_id)
    return [replace(_entry(row), images=tuple(images[row[0]])) for row in rows]


def read_image_history(db: sqlite3.Connection, image_id: int, limit: int = -1) -> list[HistoryEntry]:
    """The edits that have touched this image, the newest first."""
    rows = db.execute(
        "SELECT sequence, time, text, undoes, kind FROM history WHERE sequence IN ("
        " SELECT sequence FROM history_images WHERE image_id = :image"
        f" UNION ALL {_SYMBOLIC_OF_IMAGE}) ORDER BY sequence DESC LIMIT :limit",
        {"image": image_id, "limit": limit},
    )
    return [_entry(row) for row in rows]


def _entry(row: tuple[int, str, str, int | None, str]) -> HistoryEntry:
    sequence, time, text, undoes, kind = row
    return HistoryEntry(sequence=sequence, time=time, text=text, undoes=undoes, by_all=kind in ("merge", "remove"))


_SYMBOLIC_OF_IMAGE = (
    "SELECT h.sequence FROM history AS h WHERE h.kind IN ('merge', 'remove') AND h.kind <> '' AND ("
    " EXISTS (SELECT 1 FROM shelf_merged AS m WHERE m.sequence = coalesce(h.undoes, h.sequence)"
    " AND m.image_id = :image)"
    " OR EXISTS (SELECT 1 FROM shelf_boxes AS b WHERE b.sequence = coalesce(h.undoes, h.sequence)"
    " AND b.image_id = :image))"
)


def read_image_as_of(db: sqlite3.Connection, image_id: int, sequence: int) -> ImageRecord:
    """The image as it was right after this edit (0: as it was imported), by taking back what came later.

    Raises ProjectError if there is no such image.
    """
    record = read_image(db, image_id)
    rows = db.execute(
        "SELECT sequence, undoes, kind, edit FROM history WHERE sequence > :after AND sequence IN ("
        " SELECT sequence FROM history_images WHERE image_id = :image AND sequence > :after"
        f" UNION ALL {_SYMBOLIC_OF_IMAGE}) ORDER BY sequence DESC",
        {"image": image_id, "after": sequence},
    )
    for number, undoes, kind, text in rows.fetchall():
        if kind in ("merge", "remove"):
            edit = edit_from_json(text, key="-")
            record = _without_symbolic(db, record, edit, number if undoes is None else undoes)
            continue
        for change in reversed(change_from_json(text, image_id)):
            record = _with_change(record, change.inverse())
    return record


def _with_change(record: ImageRecord, change: ImageChange) -> ImageRecord:
    split = record.split if change.split is None else change.split[1]
    return replace(record, boxes=apply_to_boxes(record.boxes, change), state=change.state[1], split=split)


def _without_symbolic(db: sqlite3.Connection, record: ImageRecord, edit: Edit, shelf: int) -> ImageRecord:
    """The record before an edit over all images, or before the undo of one, whose boxes are on this shelf."""
    key = (shelf, record.id)
    if edit.merge is not None:
        gone, into = edit.merge
        category = into if edit.undoes else gone
        ids = {row[0] for row in db.execute("SELECT id FROM shelf_merged WHERE sequence = ? AND image_id = ?", key)}
        boxes = tuple(replace(b, category_id=category) if b.id in ids else b for b in record.boxes)
        return replace(record, boxes=boxes)
    shelved = read_shelved_boxes(db, *key)
    state = db.execute("SELECT state FROM shelf_images WHERE sequence = ? AND image_id = ?", key).fetchone()
    if edit.undoes:
        ids = {box.id for box in shelved}
        left = tuple(box for box in record.boxes if box.id not in ids)
        return replace(record, boxes=left, state=ImageState.UNLABELLED if state else record.state)
    boxes = tuple(sorted((*record.boxes, *shelved), key=lambda box: box.id))
    return replace(record, boxes=boxes, state=ImageState(state[0]) if state else record.state)


def read_shelved_boxes(db: sqlite3.Connection, sequence: int, image_id: int) -> list[Box]:
    rows = db.execute(
        "SELECT id, x1, y1, x2, y2, category_id, flags, source, run_id, score, edited, place, extra"
        " FROM shelf_boxes WHERE sequence = ? AND image_id = ? ORDER BY id",
        (sequence, image_id),
    )
    return [read_box(row) for row in rows]


def sequence_at(db: sqlite3.Connection, time: str) -> int:
    """The last edit that was stored at or before this time (UTC, ISO 8601); 0 before the first one.

    By sequence number, found by halving: a clock that was set back in between makes the answer rough, not wrong.
    """
    low, high = 0, int(db.execute("SELECT coalesce(max(sequence), 0) FROM history").fetchone()[0])
    while low < high:
        middle = (low + high + 1) // 2
        row = db.execute(
            "SELECT sequence, time FROM history WHERE sequence <= ? ORDER BY sequence DESC LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[1] <= time:
            low = middle
        else:
            high = int(row[0]) - 1
    return low


def restore_edit(db: sqlite3.Connection, image_id: int, sequence: int, text: str) -> Edit | None:
    """The Edit that makes an image what it was after `sequence`, categories it needs included; None if it is."""
    now, then = read_image(db, image_id), read_image_as_of(db, image_id, sequence)
    change = change_between(now, then)
    if not (change.removed or change.added or change.state[0] != change.state[1] or change.split is not None):
        return None
    categories = read_categories(db)
    known = {category.id for category in categories}
    missing = sorted({box.category_id for box in change.added} - known)
    after = (*categories, *(_lost_category(db, number) for number in missing))
    return Edit(text=text, images=(change,), categories=(categories, after) if missing else None)


def _lost_category(db: sqlite3.Connection, category_id: int) -> Category:
    """A category that is no more, as it was last."""
    row = db.execute(
        "SELECT name, color, hotkey, supercategory, extra FROM shelf_categories WHERE id = ?"
        " ORDER BY sequence DESC LIMIT 1",
        (category_id,),
    ).fetchone()
    if row is not None:
        name, color, hotkey, supercategory, extra = row
        return Category(
            id=category_id,
            name=name,
            color=color,
            hotkey=hotkey,
            supercategory=supercategory,
            extra=extra_from_text(extra),
        )
    edits = db.execute("SELECT edit FROM history WHERE kind = 'categories' AND kind <> '' ORDER BY sequence DESC")
    for (text,) in edits:
        before, after = edit_from_json(text, key="-").categories or ((), ())
        found = next((c for c in (*after, *before) if c.id == category_id), None)
        if found is not None:
            return found
    raise ProjectError(f"Category number {category_id} is not in the project's history; run a check.")


def read_provenance(db: sqlite3.Connection, image_id: int, box_id: int) -> Provenance:
    """Raises ProjectError for a box that this image has never had."""
    now = next((b for b in read_image(db, image_id).boxes if b.id == box_id), None)
    last: Box | None = None
    entries: list[HistoryEntry] = []
    for entry in reversed(read_image_history(db, image_id)):
        found = _boxes_in(db, entry, image_id)
        if box_id in found:
            entries.append(entry)
            last = found[box_id] or last
    box = now or last
    if box is None:
        raise ProjectError(f"Image number {image_id} has never had a box number {box_id}.")
    return Provenance(box=box, entries=tuple(entries), exists=now is not None)


def _boxes_in(db: sqlite3.Connection, entry: HistoryEntry, image_id: int) -> dict[int, Box | None]:
    """The boxes of an image that an edit has added, changed or removed; None where their values stay."""
    row = db.execute("SELECT edit, undoes FROM history WHERE sequence = ?", (entry.sequence,)).fetchone()
    if not entry.by_all:
        changes: Sequence[ImageChange] = change_from_json(row[0], image_id)
        return {box.id: box for change in changes for box in (*change.removed, *change.added)}
    shelf = entry.sequence if row[1] is None else row[1]
    merged = db.execute("SELECT id FROM shelf_merged WHERE sequence = ? AND image_id = ?", (shelf, image_id))
    found: dict[int, Box | None] = {int(number): None for (number,) in merged}
    found.update((box.id, box) for box in read_shelved_boxes(db, shelf, image_id))
    return found
