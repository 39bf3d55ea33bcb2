"""A selection lined up or made of one size: one undo step each. Which box lies in front is in stacking.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from rcnn_studio.domain.arranging import Side, Size, aligned, largest, same_sized
from rcnn_studio.workspace.project import ProjectModel


class Arranger(QObject):
    """hovered: id of the box under the pointer, or None; hint: shows a short word on the canvas."""

    def __init__(
        self, project: ProjectModel, hovered: Callable[[], int | None], hint: Callable[[str], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._project, self._hovered, self._hint = project, hovered, hint
        self._names = {
            "left": self.tr("Align {0} boxes left"),
            "right": self.tr("Align {0} boxes right"),
            "top": self.tr("Align {0} boxes at the top"),
            "bottom": self.tr("Align {0} boxes at the bottom"),
            "width": self.tr("Same width for {0} boxes"),
            "height": self.tr("Same height for {0} boxes"),
            "size": self.tr("Same size for {0} boxes"),
        }

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect align.* and same.*"""
        for side in get_args(Side):
            actions[f"action.align.{side}"].triggered.connect(self._on_align)
        for size in get_args(Size):
            actions[f"action.same.{size}"].triggered.connect(self._on_same)

    def align(self, side: Side) -> None:
        boxes = self._project.selected_boxes()
        if self._enough(len(boxes)):
            self._project.change_boxes(aligned(boxes, side), self._names[side].format(len(boxes)))

    def make_same(self, size: Size) -> None:
        """Like the box under the pointer if it is one of the selection, else like the largest."""
        boxes, record = self._project.selected_boxes(), self._project.record
        if record is None or not self._enough(len(boxes)):
            return
        pointed = self._hovered()
        model = next((b for b in boxes if b.id == pointed), None) or largest(boxes)
        made = same_sized(boxes, model, size, width=record.width, height=record.height)
        self._project.change_boxes(made, self._names[size].format(len(boxes)))

    def _enough(self, count: int) -> bool:
        if count < 2:
            self._hint(self.tr("Select two boxes or more first: drag over them, or Ctrl+click"))
        return count >= 2

    def _word(self) -> str:
        """The last word of the id of the action that was triggered."""
        sender = self.sender()
        return sender.objectName().rpartition(".")[2] if sender is not None else ""

    def _on_align(self) -> None:
        word = self._word()
        for side in get_args(Side):
            if side == word:
                self.align(side)

    def _on_same(self) -> None:
        word = self._word()
        for size in get_args(Size):
            if size == word:
                self.make_same(size)
