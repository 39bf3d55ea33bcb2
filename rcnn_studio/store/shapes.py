"""Masks and key points beside the boxes of linked files: whether a file has some, and the choice made for them.

The choice stands in the files' own options, where the codec looks when it patches. Changes no label.
"""

from __future__ import annotations

import sqlite3

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.store.edits_json import extra_from_text, extra_to_text

META_KEY = "stale_shapes"


def has_shapes(db: sqlite3.Connection, image_id: int) -> bool:
    """True if the file that holds an image's labels has masks or key points beside its boxes."""
    row = db.execute(
        "SELECT options FROM files WHERE id = (SELECT file_id FROM images WHERE id = ?)", (image_id,)
    ).fetchone()
    return row is not None and bool(extra_from_text(row[0]).get("shapes"))


def chosen_way(db: sqlite3.Connection) -> ShapeWay | None:
    """What was chosen for this project; None if nobody has chosen yet."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (META_KEY,)).fetchone()
    return ShapeWay(row[0]) if row is not None and row[0] in set(ShapeWay) else None


def choose_way(db: sqlite3.Connection, way: ShapeWay) -> list[tuple[int, str]]:
    """Remembers the choice. -> (id, format) of the files that have to be made anew for it, because they were written
    since the import; they lag behind now, whatever is undone."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (META_KEY, str(way)))
    due: list[tuple[int, str]] = []
    rows = db.execute("SELECT id, format, options, status, origin, revision FROM files").fetchall()
    for file_id, name, text, status, origin, revision in rows:
        options = extra_from_text(text)
        if not options.get("shapes"):
            continue
        changed = extra_to_text({**options, "stale": str(way)})
        db.execute("UPDATE files SET options = ? WHERE id = ?", (changed, file_id))
        if status == "ok" and origin == "stored" and revision:
            db.execute("UPDATE files SET written = -1, since = 0 WHERE id = ?", (file_id,))
            due.append((file_id, name))
    return due
