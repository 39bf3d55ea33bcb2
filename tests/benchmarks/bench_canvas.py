"""Speed of the canvas, printed as medians: python -m tests.benchmarks.bench_canvas [boxes ...]"""

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
from rcnn_studio.ui.theme import Theme
from tests.ui.desk import HEIGHT, WIDTH, Desk, make_project


def median_ms(work: Callable[[], object], repeats: int = 25) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        QApplication.processEvents()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


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
    start = time.perf_counter()
    project.add_boxes(random_boxes(count), "Fill")
    project.set_selection(())
    QApplication.processEvents()
    print(f"{count} boxes, canvas {canvas.width()} x {canvas.height()}")
    print(f"  add and show        {1000 * (time.perf_counter() - start):8.2f} ms")

    def repaint_all() -> None:
        canvas._backing_key = ()
        canvas.repaint()

    print(f"  repaint, all anew   {median_ms(repaint_all):8.2f} ms")
    print(f"  repaint             {median_ms(canvas.repaint):8.2f} ms")
    steps = iter(range(10**6))
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)

    def hover() -> None:
        send(desk, QEvent.Type.MouseMove, middle + QPointF(next(steps) * 7 % 200, 3))

    print(f"  hover               {median_ms(hover, 60):8.2f} ms")

    def zoom() -> None:
        canvas.zoom_by(1.1 if next(steps) % 2 else 1 / 1.1, middle)

    print(f"  zoom step           {median_ms(zoom):8.2f} ms")
    canvas.fit()
    send(desk, QEvent.Type.MouseMove, middle)
    send(desk, QEvent.Type.MouseButtonPress, middle)

    def drag() -> None:
        send(desk, QEvent.Type.MouseMove, middle + QPointF(10 + next(steps) * 3 % 60, 8), held=True)

    print(f"  drag move           {median_ms(drag, 60):8.2f} ms")
    send(desk, QEvent.Type.MouseButtonRelease, middle)

    def next_image() -> None:
        desk.images_panel.go(1 if next(steps) % 2 else -1)

    print(f"  other image         {median_ms(next_image):8.2f} ms")
    desk.images_panel.go(-1)


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
