"""Speed of the canvas with many boxes, medians and p95: python -m tests.benchmarks.bench_canvas [boxes ...]

Drawing, hover and drag are sent as mouse events and timed with the paint that follows them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.dataset import Box
from rcnn_studio.ui.label.look import NEUTRAL, Look
from rcnn_studio.ui.theme import Theme
from tests.ui.desk import HEIGHT, WIDTH, Desk, make_project

BARS = {
    1000: {"load": 50, "repaint, all anew": 5, "hover": 2, "drag move": 4},
    5000: {"load": 100, "repaint, all anew": 16, "hover": 4, "drag move": 8},
}
"""Milliseconds, by number of boxes."""


Times = list[tuple[float, float]]
"""Wall seconds, and what the window's thread computed in them, which other work on the machine disturbs less."""


def report(count: int, name: str, times: Times) -> None:
    walls, cpus = (sorted(1000 * pair[place] for pair in times) for place in (0, 1))
    p95 = walls[min(len(walls) - 1, round(0.95 * len(walls)))]
    bar = BARS.get(count, {}).get(name)
    median, cpu = statistics.median(walls), statistics.median(cpus)
    said = f"bar {bar:4d} ms  {'met' if median <= bar else 'MISSED'}" if bar is not None else ""
    print(f"  {name:20s} median {median:8.2f}  p95 {p95:8.2f}  cpu {cpu:8.2f} ms  {said}", flush=True)


def once(work: Callable[[], object]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.thread_time()
    work()
    QApplication.processEvents()
    return time.perf_counter() - start, time.thread_time() - cpu


def timed(work: Callable[[], object], repeats: int = 40) -> Times:
    return [once(work) for _ in range(repeats)][2:]


def random_boxes(count: int) -> list[Box]:
    rng = np.random.default_rng(1)
    sides = rng.uniform(4, 30, (count, 2))
    corners = rng.uniform(0, 1, (count, 2)) * ([WIDTH, HEIGHT] - sides)
    return [
        Box(id=0, x1=x, y1=y, x2=x + w, y2=y + h, category_id=1 + i % 3)
        for i, ((x, y), (w, h)) in enumerate(zip(corners.round().tolist(), sides.round().tolist(), strict=True))
    ]


def send(desk: Desk, kind: QEvent.Type, at: QPointF, *, held: bool = False) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    where = QPointF(desk.canvas.mapToGlobal(at.toPoint()))
    button = none if kind == QEvent.Type.MouseMove else left
    buttons = left if held else none
    event = QMouseEvent(kind, at, where, button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(desk.canvas, event)


def run(desk: Desk, count: int) -> None:
    canvas, project = desk.canvas, desk.project
    project.add_boxes(random_boxes(count), "Fill")
    project.set_selection(())
    QApplication.processEvents()
    print(f"{count} boxes, canvas {canvas.width()} x {canvas.height()}")
    report(count, "load", loads(desk))

    def repaint_all() -> None:
        canvas._backing_key = ()
        canvas.repaint()

    report(count, "repaint, all anew", timed(repaint_all))
    report(count, "repaint", timed(canvas.repaint))
    steps = iter(range(10**6))
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)

    def hover() -> None:
        send(desk, QEvent.Type.MouseMove, middle + QPointF(next(steps) * 7 % 200, 3))

    report(count, "hover", timed(hover, 100))

    def zoom() -> None:
        canvas.zoom_by(1.1 if next(steps) % 2 else 1 / 1.1, middle)

    report(count, "zoom step", timed(zoom))
    canvas.actual_size()
    canvas.zoom_by(4.0)
    report(count, "pan step", timed(lambda: canvas.pan_by(3 if next(steps) % 2 else -3, 2)))
    canvas.fit()
    canvas.set_look(Look(brightness=10, gamma=1.5))
    report(count, "zoom step, adjusted", timed(zoom))
    canvas.set_look(NEUTRAL)
    canvas.fit()
    send(desk, QEvent.Type.MouseMove, middle)
    send(desk, QEvent.Type.MouseButtonPress, middle)

    def drag() -> None:
        send(desk, QEvent.Type.MouseMove, middle + QPointF(10 + next(steps) * 3 % 60, 8), held=True)

    report(count, "drag move", timed(drag, 100))
    send(desk, QEvent.Type.MouseButtonRelease, middle)


def loads(desk: Desk) -> Times:
    """From the other image to this one with all its boxes painted, table included."""
    times = []
    for _ in range(8):
        desk.images_panel.go(1)
        while not desk.canvas.image_shown:
            QApplication.processEvents()
        QApplication.processEvents()
        times.append(once(lambda: desk.images_panel.go(-1)))
    return times[1:]


def main() -> None:
    app = QApplication(sys.argv)
    theme = Theme(app)
    for count in [int(arg) for arg in sys.argv[1:]] or [100, 1000, 5000]:
        with tempfile.TemporaryDirectory() as folder:
            desk = Desk(make_project(Path(folder)))
            desk.window.resize(1600, 1000)
            while not desk.canvas.image_shown:
                app.processEvents()
            run(desk, count)
            desk.close()
    theme.deleteLater()


if __name__ == "__main__":
    main()
