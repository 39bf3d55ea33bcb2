"""The two live plots: losses over steps, scores over epochs.

They keep copies of the numbers in growing buffers; where the numbers come from is the panel's matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton, QWidget

from rcnn_studio.domain.runs import LOSS_NAMES, EpochEvaluated, StepDone
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.curves import (
    Floats,
    GrowingTable,
    Smoother,
    envelope,
    log_of,
    nice_ceiling,
    thinned,
    window,
)
from rcnn_studio.ui.train.legend import CurveStyle
from rcnn_studio.ui.train.live_plot import LivePlot

if TYPE_CHECKING:
    from rcnn_studio.ui.train.plot_parts import Surface

SMOOTH_POINTS = 130
RAW_ALPHA = 70

# Okabe and Ito's hues, darkened for white and lightened for dark until lines keep 3 : 1; dashes say the same.
LOSS_STYLES = (
    CurveStyle(key="loss", title="Total", light="#1b2027", dark="#e4e7eb", width=2.2),
    CurveStyle(key=LOSS_NAMES[0], title="Class", light="#0072b2", dark="#56b4e9", width=1.7, dashes=(6, 2)),
    CurveStyle(key=LOSS_NAMES[1], title="Box fit", light="#c04f00", dark="#f0a030", width=1.7, dashes=(2, 2)),
    CurveStyle(
        key=LOSS_NAMES[2], title="Object or not", light="#00805f", dark="#2cc695", width=1.7, dashes=(7, 2.5, 2, 2.5)
    ),
    CurveStyle(key=LOSS_NAMES[3], title="Proposal fit", light="#a84f86", dark="#e39ac6", width=1.7, dashes=(3.5, 3)),
)
METRIC_STYLES = (
    CurveStyle(key="AP50", title="AP50", light="#0b62c4", dark="#5aa5ff", width=2.2, symbol="o"),
    CurveStyle(key="AP", title="AP", light="#c04f00", dark="#f0a030", width=1.7, dashes=(5, 2), symbol="s"),
)


class LossPlot(LivePlot):
    """Total and the four losses: raw faint, smoothed bold, on a linear or logarithmic axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        hints = [
            self.tr("Sum of the four losses. Click to hide."),
            self.tr("loss_classifier: how wrong the class of the found regions is. Click to hide."),
            self.tr("loss_box_reg: how far the final boxes are from those you drew. Click to hide."),
            self.tr(
                "loss_objectness: how wrong the region proposal network (RPN) is on whether there is anything at all. "
                "Click to hide."
            ),
            self.tr(
                "loss_rpn_box_reg: how far the boxes that the region proposal network (RPN) proposes are from those "
                "you drew. Click to hide."
            ),
        ]
        super().__init__(self.tr("Loss by step"), LOSS_STYLES, hints, parent)
        self.setObjectName("train.loss_plot")
        self.setAccessibleName(self.tr("Loss over steps"))
        self._raw = GrowingTable(2 + len(LOSS_STYLES))
        self._smooth = GrowingTable(len(LOSS_STYLES))
        self._smoother = Smoother()
        self._peak = 0.0
        self.log_button = QPushButton(self.tr("Log axis"), checkable=True)
        self.log_button.setProperty("role", "toggle")
        self.log_button.setToolTip(self.tr("Logarithmic loss axis: small losses are told apart"))
        self.log_button.setAccessibleName(self.tr("Logarithmic loss axis"))
        self.log_button.toggled.connect(self._on_log)
        self._head.addWidget(self.log_button)

    def add(self, step: StepDone) -> None:
        self._append(step)
        self.touch()

    def set_steps(self, steps: Iterable[StepDone]) -> None:
        """Forget what is drawn and show these."""
        self._raw.clear()
        self._smooth.clear()
        self._smoother.clear()
        self._peak = 0.0
        for step in steps:
            self._append(step)
        self.follow()

    @property
    def count(self) -> int:
        return len(self._raw)

    def _append(self, step: StepDone) -> None:
        values = (step.loss, *step.losses)
        smooth = self._smoother.add(values)
        self._raw.append(
            (step.step, step.epoch, *(v if np.isfinite(v) else s for v, s in zip(values, smooth, strict=True)))
        )
        self._smooth.append(smooth)
        self._peak = max(self._peak, smooth[0])

    def _add_items(self, surface: Surface) -> None:
        self._raw_curves = [surface.add_curve(10 - n, smooth=False) for n in range(len(LOSS_STYLES))]
        self._smooth_curves = [surface.add_curve(30 - n, smooth=True) for n in range(len(LOSS_STYLES))]

    def _set_pens(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import pen_of

        colors = colors_of(self.palette())
        for style, raw, smooth in zip(LOSS_STYLES, self._raw_curves, self._smooth_curves, strict=True):
            raw.setPen(pen_of(style.color(colors), 1, alpha=RAW_ALPHA))
            smooth.setPen(pen_of(style.color(colors), style.width, style.dashes))

    def _draw(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import set_points

        log = self.log_button.isChecked()
        if self._following:
            surface.set_ranges(*self._whole(log))
        part = window(self._xs(), *surface.x_range())
        steps = self._raw.rows[part, 0]
        for number, (raw, smooth) in enumerate(zip(self._raw_curves, self._smooth_curves, strict=True)):
            shown = self.legend.shown(number)
            raw.setVisible(shown)
            smooth.setVisible(shown)
            if shown:
                noisy, even = self._raw.rows[part, 2 + number], self._smooth.rows[part, number]
                set_points(raw, *envelope(steps, log_of(noisy) if log else noisy, surface.pixels() // 2))
                set_points(smooth, *thinned(steps, log_of(even) if log else even, SMOOTH_POINTS))

    def _whole(self, log: bool) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ranges that show everything, in leaps so that the axes are not made anew ten times a second."""
        if not len(self._raw):
            return (0.0, 100.0), ((-2.0, 0.5) if log else (0.0, 2.0))
        last = float(self._raw.rows[-1, 0])
        x = (0.0, nice_ceiling(max(10.0, last)))
        if not log:
            return x, (0.0, nice_ceiling(self._peak * 1.05))
        low = float(log_of(self._smooth.rows).min())
        return x, (np.floor(low * 2) / 2 - 0.1, np.ceil(np.log10(max(self._peak, 1e-3)) * 4 + 0.5) / 4)

    def _xs(self) -> Floats:
        return self._raw.rows[:, 0]

    def _values_at(self, row: int) -> tuple[str, list[str]]:
        step, epoch = int(self._raw.rows[row, 0]), int(self._raw.rows[row, 1])
        source = self._smooth.rows[row] if self._pointed is None else self._raw.rows[row, 2:]
        return self.tr("step {0} · epoch {1}").format(step, epoch), [f"{v:.3f}" for v in source]

    def _on_log(self, on: bool) -> None:
        if self.surface is not None:
            self.surface.set_log(on)
        self.follow()
        # at once: numbers of one kind must not stand on an axis of the other
        self.redraw()

    def sizeHint(self) -> QSize:
        return QSize(360, super().sizeHint().height())


class MetricPlot(LivePlot):
    """AP and AP50 of the validation images after each epoch, 0..1, the best epoch marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        hints = [
            self.tr("AP50: precision over recall, a box counts as found from an overlap (IoU) of 0.5. Click to hide."),
            self.tr("AP: the mean over overlaps of 0.5 to 0.95, COCO's main score. Click to hide."),
        ]
        super().__init__(self.tr("Score by epoch"), METRIC_STYLES, hints, parent)
        self.setObjectName("train.metric_plot")
        self.setAccessibleName(self.tr("Validation scores over epochs"))
        self._rows = GrowingTable(3)
        self._best_epoch = 0
        self._epochs = 0
        self._running_epoch = 0

    def add(self, evaluated: EpochEvaluated) -> None:
        self._append(evaluated)
        self.touch()

    def set_evaluations(self, evaluations: Iterable[EpochEvaluated], *, epochs: int = 0) -> None:
        """Forget what is drawn and show these, on an axis no longer than the planned epochs (0: not known)."""
        self._rows.clear()
        self._best_epoch = self._running_epoch = 0
        self._epochs = epochs
        for evaluated in evaluations:
            self._append(evaluated)
        self.follow()

    @property
    def count(self) -> int:
        return len(self._rows)

    def reach(self, epoch: int) -> None:
        """The axis goes at least to this epoch: it is being trained, whether it is scored or not."""
        if epoch > self._running_epoch:
            self._running_epoch = epoch
            self.touch()

    @property
    def best_epoch(self) -> int:
        """The epoch that is marked; 0 for none yet."""
        return self._best_epoch

    def _append(self, evaluated: EpochEvaluated) -> None:
        scores = evaluated.scores
        self._rows.append((evaluated.epoch, max(0.0, scores.AP50), max(0.0, scores.AP)))
        if evaluated.best:
            self._best_epoch = evaluated.epoch

    def _add_items(self, surface: Surface) -> None:
        self._best_line = surface.add_line(1)
        self._curves = [surface.add_curve(20 - n, smooth=True) for n in range(len(METRIC_STYLES))]
        self._markers = [surface.add_markers(30 - n, s.symbol, 6 if n else 7) for n, s in enumerate(METRIC_STYLES)]
        self._star = surface.add_markers(40, "star", 15)

    def _set_pens(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import pen_of

        colors = colors_of(self.palette())
        for style, curve, markers in zip(METRIC_STYLES, self._curves, self._markers, strict=True):
            curve.setPen(pen_of(style.color(colors), style.width, style.dashes))
            markers.setPen(None)
            markers.setBrush(style.color(colors))
        self._best_line.setPen(pen_of(colors.good, 1.2, (3, 3)))
        self._star.setPen(colors.panel)
        self._star.setBrush(colors.good)

    def _draw(self, surface: Surface) -> None:
        from rcnn_studio.ui.train.plot_parts import set_points

        xs = self._xs()
        if self._following:
            last = max(5.0, nice_ceiling(max(float(self._running_epoch), float(xs[-1]) if len(xs) else 0.0)))
            last = max(2.0, min(last, self._epochs), self._running_epoch) if self._epochs else last
            surface.set_ranges((0.5, last + 0.5), (0.0, 1.02))
        for number, (curve, markers) in enumerate(zip(self._curves, self._markers, strict=True)):
            shown = self.legend.shown(number)
            curve.setVisible(shown)
            markers.setVisible(shown and len(xs) <= 120)
            ys = self._rows.rows[:, 1 + number]
            set_points(curve, xs, ys)
            markers.setData(xs, ys)
        best = np.flatnonzero(xs == self._best_epoch)
        self._best_line.setVisible(bool(len(best)))
        self._star.setVisible(bool(len(best)))
        if len(best):
            row = int(best[0])
            self._best_line.setPos(float(xs[row]))
            self._star.setData(xs[row : row + 1], self._rows.rows[row : row + 1, 1])

    def _xs(self) -> Floats:
        return self._rows.rows[:, 0]

    def _values_at(self, row: int) -> tuple[str, list[str]]:
        epoch, ap50, ap = self._rows.rows[row]
        if self._pointed is None and self._best_epoch:
            found = np.flatnonzero(self._xs() == self._best_epoch)
            epoch, ap50, ap = self._rows.rows[int(found[0])]
            text = self.tr("best: epoch {0}").format(int(epoch))
        else:
            text = self.tr("epoch {0}").format(int(epoch))
            if int(epoch) == self._best_epoch:
                text = self.tr("epoch {0}, the best").format(int(epoch))
        return text, [f"{ap50:.3f}", f"{ap:.3f}"]
