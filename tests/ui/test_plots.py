"""The live plots: what they show, when they redraw, what zoom and pointer do."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from rcnn_studio.ui.theme import DARK, LIGHT, make_palette
from rcnn_studio.ui.train.curves import GrowingTable, Smoother, envelope, nearest, nice_ceiling, thinned, window
from rcnn_studio.ui.train.plots import LossPlot, MetricPlot
from tests.ui.fake_runs import make_evaluation, make_step


@pytest.fixture
def host(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(440, 360)
    return widget


def shown(qtbot, host: QWidget, plot):
    plot.setParent(host)
    plot.resize(420, 340)
    host.show()
    plot.show()
    qtbot.waitUntil(lambda: plot.surface is not None)
    return plot


@pytest.fixture
def loss(qtbot, host: QWidget) -> LossPlot:
    return shown(qtbot, host, LossPlot())


@pytest.fixture
def metric(qtbot, host: QWidget) -> MetricPlot:
    return shown(qtbot, host, MetricPlot())


def count_redraws(plot, monkeypatch) -> list[int]:
    redraws: list[int] = []
    draw = plot._draw

    def counted(surface) -> None:
        redraws.append(1)
        draw(surface)

    monkeypatch.setattr(plot, "_draw", counted)
    return redraws


def test_a_burst_of_steps_is_drawn_once(qtbot, loss: LossPlot, monkeypatch) -> None:
    redraws = count_redraws(loss, monkeypatch)
    for step in range(1, 201):
        loss.add(make_step(step))
    assert not redraws
    qtbot.waitUntil(lambda: bool(redraws))
    assert len(redraws) == 1
    assert loss.read_out.text() == "step 200 · epoch 40"


def test_a_plot_that_nobody_sees_is_not_drawn_until_it_is_shown(qtbot, loss: LossPlot, monkeypatch) -> None:
    loss.hide()
    redraws = count_redraws(loss, monkeypatch)
    loss.add(make_step(1))
    qtbot.wait(150)
    assert not redraws
    loss.show()
    assert len(redraws) == 1


def test_the_legend_follows_the_pointer_and_returns_to_the_latest(loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 101))
    loss.redraw()
    latest = [entry.value for entry in loss.legend.entries]
    loss.surface.pointed.emit(10.2)
    assert loss.read_out.text() == "step 10 · epoch 2"
    assert loss.legend.entries[0].value == f"{make_step(10).loss:.3f}"
    assert loss.surface.cursor_line.isVisible()
    loss.surface.left.emit()
    assert [entry.value for entry in loss.legend.entries] == latest
    assert not loss.surface.cursor_line.isVisible()


def test_a_curve_switched_off_in_the_legend_disappears(qtbot, loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 20))
    loss.redraw()
    assert loss._smooth_curves[1].isVisible()
    loss.legend.entries[1].click()
    qtbot.waitUntil(lambda: not loss._smooth_curves[1].isVisible())
    assert not loss._raw_curves[1].isVisible()
    assert loss._smooth_curves[0].isVisible()


def test_zooming_stays_until_everything_is_asked_for_again(loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 101))
    loss.redraw()
    loss.surface.view.setRange(xRange=(20, 40), padding=0)
    loss.surface.zoomed.emit()
    loss.add(make_step(101))
    loss.redraw()
    assert loss.surface.x_range() == (20, 40)
    assert loss.show_all.isVisible()
    loss.show_all.click()
    loss.redraw()
    assert loss.surface.x_range() == (0, 125)
    assert not loss.show_all.isVisible()


def test_the_logarithmic_axis_shows_powers_of_ten(loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 101))
    loss.log_button.click()
    _x, ys = loss._smooth_curves[0].getData()
    assert ys[-1] == pytest.approx(np.log10(make_step(100).loss), abs=0.02)
    low, high = loss.surface.view.viewRange()[1]
    assert low < ys.min() < ys.max() < high


def test_a_loss_that_is_no_number_leaves_the_plot_whole(loss: LossPlot) -> None:
    from dataclasses import replace

    loss.add(make_step(1))
    loss.add(replace(make_step(2), loss=float("nan")))
    loss.add(replace(make_step(3), loss=float("inf")))
    loss.add(make_step(4))
    loss.redraw()
    _x, ys = loss._raw_curves[0].getData()
    assert len(ys) == 4
    assert np.isfinite(ys).all()


def test_a_new_run_starts_with_empty_axes(loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 101))
    loss.set_steps([])
    loss.redraw()
    assert loss.count == 0
    assert loss.read_out.text() == ""


def test_colours_follow_the_theme(host: QWidget, loss: LossPlot) -> None:
    loss.set_steps(make_step(n) for n in range(1, 20))
    host.setPalette(make_palette(DARK))
    assert loss.surface.backgroundBrush().color().name() == DARK.panel
    dark = loss._smooth_curves[0].opts["pen"].color()
    host.setPalette(make_palette(LIGHT))
    assert loss.surface.backgroundBrush().color().name() == LIGHT.panel
    assert loss._smooth_curves[0].opts["pen"].color() != dark


def test_every_loss_has_a_line_style_of_its_own(loss: LossPlot) -> None:
    styles = [tuple(curve.opts["pen"].dashPattern()) for curve in loss._smooth_curves]
    colors = [curve.opts["pen"].color().name() for curve in loss._smooth_curves]
    assert len(set(styles)) == 5
    assert len(set(colors)) == 5


def test_the_best_epoch_is_marked(metric: MetricPlot) -> None:
    metric.set_evaluations(
        [make_evaluation(1, 0.3), make_evaluation(2, 0.6), make_evaluation(3, 0.5, best=False)], epochs=8
    )
    metric.redraw()
    assert metric.best_epoch == 2
    assert metric._best_line.isVisible()
    assert metric._best_line.value() == 2
    assert metric.read_out.text() == "best: epoch 2"
    assert [entry.value for entry in metric.legend.entries] == ["0.600", "0.360"]
    assert metric.surface.x_range() == (0.5, 5.5)


def test_pointing_at_an_epoch_reads_its_scores(metric: MetricPlot) -> None:
    metric.set_evaluations([make_evaluation(1, 0.3), make_evaluation(2, 0.6)], epochs=4)
    metric.redraw()
    metric.surface.pointed.emit(1.2)
    assert metric.read_out.text() == "epoch 1"
    assert metric.legend.entries[0].value == "0.300"


def test_scores_that_do_not_exist_are_drawn_at_zero(metric: MetricPlot) -> None:
    metric.add(make_evaluation(1, -1.0, best=False))
    metric.redraw()
    assert metric.legend.entries[0].value == "0.000"
    assert not metric._star.isVisible()


# --- the numbers behind them ------------------------------------------------------------------------


def test_the_buffer_keeps_every_row_while_it_doubles() -> None:
    table = GrowingTable(2)
    for number in range(1000):
        table.append((number, -number))
    assert len(table) == 1000
    assert (table.rows[:, 0] == np.arange(1000)).all()
    assert (table.rows[:, 1] == -np.arange(1000)).all()


def test_smoothing_is_an_exponential_average_that_skips_what_is_no_number() -> None:
    smoother = Smoother(0.6)
    assert smoother.add([1.0]) == [1.0]
    assert smoother.add([2.0]) == [pytest.approx(1.4)]
    assert smoother.add([float("nan")]) == [pytest.approx(1.4)]


def test_the_envelope_keeps_every_peak() -> None:
    x = np.arange(5003, dtype=float)
    y = np.random.default_rng(1).normal(size=5003)
    y[1234], y[5002] = 99.0, -99.0
    xs, ys = envelope(x, y, 200)
    assert len(ys) <= 410
    assert ys.max() == 99.0
    assert ys.min() == -99.0
    assert (np.diff(xs) >= 0).all()


def test_thinning_keeps_the_first_and_the_last_point() -> None:
    x = np.arange(5000, dtype=float)
    xs, ys = thinned(x, x * 2, 100)
    assert len(xs) == 100
    assert (xs[0], xs[-1]) == (0, 4999)
    assert (ys == xs * 2).all()


def test_a_window_reaches_one_point_beyond_either_border() -> None:
    x = np.arange(10, dtype=float)
    assert window(x, 3.5, 6.5) == slice(3, 8)
    assert window(x, -5, 50) == slice(0, 10)


@pytest.mark.parametrize(("value", "row"), [(-5, 0), (0.4, 0), (2.6, 3), (2.4, 2), (99, 4)])
def test_the_nearest_row_is_found(value: float, row: int) -> None:
    assert nearest(np.arange(5, dtype=float), value) == row


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 1), (7, 8), (100, 100), (101, 125), (180, 200), (9.7, 10), (0.032, 0.04)]
)
def test_axes_grow_to_round_numbers(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)


def curve_height(plot) -> float:
    """Logical pixels that the curves have."""
    return plot.surface.view.sceneBoundingRect().height()


def test_in_a_low_window_the_curves_keep_a_height_that_can_be_read(loss: LossPlot, metric: MetricPlot) -> None:
    for plot in (loss, metric):
        plot.set_plot_height(20)
        QApplication.processEvents()
        assert curve_height(plot) >= 60


def test_what_the_axes_count_stands_in_the_titles(loss: LossPlot, metric: MetricPlot) -> None:
    for plot, title in ((loss, "Loss by step"), (metric, "Score by epoch")):
        heading = next(label for label in plot.findChildren(QLabel) if label.text() == title)
        assert heading.width() >= heading.sizeHint().width()


def test_the_axis_of_epochs_goes_to_the_one_that_is_trained(metric: MetricPlot) -> None:
    metric.set_evaluations([make_evaluation(1, 0.04), make_evaluation(4, 0.2)])
    metric.reach(8)
    metric.redraw()
    assert metric.surface.x_range()[1] >= 8
    metric.set_evaluations([make_evaluation(1, 0.04)], epochs=20)
    metric.redraw()
    assert metric.surface.x_range()[1] < 8, "another run begins anew"
