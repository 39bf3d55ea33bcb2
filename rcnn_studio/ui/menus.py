"""Menu bar and toolbar, filled from the one table of actions."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QLabel, QMenu, QMenuBar, QSizePolicy, QToolBar, QWidget

from rcnn_studio.ui.actions import fill_menu

Actions = dict[str, QAction]
DEVICE_WIDTH = 240


def tr(text: str) -> str:
    return QCoreApplication.translate("menus", text)


def fill_menu_bar(bar: QMenuBar, actions: Actions, recent: QMenu) -> QMenu:
    """All menus; recent goes below Open. -> the View menu, which later takes the docks' own actions"""
    titles = {
        "file": tr("&File"),
        "edit": tr("&Edit"),
        "view": tr("&View"),
        "image": tr("&Image"),
        "box": tr("&Box"),
        "train": tr("&Train"),
        "review": tr("&Review"),
        "help": tr("&Help"),
    }
    menus = {}
    for name, title in titles.items():
        menus[name] = bar.addMenu(title)
        fill_menu(menus[name], name, actions)
    menus["file"].insertMenu(actions["action.project.import"], recent)
    fill_menu(menus["box"].addMenu(tr("Move and Resize")), "box.move", actions)
    fill_menu(menus["view"].addMenu(tr("Theme")), "view.theme", actions)
    menus["view"].addSeparator()
    return menus["view"]


def group_choices(actions: Actions, prefix: str, parent: QWidget) -> None:
    """Make the actions below a prefix exclude each other."""
    group = QActionGroup(parent)
    for name, action in actions.items():
        if name.startswith(prefix):
            group.addAction(action)


class Toolbar(QToolBar):
    """Tools, undo and redo, the activity switch, and the line that says what a training would run on."""

    def __init__(self, actions: Actions, device_line: QLabel, parent: QWidget) -> None:
        super().__init__(tr("Toolbar"), parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for names in (
            ("tool.select", "tool.draw"),
            ("edit.undo", "edit.redo"),
            ("image.previous", "image.next", "image.verify"),
            ("view.fit", "view.actual_size", "view.boxes", "view.detections"),
        ):
            for name in names:
                self.addAction(actions[f"action.{name}"])
            self.addSeparator()
        self._spring()
        self._add_activities(actions)
        self._spring()
        device_line.setProperty("role", "muted")
        device_line.setContentsMargins(6, 0, 8, 0)
        device_line.setMinimumWidth(DEVICE_WIDTH)  # the activity switch must not jump when the text comes
        device_line.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addWidget(device_line)

    def _add_activities(self, actions: Actions) -> None:
        for name in ("label", "train", "review"):
            action = actions[f"action.activity.{name}"]
            self.addAction(action)
            button = self.widgetForAction(action)
            button.setProperty("toolButtonStyle", Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setProperty("role", "activity")
            button.setAccessibleName(action.text())

    def _spring(self) -> None:
        spring = QWidget()
        spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spring)
