"""Small rounded buttons for conditions: one that is switched on and off, one that is taken away. Hold no filter."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget

from rcnn_studio.ui import icons, theme

LONGEST_PX = 216


class Chip(QToolButton):
    """icon: name of one of the studio's icons, tinted like the text ("" for none); at the end of the text where
    `closes`, because a click then takes the chip away."""

    def __init__(
        self, text: str, *, icon: str = "", closes: bool = False, checkable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "chip")
        self._text = text
        self._icon_name = "close" if closes else icon
        self.setCheckable(checkable)
        self.setIconSize(QSize(12, 12) if closes else QSize(14, 14))
        named = self._icon_name != ""
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonTextBesideIcon if named else style.ToolButtonTextOnly)
        if closes:
            self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_text(text)
        self._tint()

    def show_text(self, text: str) -> None:
        self._text = text
        self.setText(self._cut(LONGEST_PX))
        self.setAccessibleName(text)
        if not self.toolTip():
            self.setToolTip(text)

    def _cut(self, room: int) -> str:
        """The text with its end cut off where it must be: its first words are what it is about."""
        return self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, room)

    def sizeHint(self) -> QSize:
        """For as much of the text as may be shown, also while less is."""
        hint, metrics = super().sizeHint(), self.fontMetrics()
        more = metrics.horizontalAdvance(self._cut(LONGEST_PX)) - metrics.horizontalAdvance(self.text())
        return QSize(hint.width() + more, hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        shown = self._cut(LONGEST_PX - max(0, self.sizeHint().width() - self.width()))
        if shown != self.text():
            self.setText(shown)

    def _tint(self) -> None:
        if self._icon_name:
            colors = theme.colors_of(self.palette())
            self.setIcon(icons.icon(self._icon_name, colors.muted, colors.disabled, colors.accent))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)
