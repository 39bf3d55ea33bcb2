"""A real dataset goes from VOC to COCO to YOLO to labelme to CSV and back, each time exported and imported anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import BoxFlag, Dataset
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.exporting import export_dataset
from rcnn_studio.tasks.importing import create_project

pytestmark = pytest.mark.datasets

SLACK_PX = 0.5


def convert(project: Path, format_name: str, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Exports the project and makes a new one of the export. -> (project, what was lost)"""
    with ProjectStore.open(project, read_only=True) as store:
        done = export_dataset(store, format_name, folder / f"as-{format_name}")
    source = Source(path=folder / f"as-{format_name}", empty="confirmed")
    return create_project(folder / f"from-{format_name}", source, format_name=format_name).project, done.lost


def snapshot(project: Path) -> Dataset:
    with ProjectStore.open(project, read_only=True) as store:
        return store.snapshot()


def by_image(data: Dataset) -> dict[str, tuple[str, list[tuple[str, int, tuple[float, ...]]]]]:
    """File name -> (split, boxes as (category, flags, corners), in the order of the file)."""
    names = {category.id: category.name for category in data.categories}
    found = {}
    for index, path in enumerate(data.paths):
        rows = data.rows(index)
        columns = (data.category_ids[rows].tolist(), data.flags[rows].tolist(), data.xyxy[rows].tolist())
        boxes = [(names[c], int(f), tuple(xyxy)) for c, f, xyxy in zip(*columns, strict=True)]
        found[Path(path).name] = (data.split_of(index), boxes)
    return found


def assert_same(a: Dataset, b: Dataset, flags: int) -> float:
    """The same images, splits, categories, flags (of these bits) and boxes. -> the largest difference of a corner"""
    first, second = by_image(a), by_image(b)
    assert first.keys() == second.keys()
    largest = 0.0
    for name, (split, boxes) in first.items():
        other_split, others = second[name]
        assert split == other_split, name
        assert [c for c, _, _ in boxes] == [c for c, _, _ in others], name
        assert [f & flags for _, f, _ in boxes] == [f & flags for _, f, _ in others], name
        for (_, _, p), (_, _, q) in zip(boxes, others, strict=True):
            largest = max(largest, float(np.abs(np.subtract(p, q)).max()))
    assert largest <= SLACK_PX
    return largest


def test_bccd_survives_every_format_and_what_is_lost_is_listed(bccd: Path, tmp_path: Path, capsys) -> None:
    start = create_project(tmp_path / "from-bccd", Source(path=bccd), format_name="voc").project
    original = snapshot(start)
    assert Counter(original.split_of(i) for i in range(len(original))) == {"train": 205, "val": 87, "test": 72}
    marked = int(np.count_nonzero(original.flags & int(BoxFlag.TRUNCATED)))
    assert marked > 0
    coco, lost_coco = convert(start, "coco", tmp_path)
    voc_like = assert_same(original, snapshot(coco), flags=~0)
    yolo, lost_yolo = convert(coco, "yolo", tmp_path)
    off_yolo = assert_same(original, snapshot(yolo), flags=0)
    voc, lost_voc = convert(yolo, "voc", tmp_path)
    off_voc = assert_same(original, snapshot(voc), flags=0)
    labelme, lost_labelme = convert(coco, "labelme", tmp_path)
    assert_same(original, snapshot(labelme), flags=~0)
    table, lost_table = convert(yolo, "csv", tmp_path)
    assert_same(original, snapshot(table), flags=0)
    assert lost_coco == lost_voc == lost_labelme == lost_table == ()
    assert lost_yolo == (f"{marked} boxes marked truncated: the mark is not written.",)
    with capsys.disabled():
        print(
            f"\nVOC -> COCO -> YOLO -> VOC: {original.box_count} boxes, off by at most {voc_like:.4f}, {off_yolo:.4f},"
        )
        print(f"{off_voc:.4f} px; lost on the way to YOLO: {'; '.join(lost_yolo)}")
