"""COCO files of every origin: nothing changes unasked, and what is edited changes alone."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rcnn_studio.domain.dataset import ImageRecord
from rcnn_studio.formats import Imported, json_text
from tests.formats.coco_writers import HEIGHT, WIDTH, WRITERS, Sample, samples
from tests.formats.files import patch, plus_box, read, with_box, without_box


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(out, "JPEG")
    return out.getvalue()


SAMPLES = [sample for writer in WRITERS for sample in samples(writer)]
NAMES = [f"{sample.writer}, {sample.variant}" for sample in SAMPLES]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")

PICTURE = picture()

every_origin = pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)


@pytest.fixture(params=["in one piece", "in many pieces"], autouse=True)
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large files are read in pieces by another parser; here small ones are as well."""
    if request.param == "in many pieces":
        monkeypatch.setattr(json_text, "_BATCH_CHARS", 300)


def make(folder: Path, sample: Sample) -> Path:
    for name in sample.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PICTURE)
    path = folder / "annotations.json"
    path.write_bytes(sample.data)
    return path


def labelled(imported: Imported) -> Iterator[ImageRecord]:
    return (record for record in imported.records() if record.boxes)


def parsed(data: bytes | None, sample: Sample) -> dict[str, Any]:
    assert data is not None
    found: dict[str, Any] = json.loads(data.decode(sample.encoding))
    return found


def changed_numbers(before: str, after: str) -> list[tuple[str, str]]:
    """The numbers in the text that differ; all else must be the same."""
    assert NUMBER.sub("#", before) == NUMBER.sub("#", after)
    pairs = zip(NUMBER.findall(before), NUMBER.findall(after), strict=True)
    return [(a, b) for a, b in pairs if a != b]


@every_origin
def test_every_record_is_read_and_nothing_is_changed(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    assert not [p for p in imported.problems if p.kind != "double-id"]
    assert imported.box_count == len(sample.document["annotations"])
    assert patch(imported, *imported.records(), original=sample.data) is sample.data
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["annotations.json"]


@every_origin
def test_boxes_arrive_where_the_file_says(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    names = {category["id"]: category["name"] for category in sample.document["categories"]}
    here = {category.id: category.name for category in imported.categories}
    files = {image["id"]: image["file_name"] for image in sample.document["images"]}
    found = {b.place: (r.path, here[b.category_id], b.xyxy, b.crowd) for r in imported.records() for b in r.boxes}
    for place, record in enumerate(sample.document["annotations"]):
        x, y, width, height = record["bbox"]
        wanted = files[record["image_id"]], names[record["category_id"]], (x, y, x + width, y + height)
        assert found[place] == (*wanted, bool(record["iscrowd"]))


@every_origin
def test_a_box_moved_by_one_pixel_changes_two_numbers_of_the_text(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    for record in labelled(imported):
        box = record.boxes[-1]
        assert box.place is not None
        moved = with_box(record, -1, x1=box.x1 + 1, y1=box.y1 + 1, x2=box.x2 + 1, y2=box.y2 + 1)
        after = patch(imported, moved)
        assert after is not None
        changed = changed_numbers(sample.text, after.decode(sample.encoding))
        old = sample.document["annotations"][box.place]["bbox"]
        assert [float(a) for a, _ in changed] == old[:2]
        assert [float(b) for _, b in changed] == pytest.approx([old[0] + 1, old[1] + 1], abs=0.006)
        assert patch(imported, record, original=sample.data) is sample.data


@every_origin
def test_a_deleted_box_takes_its_record_and_nothing_else(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    for record in labelled(imported):
        place = record.boxes[0].place
        expected = dict(sample.document)
        expected["annotations"] = [r for i, r in enumerate(sample.document["annotations"]) if i != place]
        after = patch(imported, without_box(record, 0))
        assert parsed(after, sample) == expected
        assert len(after or b"") < len(sample.data)


@every_origin
def test_a_new_box_is_added_behind_the_others_in_their_style(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    record = imported.record(1)
    after = patch(imported, plus_box(record, (1, 2, 4.5, 6), category_id=imported.categories[0].id))
    found = parsed(after, sample)
    new = found["annotations"].pop()
    assert found == sample.document
    assert (new["bbox"], new["area"], new["image_id"]) == ([1, 2, 3.5, 4], 14, record.extra["coco_id"])
    keys = list(sample.document["annotations"][-1])
    shared = [key for key in keys if key in new]
    assert [key for key in new if key in keys] == shared
    text = (after or b"").decode(sample.encoding)
    assert text.count("\r\n") in (0, text.count("\n"))
    assert ('":' in text) is (sample.variant != "spaces before colons" or '":' in sample.text)


@every_origin
def test_a_renamed_category_changes_its_name_alone(tmp_path: Path, sample: Sample) -> None:
    imported = read(make(tmp_path, sample), "coco")
    first = imported.categories[0]
    renamed = replace(imported, categories=(replace(first, name="a new name"), *imported.categories[1:]))
    expected = json.loads(json.dumps(sample.document))
    next(c for c in expected["categories"] if c["name"] == first.name)["name"] = "a new name"
    assert parsed(patch(renamed, imported.record(0)), sample) == expected


@every_origin
def test_undoing_all_edits_gives_the_very_bytes_back(tmp_path: Path, sample: Sample) -> None:
    path = make(tmp_path, sample)
    imported = read(path, "coco")
    records = list(imported.records())
    edited = [
        plus_box(replace(r, boxes=r.boxes[1:]), (3, 4, 30, 40), category_id=imported.categories[0].id) for r in records
    ]
    after = patch(imported, *edited, original=sample.data)
    assert after is not None
    assert after != sample.data
    path.write_bytes(after)
    assert read(path, "coco").box_count == sum(len(r.boxes) for r in edited)
    assert patch(imported, *records, original=sample.data) is sample.data
