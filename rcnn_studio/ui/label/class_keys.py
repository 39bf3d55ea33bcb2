"""Which box a class key means, and the word about it at the pointer. Draws nothing, and knows no dialogs of classes.

Select tool: the selection, else the box under the pointer, else the boxes that are drawn next. A class given to a box
that is there leaves the class of the next ones alone, and the hint names both.

Draw tool: always the boxes drawn next; and the box just drawn as well, but only for as long as the hand is still at
it: the pointer lies within NEAR_PX of it (or has not moved since, or is off the canvas), no button was pressed, no
other box was selected and no other image shown. So "draw, then say what it is" (labelImg) works without a thought,
and so does "say what comes next, then draw" (CVAT) as soon as the hand is on its way; a neighbour under the pointer
is never meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, QPointF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.dataset import Category
from rcnn_studio.ui.label.category_palette import CategoryPalette
from rcnn_studio.ui.label.tools import Pointer
from rcnn_studio.workspace.project import ProjectModel

BESIDE_PX = 8.0
NEAR_PX = 24.0
"""Logical pixels around the box just drawn within which the hand is still at it."""


class Host(Protocol):
    """The canvas as class keys see it."""

    @property
    def tool(self) -> str: ...
    @property
    def pointer(self) -> Pointer | None: ...
    def reach(self, logical: float) -> float: ...
    def show_hint(self, text: str, *, of_category: bool = False, at_pointer: bool = False) -> None: ...
    def image_to_widget(self, x: float, y: float) -> QPointF: ...


class Targets(Protocol):
    """Ids of the boxes that a key acts on in the select tool."""

    def __call__(self) -> tuple[int, ...]: ...


class ClassKeys(QObject):
    """See the module. canvas: is both the Host and the parent of the palette."""

    def __init__(self, canvas: QWidget, project: ProjectModel, targets: Targets) -> None:
        super().__init__(canvas)
        self._widget = canvas
        self._host: Host = canvas  # type: ignore[assignment]
        self._project = project
        self._targets = targets
        self._fresh: int | None = None
        self._made_at: Pointer | None = None
        project.image_changed.connect(self.forget)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect category.*"""
        actions["action.category.pick"].triggered.connect(self.pick)
        for action_id, action in actions.items():
            if action_id.removeprefix("action.category.").isdigit():
                action.triggered.connect(self._on_key)

    # --- the box just drawn ----------------------------------------------------------------------------

    def made(self, box_id: int) -> None:
        """This box was drawn just now, and the pointer is where it ended."""
        self._fresh, self._made_at = box_id, self._host.pointer

    @property
    def fresh(self) -> int | None:
        """Id of the box just drawn: nothing was pressed, selected or opened since."""
        return self._fresh if self._project.selection == {self._fresh} else None

    def forget(self, _image_id: int = 0) -> None:
        """The hand does something else: class keys mean the next box."""
        self._fresh = None

    def meant(self) -> tuple[int, ...]:
        """Ids of the boxes that a class key would change now."""
        if self._host.tool != "draw":
            return self._targets()
        fresh = self.fresh
        if fresh is None or not self._at_hand(fresh):
            return ()
        return (fresh,)

    def _at_hand(self, box_id: int) -> bool:
        p, start = self._host.pointer, self._made_at
        if p is None or (start is not None and not p.far_from(start)):
            return True
        box = next((b for b in self._project.boxes if b.id == box_id), None)
        near = self._host.reach(NEAR_PX)
        return box is not None and box.x1 - near <= p.x <= box.x2 + near and box.y1 - near <= p.y <= box.y2 + near

    # --- choosing ----------------------------------------------------------------------------------------

    def choose(self, category_id: int, box_ids: Collection[int] | None = None) -> None:
        """Give these boxes (None: those meant now) the class; without any, and in the draw tool, the next ones too."""
        category = self._project.category(category_id)
        if category is None:
            return
        ids = self.meant() if box_ids is None else tuple(box_ids)
        if ids:
            self._project.set_category(ids, category_id)
            if any(b.category_id != category_id for b in self._project.boxes if b.id in ids):
                return  # locked or read-only: that was said
        if self._host.tool == "draw" or not ids:
            self._project.set_active_category(category_id)
            text = self.tr("This box is now {0}; next too") if ids else self.tr("Next boxes: {0}")
            self._host.show_hint(text.format(category.name), of_category=True, at_pointer=True)
        else:
            self._host.show_hint(self._changed_text(len(ids), category), of_category=True, at_pointer=True)

    def _changed_text(self, count: int, category: Category) -> str:
        """Names the class of the next boxes where it is another one."""
        one, many = self.tr("This box is now {1}"), self.tr("{0} boxes are now {1}")
        text = (one if count == 1 else many).format(count, category.name)
        active = self._project.category(self._project.active_category_id)
        if active is None or active.id == category.id:
            return text
        return self.tr("{0} (next boxes: {1})").format(text, active.name)

    def pick(self) -> None:
        """The type-ahead palette at the pointer, for the boxes that are meant as it opens."""
        palette = CategoryPalette(self._project, self._widget)
        palette.category_chosen.connect(partial(self._on_picked, self.meant()))
        pointer = self._host.pointer
        palette.open_at(None if pointer is None else (pointer.wx, pointer.wy))

    def pick_for(self, box_id: int) -> None:
        """The type-ahead palette beside one box, for that box."""
        box = next((b for b in self._project.boxes if b.id == box_id), None)
        if box is None:
            return
        palette = CategoryPalette(self._project, self._widget)
        palette.category_chosen.connect(partial(self._on_picked, (box_id,)))
        corner = self._host.image_to_widget(box.x2, box.y1)
        x = min(max(0.0, corner.x() + BESIDE_PX), float(self._widget.width()))
        palette.open_at((x, min(max(0.0, corner.y()), float(self._widget.height()))))

    def _on_picked(self, box_ids: tuple[int, ...], category_id: int) -> None:
        self.choose(category_id, [b.id for b in self._project.boxes if b.id in box_ids])

    def _on_key(self) -> None:
        sender = self.sender()
        key = str(int(sender.objectName().rpartition(".")[2]) % 10) if sender is not None else ""
        category = next((c for c in self._project.categories if c.hotkey == key), None)
        if category is not None:
            self.choose(category.id)
        else:
            self._host.show_hint(self.tr("No class has the key {0}").format(key), at_pointer=True)
