"""The project's classes as rows: names, numbers of boxes, AP50, what is hidden and locked; moved by drag and drop.

Holds no truth: everything is read from the workspace and told again on its signals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

AnyIndex = QModelIndex | QPersistentModelIndex
MIME = "application/x-rcnn-studio-category"
Role = Qt.ItemDataRole
NOTHING = QModelIndex()


class CategoryModel(QAbstractListModel):
    """setData renames; a row that is dropped between others is moved there."""

    def __init__(self, project: ProjectModel, review: ReviewModel | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project, self.review = project, review
        self._ids: list[int] = [c.id for c in project.categories]
        self._here: Counter[int] = Counter()
        self._scores: dict[str, float] = {}
        project.categories_changed.connect(self._on_categories_changed)
        project.active_category_changed.connect(self._on_looks_changed)
        project.boxes_changed.connect(self._on_boxes_changed)
        project.images_updated.connect(self._on_looks_changed)
        project.table_changed.connect(self._on_looks_changed)
        project.category_view.changed.connect(self._on_looks_changed)
        if review is not None:
            review.runs_changed.connect(self._on_runs_changed)
        self._on_boxes_changed()
        self._on_runs_changed()

    def category(self, row: int) -> Category:
        return self.project.categories[row]

    def is_active(self, row: int) -> bool:
        return self.category(row).id == self.project.active_category_id

    def count(self, row: int) -> int:
        """Boxes of the class in the whole project."""
        return self.project.category_counts[self.category(row).id]

    def count_here(self, row: int) -> int:
        """Boxes of the class on the open image."""
        return self._here[self.category(row).id]

    def most_boxes(self) -> int:
        """The largest number that any row shows."""
        return max((self.project.category_counts[c.id] for c in self.project.categories), default=0)

    def score(self, row: int) -> float | None:
        """AP50 of the chosen run, 0..1; None where the run has none for this class."""
        found = self._scores.get(self.category(row).name, -1.0)
        return found if found >= 0 else None

    @property
    def has_scores(self) -> bool:
        return bool(self._scores)

    def is_hidden(self, row: int) -> bool:
        return not self.project.category_view.is_shown(self.category(row).id)

    def is_locked(self, row: int) -> bool:
        return self.project.category_view.is_locked(self.category(row).id)

    def row_of(self, category_id: int) -> int | None:
        return next((row for row, c in enumerate(self.project.categories) if c.id == category_id), None)

    def move(self, row: int, to: int) -> bool:
        """Put a class in front of the one that stands at `to` now (the number of rows: behind the last)."""
        categories = list(self.project.categories)
        if not 0 <= row < len(categories) or not 0 <= to <= len(categories) or to in (row, row + 1):
            return False
        moved = categories.pop(row)
        categories.insert(to - 1 if to > row else to, moved)
        self.project.arrange_categories(categories, self.tr("Move class {0}").format(moved.name))
        return True

    def describe(self, row: int) -> str:
        """A row in words, for screen readers."""
        category = self.category(row)
        parts = [
            category.name,
            self.tr("{0} boxes, {1} in this image").format(self.count(row), self.count_here(row)),
            self.tr("key {0}").format(category.hotkey) if category.hotkey else self.tr("no key"),
        ]
        score = self.score(row)
        if score is not None:
            parts.append(self.tr("AP50 {0}").format(f"{score:.2f}"))
        if self.is_hidden(row):
            parts.append(self.tr("hidden"))
        if self.is_locked(row):
            parts.append(self.tr("locked"))
        return ", ".join(parts)

    # --- signals ----------------------------------------------------------------------------------

    def _on_categories_changed(self) -> None:
        ids = [c.id for c in self.project.categories]
        if ids == self._ids:  # a new name or colour: the list stays where it is
            self._on_looks_changed()
            return
        self.beginResetModel()
        self._ids = ids
        self.endResetModel()

    def _on_boxes_changed(self) -> None:
        self._here = Counter(box.category_id for box in self.project.boxes)
        self._on_looks_changed()

    def _on_runs_changed(self) -> None:
        run = self.review.run if self.review is not None else None
        scores = run.best.per_category if run is not None and run.best is not None else ()
        self._scores = {score.name: score.AP50 for score in scores}
        self._on_looks_changed()

    def _on_looks_changed(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    # --- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NOTHING) -> int:
        return 0 if parent.isValid() else len(self.project.categories)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> object:
        if not index.isValid() or index.row() >= self.rowCount():
            return None
        if role in (Role.DisplayRole, Role.EditRole):
            return self.category(index.row()).name
        if role == Role.AccessibleTextRole:
            return self.describe(index.row())
        return None

    def setData(self, index: AnyIndex, value: object, role: int = Role.EditRole) -> bool:
        try:
            self.project.change_category(replace(self.category(index.row()), name=str(value)))
        except StudioError as error:
            self.project.message.emit(str(error))
            return False
        return True

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.ItemIsDropEnabled
        may = flag.NoItemFlags if self.project.read_only else flag.ItemIsEditable | flag.ItemIsDragEnabled
        return super().flags(index) | may

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def moveRows(self, _source: AnyIndex, row: int, count: int, _target: AnyIndex, to: int) -> bool:
        return count == 1 and self.move(row, to)

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        carried = QMimeData()
        carried.setData(MIME, QByteArray(str(indexes[0].row()).encode()))
        return carried

    def dropMimeData(self, data: QMimeData, _action: Qt.DropAction, row: int, _column: int, parent: AnyIndex) -> bool:
        text = data.data(MIME).toStdString()
        if not text.isdigit() or parent.isValid():
            return False
        return self.move(int(text), row if row >= 0 else self.rowCount())
