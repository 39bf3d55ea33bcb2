"""Which classes are hidden on the canvas and which are locked against the hand, remembered with the project.

Only how a person looks and works: labels, files and training know nothing of it, and it is no step of the undo.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.edits import Edit
from rcnn_studio.store.project import ProjectStore

KEY = "category_view"
RECENT = 20


class CategoryView(QObject):
    """hidden, locked: ids of categories. recent: ids chosen lately, newest first, for this session only."""

    changed = Signal()

    def __init__(self, store: ProjectStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        kept = _parsed(store.get_meta(KEY))
        self.hidden = _ids(kept.get("hidden"))
        self.locked = _ids(kept.get("locked"))
        self.recent: tuple[int, ...] = ()

    def is_shown(self, category_id: int) -> bool:
        return category_id not in self.hidden

    def is_locked(self, category_id: int) -> bool:
        return category_id in self.locked

    def is_reachable(self, category_id: int) -> bool:
        """Boxes of this category are seen, and a hand may pick and change them."""
        return category_id not in self.hidden and category_id not in self.locked

    def shown(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        """The boxes that the canvas shows."""
        return boxes if not self.hidden else tuple(box for box in boxes if box.category_id not in self.hidden)

    def reachable(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        """The boxes that a hand on the canvas may pick and change."""
        out = self.hidden | self.locked
        return boxes if not out else tuple(box for box in boxes if box.category_id not in out)

    def set_hidden(self, category_ids: Collection[int], on: bool) -> None:
        wanted = self.hidden | frozenset(category_ids) if on else self.hidden - frozenset(category_ids)
        self._set(wanted, self.locked)

    def set_locked(self, category_ids: Collection[int], on: bool) -> None:
        wanted = self.locked | frozenset(category_ids) if on else self.locked - frozenset(category_ids)
        self._set(self.hidden, wanted)

    def show_only(self, category_id: int, among: Collection[int]) -> None:
        """Hide all of `among` but this one; where that is so already, show them all."""
        others = frozenset(among) - {category_id}
        self._set(frozenset() if self.hidden == others else others, self.locked)

    def used(self, category_id: int) -> None:
        """A category was chosen for a box: it comes first among the recent ones."""
        self.recent = (category_id, *(i for i in self.recent if i != category_id))[:RECENT]

    def follow(self, edit: Edit) -> None:
        """Show the category that a box has just got: nobody draws what vanishes at once."""
        for change in edit.images:
            before = {box.id: box.category_id for box in change.removed}
            for box in change.added:
                if before.get(box.id) != box.category_id:
                    self.used(box.category_id)
                    self.set_hidden((box.category_id,), False)

    def _set(self, hidden: frozenset[int], locked: frozenset[int]) -> None:
        if (hidden, locked) == (self.hidden, self.locked):
            return
        self.hidden, self.locked = hidden, locked
        kept = {"hidden": sorted(hidden), "locked": sorted(locked)}
        self._store.set_meta(KEY, orjson.dumps(kept).decode())
        self.changed.emit()


def _parsed(stored: str | None) -> dict[str, Any]:
    try:
        values = orjson.loads(stored or "{}")
    except orjson.JSONDecodeError:
        return {}
    return values if isinstance(values, dict) else {}


def _ids(values: object) -> frozenset[int]:
    if not isinstance(values, list):
        return frozenset()
    return frozenset(i for i in values if isinstance(i, int) and not isinstance(i, bool))
