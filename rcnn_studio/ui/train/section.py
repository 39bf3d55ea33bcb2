"""A part of a panel that folds away under its title. Knows nothing of what is inside."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from rcnn_studio.ui.icons import themed


class Section(QWidget):
    """A title that folds its content; folded, a line beside the title says what is inside."""

    folded = Signal(bool)

    def __init__(self, title: str, content: QWidget, *, open_: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.button = QToolButton(text=title, checkable=True, autoRaise=True)
        self.button.setChecked(open_)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        font = self.button.font()
        font.setWeight(font.Weight.DemiBold)
        self.button.setFont(font)
        self.button.toggled.connect(self._on_toggled)
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(6)
        head.addWidget(self.button)
        head.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(content)
        self._on_toggled(open_)

    @property
    def open(self) -> bool:
        return self.button.isChecked()

    def set_open(self, open_: bool) -> None:
        self.button.setChecked(open_)

    def set_note(self, text: str) -> None:
        """What is inside, shown while folded; the whole text is its tooltip."""
        self.note.setText(text)
        self.note.setToolTip(text)

    def _on_toggled(self, open_: bool) -> None:
        self.content.setVisible(open_)
        self.note.setVisible(not open_)
        self._tint()
        self.folded.emit(not open_)

    def _tint(self) -> None:
        self.button.setIcon(themed("chevron-down" if self.open else "chevron-right", self.palette()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
