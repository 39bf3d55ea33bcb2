"""Merging and removing a category over all images, and back, in SQL; what it took away stays on a shelf by sequence.

Runs inside the writer's transaction; commits nothing and makes no Python object for a box.
"""

from __future__ import annotations

import sqlite3

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.store import marking

_BOX = "image_id, id, x1, y1, x2, y2, category_id, flags, source, run_id, score, edited, place, extra"
_CATEGORY = "id, position, name, color, hotkey, supercategory, extra"

_SHELVED = "(SELECT position FROM shelf_categories WHERE sequence = ?)"


def kind_of(edit: Edit) -> str:
    """What table history calls it: "" for single images."""
    if edit.merge is not None:
        return "merge"
    if edit.remove_category is not None:
        return "remove"
    return "categories" if edit.categories is not None else ""


def apply(db: sqlite3.Connection, edit: Edit, sequence: int) -> None:
    """Does the edit. Raises ProjectError where a category is not there."""
    for category_id in edit.merge or (edit.remove_category,):
        if db.execute("SELECT 1 FROM categories WHERE id = ?", (category_id,)).fetchone() is None:
            raise ProjectError(f"{edit.text}: the project has no category number {category_id}; nothing was changed.")
    gone = edit.merge[0] if edit.merge is not None else edit.remove_category
    assert gone is not None, "the edit is symbolic"
    marking.mark_files_of_category(db, gone, sequence)
    marking.mark_files_with_categories(db, sequence)
    if edit.merge is not None:
        _merge(db, *edit.merge, sequence)
    else:
        _remove_boxes(db, gone, sequence)
    db.execute(f"INSERT INTO shelf_categories SELECT ?, {_CATEGORY} FROM categories WHERE id = ?", (sequence, gone))
    db.execute("DELETE FROM categories WHERE id = ?", (gone,))
    db.execute(f"UPDATE categories SET position = position - 1 WHERE position > {_SHELVED}", (sequence,))


def take_back(db: sqlite3.Connection, edit: Edit, undone: int, sequence: int) -> None:
    """Takes back the edit that was stored under `undone`: the same boxes, ids, places and order."""
    db.execute(f"UPDATE categories SET position = position + 1 WHERE position >= {_SHELVED}", (undone,))
    back = db.execute(
        f"INSERT OR IGNORE INTO categories ({_CATEGORY}) SELECT {_CATEGORY} FROM shelf_categories WHERE sequence = ?",
        (undone,),
    )
    if back.rowcount != 1:
        raise ProjectError(f"{edit.text}: has been taken back already, or its category is there again.")
    if edit.merge is not None:
        _unmerge(db, *edit.merge, undone)
    else:
        _put_boxes_back(db, undone)
    marking.mark_files_of_shelf(db, undone, sequence)


def _merge(db: sqlite3.Connection, gone: int, into: int, sequence: int) -> None:
    db.execute("INSERT INTO shelf_merged SELECT ?, image_id, id FROM boxes WHERE category_id = ?", (sequence, gone))
    db.execute(
        "UPDATE images SET touched = 1 WHERE touched = 0"
        " AND id IN (SELECT DISTINCT image_id FROM boxes WHERE category_id = ?)",
        (gone,),
    )
    db.execute("UPDATE boxes SET category_id = ? WHERE category_id = ?", (into, gone))


def _unmerge(db: sqlite3.Connection, gone: int, into: int, undone: int) -> None:
    db.execute(
        "UPDATE boxes SET category_id = ? FROM shelf_merged AS shelf WHERE shelf.sequence = ?"
        " AND boxes.image_id = shelf.image_id AND boxes.id = shelf.id AND +boxes.category_id = ?",
        (gone, undone, into),
    )


def _remove_boxes(db: sqlite3.Connection, gone: int, sequence: int) -> None:
    db.execute(f"INSERT INTO shelf_boxes SELECT ?, {_BOX} FROM boxes WHERE category_id = ?", (sequence, gone))
    db.execute("DELETE FROM boxes WHERE category_id = ?", (gone,))
    _recount(db, sequence)
    db.execute(
        "INSERT INTO shelf_images SELECT ?, id, state FROM images WHERE box_count = 0 AND state NOT IN (?, ?)"
        " AND id IN (SELECT image_id FROM shelf_boxes WHERE sequence = ?)",
        (sequence, int(ImageState.NEEDS_FIX), int(ImageState.UNLABELLED), sequence),
    )
    db.execute(
        "UPDATE images SET state = ? WHERE id IN (SELECT image_id FROM shelf_images WHERE sequence = ?)",
        (int(ImageState.UNLABELLED), sequence),
    )


def _put_boxes_back(db: sqlite3.Connection, undone: int) -> None:
    db.execute(
        f"INSERT OR IGNORE INTO boxes ({_BOX}) SELECT {_BOX} FROM shelf_boxes WHERE sequence = ?"
        " AND image_id IN (SELECT id FROM images)",
        (undone,),
    )
    _recount(db, undone)
    db.execute(
        "UPDATE images SET state = shelf.state FROM shelf_images AS shelf"
        " WHERE shelf.sequence = ? AND images.id = shelf.image_id AND images.state = ?",
        (undone, int(ImageState.UNLABELLED)),
    )


def _recount(db: sqlite3.Connection, sequence: int) -> None:
    db.execute(
        "UPDATE images SET touched = 1, box_count = (SELECT count(*) FROM boxes WHERE boxes.image_id = images.id)"
        " WHERE id IN (SELECT DISTINCT image_id FROM shelf_boxes WHERE sequence = ?)",
        (sequence,),
    )
