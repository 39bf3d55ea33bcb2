"""How long a redraw of the live plots takes: `python tests/benchmarks/bench_plots.py [STEPS]`. Bar: 8 ms at 5,000."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.runs import EpochEvaluated, Scores, StepDone
from rcnn_studio.ui.train.live_plot import LivePlot
from rcnn_studio.ui.train.plots import LossPlot, MetricPlot

ROUNDS = 100


def make_step(step: int, rng: np.random.Generator) -> StepDone:
    level = 0.25 + 2.0 * np.exp(-step / 400)
    losses = tuple(float(level * part * rng.lognormal(0, 0.25)) for part in (0.45, 0.3, 0.15, 0.1))
    return StepDone(
        step=step, epoch=1 + step // 50, loss=sum(losses), losses=losses, lr=7e-4, images_per_s=11.0,
        data_wait=0.02, elapsed_s=step / 3, left_s=100.0,
    )  # fmt: skip


def make_scores(ap50: float) -> Scores:
    rest = dict.fromkeys(("AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), 0.5)
    return Scores(AP=ap50 * 0.6, AP50=ap50, **rest)


def measure(plot: LivePlot, add: object) -> tuple[float, float, float]:
    """Milliseconds of append + redraw + paint: median, 99th percentile, largest."""
    times = []
    assert callable(add)
    for number in range(ROUNDS):
        add(number)
        started = time.perf_counter()
        plot.redraw()
        QApplication.processEvents()
        times.append((time.perf_counter() - started) * 1e3)
    return float(np.median(times)), float(np.percentile(times, 99)), max(times)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    app = QApplication.instance() or QApplication([])
    started = time.perf_counter()
    loss, metric = LossPlot(), MetricPlot()
    for plot in (loss, metric):
        plot.resize(440, plot.sizeHint().height())
        plot.show()
        plot.build()
    print(f"both plots built, pyqtgraph loaded: {(time.perf_counter() - started) * 1e3:.0f} ms")
    rng = np.random.default_rng(1)
    for count in (300, most):
        for log in (False, True):
            loss.log_button.setChecked(log)
            loss.set_steps(make_step(n, rng) for n in range(1, count + 1))
            median, p99, worst = measure(loss, lambda n, base=count: loss.add(make_step(base + 1 + n, rng)))
            print(
                f"loss, {count} steps, {'log' if log else 'linear'}: median {median:.2f} p99 {p99:.2f} max {worst:.2f}"
            )
    scores = [0.9 * (1 - np.exp(-n / 20)) for n in range(1, 201)]
    events = [
        EpochEvaluated(epoch=n, step=n * 50, scores=make_scores(s), best=True, elapsed_s=n)
        for n, s in enumerate(scores, 1)
    ]
    metric.set_evaluations(events[:100], epochs=200)
    median, p99, worst = measure(metric, lambda n: metric.add(events[100 + n]))
    print(f"scores, 100 to 200 epochs: median {median:.2f} p99 {p99:.2f} max {worst:.2f} ms")
    app.processEvents()


if __name__ == "__main__":
    main()
