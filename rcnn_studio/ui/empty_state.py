"""A friendly page where a list has nothing to show: an icon, a line, what to do next."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from rcnn_studio.ui import icons, theme

ICON_PX = 40


class EmptyState(QWidget):
    """button_clicked: the person took the way out that is offered."""

    button_clicked = Signal()

    def __init__(self, icon: str, title: str, hint: str, button: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._icon = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(title, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._title.setProperty("role", "title")
        self._hint = QLabel(hint, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._hint.setProperty("role", "muted")
        self._button = QPushButton(button)
        self._button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._button.clicked.connect(self.button_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 20)
        layout.setSpacing(6)
        layout.addStretch(2)
        for widget in (self._icon, self._title, self._hint):
            layout.addWidget(widget)
        layout.addSpacing(6)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self._button.setVisible(bool(button))
        self._tint()

    def set_texts(self, title: str, hint: str, button: str) -> None:
        """Other words for the same page; no button where its text is empty."""
        self._title.setText(title)
        self._hint.setText(hint)
        self._button.setText(button)
        self._button.setVisible(bool(button))

    @property
    def title(self) -> str:
        return self._title.text()

    def _tint(self) -> None:
        dpr = self.devicePixelRatioF()
        muted = theme.colors_of(self.palette()).border_strong
        drawn = icons.pixmap(self._icon_name, muted, round(ICON_PX * dpr)).copy()
        drawn.setDevicePixelRatio(dpr)
        self._icon.setPixmap(drawn)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)
