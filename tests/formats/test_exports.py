"""Exported datasets are read back as they were, and look as the formats' own tools expect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from rcnn_studio.domain.dataset import Box, BoxFlag, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import Cancelled, FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import codec
from tests.formats.files import draw_image, read


def box(number: int, xyxy: tuple[float, float, float, float], category: int = 1, flags: BoxFlag = BoxFlag.NONE) -> Box:
    x1, y1, x2, y2 = xyxy
    return Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=category, flags=flags)


def image(number: int, path: str, state: ImageState, *boxes: Box, root: int = 0, split: str = "train") -> ImageRecord:
    return ImageRecord(
        id=number, root=root, path=path, width=64, height=48, state=state, split=split, boxes=tuple(boxes)
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two roots, two splits, every state, a name that both roots have and two images of one stem."""
    records = [
        image(1, "a.png", ImageState.LABELLED, box(1, (0, 0, 64, 48)), box(2, (1.5, 2, 9.25, 12), 2)),
        image(2, "sub/a.png", ImageState.VERIFIED, box(3, (3, 4, 5, 6), 2, BoxFlag.DIFFICULT), split="val"),
        image(3, "a.png", ImageState.CONFIRMED_EMPTY, root=1),
        image(4, "a.jpg", ImageState.LABELLED, box(4, (7, 7, 9, 9))),
        image(5, "u.png", ImageState.UNLABELLED, split=""),
        image(6, "n.png", ImageState.NEEDS_FIX, box(5, (1, 1, 2, 2))),
    ]
    for record in records:
        draw_image(tmp_path / f"root{record.root}" / record.path)
    roots = [str(tmp_path / "root0"), str(tmp_path / "root1")]
    return Dataset.from_records(records, categories=make_categories(["bolt", "nut"]), roots=roots)


def test_a_voc_export_is_read_back_as_it_was(dataset: Dataset, tmp_path: Path) -> None:
    count = codec("voc").write(dataset, tmp_path / "out", ignore, never)
    assert count == sum(1 for path in (tmp_path / "out").rglob("*") if path.is_file())
    imported = read(tmp_path / "out")
    found = {record.path: record for record in imported.records()}
    assert {path: (r.state, r.split, [b.xyxy for b in r.boxes]) for path, r in found.items()} == {
        "a.png": (ImageState.LABELLED, "train", [(0, 0, 64, 48), (1.5, 2, 9.25, 12)]),
        "sub/a.png": (ImageState.VERIFIED, "val", [(3, 4, 5, 6)]),
        "1/a.png": (ImageState.CONFIRMED_EMPTY, "train", []),
        "a.jpg": (ImageState.LABELLED, "train", [(7, 7, 9, 9)]),
        "u.png": (ImageState.UNLABELLED, "", []),
        "n.png": (ImageState.UNLABELLED, "train", []),
    }
    assert found["sub/a.png"].boxes[0].flags == BoxFlag.DIFFICULT
    assert not imported.problems


def test_a_voc_export_counts_from_one(dataset: Dataset, tmp_path: Path) -> None:
    codec("voc").write(dataset, tmp_path / "out", ignore, never)
    root = etree.parse(tmp_path / "out" / "Annotations" / "a.xml").getroot()
    corners = [[float(e.text or "") for e in b] for b in root.iter("bndbox")]
    assert corners == [[1, 1, 64, 48], [2.5, 3, 9.25, 12]]
    assert (tmp_path / "out" / "ImageSets" / "Main" / "val.txt").read_text() == "sub/a\n"


def test_a_coco_export_is_read_back_as_it_was(dataset: Dataset, tmp_path: Path) -> None:
    count = codec("coco").write(dataset, tmp_path / "out", ignore, never)
    assert count == sum(1 for path in (tmp_path / "out").rglob("*") if path.is_file())
    imported = read(tmp_path / "out", "coco", empty="confirmed")
    assert {r.path: (r.split, [b.xyxy for b in r.boxes]) for r in imported.records()} == {
        "a.png": ("train", [(0, 0, 64, 48), (1.5, 2, 9.25, 12)]),
        "sub/a.png": ("val", [(3, 4, 5, 6)]),
        "1/a.png": ("train", []),
        "a.jpg": ("train", [(7, 7, 9, 9)]),
    }
    assert [c.name for c in imported.categories] == ["bolt", "nut"]
    assert not imported.problems


def test_a_coco_export_has_the_keys_that_scoring_needs_and_ids_from_one(dataset: Dataset, tmp_path: Path) -> None:
    codec("coco").write(dataset, tmp_path / "out", ignore, never)
    document = json.loads((tmp_path / "out" / "annotations" / "instances_train.json").read_text())
    assert [i["id"] for i in document["images"]] == [1, 2, 3]
    assert document["annotations"][1] == {
        "id": 2,
        "image_id": 1,
        "category_id": 2,
        "bbox": [1.5, 2, 7.75, 10],
        "area": 77.5,
        "iscrowd": 0,
    }


@pytest.mark.parametrize("name", ["voc", "coco"])
def test_an_export_never_mixes_with_other_files(dataset: Dataset, tmp_path: Path, name: str) -> None:
    draw_image(tmp_path / "out" / "mine.png")
    with pytest.raises(FormatError, match="is not empty"):
        codec(name).write(dataset, tmp_path / "out", ignore, never)
    with pytest.raises(Cancelled):
        codec(name).write(dataset, tmp_path / "other", ignore, lambda: True)


@pytest.mark.parametrize("name", ["voc", "coco"])
def test_a_missing_image_stops_the_export_and_is_named(dataset: Dataset, tmp_path: Path, name: str) -> None:
    (tmp_path / "root0" / "sub" / "a.png").unlink()
    with pytest.raises(FormatError, match=r"sub/a\.png"):
        codec(name).write(dataset, tmp_path / "out", ignore, never)
