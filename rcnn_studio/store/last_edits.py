"""When each image was edited last, by the number of the edit. Reads only; images never edited are left out."""

from __future__ import annotations

import sqlite3

_LAST = """
SELECT image_id, max(sequence) FROM (
    SELECT image_id, sequence FROM history_images
    UNION ALL
    SELECT shelf.image_id, h.sequence FROM history AS h JOIN shelf_merged AS shelf
        ON shelf.sequence = coalesce(h.undoes, h.sequence)
        WHERE h.kind IN ('merge', 'remove') AND h.kind <> ''
    UNION ALL
    SELECT shelf.image_id, h.sequence FROM history AS h JOIN shelf_boxes AS shelf
        ON shelf.sequence = coalesce(h.undoes, h.sequence)
        WHERE h.kind IN ('merge', 'remove') AND h.kind <> ''
) GROUP BY image_id
"""


def read_last_edits(db: sqlite3.Connection) -> dict[int, int]:
    """Image id -> sequence of the newest edit that has touched it, those over all images included."""
    return {int(image_id): int(sequence) for image_id, sequence in db.execute(_LAST)}
