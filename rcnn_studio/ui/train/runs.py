"""The table of the project's runs. Choosing one makes its detections the ones that are shown."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QDateTime,
    QEvent,
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    Qt,
)
from PySide6.QtGui import QBrush, QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.tasks.run_notes import RunNotes, read_notes
from rcnn_studio.ui.icons import pixmap
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.review import ReviewModel

Index = QModelIndex | QPersistentModelIndex
_REPEATED = re.compile(r"_(\d+)$")
NAME, PRESET, AP50, AP, EPOCHS, TIME, STATUS, NOTE = range(8)
NUMBERS = (AP50, AP, EPOCHS, TIME)
STATUS_ICONS = {"finished": "accept", "stopped": "stop", "failed": "error", "interrupted": "warning", "running": "play"}


def run_title(run: RunInfo) -> str:
    """A run's name for people: when it began and its preset; numbered where two began in one minute."""
    again = _REPEATED.search(run.id.removeprefix(run.id[:15]))
    number = f" ({again.group(1)})" if again and not run.preset.endswith(again.group(0)) else ""
    return f"{run.started or run.id} {run.preset}{number}".strip()


def started_text(run: RunInfo) -> str:
    """When a run began, short: "21 Nov 14:32"."""
    moment = QDateTime.fromString(run.started, "yyyy-MM-dd HH:mm")
    return QLocale.c().toString(moment, "d MMM HH:mm") if moment.isValid() else run.started or run.id


class RunsModel(QAbstractTableModel):
    """Rows of ReviewModel.runs, newest first."""

    def __init__(self, review: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review = review
        self._runs: tuple[RunInfo, ...] = tuple(review.runs)
        self._heads = (
            self.tr("Run"), self.tr("Preset"), "AP50", "AP", self.tr("Epochs"), self.tr("Time"), self.tr("Status"),
            self.tr("Note"),
        )  # fmt: skip
        self._notes: dict[str, RunNotes] = {}
        self._order = (NAME, Qt.SortOrder.DescendingOrder)
        self._read_notes()

    @property
    def runs(self) -> tuple[RunInfo, ...]:
        return self._runs

    def reload(self) -> None:
        self.beginResetModel()
        self._runs = tuple(self._review.runs)
        self._read_notes()
        self._arrange()
        self.endResetModel()

    def notes_of(self, run: RunInfo) -> RunNotes:
        return self._notes.get(run.id, RunNotes())

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By what the column means, not by its text; starred runs are no different."""
        self.beginResetModel()
        self._order = (column, order)
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        column, order = self._order
        backwards = order == Qt.SortOrder.DescendingOrder
        self._runs = tuple(sorted(self._runs, key=lambda run: self._key(run, column), reverse=backwards))

    def _key(self, run: RunInfo, column: int) -> tuple[float, str]:
        best = run.best
        numbers = {
            AP50: best.AP50 if best is not None else -1.0,
            AP: best.AP if best is not None else -1.0,
            EPOCHS: float(run.epochs),
            TIME: run.seconds,
        }
        if column in numbers:
            return numbers[column], run.id
        texts = {PRESET: run.preset, STATUS: run.status, NOTE: self.notes_of(run).note}
        return 0.0, texts.get(column, "") + "\0" + run.id

    def _read_notes(self) -> None:
        self._notes = {run.id: read_notes(run) for run in self._runs}

    def row_of(self, run: RunInfo | None) -> int:
        """-1 for none."""
        return next((n for n, r in enumerate(self._runs) if run is not None and r.id == run.id), -1)

    def status_text(self, status: str) -> str:
        return {
            "running": self.tr("running"),
            "finished": self.tr("finished"),
            "stopped": self.tr("stopped"),
            "failed": self.tr("failed"),
            "interrupted": self.tr("interrupted"),
        }.get(status, status)

    def _text(self, run: RunInfo, column: int) -> str:
        best = run.best
        return {
            NAME: started_text(run),
            STATUS: self.status_text(run.status),
            PRESET: run.preset,
            EPOCHS: str(run.epochs),
            AP50: f"{best.AP50:.3f}" if best is not None and best.AP50 >= 0 else "–",
            AP: f"{best.AP:.3f}" if best is not None and best.AP >= 0 else "–",
            TIME: duration_text(run.seconds),
            NOTE: self.notes_of(run).note,
        }[column]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        run = self._runs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(run, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            note = self.notes_of(run).note
            return "\n".join(part for part in (run.id, self.status_text(run.status), run.message, note) if part)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and index.column() == NAME:
            return pixmap(STATUS_ICONS.get(run.status, "info"), self._status_color(run.status), 16)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == NOTE and self.notes_of(run).star:
            return pixmap("star", self._status_color("starred"), 16)
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == STATUS:
            return QBrush(QColor(self._status_color(run.status)))
        return None

    def _status_color(self, status: str) -> str:
        parent = self.parent()
        colors = colors_of(parent.palette() if isinstance(parent, QWidget) else QGuiApplication.palette())
        return {
            "finished": colors.good,
            "failed": colors.bad,
            "interrupted": colors.warning,
            "starred": colors.accent,
            "running": colors.accent,
        }.get(status, colors.muted)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class RunsTable(QTableView):
    """The rows; the chosen one is the run whose detections are shown."""

    def __init__(self, review: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("runs.table")
        self.setAccessibleName(self.tr("Runs of this project"))
        self._review = review
        self._runs_model = RunsModel(review, self)
        self._busy = False
        self.setModel(self._runs_model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.setSortingEnabled(True)
        self.sortByColumn(NAME, Qt.SortOrder.DescendingOrder)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        review.runs_changed.connect(self._on_runs_changed)
        self._on_runs_changed()

    @property
    def selected_runs(self) -> list[RunInfo]:
        """In the order shown."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._runs_model.runs[row] for row in rows if row < len(self._runs_model.runs)]

    def notes_of(self, run: RunInfo) -> RunNotes:
        return self._runs_model.notes_of(run)

    def reload_notes(self) -> None:
        """Stars and notes have changed on disk."""
        chosen = {run.id for run in self.selected_runs}
        self._busy = True
        self._runs_model.reload()
        flags = QItemSelectionModel.SelectionFlag
        for row, run in enumerate(self._runs_model.runs):
            if run.id in chosen:
                self.selectionModel().select(self._runs_model.index(row, 0), flags.Select | flags.Rows)
        self._busy = False

    @property
    def empty_text(self) -> str:
        """What an empty table says."""
        return self.tr("No finished run yet.")

    def _on_runs_changed(self) -> None:
        self._busy = True
        if set(self._runs_model.runs) != set(self._review.runs):
            self._runs_model.reload()
        row = self._runs_model.row_of(self._review.run)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(self._runs_model.index(row, 0), flags.ClearAndSelect | flags.Rows)
        else:
            self.clearSelection()
        self._busy = False
        filled = self._runs_model.rowCount() > 0
        self.horizontalHeader().setVisible(filled)
        bars = Qt.ScrollBarPolicy
        self.setHorizontalScrollBarPolicy(bars.ScrollBarAsNeeded if filled else bars.ScrollBarAlwaysOff)
        rows = min(6, max(2, self._runs_model.rowCount()))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * 26 + 16)
        self.viewport().update()

    def _on_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if self._busy or not current.isValid():
            return
        run = self._runs_model.runs[current.row()]
        if run.best is not None:
            self._review.set_run(run)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._runs_model.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(colors_of(self.palette()).muted))
            room: QRect = self.viewport().rect().adjusted(8, 4, -8, -4)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.empty_text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
