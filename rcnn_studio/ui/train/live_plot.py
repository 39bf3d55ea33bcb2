"""What the live plots have in common: title, legend, pointer, zoom, and when to redraw. Knows no numbers.

Redrawn at most ten times a second, and only while seen. pyqtgraph costs a third of a second to load, so it is
loaded when a plot is first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rcnn_studio.ui.icons import IconButton
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.curves import Floats, nearest
from rcnn_studio.ui.train.legend import CurveStyle, Legend

if TYPE_CHECKING:
    from rcnn_studio.ui.train.plot_parts import Surface

REDRAW_MS = 100
PLOT_HEIGHT, LEAST_HEIGHT, MOST_HEIGHT = 190, 90, 320
"""Logical pixels of the drawing itself, without title and legend."""


class LivePlot(QWidget):
    """Title line, surface, legend; subclasses say what is drawn."""

    def __init__(
        self,
        title: str,
        styles: Sequence[CurveStyle],
        hints: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.surface: Surface | None = None
        self._styles = tuple(styles)
        self._pointed: float | None = None
        self._following = True
        self._dirty = True
        self.legend = Legend(styles, hints)
        self.legend.shown_changed.connect(self.touch)
        self.read_out = QLabel()
        self.read_out.setProperty("role", "muted")
        heading = QLabel(title)
        heading.setProperty("role", "title")
        self.show_all = IconButton("zoom-reset", self.tr("Show everything again (or double-click the plot)"))
        self.show_all.setVisible(False)
        self.show_all.clicked.connect(self.follow)
        self._head = QHBoxLayout()
        self._head.setContentsMargins(0, 0, 0, 0)
        for widget in (heading, self.show_all):
            self._head.addWidget(widget)
        self._head.addStretch(1)
        self._head.addWidget(self.read_out)
        self.note = QLabel(wordWrap=True)
        self.note.setProperty("role", "muted")
        self.note.hide()
        self._place = QWidget()
        self._place.setFixedHeight(PLOT_HEIGHT)
        inside = QVBoxLayout(self._place)
        inside.setContentsMargins(0, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(self._head)
        column.addWidget(self.note)
        column.addWidget(self._place)
        column.addWidget(self.legend)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._timer.timeout.connect(self._on_tick)

    @property
    def overhead(self) -> int:
        """Height of title, note and legend."""
        whole = self.heightForWidth(self.width()) if self.hasHeightForWidth() else self.sizeHint().height()
        return whole - self._place.height()

    def set_plot_height(self, height: int) -> None:
        """Height of the drawing, within what can be read."""
        self._place.setFixedHeight(max(LEAST_HEIGHT, min(MOST_HEIGHT, height)))

    def set_note(self, text: str) -> bool:
        """A line or two below the title, none where the text is empty. -> whether its place has changed"""
        if text == self.note.text():
            return False
        self.note.setText(text)
        self.note.setVisible(bool(text))
        return True

    def touch(self) -> None:
        """Something has changed: draw it within a tenth of a second, or when the plot is next seen."""
        self._dirty = True
        if not self._timer.isActive() and self.isVisible():
            self._timer.start()

    def follow(self) -> None:
        """Show the whole range again, and go on showing it as it grows."""
        self._following = True
        self.show_all.setVisible(False)
        self.touch()

    def build(self) -> None:
        """Load pyqtgraph and make the surface, once."""
        if self.surface is not None:
            return
        from rcnn_studio.ui.train.plot_parts import Surface

        surface = Surface()
        surface.pointed.connect(self._on_pointed)
        surface.left.connect(self._on_left)
        surface.zoomed.connect(self._on_zoomed)
        surface.reset_asked.connect(self.follow)
        surface.range_changed.connect(self._on_range_changed)
        self.surface = surface
        self._add_items(surface)
        self._paint_theme()
        layout = self._place.layout()
        assert layout is not None
        layout.addWidget(surface)

    def redraw(self) -> None:
        """Draw what is there now."""
        self._dirty = False
        if self.surface is not None:
            self._draw(self.surface)
            self._show_values()

    # --- for subclasses ---------------------------------------------------------------------------

    def _add_items(self, surface: Surface) -> None:
        raise NotImplementedError

    def _set_pens(self, surface: Surface) -> None:
        raise NotImplementedError

    def _draw(self, surface: Surface) -> None:
        raise NotImplementedError

    def _xs(self) -> Floats:
        raise NotImplementedError

    def _values_at(self, row: int) -> tuple[str, list[str]]:
        """(what stands at the title, one value a legend entry) of a row."""
        raise NotImplementedError

    # --- inside -----------------------------------------------------------------------------------

    def _show_values(self) -> None:
        xs = self._xs()
        if not len(xs):
            self.read_out.clear()
            self.legend.set_values([""] * len(self._styles))
            return
        row = len(xs) - 1 if self._pointed is None else nearest(xs, self._pointed)
        text, values = self._values_at(row)
        self.read_out.setText(text)
        self.legend.set_values(values)
        if self.surface is not None:
            self.surface.place_cursor(float(xs[row]) if self._pointed is not None else None)

    def _paint_theme(self) -> None:
        if self.surface is not None:
            self.surface.set_colors(colors_of(self.palette()))
            self._set_pens(self.surface)

    def _on_tick(self) -> None:
        if self.isVisible():
            self.redraw()

    def _on_first_seen(self) -> None:
        if self.isVisible():
            self.build()
            self.redraw()

    def _on_pointed(self, x: float) -> None:
        self._pointed = x
        self._show_values()

    def _on_left(self) -> None:
        self._pointed = None
        if self.surface is not None:
            self.surface.place_cursor(None)
        self._show_values()

    def _on_zoomed(self) -> None:
        self._following = False
        self.show_all.setVisible(True)
        self.touch()

    def _on_range_changed(self) -> None:
        if not self._following:
            self.touch()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.surface is None:
            QTimer.singleShot(0, self, self._on_first_seen)
        elif self._dirty:
            self.redraw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_theme()
