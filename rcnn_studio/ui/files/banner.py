"""A strip that says one thing and offers a few ways on; it never blocks and moves nothing by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from rcnn_studio.ui import icons
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.ui.theme import colors_of

ICON_PX = 18


class Banner(QFrame):
    """icon: of resources/icons; level: "info", "warning" or "error"; both can change with the text."""

    def __init__(
        self, name: str, *, icon: str, level: str, closable: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setProperty("banner", "yes")
        self._icon_name, self._level = icon, level
        self.setAutoFillBackground(True)
        self._icon = QLabel()
        self.label = QLabel(wordWrap=True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 6, 6, 6)
        self._row.setSpacing(8)
        self._row.addWidget(self._icon)
        self._row.addWidget(self.label, 1)
        self.close_button = IconButton("close", self.tr("Dismiss"))
        self.close_button.clicked.connect(self.hide)
        self._row.addWidget(self.close_button)
        self.close_button.setVisible(closable)  # not before: without a parent it would be a window of its own
        self._style()
        self.hide()

    @property
    def text(self) -> str:
        """What is said; "" while nothing is."""
        return self.label.text() if not self.isHidden() else ""

    def say(self, text: str) -> None:
        """Show it; "" hides it."""
        self.label.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))

    def add_buttons(self, *rows: tuple[str, str, str, Callable[[], object]]) -> Sequence[QPushButton]:
        """(objectName, text, tooltip, what it does) from left to right. -> the buttons"""
        for name, text, tip, act in rows:
            button = QPushButton(text, objectName=name)
            button.setToolTip(tip)
            button.clicked.connect(act)
            self._row.insertWidget(self._row.count() - 1, button)
            self.buttons.append(button)
        return self.buttons

    def _style(self) -> None:
        colors = colors_of(self.palette())
        ink = {"warning": colors.warning, "error": colors.bad}.get(self._level, colors.accent)
        dpr = self.devicePixelRatioF()
        drawn = icons.pixmap(self._icon_name, ink, round(ICON_PX * dpr)).copy()
        drawn.setDevicePixelRatio(dpr)
        self._icon.setPixmap(drawn)
        wanted = (
            f'QFrame[banner="yes"] {{ background: {colors.selected}; border: none;'
            f" border-bottom: 1px solid {colors.border_strong}; border-left: 4px solid {ink}; }}"
        )
        if wanted != self.styleSheet():
            self.setStyleSheet(wanted)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._style()
        super().changeEvent(event)
