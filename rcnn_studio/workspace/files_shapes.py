"""What shall become of a box's mask or key points once the box is moved: asked once per project, then remembered.

Changes no label itself; the files' own codec does what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.dataset import Box


class ShapeStore(Protocol):
    """What is asked of the project."""

    def has_shapes(self, image_id: int) -> bool: ...

    def shape_way(self) -> ShapeWay | None: ...

    def choose_shape_way(self, way: ShapeWay) -> None: ...


class ShapePolicy(QObject):
    """asked: a box was moved in a file with masks or key points and nobody has chosen yet; the widgets put the
    question. chosen(ShapeWay) once there is an answer."""

    asked = Signal()
    chosen = Signal(object)

    def __init__(self, store: ShapeStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._open = False
        self._chosen = store.shape_way()

    @property
    def answered(self) -> bool:
        """True once the person has chosen, in this session or an earlier one."""
        return self._chosen is not None

    @property
    def way(self) -> ShapeWay:
        """What is done now; KEEP until somebody has chosen."""
        return self._chosen or ShapeWay.KEEP

    def choose(self, way: ShapeWay) -> None:
        """The person's answer; remembered with the project, and it holds for boxes moved before as well. Raises
        ProjectError if the project cannot be changed."""
        self._store.choose_shape_way(way)
        self._open = False
        self._chosen = way
        self.chosen.emit(way)

    def postpone(self) -> None:
        """No answer now: shapes are kept, and the next such edit asks again."""
        self._open = False

    def notice(self, image_id: int, before: Iterable[Box], after: Iterable[Box]) -> bool:
        """Boxes of an image were edited: put the question if one that its file holds was moved, masks or key points
        stand in that file, and it was never answered. -> whether it was put now"""
        if self._open or self.answered:
            return False
        was = {box.id: box.xyxy for box in before}
        moved = any(box.place is not None and was.get(box.id, box.xyxy) != box.xyxy for box in after)
        if not moved or not self._store.has_shapes(image_id):
            return False
        self._open = True
        self.asked.emit()
        return True
