"""A long list of files, name above folder, with a word about each; only the rows in view are painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from rcnn_studio.ui import icons
from rcnn_studio.ui.files.words import ELIDE_FOLDER, split_path
from rcnn_studio.ui.theme import Colors, colors_of

Index = QModelIndex | QPersistentModelIndex
ITEM_ROLE = Qt.ItemDataRole.UserRole
PAD, ICON_PX = 8, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FileItem:
    """One row. icon: of resources/icons; tone: "good", "warning", "bad" or "muted"; word: said at the right."""

    path: str
    icon: str
    tone: str
    word: str
    tip: str = ""


class FileListModel(QAbstractListModel):
    """Items made from values when they are asked for: `item_of` of the value in that row."""

    def __init__(self, item_of: Callable[[object], FileItem], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._item_of = item_of
        self._values: tuple[object, ...] = ()

    def set_values(self, values: Sequence[object]) -> None:
        self.beginResetModel()
        self._values = tuple(values)
        self.endResetModel()

    def refresh(self) -> None:
        """The same values look different now."""
        if self._values:
            self.dataChanged.emit(self.index(0), self.index(len(self._values) - 1))

    def item(self, row: int) -> FileItem:
        return self._item_of(self._values[row])

    def row_of(self, path: str) -> int | None:
        return next((n for n in range(len(self._values)) if self.item(n).path == path), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._values)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self._values):
            return None
        item = self.item(index.row())
        if role == ITEM_ROLE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return split_path(item.path)[0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{item.path}\n{item.tip}" if item.tip else item.path
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{split_path(item.path)[0]}, {item.word}"
        return None


class FileDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, 2 * option.fontMetrics.height() + 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item = index.data(ITEM_ROLE)
        if not isinstance(item, FileItem):
            return
        colors = colors_of(option.palette)
        painter.save()
        self._paint_ground(painter, option, colors)
        area = option.rect.adjusted(PAD, 4, -PAD, -4)
        tone = str(getattr(colors, item.tone))
        dpr = painter.device().devicePixelRatioF()
        drawn = icons.pixmap(item.icon, tone, round(ICON_PX * dpr))
        painter.drawPixmap(QRect(area.left(), area.top() + 1, ICON_PX, ICON_PX), drawn)
        text = area.adjusted(ICON_PX + PAD, 0, 0, 0)
        self._paint_text(painter, text, item, option.fontMetrics, colors, tone)
        painter.restore()

    @staticmethod
    def _paint_ground(painter: QPainter, option: QStyleOptionViewItem, colors: Colors) -> None:
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colors.selected))
            painter.fillRect(QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()), colors.accent)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(colors.hover))

    @staticmethod
    def _paint_text(
        painter: QPainter, area: QRect, item: FileItem, metrics: QFontMetrics, colors: Colors, tone: str
    ) -> None:
        name, folder = split_path(item.path)
        line = metrics.height()
        word_width = metrics.horizontalAdvance(item.word) + PAD
        upper = QRect(area.left(), area.top(), area.width(), line)
        painter.setPen(QColor(colors.text))
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, area.width() - word_width)
        painter.drawText(upper, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.setPen(QColor(tone))
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, item.word)
        painter.setPen(QColor(colors.muted))
        lower = upper.translated(0, line + 1)
        painter.drawText(
            lower,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(folder, ELIDE_FOLDER, area.width()),
        )


class FileList(QListView):
    """file_chosen(path): the person looks at another file."""

    file_chosen = Signal(str)

    def __init__(self, name: str, title: str, item_of: Callable[[object], FileItem], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.files = FileListModel(item_of, self)
        self.setModel(self.files)
        self._delegate = FileDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._filling = False
        self.selectionModel().currentChanged.connect(self._on_current)

    @property
    def path(self) -> str:
        """The file looked at, "" for none."""
        index = self.currentIndex()
        return self.files.item(index.row()).path if index.isValid() else ""

    def set_values(self, values: Sequence[object]) -> None:
        """Other rows; the file looked at stays, else it is the first one."""
        before = self.path
        self._filling = True
        self.files.set_values(values)
        row = self.files.row_of(before) if before else None
        if self.files.rowCount():
            self.setCurrentIndex(self.files.index(row or 0))
        self._filling = False
        if self.path != before:
            self.file_chosen.emit(self.path)

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._filling:
            self.file_chosen.emit(self.path)
