"""The boxes and images of an import as columns: the same boxes come out that went in, and a mix-up is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, ImageRecord, ImageState, make_categories
from rcnn_studio.formats import Imported, ImportedImage, LinkedFile
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.image_columns import ImageColumns, Made
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.columns import dataset_of
from tests.formats.files import draw_image

BOXES = (
    Box(id=1, x1=0.5, y1=1, x2=3, y2=4, category_id=1, source=BoxSource.IMPORTED, place=0),
    Box(id=2, x1=5, y1=6, x2=7.25, y2=8, category_id=2, flags=BoxFlag.CROWD, source=BoxSource.IMPORTED, place=7),
    Box(id=3, x1=1, y1=1, x2=2, y2=2, category_id=2, source=BoxSource.IMPORTED, extra={"note": ["a", 1]}),
)


def imported(folder: Path, *boxes: tuple[Box, ...]) -> Imported:
    images = []
    for number, own in enumerate(boxes):
        record = ImageRecord(id=number + 1, root=0, path=f"{number}.png", width=64, height=48, boxes=own)
        images.append(ImportedImage(record=record, file=None))
    names = make_categories(["bolt", "nut"])
    return Imported(categories=names, roots=(str(folder),), files=(), images=tuple(images), problems=())


def test_boxes_given_in_records_come_out_of_the_columns_as_they_were(tmp_path: Path) -> None:
    found = imported(tmp_path, BOXES[:2], (), BOXES[2:])
    assert [record.boxes for record in found.records()] == [BOXES[:2], (), BOXES[2:]]
    assert all(image.record.boxes == () for image in found.images)
    assert (found.box_count, found.boxes.counts().tolist()) == (3, [2, 0, 1])


def test_a_project_holds_the_boxes_of_the_columns(tmp_path: Path) -> None:
    for number in range(3):
        draw_image(tmp_path / f"{number}.png")
    found = imported(tmp_path, BOXES[:2], (), BOXES[2:])
    store = ProjectStore.create(tmp_path / "p", found)
    try:
        assert [store.image(number).boxes for number in (1, 2, 3)] == [BOXES[:2], (), BOXES[2:]]
        assert store.snapshot().box_count == 3
    finally:
        store.close()


def test_another_table_of_categories_keeps_the_columns(tmp_path: Path) -> None:
    found = imported(tmp_path, BOXES)
    assert replace(found, categories=make_categories(["screw", "nut"])).record(0).boxes == BOXES


def test_columns_that_do_not_fit_the_images_are_refused(tmp_path: Path) -> None:
    found = imported(tmp_path, BOXES, ())
    with pytest.raises(ValueError, match="columns of 2 images for 1 images"):
        replace(found, images=found.images[:1])
    both = (replace(found.images[0], record=found.record(0)), found.images[1])
    with pytest.raises(ValueError, match="given twice"):
        replace(found, images=both)


def test_a_box_that_no_file_holds_is_refused() -> None:
    drawn = replace(BOXES[0], source=BoxSource.HUMAN)
    with pytest.raises(ValueError, match="box 1 did not come out of a dataset file"):
        BoxColumns.of([(drawn,)])


def columns(folder: Path, *, splits: tuple[str, ...] = ("", "", "")) -> Imported:
    images = ImageColumns(
        paths=["0.png", "1.png", "2.png"],
        sizes=np.array([[64, 48], [32, 48], [64, 16]], dtype=np.int32),
        states=np.array([1, 0, 3], dtype=np.uint8),
        splits=splits,
        files=range(3),
    )
    files = Made(3, lambda number: LinkedFile(path=str(folder / f"{number}.xml"), format="voc"))
    boxes = BoxColumns.of([BOXES[:2], (), ()])
    names = make_categories(["bolt", "nut"])
    return Imported(categories=names, roots=(str(folder),), files=files, images=images, problems=(), boxes=boxes)


def test_records_are_made_from_columns_when_they_are_asked_for(tmp_path: Path) -> None:
    found = columns(tmp_path)
    wanted = ImageRecord(id=3, root=0, path="2.png", width=64, height=16, state=ImageState.VERIFIED)
    assert found.images[2] == found.images[-1] == ImportedImage(record=wanted, file=2)
    assert list(found.images) == list(found.images[:]) == [found.images[i] for i in range(3)]
    assert found.images[1:9] == tuple(found.images)[1:]
    assert found.record(0).boxes == BOXES[:2]
    assert [file.path for file in found.files] == [str(tmp_path / f"{number}.xml") for number in range(3)]
    assert found.files[-1] == found.files[2:][0]
    for values in (found.images, found.files):
        with pytest.raises(IndexError):
            values[3]


def test_splits_of_columns_and_of_records_are_set_alike(tmp_path: Path) -> None:
    found = columns(tmp_path)
    alone = replace(found, images=tuple(found.images), files=tuple(found.files))
    assert found.split_names == alone.split_names == ()
    assert list(found.states()) == list(alone.states()) == [1, 0, 3]
    for given in (found, alone):
        split = given.with_splits(["val", "", "fold1"])
        assert list(split.splits()) == [image.record.split for image in split.images] == ["val", "", "fold1"]
        assert split.split_names == ("val", "fold1")
        assert split.record(0) == replace(found.record(0), split="val")


def test_counts_alone_are_those_of_the_whole_dataset(tmp_path: Path) -> None:
    whole, counts = (dataset_of(columns(tmp_path), only_counts=only) for only in (False, True))
    assert whole.xyxy.tolist() == [list(box.xyxy) for box in BOXES[:2]]
    assert whole.box_ids.tolist() == [1, 2]
    assert (whole.xyxy.dtype, whole.category_ids.dtype) == (np.float64, np.int64)
    for part in ("offsets", "category_ids", "states", "image_ids"):
        assert getattr(whole, part).tolist() == getattr(counts, part).tolist()
    assert counts.paths == whole.paths
