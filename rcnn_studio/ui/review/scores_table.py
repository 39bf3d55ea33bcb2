"""The scores of a run class by class, with bars to read at a glance. Computes no score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from rcnn_studio.domain.runs import CategoryScore, Scores
from rcnn_studio.domain.sentences import found_rule
from rcnn_studio.ui.swatch import swatch_pixmap
from rcnn_studio.ui.theme import colors_of

Index = QModelIndex | QPersistentModelIndex
NAME, BOXES, AP50, AP = range(4)
ROW_HEIGHT = 24
MOST_ROWS = 6
BAR_WIDTH = 58
SORT_ROLE = Qt.ItemDataRole.UserRole
SHARE_ROLE = Qt.ItemDataRole.UserRole + 1


class BarDelegate(QStyledItemDelegate):
    """A number 0..1 over a bar of that length."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        share = index.data(SHARE_ROLE)
        self.initStyleOption(option, index)
        text, option.text = option.text, ""
        widget = option.widget
        style = widget.style() if widget is not None else None
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        colors = colors_of(option.palette)
        if isinstance(share, float) and share >= 0:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            room = QRectF(option.rect).adjusted(4, option.rect.height() - 6, -6, -3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.border))
            painter.drawRoundedRect(room, 1.5, 1.5)
            room.setWidth(max(3.0, room.width() * min(1.0, share)))
            painter.setBrush(QColor(colors.accent))
            painter.drawRoundedRect(room, 1.5, 1.5)
            painter.restore()
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        place = option.rect.adjusted(4, 0, -6, -4)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        hint = super().sizeHint(option, index)
        return QSize(max(BAR_WIDTH, hint.width()), hint.height())


class ScoresModel(QAbstractTableModel):
    """One row a category."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[CategoryScore, ...] = ()
        self._rule = ""
        self._colors: dict[str, str] = {}
        self._heads = (
            (self.tr("Class"), ""),
            (
                self.tr("Boxes"),
                self.tr("Boxes of the validation images"),
            ),
            ("AP50", self.tr("0 to 1: a box counts as found from an overlap (IoU) of 0.5")),
            ("AP", self.tr("0 to 1: mean over overlaps of 0.5 to 0.95, COCO's main score")),
        )

    def set_scores(self, scores: Scores | None, colors: Mapping[str, str]) -> None:
        self.beginResetModel()
        self._colors = dict(colors)
        self._rows = scores.per_category if scores is not None else ()
        self._rule = found_rule(scores) if scores is not None else ""
        self.endResetModel()

    @property
    def counted(self) -> bool:
        """Whether anybody has counted the boxes found."""
        return any(row.found >= 0 for row in self._rows)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        value = (row.name, row.boxes, float(row.AP50), float(row.AP))[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            if isinstance(value, float):
                return f"{value:.3f}" if value >= 0 else "–"
            return f"{row.found}/{row.boxes}" if index.column() == BOXES and row.found >= 0 else str(value)
        if role == SORT_ROLE:
            return value.casefold() if isinstance(value, str) else value
        if role == SHARE_ROLE and isinstance(value, float):
            return float(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() != NAME:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return row.name
        if role == Qt.ItemDataRole.DecorationRole and index.column() == NAME and row.name in self._colors:
            return swatch_pixmap(self._colors[row.name])
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr("Found") if section == BOXES and self.counted else self._heads[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            rule = self._rule if section == BOXES else ""
            return "\n".join(text for text in (self._heads[section][1], rule) if text) or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignHCenter
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class ScoresTable(QTableView):
    """Sorted by a click on a head; the weakest class first to begin with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review.class_table")
        self.setAccessibleName(self.tr("Scores of every class"))
        self._scores = ScoresModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSortRole(SORT_ROLE)
        self._sorted.setSourceModel(self._scores)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(AP50, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # would lie on the last row
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self._bars = BarDelegate(self)
        for column in (AP50, AP):
            self.setItemDelegateForColumn(column, self._bars)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(36)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.set_scores(None)

    def set_scores(self, scores: Scores | None, colors: Mapping[str, str] | None = None) -> None:
        """Show a run's scores (None: no rows); colors: of the categories by name."""
        self._scores.set_scores(scores, colors or {})
        self._fit()

    def _fit(self) -> None:
        """As high as its rows, as the style of the moment makes them; from MOST_ROWS on it scrolls, and shows so by
        half a row."""
        count = self._scores.rowCount()
        rows = float(max(1, count)) if count <= MOST_ROWS else MOST_ROWS + 0.5
        high = self.verticalHeader().defaultSectionSize()
        frame = 2 * self.frameWidth()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + round(rows * high) + frame)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._fit()
