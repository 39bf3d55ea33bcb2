"""Saying which linked files an edit has made lag behind, and which an undo has brought back before they were written.

Runs inside the writer's transaction; looks at no file.
"""

from __future__ import annotations

import sqlite3

WITH_CATEGORY_TABLE = ("coco", "yolo-names")
"""Formats whose files hold the table of categories and not only their names."""

WITHOUT_NAMES = ("yolo",)
"""Formats whose files hold numbers of categories: another name leaves every byte of them as it is."""

# A file that is level with the database (revision = written) begins to lag behind with this edit.
_SET = "since = CASE WHEN revision = written THEN :revision ELSE since END, revision = :revision"

_ONLY_UNDONE = "(revision = :undone AND since = :undone AND revision <> written)"


def mark_file_of_image(db: sqlite3.Connection, image_id: int, revision: int) -> None:
    db.execute(
        f"UPDATE files SET {_SET} WHERE id = (SELECT file_id FROM images WHERE id = :image) AND status <> 'refused'",
        {"revision": revision, "image": image_id},
    )


def mark_files_of_category(db: sqlite3.Connection, category_id: int, revision: int) -> None:
    """The files of all images that have a box of this category."""
    db.execute(
        f"UPDATE files SET {_SET} WHERE status <> 'refused' AND id IN ("
        " SELECT file_id FROM images WHERE id IN (SELECT image_id FROM boxes WHERE category_id = :category))",
        {"revision": revision, "category": category_id},
    )


def mark_files_with_name(db: sqlite3.Connection, category_id: int, revision: int, undone: int = 0) -> None:
    """The same for another name: only files that hold names, and not those that `level_again` will see to."""
    marks = ", ".join(f"'{name}'" for name in WITHOUT_NAMES)
    db.execute(
        f"UPDATE files SET {_SET} WHERE status <> 'refused' AND format NOT IN ({marks}) AND NOT {_ONLY_UNDONE}"
        " AND id IN (SELECT file_id FROM images"
        " WHERE id IN (SELECT image_id FROM boxes WHERE category_id = :category))",
        {"revision": revision, "category": category_id, "undone": undone},
    )


def mark_files_with_categories(db: sqlite3.Connection, revision: int, undone: int = 0) -> None:
    """The files that hold a table of categories, but those that `level_again` will see to."""
    marks = ", ".join(f"'{name}'" for name in WITH_CATEGORY_TABLE)
    db.execute(
        f"UPDATE files SET {_SET} WHERE status <> 'refused' AND NOT {_ONLY_UNDONE} AND format IN ({marks})",
        {"revision": revision, "undone": undone},
    )


def mark_file(db: sqlite3.Connection, file_id: int, revision: int) -> None:
    db.execute(
        f"UPDATE files SET {_SET} WHERE id = :file AND status <> 'refused'", {"revision": revision, "file": file_id}
    )


def mark_files_of_shelf(db: sqlite3.Connection, undone: int, revision: int) -> None:
    """The files whose images a symbolic edit has changed, now that it is taken back; see `level_again`."""
    marks = ", ".join(f"'{name}'" for name in WITH_CATEGORY_TABLE)
    db.execute(
        f"UPDATE files SET {_SET} WHERE status <> 'refused' AND NOT {_ONLY_UNDONE} AND (format IN ({marks}) OR id IN ("
        " SELECT file_id FROM images WHERE id IN (SELECT image_id FROM shelf_boxes WHERE sequence = :undone"
        " UNION SELECT image_id FROM shelf_merged WHERE sequence = :undone)))",
        {"revision": revision, "undone": undone},
    )
    level_again(db, undone)


def level_again(db: sqlite3.Connection, undone: int) -> None:
    """Files that lag behind only since an edit that has been taken back exactly show what they should: nothing has
    to be read or written."""
    db.execute(f"UPDATE files SET revision = written WHERE {_ONLY_UNDONE}", {"undone": undone})
