"""The boxes of an import as columns: the same boxes come out that went in, and a mix-up is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, ImageRecord, make_categories
from rcnn_studio.formats import Imported, ImportedImage
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.store.project import ProjectStore
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
