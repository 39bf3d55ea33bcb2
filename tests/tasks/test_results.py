"""COCO results rows: whose image ids they carry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import codec
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks import results
from tests.tasks.drawing import make_coco

FOUND = Detections.make([[1, 2, 11.1234, 22]], [7], [0.987654])


def store_with_ids(tmp_path: Path, ids: dict[int, int]) -> ProjectStore:
    """A COCO project whose images remember these ids of their file."""
    folder = make_coco(tmp_path / "coco", {"train": 2})
    source = Source(path=folder / "train.json", images=folder / "images")
    read = codec("coco").read(source, ignore, never)
    images = tuple(
        replace(image, record=replace(image.record, extra={results.COCO_ID: ids[image.record.id]}))
        for image in read.images
    )
    return ProjectStore.create(tmp_path / "p", replace(read, images=images))


def test_rows_carry_the_image_ids_of_the_coco_file(tmp_path):
    with store_with_ids(tmp_path, {1: 900, 2: 901}) as store:
        rows = results.of_images(store, {1: FOUND, 2: FOUND})
    assert [row["image_id"] for row in rows] == [900, 901]
    assert rows[0] == {"image_id": 900, "category_id": 7, "bbox": [1.0, 2.0, 10.123, 20.0], "score": 0.98765}


def test_where_two_files_use_one_id_the_projects_numbers_are_written(tmp_path):
    with store_with_ids(tmp_path, {1: 900, 2: 900}) as store:
        assert [row["image_id"] for row in results.of_images(store, {1: FOUND, 2: FOUND})] == [1, 2]


def test_rows_of_foreign_files_name_the_file(tmp_path):
    rows = results.of_files(
        {tmp_path / "a.jpg": FOUND, tmp_path / "b.jpg": Detections.empty(), tmp_path / "c.jpg": FOUND}
    )
    assert [(row["image_id"], Path(row["file_name"]).name) for row in rows] == [(1, "a.jpg"), (3, "c.jpg")]


@pytest.mark.parametrize("name", ["", "no/o.json"])
def test_a_target_that_cannot_be_written_is_refused_before_the_work(tmp_path, name):
    with pytest.raises(FormatError):
        results.check_target(tmp_path / name)
