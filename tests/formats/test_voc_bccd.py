"""Every edit on each of BCCD's 364 real files: it changes itself alone, and undoing gives the very bytes back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, ImageRecord
from rcnn_studio.formats import Imported, LinkedFile, voc_file, voc_patch
from tests.formats.files import changed_parts, read, with_box

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def imported(bccd: Path) -> Imported:
    return read(bccd)


@pytest.fixture(scope="module")
def originals(imported: Imported) -> dict[str, bytes]:
    return {file.path: Path(file.path).read_bytes() for file in imported.files}


Each = Callable[[Callable[[ImageRecord], ImageRecord]], list[tuple[ImageRecord, LinkedFile, bytes, bytes]]]


@pytest.fixture
def each(imported: Imported, originals: dict[str, bytes]) -> Each:
    """Applies a change to every image that has a box. -> (changed record, file, bytes before, bytes after)"""

    def apply(change: Callable[[ImageRecord], ImageRecord]) -> list[tuple[ImageRecord, LinkedFile, bytes, bytes]]:
        found = []
        for index, image in enumerate(imported.images):
            file, record = imported.files[image.file or 0], imported.record(index)
            changed = change(record)
            after = voc_patch.patch(originals[file.path], file, changed, imported.categories)
            assert after is not None
            assert voc_patch.patch(originals[file.path], file, record, imported.categories) is originals[file.path]
            found.append((changed, file, originals[file.path], after))
        assert len(found) == 364
        return found

    return apply


def test_reading_all_and_writing_nothing_changes_no_byte_on_disk(bccd: Path, originals: dict[str, bytes]) -> None:
    read(bccd)
    assert len(originals) == 364
    assert all(Path(path).read_bytes() == data for path, data in originals.items())


def test_every_box_moved_by_one_pixel_changes_four_numbers(imported: Imported, originals: dict[str, bytes]) -> None:
    moved = 0
    for index, image in enumerate(imported.images):
        file, record = imported.files[image.file or 0], imported.record(index)
        for number, box in enumerate(record.boxes):
            changed = with_box(record, number, x1=box.x1 + 1, y1=box.y1 + 1, x2=box.x2 + 1, y2=box.y2 + 1)
            after = voc_patch.patch(originals[file.path], file, changed, imported.categories)
            parts = changed_parts(originals[file.path], after or b"")
            assert [re.sub(r"\d+", "", b) for _, b in parts] == [
                f"<{tag}></{tag}>" for tag in ("xmin", "ymin", "xmax", "ymax")
            ]
            assert [int(re.sub(r"\D", "", b)) - int(re.sub(r"\D", "", a)) for a, b in parts] == [1, 1, 1, 1]
            moved += 1
    assert moved == 4886


def test_a_flag_changes_one_line_of_each_file(each: Each) -> None:
    for _, _, before, after in each(lambda r: with_box(r, 0, flags=r.boxes[0].flags ^ BoxFlag.DIFFICULT)):
        (part,) = changed_parts(before, after)
        assert sorted(part) == ["<difficult>0</difficult>", "<difficult>1</difficult>"]


def test_a_category_changes_one_line_of_each_file(each: Each) -> None:
    for changed, _, before, after in each(lambda r: with_box(r, 0, category_id=r.boxes[0].category_id % 3 + 1)):
        (part,) = changed_parts(before, after)
        assert part[1] == f"<name>{('Platelets', 'RBC', 'WBC')[changed.boxes[0].category_id - 1]}</name>"


def test_a_renamed_category_changes_its_names_alone(imported: Imported, originals: dict[str, bytes]) -> None:
    renamed = [replace(c, name="red cell") if c.name == "RBC" else c for c in imported.categories]
    for index, image in enumerate(imported.images):
        file, record = imported.files[image.file or 0], imported.record(index)
        after = voc_patch.patch(originals[file.path], file, record, renamed) or b""
        bad = after.count(b"<name>RBC</name>")
        assert after.replace(b"red cell", b"RBC") == originals[file.path]
        assert bad == sum(p.file == file.path and p.kind == "zero-area" for p in imported.problems)


def test_a_box_deleted_and_another_added_are_in_labelimgs_own_style(each: Each) -> None:
    new = Box(id=99_999, x1=1.0, y1=2.0, x2=30.0, y2=40.0, category_id=2)
    for changed, _, before, after in each(lambda r: replace(r, boxes=(*r.boxes[1:], new))):
        file = voc_file.read_file(after, "a.xml")
        assert len(file.objects) == len(voc_file.read_file(before, "a.xml").objects)
        assert file.objects[-1].raw == (1.0, 2.0, 30.0, 40.0)
        assert len(changed.boxes) >= 1
        tail = after[after.rindex(b"<object>") :].decode()
        assert re.sub(r"[\s\d]", "", tail) == (
            "<object><name>RBC</name><pose>Unspecified</pose><truncated></truncated><difficult></difficult>"
            "<bndbox><xmin></xmin><ymin></ymin><xmax></xmax><ymax></ymax></bndbox></object></annotation>"
        )
        start = before.index(b"<object>")
        assert after.startswith(before[: start - 1].rstrip())
