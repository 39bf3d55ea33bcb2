"""The canvas's right-click menu, made of the actions of the table and the classes of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label.tools import Pointer
from rcnn_studio.ui.swatch import swatch

if TYPE_CHECKING:
    from rcnn_studio.ui.label.canvas import Canvas

_FLAGS = {
    "action.box.occluded": BoxFlag.OCCLUDED,
    "action.box.truncated": BoxFlag.TRUNCATED,
    "action.box.difficult": BoxFlag.DIFFICULT,
    "action.box.crowd": BoxFlag.CROWD,
}

MENU_CLASSES = 24


def make_context_menu(canvas: Canvas, actions: Mapping[str, QAction], p: Pointer | None) -> QMenu:
    """A menu for what lies under the pointer: a detection, a box (which becomes the selection), or the image."""
    menu = QMenu(canvas)
    menu.aboutToHide.connect(menu.deleteLater)
    stack = canvas.stack_at(p) if p is not None else []
    ghost = canvas.ghost_at(p, smaller_than=stack[0] if stack else None) if p is not None else None
    if ghost is not None:
        canvas.focus_ghost(ghost)
        for name in ("accept", "edit", "reject"):
            menu.addAction(actions[f"action.detection.{name}"])
        menu.addSeparator()
    elif stack and canvas.project.selection.isdisjoint(stack):
        canvas.select([stack[0]])
    menu.addAction(actions["action.box.new"])
    menu.addSeparator()
    if canvas.commands.targets():
        _add_box_entries(canvas, menu, actions)
    for name in ("edit.paste", "box.paste_previous", "edit.select_all"):
        menu.addAction(actions[f"action.{name}"])
    menu.addSeparator()
    for name in ("image.verify", "image.confirm_empty"):
        menu.addAction(actions[f"action.{name}"])
    return menu


def _add_box_entries(canvas: Canvas, menu: QMenu, actions: Mapping[str, QAction]) -> None:
    boxes = canvas.commands.target_boxes()
    _add_classes(canvas, menu, actions)
    flags = menu.addMenu(canvas.tr("Flags"))
    for action_id, flag in _FLAGS.items():
        shared = actions[action_id]
        entry = flags.addAction(shared.icon(), shared.text())
        entry.setCheckable(True)
        entry.setChecked(all(box.flags & flag for box in boxes))
        entry.triggered.connect(shared.trigger)
    order = menu.addMenu(canvas.tr("Order"))
    for name in ("order.front", "order.back", "box.next", "box.previous"):
        order.addAction(actions[f"action.{name}"])
    if len(canvas.project.selection) > 1:
        arrange = menu.addMenu(canvas.tr("Arrange"))
        for name in ("left", "right", "top", "bottom"):
            arrange.addAction(actions[f"action.align.{name}"])
        arrange.addSeparator()
        for name in ("width", "height", "size"):
            arrange.addAction(actions[f"action.same.{name}"])
    menu.addSeparator()
    for name in ("box.duplicate", "edit.cut", "edit.copy", "box.delete", "view.zoom_box"):
        menu.addAction(actions[f"action.{name}"])
    menu.addSeparator()


def _add_classes(canvas: Canvas, menu: QMenu, actions: Mapping[str, QAction]) -> None:
    """The first MENU_CLASSES of the project; type-ahead for the others and for new ones."""
    boxes = canvas.commands.target_boxes()
    classes = menu.addMenu(canvas.tr("Class"))
    group = QActionGroup(classes)
    for category in canvas.project.categories[:MENU_CLASSES]:
        entry = classes.addAction(swatch(category.color), category.name.replace("&", "&&"))
        entry.setCheckable(True)
        entry.setChecked(all(box.category_id == category.id for box in boxes))
        entry.setData(category.id)
        group.addAction(entry)
    group.triggered.connect(canvas.commands.on_class_entry)
    classes.addSeparator()
    classes.addAction(actions["action.category.pick"])
