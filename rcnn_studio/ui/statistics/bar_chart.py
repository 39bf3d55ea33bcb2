"""Bars that can be clicked, upright or lying, and a map of cells. Know no filter: they say which one was meant."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from rcnn_studio.ui import theme
from rcnn_studio.ui.statistics.charts import Bar, Heat
from rcnn_studio.ui.theme import Colors

LYING_ROW = 22
UPRIGHT_HEIGHT = 190
LABEL_WIDTH, NUMBER_WIDTH, FOOT, HEAD = 112, 56, 20, 18
MOST_OBLONG = 6.0
"""Images of a more oblong shape than this have a map of this shape: its cells must be hit."""

PART_SHADES = (1.0, 0.62, 0.38, 0.24)
"""Opacity of the parts of a bar, one split after another; the tooltip has their names and numbers."""


class _Plot(QWidget):
    """chosen(query): a mark was clicked, or Return pressed on it; the arrows go from mark to mark."""

    chosen = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pointed = -1

    def area(self, mark: int) -> QRectF:
        """The whole place of a mark, which can be clicked."""
        raise NotImplementedError

    def count(self) -> int:
        raise NotImplementedError

    def tip(self, mark: int) -> str:
        raise NotImplementedError

    def query(self, mark: int) -> object:
        raise NotImplementedError

    def mark_at(self, place: QPointF) -> int:
        """-1 for none."""
        return next((mark for mark in range(self.count()) if self.area(mark).contains(place)), -1)

    def _point_at(self, mark: int) -> None:
        if mark != self.pointed:
            self.pointed = mark
            self.setAccessibleDescription(self.tip(mark) if mark >= 0 else "")
            self.setCursor(Qt.CursorShape.PointingHandCursor if mark >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def _choose(self, mark: int) -> None:
        if 0 <= mark < self.count():
            self.chosen.emit(self.query(mark))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            mark = self.mark_at(QPointF(event.pos()))
            if mark >= 0:
                QToolTip.showText(event.globalPos(), self.tip(mark), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self.mark_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self.mark_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point_at(-1)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        if event.key() in steps and self.count():
            self._point_at(min(max(self.pointed + steps[Qt.Key(event.key())], 0), self.count() - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self.pointed)
        else:
            super().keyPressEvent(event)


class BarChart(_Plot):
    """lying: bars from left to right with a label before and a number behind each; else upright over their labels."""

    def __init__(self, name: str, *, lying: bool, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._lying = lying
        self.bars: list[Bar] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        self.bars = list(bars)
        self.pointed = -1
        self.updateGeometry()
        self.update()

    def area(self, mark: int) -> QRectF:
        if self._lying:
            return QRectF(0, mark * LYING_ROW, self.width(), LYING_ROW)
        step = self.width() / max(1, len(self.bars))
        return QRectF(mark * step, 0, step, self.height())

    def bar_rect(self, mark: int) -> QRectF:
        """The coloured part of a mark."""
        share = self.bars[mark].count / max(1, max(bar.count for bar in self.bars))
        place = self.area(mark)
        if self._lying:
            room = max(8.0, self.width() - LABEL_WIDTH - NUMBER_WIDTH)
            return QRectF(LABEL_WIDTH, place.top() + 4, room * share, LYING_ROW - 8)
        room = self.height() - FOOT - HEAD
        gap = min(2.0, place.width() * 0.1)
        return QRectF(place.left() + gap, HEAD + room * (1 - share), place.width() - 2 * gap, room * share)

    def count(self) -> int:
        return len(self.bars)

    def tip(self, mark: int) -> str:
        return self.bars[mark].tip

    def query(self, mark: int) -> object:
        return self.bars[mark].query

    def _paint_bar(self, painter: QPainter, mark: int, colors: Colors) -> None:
        bar, rect = self.bars[mark], self.bar_rect(mark)
        if mark == self.pointed:
            painter.fillRect(self.area(mark), QColor(colors.hover))
        left = rect.left()
        whole = max(1, sum(bar.parts))
        for number, part in enumerate(bar.parts or (bar.count,)):
            width = rect.width() * part / whole if bar.parts else rect.width()
            shade = QColor(colors.accent)
            shade.setAlphaF(PART_SHADES[min(number, len(PART_SHADES) - 1)] if bar.parts else 1.0)
            painter.fillRect(QRectF(left, rect.top(), width, rect.height()), shade)
            left += width

    def _paint_texts(self, painter: QPainter, mark: int, colors: Colors, every: int) -> None:
        bar, place, rect = self.bars[mark], self.area(mark), self.bar_rect(mark)
        flags, metrics = Qt.AlignmentFlag, QFontMetrics(painter.font())
        painter.setPen(QColor(colors.text if mark == self.pointed else colors.muted))
        if self._lying:
            label = metrics.elidedText(bar.label, Qt.TextElideMode.ElideMiddle, LABEL_WIDTH - 10)
            painter.drawText(QRectF(0, place.top(), LABEL_WIDTH - 8, LYING_ROW), int(flags.AlignVCenter), label)
            number = QRectF(rect.right() + 6, place.top(), NUMBER_WIDTH, LYING_ROW)
            painter.drawText(number, int(flags.AlignVCenter), str(bar.count))
            return
        if mark % every == 0 or mark == self.pointed:
            foot = QRectF(place.center().x() - 40, self.height() - FOOT, 80, FOOT)
            foot.moveLeft(min(max(foot.left(), -40 + metrics.horizontalAdvance(bar.label) / 2), self.width() - 46))
            painter.drawText(foot, int(flags.AlignCenter), bar.label if mark % every == 0 else "")
        if mark == self.pointed and bar.count:
            above = QRectF(place.center().x() - 40, rect.top() - HEAD, 80, HEAD)
            painter.drawText(above, int(flags.AlignCenter), str(bar.count))

    def sizeHint(self) -> QSize:
        return QSize(320, max(1, len(self.bars)) * LYING_ROW if self._lying else UPRIGHT_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = theme.colors_of(self.palette())
        painter = QPainter(self)
        if not self.bars:
            painter.setPen(QColor(colors.muted))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("Nothing to count yet"))
        widest = max((QFontMetrics(painter.font()).horizontalAdvance(bar.label) for bar in self.bars), default=0)
        every = 1 if self._lying or not self.bars else int((widest + 10) / max(1.0, self.area(0).width())) + 1
        for mark in range(len(self.bars)):
            self._paint_bar(painter, mark, colors)
        for mark in range(len(self.bars)):
            self._paint_texts(painter, mark, colors, every)
        if not self._lying:
            painter.setPen(QPen(QColor(colors.border_strong), 1))
            painter.drawLine(0, self.height() - FOOT, self.width(), self.height() - FOOT)
        if self.hasFocus() and self.pointed >= 0:
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRect(self.area(self.pointed).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()


class HeatMap(_Plot):
    """Where in their images the boxes are: a cell is the stronger the more of them have their middle there."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.heat: Heat | None = None
        self.setFixedHeight(UPRIGHT_HEIGHT)

    def show_heat(self, heat: Heat) -> None:
        self.heat = heat
        self.pointed = -1
        self.update()

    def count(self) -> int:
        return 0 if self.heat is None else self.heat.counts.size

    def area(self, mark: int) -> QRectF:
        assert self.heat is not None
        cells, aspect = len(self.heat.counts), min(max(self.heat.aspect, 1 / MOST_OBLONG), MOST_OBLONG)
        height = min(self.height(), self.width() / aspect) / cells
        width = height * aspect
        left = (self.width() - width * cells) / 2
        return QRectF(left + (mark % cells) * width, (mark // cells) * height, width, height)

    def tip(self, mark: int) -> str:
        assert self.heat is not None
        row, column = divmod(mark, len(self.heat.counts))
        boxes = int(self.heat.counts[row, column])
        one, many = self.tr("1 box has its middle here"), self.tr("{0} boxes have their middle here")
        return one if boxes == 1 else many.format(boxes)

    def query(self, mark: int) -> object:
        assert self.heat is not None
        return self.heat.query(*divmod(mark, len(self.heat.counts)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = theme.colors_of(self.palette())
        painter = QPainter(self)
        most = max(1, int(self.heat.counts.max())) if self.heat is not None else 1
        for mark in range(self.count()):
            assert self.heat is not None
            row, column = divmod(mark, len(self.heat.counts))
            shade = QColor(colors.accent)
            shade.setAlphaF((float(self.heat.counts[row, column]) / most) ** 0.6)
            cell = self.area(mark)
            painter.fillRect(cell, QColor(colors.window))
            painter.fillRect(cell, shade)
        if self.count():
            painter.setPen(QPen(QColor(colors.border_strong), 1))
            painter.drawRect(self.area(0).united(self.area(self.count() - 1)).adjusted(0.5, 0.5, -0.5, -0.5))
        if self.pointed >= 0:
            painter.setPen(QPen(QColor(colors.text), 1.5))
            painter.drawRect(self.area(self.pointed))
        painter.end()
