"""A real dataset: BCCD's 364 blood-cell photographs with labelImg's files."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from rcnn_studio.formats import Imported, codec
from tests.formats.files import changed_parts, patch, read, with_box

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def imported(bccd: Path) -> Imported:
    return read(bccd)


def test_all_images_arrive_in_their_splits(imported: Imported) -> None:
    assert len(imported.images) == 364
    assert Counter(i.record.split for i in imported.images) == {"train": 205, "val": 87, "test": 72}
    assert [c.name for c in imported.categories] == ["Platelets", "RBC", "WBC"]


def test_the_two_boxes_without_area_are_named_and_nothing_else(imported: Imported) -> None:
    found = [(Path(p.file).name, p.where, p.kind) for p in imported.problems]
    assert found == [
        ("BloodImage_00338.xml", "object[12]/bndbox", "zero-area"),
        ("BloodImage_00343.xml", "object[3]/bndbox", "zero-area"),
    ]
    assert imported.box_count == 4886


def test_corners_count_from_zero_as_labelimg_writes_them(imported: Imported) -> None:
    assert imported.files[0].options["one_based"] is False
    assert "labelImg" in imported.files[0].options["evidence"]


def test_no_file_changes_while_no_box_does(imported: Imported) -> None:
    for image, record in zip(imported.images, imported.records(), strict=True):
        file = imported.files[image.file or 0]
        original = Path(file.path).read_bytes()
        assert codec("voc").patch(original, file, [record], imported.categories, {}) is original


def test_a_moved_box_changes_four_numbers_and_nothing_else(imported: Imported) -> None:
    for index in range(0, len(imported.images), 7):
        file = imported.files[imported.images[index].file or 0]
        original = Path(file.path).read_bytes()
        record = imported.record(index)
        box = record.boxes[-1]
        moved = with_box(record, -1, x1=box.x1 + 1, y1=box.y1 + 1, x2=box.x2 + 2, y2=box.y2 + 2)
        after = patch(imported, moved)
        parts = changed_parts(original, after or b"")
        assert [re.sub(r"\d+", "#", b) for _, b in parts] == [
            f"<{tag}>#</{tag}>" for tag in ("xmin", "ymin", "xmax", "ymax")
        ]
        assert [int(re.sub(r"\D", "", b)) for _, b in parts] == [box.x1 + 1, box.y1 + 1, box.x2 + 2, box.y2 + 2]


def test_the_import_takes_well_under_a_second(bccd: Path) -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        read(bccd)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 1.0
