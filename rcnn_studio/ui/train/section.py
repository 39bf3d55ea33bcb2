"""A part of a panel that folds away under its title. Knows nothing of what is inside."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from rcnn_studio.ui.icons import themed

NOTE_INDENT = 22
"""So that the line stands under the title, not under its chevron."""


class FoldButton(QToolButton):
    """A title with a chevron that points down while open."""

    open_changed = Signal(bool)

    def __init__(self, title: str, *, open_: bool = False, bold: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._open = open_
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(14, 14))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        font = self.font()
        font.setWeight(font.Weight.DemiBold if bold else font.weight())
        self.setFont(font)
        self.set_title(title)
        self.clicked.connect(self.toggle_open)
        self._show()

    @property
    def open(self) -> bool:
        return self._open

    def set_title(self, title: str) -> None:
        self.setText(title)
        self._show()

    def set_open(self, open_: bool) -> None:
        if open_ != self._open:
            self._open = open_
            self._show()
            self.open_changed.emit(open_)

    def toggle_open(self) -> None:
        self.set_open(not self._open)

    def _show(self) -> None:
        self.setIcon(themed("chevron-down" if self._open else "chevron-right", self.palette()))
        state = self.tr("open") if self._open else self.tr("folded")
        self.setAccessibleName(f"{self.text()}, {state}")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show()


class Section(QWidget):
    """A title that folds its content; folded, a line below the title says what is inside."""

    def __init__(self, title: str, content: QWidget, *, open_: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.button = FoldButton(title, open_=open_, bold=True)
        self.button.open_changed.connect(self._on_open_changed)
        self.note = QLabel(wordWrap=True)
        self.note.setProperty("role", "muted")
        self.note.setContentsMargins(NOTE_INDENT, 0, 0, 0)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(6)
        head.addWidget(self.button)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.note)
        column.addWidget(content)
        self._note = ""
        self._on_open_changed(open_)

    @property
    def open(self) -> bool:
        return self.button.open

    def set_open(self, open_: bool) -> None:
        self.button.set_open(open_)

    def set_title(self, title: str) -> None:
        self.button.set_title(title)

    def set_note(self, text: str) -> None:
        """What is inside, shown while folded."""
        self._note = text
        self.note.setText(text)
        self.note.setVisible(bool(text) and not self.open)

    def _on_open_changed(self, open_: bool) -> None:
        self.content.setVisible(open_)
        self.set_note(self._note)
