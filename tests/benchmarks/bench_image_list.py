"""The image list over 100,000 images with 1,000,000 boxes: opening, filters, orders, the next image.

    python -m tests.benchmarks.bench_image_list [images] [boxes an image]

Prints one line a figure: median and 95th percentile in milliseconds. The project is made in a temporary folder; its
images are not there, so nothing is decoded.
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
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.browse.image_order import ImageOrder
from rcnn_studio.workspace.session import Session
from tests.benchmarks.bench_statistics import made_project

QUERIES = {
    "text": ImageQuery(text="9"),
    "state": ImageQuery(states=frozenset({ImageState.UNLABELLED})),
    "split": ImageQuery(splits=frozenset({"val"})),
    "class": ImageQuery(categories=frozenset({3})),
    "flags": ImageQuery(flags=BoxFlag.DIFFICULT),
    "size": ImageQuery(side=(0.0, 32.0)),
    "place": ImageQuery(place=(0.25, 0.25, 0.5, 0.5)),
    "all of it": ImageQuery(
        text="1", categories=frozenset({1, 2, 3}), side=(32.0, 96.0), aspect=(0.5, 2.0), boxes=(2.0, 99.0)
    ),
}


def line(name: str, times: list[float]) -> None:
    print(f"  {name:22} {1000 * statistics.median(times):8.1f} {1000 * float(np.percentile(times, 95)):8.1f} ms")


def timed(work: Callable[[], object], repeats: int = 9) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        QApplication.processEvents()
        times.append(time.perf_counter() - start)
    return times


def wait(app: QApplication, done: Callable[[], bool]) -> None:
    while not done():
        app.processEvents()
        time.sleep(0.002)


def run(app: QApplication, folder: Path) -> None:
    start = time.perf_counter()
    session = Session(folder)
    panel = ImageList(session.project, session.thumbnails, session.memory, session.facts)
    panel.resize(260, 900)
    panel.show()
    session.project.open_first()
    app.processEvents()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  open and show          {time.perf_counter() - start:8.2f} s, peak {peak:.0f} MiB")
    start = time.perf_counter()
    panel.set_query(QUERIES["class"])
    print(f"  first class filter     {1000 * (time.perf_counter() - start):8.1f} ms, then it is read")
    wait(app, lambda: not panel.model.waiting)
    print(f"  read and shown after   {time.perf_counter() - start:8.2f} s")
    for name, query in QUERIES.items():
        line(f"filter: {name}", timed(lambda query=query: (panel.clear_filter(), panel.set_query(query))))
    panel.clear_filter()
    for order in ImageOrder:
        line(f"order: {order}", timed(lambda order=order: panel.model.set_filter(ImageQuery(), order), 3))
    panel.model.set_filter(ImageQuery(), ImageOrder.PROJECT)
    panel._refresh()
    line("next image", timed(lambda: panel.go(1), 60))
    line("last and first", timed(lambda: (panel._on_last(), panel._on_first()), 20))
    panel.set_query(QUERIES["all of it"])
    line("next, filtered", timed(lambda: panel.go(1), 60))
    line("go to a name", timed(lambda: panel.go_to("99998"), 5))
    panel.close()
    session.close()


def main() -> None:
    if sys.argv[1:2] == ["make"]:
        made_project(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])).close()
        return
    images, boxes = (int(arg) for arg in (sys.argv[1:] or ["100000", "10"]))
    with tempfile.TemporaryDirectory() as folder:
        print(f"{images} images with {images * boxes} boxes", flush=True)
        # in a process of its own, so that the peak of memory is the list's
        command = [sys.executable, "-m", "tests.benchmarks.bench_image_list", "make", folder, str(images), str(boxes)]
        subprocess.run(command, check=True)
        run(QApplication(sys.argv), Path(folder) / "project")


if __name__ == "__main__":
    main()
