"""Statistics and look-alikes of 100,000 images with 1,000,000 boxes, and how long commits take meanwhile.

    python -m tests.benchmarks.bench_statistics [images] [boxes an image]

Prints one line a figure. The project is made in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rcnn_studio.domain import content_checks, near_duplicates, statistics
from rcnn_studio.domain.dataset import Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.codec import Imported, ImportedImage
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.statistics import count_project

CATEGORIES = 80
COMMITS = 1000
PAUSE_S = 0.01  # between two edits: about 100 a second, far more than a hand makes


class NoPlaces:
    """Places of boxes that are in no file."""

    dataset = "made"

    def image(self, index: int) -> str:
        return f"{index}.jpg"

    def box(self, row: int) -> tuple[str, str]:
        return "made", f"box {row}"


def made_boxes(images: int, boxes_each: int) -> tuple[np.ndarray, BoxColumns]:
    """Image sizes (N, 2), and boxes of plausible sizes and numbers."""
    rng = np.random.default_rng(1)
    count = images * boxes_each
    sizes = rng.choice([[640, 480], [480, 640], [1024, 768], [500, 375]], images)
    counts = rng.multinomial(count, np.full(images, 1 / images))
    own = np.repeat(sizes, counts, axis=0).astype(np.float64)
    sides = np.minimum(np.exp(rng.normal(4, 1, (count, 2))), own * 0.9)
    corner = rng.random((count, 2)) * (own - sides)
    columns = BoxColumns(
        offsets=np.append(0, np.cumsum(counts)),
        ids=np.arange(1, count + 1),
        xyxy=np.concatenate([corner, corner + sides], axis=1),
        category_ids=1 + np.minimum(rng.geometric(0.06, count), CATEGORIES) - 1,
        flags=np.zeros(count, dtype=np.uint8),
        places=np.arange(count),
    )
    return sizes, columns


def made_project(folder: Path, images: int, boxes_each: int) -> ProjectStore:
    sizes, columns = made_boxes(images, boxes_each)
    records = (
        ImageRecord(
            id=number + 1,
            root=0,
            path=f"{number:06}.jpg",
            width=int(width),
            height=int(height),
            state=ImageState.LABELLED,
            split="val" if number % 5 == 0 else "train",
        )
        for number, (width, height) in enumerate(sizes)
    )
    imported = Imported(
        categories=make_categories([f"category {n}" for n in range(CATEGORIES)]),
        roots=(str(folder / "images"),),
        files=(),
        images=tuple(ImportedImage(record=record, file=None) for record in records),
        problems=(),
        boxes=columns,
    )
    return ProjectStore.create(folder / "project", imported)


def commit_times(store: ProjectStore, until: Callable[[], bool]) -> list[float]:
    """Milliseconds from submitting an edit to its commit, one after the other, while `until` is False."""
    times: list[float] = []
    number = 0
    while not until():
        number += 1
        settled = threading.Event()
        failures: list[StudioError] = []

        def failed(error: StudioError, *, into: list[StudioError] = failures, done: threading.Event = settled) -> None:
            into.append(error)
            done.set()

        record = store.image(1 + number % 1000)
        box = record.boxes[0] if record.boxes else None
        if box is None:
            continue
        moved = box.moved_to(box.x1 + 1, box.y1, box.x2 + 1, box.y2)
        change = ImageChange(image_id=record.id, removed=(box,), added=(moved,), state=(record.state, record.state))
        start = time.perf_counter()
        store.submit(Edit(text="Move", images=(change,)), on_done=lambda _, d=settled: d.set(), on_error=failed)
        settled.wait(30)
        times.append((time.perf_counter() - start) * 1e3)
        assert not failures, failures
        settled.clear()
        settled.wait(PAUSE_S)
    return times


@contextmanager
def timed(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - start:.2f} s", flush=True)


def show_times(name: str, times: list[float]) -> None:
    p50, p99 = np.percentile(times, (50, 99))
    print(f"{name}: {len(times)} commits, p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {max(times):.1f} ms", flush=True)


def bench_commits(store: ProjectStore) -> None:
    left = iter(range(COMMITS))
    show_times("commits alone", commit_times(store, lambda: next(left, None) is None))
    rounds: list[float] = []

    def count_again() -> None:
        for _ in range(5):
            start = time.perf_counter()
            count_project(store)
            rounds.append(time.perf_counter() - start)

    worker = threading.Thread(target=count_again)
    worker.start()
    show_times("commits while statistics run", commit_times(store, lambda: not worker.is_alive()))
    worker.join()
    print(f"statistics while commits run: {', '.join(f'{seconds:.2f}' for seconds in rounds)} s")


def bench_columns(dataset: Dataset) -> None:
    with timed(f"domain.statistics.count, {dataset.box_count} boxes"):
        statistics.count(dataset)
    with timed("content checks of the same"):
        size = statistics.TrainingSize()
        print(f"  {sum(1 for _ in content_checks.check_boxes(dataset, NoPlaces(), size))} problems")


def bench_look_alikes(images: int) -> None:
    rng = np.random.default_rng(2)
    thumbs = rng.integers(0, 256, (images, near_duplicates.THUMB_SIDE**2), dtype=np.uint8)
    hashes = rng.integers(0, 2**63, images).astype(np.uint64)
    copies = rng.permutation(images)[: images // 100 * 2]
    hashes[copies[1::2]], thumbs[copies[1::2]] = hashes[copies[::2]] ^ np.uint64(5), thumbs[copies[::2]]
    with timed(f"near_duplicates.groups, {images} images"):
        labels = near_duplicates.groups(near_duplicates.Signatures(hashes=hashes, thumbs=thumbs))
    print(f"  {int((labels != np.arange(images)).sum())} of {len(copies) // 2} copies found")


def main(arguments: list[str]) -> None:
    images = int(arguments[0]) if arguments else 100_000
    boxes_each = int(arguments[1]) if len(arguments) > 1 else 10
    bench_look_alikes(images)
    with tempfile.TemporaryDirectory() as folder:
        with timed("making the project"):
            store = made_project(Path(folder), images, boxes_each)
        with store:
            with timed("store.snapshot"):
                dataset = store.snapshot()
            bench_columns(dataset)
            bench_commits(store)


if __name__ == "__main__":
    main(sys.argv[1:])
