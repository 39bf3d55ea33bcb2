"""Several runs side by side: their losses, their scores, and the settings in which they differ. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QDialog, QLabel, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import EpochEvaluated, RunInfo, StepDone, TrainEvent
from rcnn_studio.formats.run_folder import read_events
from rcnn_studio.tasks.run_notes import differing_settings
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.curves import Floats, Smoother, nice_ceiling, thinned
from rcnn_studio.ui.train.legend import CurveStyle
from rcnn_studio.ui.train.live_plot import LivePlot
from rcnn_studio.ui.train.plots import LOSS_STYLES
from rcnn_studio.ui.train.runs import run_title

if TYPE_CHECKING:
    from rcnn_studio.ui.train.plot_parts import Surface

MOST = len(LOSS_STYLES)
POINTS = 400
MARKED = 60
"""So few points are worth a mark each."""
Curve = tuple[Floats, Floats]


class RunComparison(QDialog):
    """At most five runs; a click on a name in a legend hides its curve."""

    def __init__(self, runs: Sequence[RunInfo], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("runs.comparison")
        self.setWindowTitle(self.tr("Compare runs"))
        self.resize(900, 760)
        shown = list(runs)[:MOST]
        titles = [run_title(run) for run in shown]
        events = [_events(run) for run in shown]
        styles = [replace(style, title=title) for style, title in zip(LOSS_STYLES, titles, strict=False)]
        self.loss_plot = ComparedPlot(
            self.tr("Loss by step (total, smoothed)"), self.tr("step {0}"), styles, [losses(e) for e in events]
        )
        self.score_plot = ComparedPlot(
            self.tr("AP50 of the validation images by epoch"),
            self.tr("epoch {0}"),
            styles,
            [scores(e) for e in events],
            top=1.02,
        )
        self.table = self._settings(shown, titles)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 14)
        column.setSpacing(10)
        column.addWidget(self.loss_plot)
        column.addWidget(self.score_plot)
        heading = QLabel(self.tr("Settings that differ") if self.table.rowCount() else self.tr("No setting differs."))
        heading.setProperty("role", "title")
        column.addWidget(heading)
        column.addWidget(self.table, 1)
        self.table.setVisible(self.table.rowCount() > 0)
        if not self.table.rowCount():
            column.addStretch(1)

    def _settings(self, runs: Sequence[RunInfo], titles: Sequence[str]) -> QTableWidget:
        rows = differing_settings(runs)
        table = QTableWidget(len(rows), 1 + len(runs))
        table.setHorizontalHeaderLabels([self.tr("Setting"), *titles])
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        for row, (key, values) in enumerate(rows):
            for place, text in enumerate((key, *values)):
                table.setItem(row, place, QTableWidgetItem(text))
        table.resizeColumnsToContents()
        table.horizontalHeader().setStretchLastSection(True)
        return table


class ComparedPlot(LivePlot):
    """One curve a run; it does not grow."""

    def __init__(
        self,
        title: str,
        at: str,
        styles: Sequence[CurveStyle],
        curves: Sequence[Curve],
        *,
        top: float = 0.0,
    ) -> None:
        super().__init__(title, styles, ["" for _ in styles])
        self.curves, self._top, self._at = list(curves), top, at

    def _add_items(self, surface: Surface) -> None:
        self._lines = [surface.add_curve(20 - n, smooth=True) for n in range(len(self.curves))]
        self._spots = [surface.add_markers(30 - n, "o", 7) for n in range(len(self.curves))]

    def _set_pens(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import pen_of

        colors = colors_of(self.palette())
        for style, line in zip(self._styles, self._lines, strict=True):
            line.setPen(pen_of(style.color(colors), style.width, style.dashes))
        for style, spots in zip(self._styles, self._spots, strict=True):
            spots.setPen(None)
            spots.setBrush(style.color(colors))

    def _draw(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import set_points

        if self._following:
            last = max((float(xs[-1]) for xs, _ in self.curves if len(xs)), default=1.0)
            peak = max((float(ys.max()) for _, ys in self.curves if len(ys)), default=1.0)
            surface.set_ranges((0.0, 1.02 * nice_ceiling(last)), (0.0, self._top or nice_ceiling(peak)))
        for number, (line, (xs, ys)) in enumerate(zip(self._lines, self.curves, strict=True)):
            line.setVisible(self.legend.shown(number))
            set_points(line, xs, ys)
            few = self.legend.shown(number) and len(xs) <= MARKED
            self._spots[number].setData(xs if few else [], ys if few else [])

    def _xs(self) -> Floats:
        return self._longest[0]

    @property
    def _longest(self) -> Curve:
        return max(self.curves, key=lambda curve: len(curve[0]))

    def _values_at(self, row: int) -> tuple[str, list[str]]:
        x = float(self._xs()[row])
        values = []
        for xs, ys in self.curves:
            reached = len(xs) and x <= xs[-1]
            values.append(f"{float(np.interp(x, xs, ys)):.3f}" if reached else "")
        return self._at.format(int(x)), values


def losses(events: Sequence[TrainEvent]) -> Curve:
    """The total loss over steps, smoothed as in the live plot."""
    steps = [event for event in events if isinstance(event, StepDone)]
    smoother = Smoother()
    xs = np.array([event.step for event in steps], dtype=np.float64)
    return thinned(xs, np.array([smoother.add((event.loss,))[0] for event in steps], dtype=np.float64), POINTS)


def scores(events: Sequence[TrainEvent]) -> Curve:
    """AP50 over epochs."""
    found = [event for event in events if isinstance(event, EpochEvaluated)]
    xs = np.array([event.epoch for event in found], dtype=np.float64)
    return xs, np.array([max(0.0, event.scores.AP50) for event in found], dtype=np.float64)


def _events(run: RunInfo) -> list[TrainEvent]:
    try:
        return read_events(Path(run.path))
    except StudioError:
        return []
