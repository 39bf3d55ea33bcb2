"""One edit as SQL, inside the writer's transaction: boxes, states, categories, rejections, history, dirty files.

Commits nothing and touches no linked file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box, Category
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import documents, edits_json, marking, symbolic
from rcnn_studio.store.schema import now_text

_INSERT_BOX = "INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_CATEGORY = """
INSERT INTO categories (id, position, name, color, hotkey, supercategory, extra) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET position = excluded.position, name = excluded.name, color = excluded.color,
    hotkey = excluded.hotkey, supercategory = excluded.supercategory, extra = excluded.extra
"""


def box_row(image_id: int, box: Box) -> tuple[object, ...]:
    """The row of table boxes."""
    return (
        image_id,
        box.id,
        float(box.x1),
        float(box.y1),
        float(box.x2),
        float(box.y2),
        box.category_id,
        int(box.flags),
        int(box.source),
        box.run_id,
        None if box.score is None else float(box.score),
        int(box.edited),
        box.place,
        edits_json.extra_to_text(box.extra),
    )


def write_boxes(db: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    db.executemany(_INSERT_BOX, rows)


def write_categories(db: sqlite3.Connection, categories: Sequence[Category]) -> None:
    """Inserts or updates these categories, in this order."""
    db.executemany(
        _INSERT_CATEGORY,
        [
            (c.id, position, c.name, c.color, c.hotkey, c.supercategory, edits_json.extra_to_text(c.extra))
            for position, c in enumerate(categories)
        ],
    )


def write_problems(db: sqlite3.Connection, problems: Iterable[Problem]) -> None:
    db.executemany(
        "INSERT INTO problems (file, place, kind, message, action, level) VALUES (?, ?, ?, ?, ?, ?)",
        [(p.file, p.where, p.kind, p.message, p.action, p.level) for p in problems],
    )


def apply_edit(db: sqlite3.Connection, edit: Edit) -> int:
    """Stores the edit and returns its sequence number; the linked files it touches have it as their revision.

    Raises ProjectError or sqlite3.Error; the caller rolls back.
    """
    undone = _sequence_of(db, edit) if edit.undoes else None
    cursor = db.execute(
        "INSERT INTO history (time, text, key, undoes, kind, edit) VALUES (?, ?, ?, ?, ?, ?)",
        (now_text(), edit.text, edit.key, undone, symbolic.kind_of(edit), edits_json.edit_to_json(edit)),
    )
    sequence = int(cursor.lastrowid or 0)
    if edit.is_symbolic:
        _apply_symbolic(db, edit, undone, sequence)
    else:
        _apply_by_image(db, edit, undone, sequence)
    return sequence


def _sequence_of(db: sqlite3.Connection, edit: Edit) -> int | None:
    """The sequence under which the edit that this one takes back was stored last; None if it never was."""
    row = db.execute(
        "SELECT sequence FROM history WHERE key = ? AND undoes IS NULL ORDER BY sequence DESC LIMIT 1", (edit.undoes,)
    ).fetchone()
    return None if row is None else int(row[0])


def _apply_symbolic(db: sqlite3.Connection, edit: Edit, undone: int | None, sequence: int) -> None:
    if not edit.undoes:
        symbolic.apply(db, edit, sequence)
    elif undone is None:
        raise ProjectError(f"{edit.text}: cannot be taken back, because it is not in the history.")
    else:
        symbolic.take_back(db, edit, undone, sequence)


def _apply_by_image(db: sqlite3.Connection, edit: Edit, undone: int | None, sequence: int) -> None:
    image_ids = {change.image_id for change in edit.images}
    db.executemany("INSERT INTO history_images VALUES (?, ?)", [(i, sequence) for i in sorted(image_ids)])
    gone: set[int] = set()
    if edit.categories is not None:
        exact = undone is not None and not edit.images and not edit.documents and _was_exactly(db, undone, edit)
        gone = _change_categories(db, edit.categories[1], sequence, undone if exact and undone is not None else 0)
    for change in edit.images:
        _change_image(db, change, sequence, edit.text)
    if gone:
        _remove_categories(db, gone)
    for document in edit.documents:
        documents.switch(db, document, sequence)
    _raise_next_box_id(db, edit)


def _was_exactly(db: sqlite3.Connection, undone: int, edit: Edit) -> bool:
    """True if the stored edit is the inverse of this one, which then leaves the table as it was before."""
    row = db.execute("SELECT edit FROM history WHERE sequence = ?", (undone,)).fetchone()
    stored = edits_json.edit_from_json(row[0])
    return edit.categories is not None and stored.categories == edit.categories[::-1]


def dirtied_files(db: sqlite3.Connection, sequence: int) -> list[tuple[int, str]]:
    """(file id, format) of the linked files that this edit was the last to touch."""
    rows = db.execute("SELECT id, format FROM files WHERE revision = ? AND revision <> written", (sequence,))
    return [(int(file_id), str(name)) for file_id, name in rows]


def _change_image(db: sqlite3.Connection, change: ImageChange, sequence: int, edit_text: str) -> None:
    image_id = change.image_id
    touches_boxes = bool(change.removed or change.added)
    touches_file = touches_boxes or change.state[0] != change.state[1]
    if touches_boxes:
        _change_boxes(db, change, edit_text)
    count = "(SELECT count(*) FROM boxes WHERE image_id = images.id)" if touches_boxes else "box_count"
    cursor = db.execute(
        f"UPDATE images SET state = ?, split = coalesce(?, split), box_count = {count}, touched = max(touched, ?)"
        " WHERE id = ?",
        (int(change.state[1]), None if change.split is None else change.split[1], touches_file, image_id),
    )
    if cursor.rowcount != 1:
        raise ProjectError(f"The project has no image number {image_id}; the edit was not stored.")
    if touches_file:
        marking.mark_file_of_image(db, image_id, sequence)
    if change.rejections_removed or change.rejections_added:
        _change_rejections(db, change)


def _change_boxes(db: sqlite3.Connection, change: ImageChange, edit_text: str) -> None:
    image_id = change.image_id
    if change.removed:
        keys = [(image_id, box.id) for box in change.removed]
        if db.executemany("DELETE FROM boxes WHERE image_id = ? AND id = ?", keys).rowcount != len(keys):
            raise ProjectError(
                f"{edit_text}: a box it changes is no longer in image {image_id}; the edit was not stored. "
                "Open the image again."
            )
    if change.added:
        _check_boxes(change)
        try:
            write_boxes(db, (box_row(image_id, box) for box in change.added))
        except sqlite3.IntegrityError as error:
            raise ProjectError(
                f"{edit_text}: a box of image {image_id} has an unknown category or an id that is taken ({error})."
            ) from error


def _change_rejections(db: sqlite3.Connection, change: ImageChange) -> None:
    image_id = change.image_id
    for r in change.rejections_removed:
        db.execute(
            "DELETE FROM rejections WHERE image_id = ? AND run_id = ? AND category_id = ?"
            " AND x1 = ? AND y1 = ? AND x2 = ? AND y2 = ? AND score = ?",
            (image_id, r.run_id, r.category_id, r.x1, r.y1, r.x2, r.y2, r.score),
        )
    db.executemany(
        "INSERT OR IGNORE INTO rejections VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (image_id, r.run_id, r.category_id, float(r.x1), float(r.y1), float(r.x2), float(r.y2), float(r.score))
            for r in change.rejections_added
        ],
    )


def _check_boxes(change: ImageChange) -> None:
    for box in change.added:
        if any(value != value or abs(value) == float("inf") for value in box.xyxy):
            raise ProjectError(f"Box {box.id} of image {change.image_id} has a corner that is no number.")


def _change_categories(db: sqlite3.Connection, after: Sequence[Category], sequence: int, undone: int) -> set[int]:
    """Writes the new table, marks the files that show a name that changed. undone: the edit that this takes back
    exactly, or 0. -> ids that are to be removed"""
    before = {int(i): (n, s) for i, n, s in db.execute("SELECT id, name, supercategory FROM categories")}
    gone = before.keys() - {c.id for c in after}
    renamed = [c.id for c in after if c.id in before and before[c.id][0] != c.name]
    write_categories(db, after)
    for category_id in renamed:
        marking.mark_files_with_name(db, category_id, sequence, undone)
    if before != {c.id: (c.name, c.supercategory) for c in after}:
        marking.mark_files_with_categories(db, sequence, undone)
    if undone:
        marking.level_again(db, undone)
    return gone


def _remove_categories(db: sqlite3.Connection, gone: set[int]) -> None:
    for category_id in gone:
        row = db.execute(
            "SELECT images.path, categories.name FROM boxes JOIN images ON images.id = boxes.image_id"
            " JOIN categories ON categories.id = boxes.category_id WHERE boxes.category_id = ? LIMIT 1",
            (category_id,),
        ).fetchone()
        if row is not None:
            raise ProjectError(
                f"{row[0]}: still has boxes of {row[1]!r}. Give them another category or delete them first."
            )
        db.execute("DELETE FROM categories WHERE id = ?", (category_id,))


def _raise_next_box_id(db: sqlite3.Connection, edit: Edit) -> None:
    """The highest box id ever stored, kept so that an id is not used twice, not even after undo and restart."""
    highest = max((box.id for change in edit.images for box in change.added), default=-1)
    db.execute(
        "UPDATE meta SET value = ? WHERE key = 'next_box_id' AND CAST(value AS INTEGER) <= ?",
        (str(highest + 1), highest),
    )
