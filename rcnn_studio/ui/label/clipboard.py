"""Boxes copied, cut, pasted and duplicated, within an image and across images. Each paste is one undo step.

What is copied lives in the project model for as long as the project is open; the system's clipboard is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from rcnn_studio.domain.dataset import Box
from rcnn_studio.workspace.project import ProjectModel

DUPLICATE_SHIFT = 10.0


class BoxClipboard(QObject):
    """targets: the boxes that a key acts on; hint: shows a short word on the canvas."""

    def __init__(
        self,
        project: ProjectModel,
        targets: Callable[[], tuple[Box, ...]],
        hint: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._project, self._targets, self._hint = project, targets, hint

    def bind(self, actions: Mapping[str, QAction]) -> None:
        for name, slot in {
            "edit.copy": self.copy,
            "edit.cut": self.cut,
            "edit.paste": self.paste,
            "box.duplicate": self.duplicate,
            "box.paste_previous": self.paste_previous,
        }.items():
            actions[f"action.{name}"].triggered.connect(slot)

    def copy(self) -> None:
        if self._take():
            self._hint(self._counted(self.tr("1 box copied"), self.tr("{0} boxes copied")))

    def cut(self) -> None:
        boxes = self._take()
        if boxes:
            self._project.delete_boxes([box.id for box in boxes])
            self._hint(self._counted(self.tr("1 box cut"), self.tr("{0} boxes cut")))

    def paste(self) -> None:
        """The copied boxes at their place; shifted where one of them would cover a box of this very size."""
        boxes = self._project.clipboard
        if not boxes:
            self._hint(self.tr("Nothing was copied yet"))
            return
        there = {box.xyxy for box in self._project.boxes}
        shift = 0.0
        while any(self._shifted(box, shift).xyxy in there for box in boxes) and shift < 200:
            shift += DUPLICATE_SHIFT
        self._add(boxes, self.tr("Paste {0}"), self.tr("Paste {0} boxes"), shift)

    def duplicate(self) -> None:
        self._add(self._targets(), self.tr("Duplicate {0}"), self.tr("Duplicate {0} boxes"), DUPLICATE_SHIFT)

    def paste_previous(self) -> None:
        """All boxes of the image before this one in the project's order; adds, never overwrites."""
        rows, current = self._project.rows, self._project.current_id
        if current is None:
            return
        row = rows.row(current)
        boxes = self._project.image_record(int(rows.ids[row - 1])).boxes if row > 0 else ()
        if not boxes:
            self._hint(self.tr("The previous image has no boxes"))
            return
        text = self.tr("Paste boxes of the previous image")
        self._add(boxes, text, text, 0.0)

    def _take(self) -> tuple[Box, ...]:
        """Put the boxes at hand on the clipboard; what was there stays where there are none."""
        boxes = self._targets()
        if boxes:
            self._project.clipboard = boxes
        return boxes

    def _add(self, boxes: Sequence[Box], one: str, many: str, shift: float) -> None:
        names = {category.id: category.name for category in self._project.categories}
        fitting = [self._shifted(box, shift) for box in boxes if box.category_id in names]
        fitting = [box for box in fitting if box.width >= 1 and box.height >= 1]
        if not fitting:
            if boxes:
                self._hint(self.tr("None of these boxes fits into this image"))
            return
        text = one.format(names[fitting[0].category_id]) if len(fitting) == 1 else many.format(len(fitting))
        self._project.add_boxes(fitting, text)
        left = len(boxes) - len(fitting)
        if left:
            self._hint(self.tr("{0} pasted; {1} lie outside of this image or have no class").format(len(fitting), left))

    def _counted(self, one: str, many: str) -> str:
        count = len(self._project.clipboard)
        return one if count == 1 else many.format(count)

    def _shifted(self, box: Box, by: float) -> Box:
        """The box moved right and down, cut to the image at hand."""
        record = self._project.record
        if record is None:
            return box
        dx = min(by, max(0.0, record.width - box.x2))
        dy = min(by, max(0.0, record.height - box.y2))
        return replace(
            box,
            x1=min(max(0.0, box.x1 + dx), record.width),
            y1=min(max(0.0, box.y1 + dy), record.height),
            x2=min(max(0.0, box.x2 + dx), record.width),
            y2=min(max(0.0, box.y2 + dy), record.height),
        )
