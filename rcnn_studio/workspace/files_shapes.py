"""What shall become of a box's mask or key points once the box is edited: asked once per project, then remembered.

Changes no label itself; how a record's other fields follow their box is in domain.box_shapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.box_shapes import ShapeWay, has_shape
from rcnn_studio.domain.dataset import Box

META_KEY = "stale_shapes"


class Memory(Protocol):
    """The project's small remembered values."""

    def get_meta(self, key: str) -> str | None: ...

    def set_meta(self, key: str, value: str) -> None: ...


class ShapePolicy(QObject):
    """asked: a box with a shape was edited and nobody has chosen yet; the widgets put the question. chosen(ShapeWay)
    once there is an answer."""

    asked = Signal()
    chosen = Signal(object)

    def __init__(self, memory: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self._open = False

    @property
    def answered(self) -> bool:
        """True once the person has chosen, in this session or an earlier one."""
        return self._memory.get_meta(META_KEY) in set(ShapeWay)

    @property
    def way(self) -> ShapeWay:
        """What to do now; KEEP until somebody has chosen."""
        stored = self._memory.get_meta(META_KEY)
        return ShapeWay(stored) if stored in set(ShapeWay) else ShapeWay.KEEP

    def choose(self, way: ShapeWay) -> None:
        """The person's answer; remembered with the project."""
        self._open = False
        self._memory.set_meta(META_KEY, str(way))
        self.chosen.emit(way)

    def postpone(self) -> None:
        """No answer now: shapes are kept, and the next such edit asks again."""
        self._open = False

    def notice(self, before: Iterable[Box], after: Iterable[Box]) -> bool:
        """Boxes were edited: put the question if one of them has a shape and it was never answered. -> whether it was
        put now"""
        was = {box.id: box for box in before}
        stale = any(box.id in was and has_shape(box) and was[box.id].xyxy != box.xyxy for box in after)
        if not stale or self._open or self.answered:
            return False
        self._open = True
        self.asked.emit()
        return True
