"""A short text that changes often, in a label that keeps its size. Knows no meaning."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLabel, QWidget


class SteadyLabel(QLabel):
    """As wide as the widest text so far: a window lays itself out anew, and is painted, whenever a label asks for
    another width. widest: a text that it has room for from the beginning."""

    def __init__(self, widest: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widest = widest
        self._fit()

    def show_text(self, text: str) -> None:
        """Show this text; only one that is wider than any before asks for room."""
        if text == self.text():
            return
        self.setText(text)
        self._fit()

    def _fit(self) -> None:
        margins, metrics = self.contentsMargins(), self.fontMetrics()
        wanted = max(metrics.horizontalAdvance(text) for text in (self._widest, self.text()))
        width = wanted + margins.left() + margins.right() + 2
        height = metrics.height() + margins.top() + margins.bottom() + 2
        if width > self.width() or height != self.height() or self.minimumWidth() != self.maximumWidth():
            self.setFixedSize(width, height)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ContentsRectChange):
            self.setMaximumWidth(self.maximumWidth() + 1)  # no longer fixed: measured anew
            self._fit()
