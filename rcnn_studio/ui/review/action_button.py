"""A button of a form that stands for one of the window's actions. Does nothing by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

# tool buttons are flat in the toolbar; here, in a form, they look like the buttons they are
BUTTON_SHEET = """
QToolButton { border: 1px solid palette(mid); border-radius: 5px; background: palette(button); padding: 4px 5px; }
QToolButton:hover { background: palette(light); }
QToolButton:pressed { background: palette(midlight); }
QToolButton:focus { border-color: palette(highlight); }
QToolButton:disabled { border-color: palette(midlight); background: transparent; }
"""


class ActionButton(QToolButton):
    """A tool button that keeps its own short text whatever the action's menu text is."""

    def __init__(self, short: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._short = short
        self.setText(short)
        self.setEnabled(False)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setStyleSheet(BUTTON_SHEET)

    def bind(self, action: QAction) -> None:
        self.setDefaultAction(action)
        self.setText(self._short)
        self.setAccessibleName(action.text())

    def actionEvent(self, event: QActionEvent) -> None:
        super().actionEvent(event)
        self.setText(self._short)
