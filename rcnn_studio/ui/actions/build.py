"""QActions from the table: made, attached to widgets, tinted and put into menus. Connects nothing."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import QMenu, QWidget

from rcnn_studio.ui import icons
from rcnn_studio.ui.actions.keys import tooltip, translated
from rcnn_studio.ui.actions.table import ACTIONS

WHY = "why_disabled"
ROLES = {
    "action.app.quit": QAction.MenuRole.QuitRole,
    "action.app.settings": QAction.MenuRole.PreferencesRole,
    "action.help.about": QAction.MenuRole.AboutRole,
}
"""Entries that macOS moves into the menu of the application; it is not to guess others from their texts."""


class _IconTint(QObject):
    """Gives the actions' icons new colours when the window's palette changes."""

    def __init__(self, actions: dict[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange and isinstance(watched, QWidget):
            tint_actions(self._actions, watched.palette())
        return super().eventFilter(watched, event)


def build_actions(parent: QObject) -> dict[str, QAction]:
    """One QAction a row, by id. Window-wide keys act in `parent`; attach the others with attach_canvas_actions."""
    actions: dict[str, QAction] = {}
    for spec in ACTIONS:
        action = QAction(translated(spec.text), parent)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(key) for key in (*spec.keys, *spec.fixed_keys)])
        action.setAutoRepeat(spec.repeats)
        action.setToolTip(tooltip(spec, (*spec.keys, *spec.fixed_keys, *spec.held_keys)))
        action.setMenuRole(ROLES.get(spec.id, QAction.MenuRole.NoRole))
        action.setCheckable(spec.checkable)
        action.setChecked(spec.checked)
        in_canvas = spec.scope == "canvas"
        context = Qt.ShortcutContext
        action.setShortcutContext(context.WidgetWithChildrenShortcut if in_canvas else context.WindowShortcut)
        if isinstance(parent, QWidget) and not in_canvas:
            parent.addAction(action)
        actions[spec.id] = action
    if isinstance(parent, QWidget):
        tint_actions(actions, parent.palette())
        _IconTint(actions, parent)
    else:
        tint_actions(actions, QGuiApplication.palette())
    return actions


def attach_canvas_actions(widget: QWidget, actions: Mapping[str, QAction], *, image_list: bool = False) -> None:
    """Let the canvas-scope keys act while this widget has the focus; the image list keeps its arrows."""
    for spec in ACTIONS:
        if spec.scope == "canvas" and (spec.in_list or not image_list):
            widget.addAction(actions[spec.id])


def tint_actions(actions: Mapping[str, QAction], palette: QPalette) -> None:
    """Icons in the palette's colours."""
    for spec in ACTIONS:
        if spec.icon:
            actions[spec.id].setIcon(icons.themed(spec.icon, palette, checkable=spec.checkable))


def enable(action: QAction, on: bool, why: str = "") -> None:
    """Switch an action on or off. why: what is missing while it is off, as the command palette says it."""
    action.setEnabled(on)
    action.setProperty(WHY, "" if on else why)


def fill_menu(menu: QMenu, name: str, actions: Mapping[str, QAction]) -> None:
    """Add the rows of a menu in the table's order, with a line where the subject changes."""
    before = ""
    for spec in ACTIONS:
        if spec.menu != name:
            continue
        subject = spec.id.split(".")[1]
        if before and subject != before:
            menu.addSeparator()
        before = subject
        menu.addAction(actions[spec.id])
