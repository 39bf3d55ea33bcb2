"""Time to see a picture in the real window, with peak memory: python -m tests.benchmarks.bench_pictures [scenario ...]

Scenarios: small (640 x 480, one of 10,000), photos (4000 x 3000), huge10 and huge20 (JPEG, 10,000 and 20,000 a side).
Each runs in a process of its own. Files are made once, below the folder given by PICTURES_WORK.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication

from rcnn_studio.app import create_window
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.workspace.images import ImageCache

WORK = Path(os.environ.get("PICTURES_WORK", Path(tempfile.gettempdir()) / "pictures-bench"))
SCENARIOS = ("small", "photos", "huge10", "huge20")
BARS = {
    "small, asked for": "8 / 16 ms",
    "photo, first paint": "60 ms",
    "photo, all pixels": "200 ms",
    "photo, fetched before": "20 ms",
    "huge10, first view": "600 ms, 450 MiB",
    "huge20, first view": "1500 ms, 900 MiB",
}


def paint_file(path: Path, size: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (max(2, size[1] // 40), max(2, size[0] // 40), 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=90)


def project_of(scenario: str) -> Path:
    """A project of the scenario's files, made at the first run."""
    folder = WORK / scenario
    pictures = folder / "pictures"
    if not (folder / "project" / "project.rcnn").exists():
        pictures.mkdir(parents=True, exist_ok=True)
        if scenario == "small":
            for number in range(40):
                paint_file(pictures / f"{number:05d}.jpg", (640, 480), number)
            for number in range(40, 10_000):
                os.link(pictures / f"{number % 40:05d}.jpg", pictures / f"{number:05d}.jpg")
        elif scenario == "photos":
            for number in range(12):
                paint_file(pictures / f"{number:02d}.jpg", (4000, 3000), number)
        else:
            side = 10_000 if scenario == "huge10" else 20_000
            paint_file(pictures / "a.jpg", (640, 480), 0)
            paint_file(pictures / "b.jpg", (side, side), 1)
        create_project(folder / "project", Source(path=pictures), format_name="images")
    return folder / "project"


class Paints(QObject):
    """When the canvas was painted with a picture on it."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.first = self.last = 0.0
        canvas.installEventFilter(self)

    def begin(self) -> float:
        self.first = self.last = 0.0
        return time.perf_counter()

    def note(self) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and watched is self._canvas and self._canvas.image_shown:
            self._canvas.removeEventFilter(self)
            QApplication.sendEvent(watched, event)
            self._canvas.installEventFilter(self)
            self.note()
            return True
        return False


def wait(done: Callable[[], bool], seconds: float = 60) -> None:
    """As the window waits: asleep until something happens, so that the decoding thread has the interpreter."""
    ticks = QTimer(interval=20)
    ticks.start()
    until = time.perf_counter() + seconds
    while not done():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        if time.perf_counter() > until:
            raise TimeoutError


def report(name: str, values: list[float], note: str = "") -> None:
    ordered = sorted(1000 * value for value in values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(
        f"{name:26s} median {statistics.median(ordered):8.1f}  p95 {p95:8.1f} ms   bar {BARS[name]} {note}", flush=True
    )


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def settle(seconds: float) -> None:
    until = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > until)


def small(window: MainWindow, canvas: Canvas, paints: Paints) -> None:
    times, cpus = [], []
    for _ in range(100):
        start, cpu = paints.begin(), time.thread_time()
        window.studio_actions["action.image.next"].trigger()
        wait(lambda: paints.first > 0)
        QApplication.processEvents()
        times.append(time.perf_counter() - start)
        cpus.append(time.thread_time() - cpu)
        settle(0.05)
    report("small, asked for", times, f"cpu {1000 * statistics.median(cpus):.1f} ms, peak {peak_mib()} MiB")


def photos(window: MainWindow, canvas: Canvas, paints: Paints) -> None:
    ids = [int(i) for i in canvas.project.rows.ids]
    firsts, fulls = [], []
    for image_id in ids[1:]:
        canvas.images._images.clear()
        start = paints.begin()
        canvas.project.set_current(image_id)
        wait(lambda: paints.first > 0)
        firsts.append(paints.first - start)
        wait(lambda: canvas.scene.image is not None and canvas.scene.image.final)
        canvas.repaint()
        fulls.append(time.perf_counter() - start)
        settle(0.8)
    report("photo, first paint", firsts)
    report("photo, all pixels", fulls)
    ready = []
    for image_id in ids:
        canvas.images.prefetch([image_id])
        wait(partial(fetched, canvas, image_id))
        settle(0.3)
        start = paints.begin()
        canvas.project.set_current(image_id)
        wait(lambda: paints.first > 0)
        ready.append(paints.first - start)
    report("photo, fetched before", ready, f"peak {peak_mib()} MiB")


def fetched(canvas: Canvas, image_id: int) -> bool:
    return canvas.images.get(image_id) is not None


def huge(window: MainWindow, canvas: Canvas, paints: Paints, *, scenario: str) -> None:
    ids = [int(i) for i in canvas.project.rows.ids]
    canvas.images._images.clear()  # the window opens with the image that was left
    start = paints.begin()
    canvas.project.set_current(ids[1])
    wait(lambda: paints.first > 0)
    report(f"{scenario}, first view", [paints.first - start], f"peak {peak_mib()} MiB")
    for where in (0.1, 0.5, 0.95):
        longest, last = 0.0, time.perf_counter()
        size = canvas.image_size
        middle = (size[0] * where, size[1] * where)
        start = time.perf_counter()
        canvas._set_view(canvas.scene.frame.centred_on(*middle, 1.0))
        before = canvas.scene.tiles
        while canvas.scene.tiles == before and last - start < 60:
            QApplication.processEvents()
            time.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        canvas.repaint()
        text = f"sharp after {1000 * (time.perf_counter() - start):6.0f} ms, window still for {1000 * longest:4.0f} ms"
        print(f"  100 % at {where:.2f} of the way down: {text}, peak {peak_mib()} MiB", flush=True)


def run(scenario: str) -> None:
    app = QApplication(sys.argv)
    if scenario.startswith("huge"):  # seen without having been fetched before
        ImageCache.prefetch = lambda self, image_ids: None  # type: ignore[method-assign]
    window = create_window(project_of(scenario))
    window.resize(1600, 1000)
    window.show()
    wait(lambda: window.session is not None and window.findChild(Canvas) is not None)
    canvas = window.findChild(Canvas)
    assert canvas is not None
    assert window.session is not None
    window.session.thumbnail_pass.hold(True)
    canvas.project.set_current(int(canvas.project.rows.ids[0]))
    wait(lambda: canvas.image_shown)
    settle(2.0)
    paints = Paints(canvas)
    if scenario == "small":
        small(window, canvas, paints)
    elif scenario == "photos":
        photos(window, canvas, paints)
    else:
        huge(window, canvas, paints, scenario=scenario)
    window.close_without_asking()
    window.close()
    window.deleteLater()
    app.processEvents()


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: compare figures from a quiet machine", flush=True)
    wanted = sys.argv[1:] or list(SCENARIOS)
    if len(wanted) == 1:
        run(wanted[0])
        return
    for scenario in wanted:
        subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_pictures", scenario], check=True)


if __name__ == "__main__":
    main()
