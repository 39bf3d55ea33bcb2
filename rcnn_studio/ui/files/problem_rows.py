"""The problems of a dataset as a table model. Knows no rules and finds nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon, QPalette

from rcnn_studio.domain.checks import Problem
from rcnn_studio.ui import icons
from rcnn_studio.ui.files.words import split_path
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.files_problems import ProblemFilter

Index = QModelIndex | QPersistentModelIndex
LEVEL, KIND, FILE, WHERE, MESSAGE, ACTION = range(6)
ICON_PX = 16
LEVEL_ICONS = {"error": ("error", "bad"), "warning": ("warning", "warning"), "note": ("info", "accent")}


def level_text(level: str) -> str:
    """A level in words."""
    translate = QCoreApplication.translate
    names = {
        "error": translate("Problems", "Error"),
        "warning": translate("Problems", "Warning"),
        "note": translate("Problems", "Note"),
    }
    return names.get(level, level)


def _level_icon(name: str, color: str) -> QIcon:
    """The same in a selected row, which else would be tinted."""
    made = QIcon()
    for size in (ICON_PX, 2 * ICON_PX):
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            made.addPixmap(icons.pixmap(name, color, size), mode)
    return made


class ProblemRows(QAbstractTableModel):
    """The problems that pass a filter; made for a hundred thousand of them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        translate = QCoreApplication.translate
        self._all: tuple[Problem, ...] = ()
        self.shown: list[Problem] = []
        self.palette = QPalette()
        self._heads = (
            "",
            translate("Problems", "Kind"),
            translate("Problems", "File"),
            translate("Problems", "Place"),
            translate("Problems", "What is wrong"),
            translate("Problems", "What to do"),
        )

    def set_problems(self, problems: Sequence[Problem], wanted: ProblemFilter) -> None:
        self.beginResetModel()
        self._all = tuple(problems)
        self.shown = [problem for problem in self._all if wanted.passes(problem)]
        self.endResetModel()

    def set_palette(self, palette: QPalette) -> None:
        """The icons take its colours."""
        self.palette = palette
        if self.shown:
            self.dataChanged.emit(self.index(0, LEVEL), self.index(len(self.shown) - 1, LEVEL))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self.shown):
            return None
        problem, column = self.shown[index.row()], index.column()
        if role == Qt.ItemDataRole.DecorationRole and column == LEVEL:
            name, tone = LEVEL_ICONS.get(problem.level, LEVEL_ICONS["note"])
            return _level_icon(name, str(getattr(colors_of(self.palette), tone)))
        if role == Qt.ItemDataRole.AccessibleTextRole and column == LEVEL:
            return level_text(problem.level)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{level_text(problem.level)}: {problem}"
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            "",
            problem.kind,
            split_path(problem.file)[0] or problem.file,
            problem.where,
            problem.message,
            problem.action,
        )[column]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.AccessibleTextRole and section == LEVEL:
            return QCoreApplication.translate("Problems", "Level")
        return self._heads[section] if role == Qt.ItemDataRole.DisplayRole else None
