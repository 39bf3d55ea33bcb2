"""The detections of the open image that are shown, as a table: the keyboard's and the screen reader's way to them.

Decides nothing: Enter and X are the actions that the window attaches.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from rcnn_studio.ui.review.scores_table import SHARE_ROLE, BarDelegate
from rcnn_studio.ui.swatch import swatch_pixmap
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

Index = QModelIndex | QPersistentModelIndex
NAME, SCORE = range(2)
ROW_HEIGHT = 24
LEAST_ROWS = 6


class DetectionModel(QAbstractTableModel):
    """Rows of ReviewModel.visible(), best first."""

    def __init__(self, review: ReviewModel, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review, self._project = review, project
        self.indices: list[int] = []
        self._heads = (self.tr("Class"), self.tr("Score"))

    def reload(self) -> None:
        """Show what is visible now; the rows of a moved threshold come and go without a reset where they can."""
        wanted = list(self._review.visible())
        if wanted != self.indices:
            self.beginResetModel()
            self.indices = wanted
            self.endResetModel()
        elif wanted:
            self.dataChanged.emit(self.index(0, 0), self.index(len(wanted) - 1, SCORE))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.indices)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        number = self.indices[index.row()] if index.isValid() else -1
        found = self._review.detections
        if not 0 <= number < len(found):
            return None
        score = float(found.scores[number])
        if index.column() == SCORE:
            return {
                Qt.ItemDataRole.DisplayRole: f"{score:.2f}",
                Qt.ItemDataRole.TextAlignmentRole: Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                SHARE_ROLE: score,
            }.get(role)
        category = self._project.category(int(found.category_ids[number]))
        if role == Qt.ItemDataRole.DisplayRole:
            return category.name if category is not None else "?"
        if role == Qt.ItemDataRole.DecorationRole and category is not None:
            return swatch_pixmap(category.color)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section == SCORE:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return self._heads[section] if role == Qt.ItemDataRole.DisplayRole else None


class DetectionList(QTableView):
    """The row at hand is the detection in focus, both ways."""

    def __init__(self, review: ReviewModel, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review.detections")
        self.setAccessibleName(self.tr("Detections in this image"))
        self._review = review
        self._rows = DetectionModel(review, project, self)
        self._busy = False
        self._empty_text = ""
        self.setModel(self._rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self._bars = BarDelegate(self)
        self.setItemDelegateForColumn(SCORE, self._bars)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(SCORE, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(SCORE, 90)
        self.setMinimumHeight(header.sizeHint().height() + LEAST_ROWS * ROW_HEIGHT + 2 * self.frameWidth())
        self.selectionModel().currentRowChanged.connect(self._on_row)
        review.detections_changed.connect(self._on_detections_changed)
        review.focus_changed.connect(self._on_focus_changed)
        project.categories_changed.connect(self._on_detections_changed)
        self._on_detections_changed()

    @property
    def shown(self) -> list[int]:
        """Indices into ReviewModel.detections, row by row."""
        return self._rows.indices

    def set_empty_text(self, text: str) -> None:
        """What stands there while no row does."""
        if text != self._empty_text:
            self._empty_text = text
            self.setAccessibleDescription(text)
            self.viewport().update()

    def _on_detections_changed(self) -> None:
        self._busy = True
        self._rows.reload()
        self._busy = False
        self._on_focus_changed()

    def _on_focus_changed(self) -> None:
        focused = self._review.focused
        self._busy = True
        if focused in self._rows.indices:
            row = self._rows.index(self._rows.indices.index(focused), 0)
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(row, flags.ClearAndSelect | flags.Rows)
            self.scrollTo(row)
        else:
            self.clearSelection()
        self._busy = False

    def _on_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if not self._busy and current.isValid():
            self._review.focus(self._rows.indices[current.row()])

    def sizeHint(self) -> QSize:
        """No more than it needs: it takes what the panel has left, and must not push the scores out of a low window."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._rows.indices and self._empty_text:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(colors_of(self.palette()).muted))
            room = self.viewport().rect().adjusted(10, 6, -10, -6)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty_text)
