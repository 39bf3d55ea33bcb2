"""Writing labels back into COCO files: only what changed changes, and undoing gives the very bytes back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, Category, ImageRecord, ImageState
from rcnn_studio.formats import LinkedFile, codec
from tests.formats.files import annotation, coco_document, make_coco, patch, plus_box, read, with_box, without_box

RECORDS = [
    annotation(40, [5, 6, 15, 24], area=360, segmentation=[[1, 2, 3.50]]),
    annotation(7, [0.5, 0, 2.25, 3], 11, 7, area=5.0, unknown={"a": "]}"}),
    annotation(8, [10.125, 1, 2, 2], area=4),
]
DOCUMENT = coco_document(RECORDS)


def in_lines(value: object) -> str:
    return "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value)


MANY_WAYS = {
    "one line": json.dumps(DOCUMENT),
    "compact": json.dumps(DOCUMENT, separators=(",", ":")),
    "indented": json.dumps(DOCUMENT, indent=2) + "\n",
    "windows": json.dumps(DOCUMENT, indent="\t").replace("\n", "\r\n"),
    "one record a line": "{" + ",\n".join(f'"{key}": {in_lines(value)}' for key, value in DOCUMENT.items()) + "}\n",
    "annotations first": json.dumps({key: DOCUMENT[key] for key in ("annotations", "categories", "images", "info")}),
}
ENCODINGS = {"plain": ("", "utf-8"), "bom": ("\ufeff", "utf-8"), "utf-16": ("\ufeff", "utf-16-le")}


def encode(text: str, encoding: str) -> bytes:
    bom, name = ENCODINGS[encoding]
    return (bom + text).encode(name)


def parsed(data: bytes | None) -> dict[str, Any]:
    assert data is not None
    found: dict[str, Any] = json.loads(data)
    return found


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("way", MANY_WAYS)
def test_without_a_change_the_very_same_bytes_come_back(tmp_path: Path, way: str, encoding: str) -> None:
    data = encode(MANY_WAYS[way], encoding)
    imported = read(make_coco(tmp_path, data), "coco")
    assert imported.box_count == 3
    assert patch(imported, imported.record(0), original=data) is data


@pytest.mark.parametrize("way", MANY_WAYS)
def test_a_moved_box_changes_its_numbers_and_its_area_alone(tmp_path: Path, way: str) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS[way]), "coco")
    after = patch(imported, with_box(imported.record(0), 0, x1=7.0))
    expected = parsed(MANY_WAYS[way].encode())
    expected["annotations"][0].update(bbox=[7, 6, 13, 24], area=312)
    assert parsed(after) == expected
    kept = MANY_WAYS[way].split('"bbox"', 1)[0].encode()
    assert after is not None
    assert after.startswith(kept[:-40])
    assert len(after) == len(MANY_WAYS[way])


def test_numbers_that_did_not_change_keep_their_text(tmp_path: Path) -> None:
    text = MANY_WAYS["one line"].replace("10.125", "1.0125E1")
    imported = read(make_coco(tmp_path, text), "coco")
    after = patch(imported, with_box(imported.record(0), 1, y2=4.0))
    assert (
        after == text.replace("[1.0125E1, 1, 2, 2]", "[1.0125E1, 1, 2, 3]").replace('"area": 4}', '"area": 6}').encode()
    )


def test_the_area_of_a_mask_is_left_alone(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["one line"].replace('"area": 360', '"area": 200.5')), "coco")
    after = parsed(patch(imported, with_box(imported.record(0), 0, x1=7.0)))
    assert after["annotations"][0]["area"] == 200.5
    assert after["annotations"][0]["segmentation"] == [[1, 2, 3.5]]


@pytest.mark.parametrize("way", MANY_WAYS)
@pytest.mark.parametrize("gone", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_deleted_boxes_are_cut_out_and_the_rest_stays(tmp_path: Path, way: str, gone: tuple[int, ...]) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS[way]), "coco")
    records = [
        replace(record, boxes=tuple(b for b in record.boxes if b.place not in gone)) for record in imported.records()
    ]
    expected = {**DOCUMENT, "annotations": [r for i, r in enumerate(RECORDS) if i not in gone]}
    assert parsed(patch(imported, *records)) == expected


@pytest.mark.parametrize("way", MANY_WAYS)
def test_a_new_box_looks_like_the_others(tmp_path: Path, way: str) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS[way]), "coco")
    after = patch(imported, plus_box(imported.record(1), (1, 2, 4.5, 6), category_id=7))
    new = {
        "id": 40 + 901,
        "image_id": 11,
        "category_id": 7,
        "bbox": [1, 2, 3.5, 4],
        "iscrowd": 0,
        "area": 14,
    }
    assert parsed(after) == {**DOCUMENT, "annotations": [*RECORDS, new]}
    text = (after or b"").decode()
    assert text.count("\r\n") in (0, text.count("\n"))
    last = json.dumps(RECORDS[-1])
    if way == "one line":
        assert list(parsed(after)["annotations"][-1]) == ["id", "image_id", "category_id", "bbox", "iscrowd", "area"]
        assert f"{last}, {json.dumps(new)}]" in text
    if way == "one record a line":
        assert f"{last},\n{json.dumps(new)}\n]" in text


def test_a_new_box_can_follow_when_all_others_are_deleted(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["indented"]), "coco")
    emptied = [replace(image.record, boxes=()) for image in imported.images]
    after = parsed(patch(imported, plus_box(emptied[0], (1, 2, 4, 6), category_id=3), emptied[1]))
    assert [a["bbox"] for a in after["annotations"]] == [[1, 2, 3, 4]]


def test_a_box_keeps_its_annotation_id_when_another_new_one_is_deleted(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["one line"]), "coco")
    two = plus_box(plus_box(imported.record(1), (1, 2, 4, 6), category_id=3), (2, 2, 4, 6), category_id=3)
    both = parsed(patch(imported, two))["annotations"]
    one = parsed(patch(imported, without_box(two, 1)))["annotations"]
    assert one[-1] == both[-1]


def test_another_category_and_crowd_change_their_keys_alone(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["one line"]), "coco")
    after = patch(imported, with_box(imported.record(0), 0, category_id=7, flags=BoxFlag.CROWD))
    first = json.dumps(RECORDS[0])
    changed = first.replace('"category_id": 3', '"category_id": 7').replace('"iscrowd": 0', '"iscrowd": 1')
    assert after == MANY_WAYS["one line"].replace(first, changed).encode()


@pytest.mark.parametrize("attributes", [None, {}, {"occluded": False}, {"other": [1]}])
def test_flags_that_coco_lacks_go_into_attributes(tmp_path: Path, attributes: dict[str, Any] | None) -> None:
    record = annotation(1, [5, 6, 15, 24])
    if attributes is not None:
        record["attributes"] = attributes
    path = make_coco(tmp_path, coco_document([record]))
    imported = read(path, "coco")
    after = patch(imported, with_box(imported.record(0), 0, flags=BoxFlag.OCCLUDED))
    assert parsed(after)["annotations"][0]["attributes"] == {**(attributes or {}), "occluded": True}
    path.write_bytes(after or b"")
    assert read(path, "coco").record(0).boxes[0].flags == BoxFlag.OCCLUDED


def test_a_renamed_category_changes_its_name_alone(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["compact"]), "coco")
    renamed = replace(imported, categories=(replace(imported.categories[0], name='a "b"'), imported.categories[1]))
    after = patch(renamed, imported.record(0))
    assert after == MANY_WAYS["compact"].replace('"bolt"', '"a \\"b\\""').encode()


def test_a_new_category_is_appended_once_it_is_used(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["one line"]), "coco")
    wider = replace(imported, categories=(*imported.categories, Category(id=8, name="washer")))
    assert patch(wider, imported.record(0)) == MANY_WAYS["one line"].encode()
    after = parsed(patch(wider, with_box(imported.record(0), 0, category_id=8)))
    assert after["categories"] == [*DOCUMENT["categories"], {"id": 8, "name": "washer", "supercategory": ""}]
    assert after["annotations"][0]["category_id"] == 8


def test_a_removed_category_leaves_unless_a_kept_record_speaks_of_it(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, coco_document([*RECORDS[:1], annotation(9, [1, 1, 0, 0], category=7)])), "coco")
    record = imported.record(0)
    without_bolt = replace(imported, categories=imported.categories[1:])
    after = parsed(patch(without_bolt, with_box(record, 0, category_id=7)))
    assert [c["name"] for c in after["categories"]] == ["nut"]
    without_nut = replace(imported, categories=imported.categories[:1])
    assert [c["name"] for c in parsed(patch(without_nut, record))["categories"]] == ["bolt", "nut"]


def test_replacing_all_categories_leaves_sound_json(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, MANY_WAYS["indented"]), "coco")
    fresh = replace(imported, categories=(Category(id=50, name="washer"),))
    records = [replace(r, boxes=tuple(replace(b, category_id=50) for b in r.boxes)) for r in imported.records()]
    after = parsed(patch(fresh, *records))
    assert [c["name"] for c in after["categories"]] == ["washer"]
    assert {a["category_id"] for a in after["annotations"]} == {50}


def test_bad_records_and_images_that_are_not_given_stay_verbatim(tmp_path: Path) -> None:
    bad = annotation(99, [1, "x", 3, 4])
    imported = read(make_coco(tmp_path, coco_document([bad, *RECORDS])), "coco")
    file = imported.files[0]
    emptied = replace(imported.record(0), boxes=())
    original = Path(file.path).read_bytes()
    after = codec("coco").patch(original, file, [emptied], imported.categories, {emptied.id: 0})
    assert parsed(after)["annotations"] == [bad, RECORDS[1]]


def test_a_file_without_annotations_gets_the_key(tmp_path: Path) -> None:
    document = {key: value for key, value in DOCUMENT.items() if key not in ("annotations", "categories")}
    imported = read(make_coco(tmp_path, json.dumps(document, indent=1)), "coco")
    wider = replace(imported, categories=(Category(id=1, name="bolt"),))
    after = parsed(patch(wider, plus_box(imported.record(0), (1, 2, 4, 6))))
    assert [a["bbox"] for a in after["annotations"]] == [[1, 2, 3, 4]]
    assert [c["name"] for c in after["categories"]] == ["bolt"]
    assert after["images"] == DOCUMENT["images"]


def test_a_fresh_file_holds_what_is_labelled_and_is_not_made_before() -> None:
    file = LinkedFile(path="/nowhere/c.json", format="coco", options={"category_ids": []}, exists=False)
    box = Box(id=5, x1=1, y1=2, x2=4.5, y2=6, category_id=1)
    images = [
        ImageRecord(id=1, root=0, path="a/0.png", width=64, height=48, state=ImageState.LABELLED, boxes=(box,)),
        ImageRecord(id=2, root=0, path="1.png", width=64, height=48),
        ImageRecord(id=3, root=0, path="2.png", width=64, height=48, state=ImageState.CONFIRMED_EMPTY),
    ]
    categories = (Category(id=1, name="bolt"), Category(id=2, name="nut"))
    assert codec("coco").patch(None, file, images[1:2], categories, {}) is None
    made = parsed(codec("coco").patch(None, file, images, categories, {}))
    assert [i["file_name"] for i in made["images"]] == ["a/0.png", "2.png"]
    assert [(a["image_id"], a["bbox"], a["area"]) for a in made["annotations"]] == [(1, [1, 2, 3.5, 4], 14)]
    assert [c["name"] for c in made["categories"]] == ["bolt", "nut"]


hundredths = st.integers(0, 6000).map(lambda n: n / 100)
spans = st.tuples(hundredths, st.integers(1, 3000).map(lambda n: n / 100)).map(lambda t: (t[0], round(t[0] + t[1], 2)))


@st.composite
def any_box(draw: st.DrawFn, place: int | None = None) -> Box:
    (x1, x2), (y1, y2) = draw(spans), draw(spans)
    flags = draw(st.sampled_from([BoxFlag.NONE, BoxFlag.CROWD, BoxFlag.DIFFICULT | BoxFlag.OCCLUDED]))
    number = draw(st.integers(10, 10_000)) if place is None else place + 1
    category = draw(st.sampled_from([3, 7, 8]))
    return Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=category, flags=flags, place=place)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), way=st.sampled_from(sorted(MANY_WAYS)), encoding=st.sampled_from(sorted(ENCODINGS)))
def test_whatever_is_edited_is_read_back_and_can_be_undone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, way: str, encoding: str
) -> None:
    original = encode(MANY_WAYS[way], encoding)
    path = make_coco(tmp_path_factory.mktemp("coco"), original)
    imported = read(path, "coco")
    wider = replace(imported, categories=(*imported.categories, Category(id=8, name="washer")))
    records = []
    for image, places in zip(imported.images, ((0, 2), (1,)), strict=True):
        kept = [data.draw(any_box(place)) for place in places if data.draw(st.booleans())]
        new = [replace(box, id=box.id * 2 + image.place) for box in data.draw(st.lists(any_box(), max_size=2))]
        unique = {box.id: box for box in new}
        records.append(replace(image.record, boxes=(*kept, *unique.values())))
    after = patch(wider, *records)
    assert after is not None
    path.write_bytes(after)
    again = read(path, "coco")
    assert not again.problems
    names, names_again = ({c.id: c.name for c in i.categories} for i in (wider, again))
    for read_back, record in zip(again.records(), records, strict=True):
        found = sorted((names_again[b.category_id], b.flags, b.xyxy) for b in read_back.boxes)
        wanted = sorted((names[b.category_id], b.flags, b.xyxy) for b in record.boxes)
        assert [f[:2] for f in found] == [w[:2] for w in wanted]
        assert [f[2] for f in found] == [pytest.approx(w[2], abs=0.011) for w in wanted]
    assert patch(imported, imported.record(0), original=original) is original
