"""The store at 100,000 images with 1,000,000 boxes: `python tests/benchmarks/bench_store.py [--images N]`.

Prints each figure beside its limit; exits 1 if one is over it. Makes a VOC dataset of that size in the folder, once.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rcnn_studio.domain.dataset import ImageRecord, ImageState, make_categories
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.splits import random_split
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import connect

BOXES = 10
CATEGORIES = 10
OBJECT = (
    "\t<object>\n\t\t<name>{}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
    "\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{}</xmin>\n\t\t\t<ymin>{}</ymin>\n"
    "\t\t\t<xmax>{}</xmax>\n\t\t\t<ymax>{}</ymax>\n\t\t</bndbox>\n\t</object>\n"
)
STATISTICS = (
    "SELECT category_id, count(*), avg((x2 - x1) * (y2 - y1)), max(x2 - x1), min(y2 - y1) FROM boxes"
    " GROUP BY category_id",
    "SELECT n, count(*) FROM (SELECT count(*) AS n FROM boxes GROUP BY image_id) GROUP BY n",
    "SELECT count(*) FROM boxes WHERE (x2 - x1) < 8 OR (y2 - y1) < 8",
)


def corners(image: int, box: int) -> tuple[int, int, int, int]:
    x, y = (image * 7 + box * 53) % 500, (image * 13 + box * 31) % 380
    return x, y, x + 20 + box * 3, y + 30 + box * 2


def make_files(folder: Path, count: int) -> None:
    """Annotations/<number>.xml, each category once an image."""
    target = folder / "Annotations"
    if (folder / f"made-{count}").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    target.mkdir(parents=True)
    for image in range(count):
        objects = []
        for box in range(BOXES):
            x1, y1, x2, y2 = corners(image, box)
            objects.append(OBJECT.format(f"kind {box}", x1 + 1, y1 + 1, x2, y2))
        text = f"<annotation>\n\t<filename>{image:06d}.jpg</filename>\n{''.join(objects)}</annotation>\n"
        (target / f"{image:06d}.xml").write_text(text)
    (folder / f"made-{count}").touch()


def imported(folder: Path, count: int) -> Imported:
    """What the VOC codec would say about them, without reading a million boxes."""
    names = make_categories([f"kind {number}" for number in range(CATEGORIES)])
    image, box = np.divmod(np.arange(count * BOXES, dtype=np.int64), BOXES)
    x, y = (image * 7 + box * 53) % 500, (image * 13 + box * 31) % 380
    boxes = BoxColumns(
        offsets=np.arange(0, count * BOXES + 1, BOXES, dtype=np.int64),
        ids=np.arange(1, count * BOXES + 1, dtype=np.int64),
        xyxy=np.stack([x, y, x + 20 + box * 3, y + 30 + box * 2], axis=1).astype(np.float64),
        category_ids=box + 1,
        flags=np.zeros(count * BOXES, dtype=np.uint8),
        places=box,
    )
    options = {"one_based": True, "evidence": "made", "folder": "JPEGImages"}
    return Imported(
        categories=names,
        roots=(str(folder / "JPEGImages"),),
        files=tuple(
            LinkedFile(path=str(folder / "Annotations" / f"{n:06d}.xml"), format="voc", options=options)
            for n in range(count)
        ),
        images=tuple(
            ImportedImage(
                record=ImageRecord(
                    id=n + 1, root=0, path=f"{n:06d}.jpg", width=640, height=480, state=ImageState.LABELLED
                ),
                file=n,
            )
            for n in range(count)
        ),
        problems=(),
        boxes=boxes,
    )


def commit(store: ProjectStore, edit: Edit) -> float:
    """-> seconds from submit until it is on disk"""
    settled = threading.Event()
    errors: list[StudioError] = []

    def failed(error: StudioError) -> None:
        errors.append(error)
        settled.set()

    start = time.perf_counter()
    store.submit(edit, on_done=lambda _: settled.set(), on_error=failed)
    settled.wait()
    if errors:
        raise errors[0]
    return time.perf_counter() - start


def move(record: ImageRecord) -> Edit:
    box = record.boxes[len(record.boxes) // 2]
    moved = box.moved_to(box.x1 + 1, box.y1, box.x2 + 1, box.y2)
    change = ImageChange(image_id=record.id, removed=(box,), added=(moved,), state=(record.state, record.state))
    return Edit(text="Move box", images=(change,))


@contextmanager
def busy(work: Callable[[], None]) -> Iterator[list[float]]:
    """Runs work over and over on another thread. -> seconds of each run"""
    stop = threading.Event()
    took: list[float] = []

    def loop() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            work()
            took.append(time.perf_counter() - start)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


class Table:
    """Prints figures and remembers whether all are within their limits."""

    def __init__(self) -> None:
        self.good = True

    def row(self, name: str, seconds: float, limit: float | None) -> None:
        over = limit is not None and seconds > limit
        self.good = self.good and not over
        allowed = "" if limit is None else f"   limit {limit * 1000:8.1f} ms"
        print(f"{name:<58} {seconds * 1000:10.2f} ms{allowed}{'   OVER' if over else ''}", flush=True)


def edits_under_load(store: ProjectStore, table: Table, count: int, rounds: int) -> None:
    def query() -> None:
        db = connect(store.database, mode="ro")
        try:
            for text in STATISTICS:
                db.execute(text).fetchall()
        finally:
            db.close()

    def snapshot() -> None:
        assert store.snapshot().box_count == count * BOXES

    loads: dict[str, Callable[[], None]] = {
        "statistics in SQL": query,
        "snapshots as columns": snapshot,
    }
    rng = np.random.default_rng(7)
    for name, work in loads.items():
        with busy(work) as took:
            times = []
            while len(times) < rounds or not took:
                record = store.image(int(rng.integers(1, count + 1)))
                times.append(commit(store, move(record)))
                time.sleep(0.002)
        limited = name == "statistics in SQL"
        table.row(f"one edit committed, p50, during {name}", statistics.median(times), 0.002 if limited else None)
        table.row(
            f"one edit committed, p99, during {name}", float(np.quantile(times, 0.99)), 0.050 if limited else None
        )
        table.row(f"   one round of {name}", statistics.median(took), None)


def copies_in_the_background(store: ProjectStore, table: Table, count: int) -> None:
    """The first look over all linked files, which keeps a copy of each as it was imported; edits go on meanwhile."""
    assert store._writeback is not None
    before, start, times = size_of(store), time.perf_counter(), []
    rng = np.random.default_rng(3)
    while not store._writeback._watcher.finished.wait(0.05):
        times.append(commit(store, move(store.image(int(rng.integers(1, count + 1))))))
    table.row(f"copies of {count} files as imported, in the background", time.perf_counter() - start, None)
    table.row("   one edit committed meanwhile, p50", statistics.median(times), 0.010)
    table.row("   one edit committed meanwhile, p99", float(np.quantile(times, 0.99)), 0.050)
    print(f"   the database has grown from {before / 1e6:.0f} to {size_of(store) / 1e6:.0f} MB")


def size_of(store: ProjectStore) -> int:
    return sum(path.stat().st_size for path in store.database.parent.glob(f"{store.database.name}*"))


def category_edits(store: ProjectStore, table: Table) -> None:
    before = store.categories()
    after = tuple(type(c)(id=c.id, name=f"{c.name}{'!' if c.id == 3 else ''}", color=c.color) for c in before)
    edits = {
        "rename a category of every image": Edit(text="Rename", categories=(before, after)),
        "merge two categories of every image": Edit(text="Merge", merge=(4, 5)),
        "remove a category of every image with its boxes": Edit(text="Remove", remove_category=6),
    }
    for name, edit in edits.items():
        table.row(f"{name}, committed", commit(store, edit), 2.0)
        table.row("   taken back", commit(store, edit.inverse()), 2.0)
        table.row("   done once more", commit(store, edit.inverse().inverse()), 2.0)
        commit(store, edit.inverse())


def bulk_by_image(store: ProjectStore, table: Table) -> None:
    start = time.perf_counter()
    head = store.image_table()
    names = random_split(len(head), seed=1)
    changes = tuple(
        ImageChange(image_id=i, state=(ImageState(s), ImageState(s)), split=(old, new))
        for i, s, old, new in zip(head.ids.tolist(), head.states.tolist(), head.splits, names, strict=True)
    )
    table.row("a split for every image, edit made", time.perf_counter() - start, None)
    table.row("a split for every image, committed", commit(store, Edit(text="Split", images=changes)), 2.0)


def write_back(store: ProjectStore, table: Table, rounds: int) -> None:
    times = []
    for image_id in range(1, rounds + 1):
        commit(store, move(store.image(image_id)))
        start = time.perf_counter()
        store.write_back(wait=True)
        times.append(time.perf_counter() - start)
    assert store.pending_files() == 0
    table.row("write-back of one VOC image, p50", statistics.median(times), 0.005)
    table.row("write-back of one VOC image, p99", float(np.quantile(times, 0.99)), None)


def reopen(folder: Path, table: Table) -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        store = ProjectStore.open(folder)
        store.categories()
        store.image_table()
        store.category_counts()
        assert len(store.image(777).boxes) == BOXES
        times.append(time.perf_counter() - start)
        store.close(write_files=False)
    table.row("reopened to the first image, with list and counts, p50", statistics.median(times), 1.0)
    table.row("reopened to the first image, slowest of 5", max(times), None)


def histories(store: ProjectStore, table: Table) -> None:
    start = time.perf_counter()
    found = store.image_history(1)
    table.row(f"history of one image ({len(found)} entries)", time.perf_counter() - start, 0.05)
    start = time.perf_counter()
    store.image_as_of(1, 0)
    table.row("one image as it was imported", time.perf_counter() - start, 0.5)
    start = time.perf_counter()
    past = store.undoable(100).undo[-1]
    table.row("undo stack, its top an edit of all images one by one", time.perf_counter() - start, 0.05)
    start = time.perf_counter()
    assert len(past.edit.images) == len(store.image_table())
    table.row("   that edit read, when it is taken back", time.perf_counter() - start, None)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "rcnn-studio-bench-store")
    args = parser.parse_args()
    make_files(args.folder / "voc", args.images)
    project = args.folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    table = Table()
    start = time.perf_counter()
    store = ProjectStore.create(project, imported(args.folder / "voc", args.images))
    print(f"{args.images} images, {args.images * BOXES} boxes; stored in {time.perf_counter() - start:.1f} s")
    store.pause_writing()
    copies_in_the_background(store, table, args.images)
    edits_under_load(store, table, args.images, args.rounds)
    category_edits(store, table)
    bulk_by_image(store, table)
    histories(store, table)
    store.resume_writing()
    store.write_back(wait=True)
    write_back(store, table, 200)
    store.close()
    reopen(project, table)
    return 0 if table.good else 1


if __name__ == "__main__":
    sys.exit(main())
