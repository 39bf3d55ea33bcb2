"""One row of the list of classes: painted, explained part by part, its name typed. Presses are category_list.py's."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from rcnn_studio.ui import theme
from rcnn_studio.ui.label import category_paint as paint
from rcnn_studio.ui.label.category_model import AnyIndex, CategoryModel
from rcnn_studio.ui.row_pictures import RowPictures

LEAST_WIDTH = 150


class CategoryDelegate(QStyledItemDelegate):
    """color_asked: the swatch of a row was double-clicked."""

    color_asked = Signal(int)

    def __init__(self, model: CategoryModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._widths: tuple[tuple[str, int], int] = (("", -1), 0)
        self._pictures = RowPictures()

    def columns(self, area: QRect, font: QFont) -> paint.Columns:
        """Where the parts of a row stand."""
        key = (font.key(), self._model.most_boxes())
        if key != self._widths[0]:
            self._widths = (key, paint.count_width(QFontMetrics(font), key[1]))
        return paint.columns(area, count_width=self._widths[1], scored=self._model.has_scores)

    def part_at(self, area: QRect, font: QFont, at: QPoint) -> str:
        """The name of the part of a row under a point."""
        places = self.columns(area, font)
        for name in ("eye", "lock", "key", "count", "here", "score"):
            if getattr(places, name).contains(at):
                return name
        return "swatch" if places.swatch.adjusted(-8, -8, 6, 8).contains(at) else "name"

    def explained(self, row: int, part: str) -> str:
        """What the tooltip says of a part of a row."""
        model = self._model
        name, key = model.category(row).name, model.category(row).hotkey
        score = model.score(row)
        run = model.review.run_id if model.review is not None else None
        hidden, locked = model.is_hidden(row), model.is_locked(row)
        return {
            "eye": (self.tr("{0} is hidden: show it") if hidden else self.tr("Hide {0} on the canvas")).format(name)
            + self.tr("\nAlt+click: only this class"),
            "lock": (
                self.tr("{0} is locked: unlock its boxes")
                if locked
                else self.tr("Lock {0}: its boxes cannot be picked, moved or deleted")
            ).format(name),
            "key": self.tr("Key {0}").format(key) if key else self.tr("No key; right-click to choose one"),
            "count": self.tr("{0} boxes of {1} in the project").format(model.count(row), name),
            "here": self.tr("{0} boxes of {1} in this image").format(model.count_here(row), name),
            "score": self.tr("AP50 of {0} in run {1}: {2}").format(name, run, f"{score:.3f}")
            if score is not None
            else self.tr("Run {0} has no score for {1}").format(run, name),
            "swatch": self.tr("Double-click: another colour for {0}").format(name),
            "name": self.tr("{0}: {1} boxes\nF2: rename · Alt+Up, Alt+Down: move").format(name, model.count(row)),
        }[part]

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, row: int) -> None:
        colors, area, model = theme.colors_of(option.palette), option.rect, self._model
        places = self.columns(area, option.font)
        self._paint_ground(painter, option, colors, active=model.is_active(row))
        hidden = model.is_hidden(row)
        category = model.category(row)
        paint.paint_swatch(painter, places.swatch, category.color, colors, hollow=hidden)
        painter.setFont(option.font)
        paint.paint_keycap(painter, places.key, category.hotkey, colors)
        painter.setPen(QColor(colors.muted))
        paint.paint_number(painter, places.count, paint.grouped(model.count(row)))
        here = model.count_here(row)
        if here:
            painter.setPen(QColor(colors.text))
            paint.paint_number(painter, places.here, paint.grouped(here))
        score = model.score(row)
        if score is not None:
            painter.setPen(QColor(colors.text))
            paint.paint_number(painter, places.score, f"{score:.2f}")
        self._paint_buttons(painter, option, places, hidden=hidden, locked=model.is_locked(row))
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold if model.is_active(row) else QFont.Weight.Normal)
        font.setItalic(hidden)
        paint.paint_name(painter, places.name, category.name, font, colors.muted if hidden else colors.text)

    @staticmethod
    def _paint_ground(painter: QPainter, option: QStyleOptionViewItem, colors: theme.Colors, *, active: bool) -> None:
        area = option.rect
        if active:
            painter.fillRect(area, QColor(colors.selected))
            painter.fillRect(QRect(area.left(), area.top(), 3, area.height()), QColor(colors.accent))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(colors.hover))

    @staticmethod
    def _paint_buttons(
        painter: QPainter, option: QStyleOptionViewItem, places: paint.Columns, *, hidden: bool, locked: bool
    ) -> None:
        """What is as usual stands back, what is not is dark; the two have other shapes, too."""
        colors, dpr = theme.colors_of(option.palette), painter.device().devicePixelRatioF()
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        quiet = colors.muted if over else colors.disabled
        eye, lock = ("peek" if hidden else "eye"), ("lock" if locked else "lock-open")
        paint.paint_icon(painter, places.eye, eye, colors.text if hidden else quiet, dpr)
        paint.paint_icon(painter, places.lock, lock, colors.text if locked else quiet, dpr)

    # --- Qt ---------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row, model = index.row(), self._model
        category = model.category(row)
        numbers = (model.count(row), model.count_here(row), model.score(row), model.most_boxes(), model.has_scores)
        marks = (model.is_active(row), model.is_hidden(row), model.is_locked(row))
        what = (category.name, category.color, category.hotkey, *numbers, *marks)
        self._pictures.paint(painter, option, what, lambda p, o: self._paint_row(p, o, row))

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(LEAST_WIDTH, paint.ROW_HEIGHT)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        field = QLineEdit(parent)
        field.setAccessibleName(self.tr("Name of the class"))
        return field

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        places = self.columns(option.rect, option.font)
        editor.setGeometry(QRect(places.name.topLeft(), places.count.bottomRight()).adjusted(-4, 2, 0, -2))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While a name is typed its keys are its own: Enter ends it, and is no shortcut of the canvas."""
        asked = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if asked and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return True
        return super().eventFilter(watched, event)

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        doubled = event.type() == QEvent.Type.MouseButtonDblClick
        if doubled and isinstance(event, QMouseEvent):
            part = self.part_at(option.rect, option.font, event.position().toPoint())
            if part == "swatch":
                self.color_asked.emit(index.row())
            if part in ("swatch", "eye", "lock"):
                return True
        return super().editorEvent(event, model, option, index)

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        if event.type() != QEvent.Type.ToolTip or not index.isValid():
            return super().helpEvent(event, view, option, index)
        part = self.part_at(option.rect, option.font, event.pos())
        QToolTip.showText(event.globalPos(), self.explained(index.row(), part), view)
        return True
