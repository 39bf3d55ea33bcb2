"""Two buttons beside each other, one of them down: which changes are listed. Knows no files."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from rcnn_studio.workspace.files import Scope


class ScopeSwitch(QWidget):
    """chosen(Scope): the person asks for other changes."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.changes.scope")
        self.setAccessibleName(self.tr("Which changes"))
        texts = {
            "session": (self.tr("In this session"), self.tr("What has changed since the project was opened")),
            "ever": (self.tr("Since the beginning"), self.tr("Every file that this project has ever changed")),
        }
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for scope in get_args(Scope):
            text, tip = texts[scope]
            button = QPushButton(text, checkable=True, autoDefault=False, objectName=f"files.changes.scope.{scope}")
            button.setToolTip(tip)
            button.setProperty("role", "toggle")
            self._group.addButton(button)
            row.addWidget(button)
            self.buttons[scope] = button
            button.clicked.connect(lambda _on=False, asked=scope: self.chosen.emit(asked))
        self.show_scope("session")

    def show_scope(self, scope: Scope) -> None:
        """This one is down."""
        self.buttons[scope].setChecked(True)
