"""What an import of COCO files gives, with sound files and with bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import sniff
from tests.formats.files import annotation, coco_document, draw_image, make_coco, of_kind, read

GOOD = annotation(1, [5, 6, 15, 24])


def test_a_box_arrives_with_its_corners_category_flags_and_place(tmp_path: Path) -> None:
    records = [
        annotation(40, [5, 6, 15, 24]),
        annotation(7, [0.5, 0, 2.25, 3], image=11, category=7, iscrowd=1),
        annotation(8, [1, 1, 2, 2], image=11, attributes={"occluded": True, "difficult": 0}),
    ]
    imported = read(make_coco(tmp_path, coco_document(records)), "coco")
    first, second = imported.records()
    assert [(c.id, c.name) for c in imported.categories] == [(3, "bolt"), (7, "nut")]
    assert [(b.xyxy, b.category_id, b.place) for b in first.boxes] == [((5, 6, 20, 30), 3, 0)]
    assert [(b.xyxy, b.flags) for b in second.boxes] == [
        ((0.5, 0, 2.75, 3), BoxFlag.CROWD),
        ((1, 1, 3, 3), BoxFlag.OCCLUDED),
    ]
    assert [image.place for image in imported.images] == [0, 1]
    assert not imported.problems


@pytest.mark.parametrize(("empty", "state"), [("unlabelled", 0), ("confirmed", 2)])
def test_an_image_without_annotations_is_what_was_asked_for(tmp_path: Path, empty: str, state: int) -> None:
    imported = read(make_coco(tmp_path, coco_document([GOOD])), "coco", empty=empty)
    assert [image.record.state for image in imported.images] == [ImageState.LABELLED, ImageState(state)]


def test_ids_may_be_text_zero_and_out_of_order(tmp_path: Path) -> None:
    document = coco_document([annotation("x", [1, 1, 2, 2], image="b", category=0)])
    document["images"][0]["id"], document["images"][1]["id"] = "b", 0
    document["categories"] = [{"id": 5, "name": "nut"}, {"id": 0, "name": "bolt"}]
    imported = read(make_coco(tmp_path, document), "coco")
    assert [(c.id, c.name, c.extra) for c in imported.categories] == [
        (1, "nut", {"coco_id": "5"}),
        (2, "bolt", {"coco_id": "0"}),
    ]
    assert [b.category_id for b in imported.record(0).boxes] == [2]


def test_several_files_become_one_dataset_with_splits(tmp_path: Path) -> None:
    train = coco_document([GOOD])
    val = coco_document([annotation(1, [1, 1, 2, 2], image=1, category=1)])
    val["images"] = [{"id": 1, "file_name": "v.png", "width": 64, "height": 48}]
    val["categories"] = [{"id": 1, "name": "nut"}, {"id": 2, "name": "washer"}]
    (tmp_path / "annotations").mkdir()
    for split, document in (("train", train), ("val", val)):
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))
    for name in ("train/0.png", "train/1.png", "val/v.png"):
        draw_image(tmp_path / name)
    imported = read(tmp_path, "coco")
    assert [c.name for c in imported.categories] == ["bolt", "nut", "washer"]
    assert [(i.record.path, i.record.split, i.file) for i in imported.images] == [
        ("train/0.png", "train", 0),
        ("train/1.png", "train", 0),
        ("val/v.png", "val", 1),
    ]
    names = {c.id: c.name for c in imported.categories}
    assert names[imported.record(2).boxes[0].category_id] == "nut"
    assert sniff(tmp_path).name == "coco"


def test_files_can_be_named_with_their_splits(tmp_path: Path) -> None:
    path = make_coco(tmp_path, coco_document([GOOD]))
    imported = read(tmp_path, "coco", files=(("test", path),), images=tmp_path)
    assert imported.split_names == ("test",)


@pytest.mark.parametrize(
    ("record", "where"),
    [
        (annotation(2, [1, 2, "3", 4]), "annotations[1].bbox[2]"),
        (annotation(2, [1, 2, 3]), "annotations[1].bbox"),
        (annotation(2, [1, 2, 0, 4]), "annotations[1].bbox"),
        (annotation(2, [1, 2, -3, 4]), "annotations[1].bbox[2]"),
        (annotation(2, [1, 2, 3, True]), "annotations[1].bbox[3]"),
        (annotation(2, [1, 2, 3, 10**300]), "annotations[1].bbox[3]"),
        (annotation(2, [1, 2, 3, 4], image=99), "annotations[1].image_id"),
        (annotation(2, [1, 2, 3, 4], category=99), "annotations[1].category_id"),
        (annotation(2, [1, 2, 3, 4], category=None), "annotations[1].category_id"),
        ({"id": 2, "image_id": 10, "category_id": 3}, "annotations[1].bbox"),
        ({"id": 2, "bbox": [1, 2, 3, 4], "category_id": 3}, "annotations[1].image_id"),
        ([1, 2], "annotations[1]"),
    ],
)
def test_a_bad_annotation_is_named_by_its_place_and_left_out(tmp_path: Path, record: Any, where: str) -> None:
    imported = read(make_coco(tmp_path, coco_document([GOOD, record, annotation(3, [1, 1, 2, 2])])), "coco")
    (problem,) = imported.problems
    assert problem.where == where
    assert problem.file == str(tmp_path / "c.json")
    assert [b.place for b in imported.record(0).boxes] == [0, 2]


def test_a_number_too_large_for_a_float_is_a_bad_record(tmp_path: Path) -> None:
    text = json.dumps(coco_document([GOOD])).replace("15", "1e999")
    (problem,) = read(make_coco(tmp_path, text), "coco").problems
    assert (problem.where, problem.kind) == ("annotations[0].bbox[2]", "out-of-range")


def test_a_key_that_occurs_twice_makes_a_bad_record(tmp_path: Path) -> None:
    text = json.dumps(coco_document([GOOD])).replace('"iscrowd"', '"bbox": [1, 1, 1, 1], "iscrowd"')
    (problem,) = read(make_coco(tmp_path, text), "coco").problems
    assert (problem.where, problem.kind) == ("annotations[0].bbox", "double-key")


def test_ids_that_occur_twice_are_listed_and_both_boxes_are_used(tmp_path: Path) -> None:
    imported = read(make_coco(tmp_path, coco_document([GOOD, annotation(1, [1, 1, 2, 2])])), "coco")
    (problem,) = imported.problems
    assert (problem.where, problem.level) == ("annotations[1].id", "warning")
    assert len(imported.record(0).boxes) == 2


def test_bad_images_and_categories_are_listed_and_the_rest_opens(tmp_path: Path) -> None:
    document = coco_document([GOOD])
    document["images"] += [
        {"id": 10, "file_name": "again.png"},
        {"id": 77},
        {"file_name": "x.png"},
        {"id": 78, "file_name": "../../etc/passwd"},
        {"id": 79, "file_name": "/etc/passwd"},
        {"id": 80, "file_name": "C:\\x.png"},
        {"id": 81, "file_name": "gone.png"},
        {"id": 82, "file_name": "./0.png"},
    ]
    document["categories"] += [{"id": 3, "name": "again"}, {"id": 9}, {"name": "nameless"}]
    imported = read(make_coco(tmp_path, document), "coco")
    assert [p.where for p in imported.problems] == [
        "categories[2].id",
        "categories[3].name",
        "categories[4].id",
        "images[2].id",
        "images[3].file_name",
        "images[4].id",
        "images[5].file_name",
        "images[6].file_name",
        "images[7].file_name",
        "images[8].file_name",
        "images[9].file_name",
    ]
    assert [i.record.path for i in imported.images] == ["0.png", "1.png"]


def test_backslashes_and_other_folders_still_find_the_image(tmp_path: Path) -> None:
    document = coco_document([GOOD])
    document["images"][0]["file_name"] = "sub\\deep\\a.png"
    document["images"][1]["file_name"] = "elsewhere/b.png"
    draw_image(tmp_path / "sub" / "deep" / "a.png")
    draw_image(tmp_path / "pictures" / "b.png")
    imported = read(make_coco(tmp_path, document, images=0), "coco")
    assert [i.record.path for i in imported.images] == ["sub/deep/a.png", "pictures/b.png"]


def test_one_name_in_two_folders_is_ambiguous_and_said_so(tmp_path: Path) -> None:
    document = coco_document([GOOD])
    document["images"][1]["file_name"] = "b.png"
    draw_image(tmp_path / "p" / "b.png")
    draw_image(tmp_path / "q" / "b.png")
    (problem,) = read(make_coco(tmp_path, document, images=1), "coco").problems
    assert "p/b.png, q/b.png" in problem.message


def test_a_truncated_or_unreadable_image_is_named_and_the_rest_opens(tmp_path: Path) -> None:
    path = make_coco(tmp_path, coco_document([GOOD, annotation(2, [1, 1, 2, 2], image=11)]))
    (tmp_path / "0.png").write_bytes((tmp_path / "0.png").read_bytes()[:2000])
    (tmp_path / "1.png").write_bytes(b"")
    imported = read(path, "coco")
    assert {(p.kind, Path(p.file).name) for p in imported.problems} == {
        ("truncated-image", "0.png"),
        ("unreadable-image", "1.png"),
    }
    assert [i.record.state for i in imported.images] == [ImageState.NEEDS_FIX]


def test_another_size_than_the_images_is_a_warning(tmp_path: Path) -> None:
    document = coco_document([GOOD])
    document["images"][0]["width"] = 640
    (problem,) = of_kind(read(make_coco(tmp_path, document), "coco"), "size-mismatch")
    assert (problem.where, problem.level) == ("images[0].width", "warning")


SOUND = json.dumps(coco_document([GOOD]))


@pytest.mark.parametrize(
    ("damaged", "match"),
    [
        (SOUND[:-30], "not sound JSON"),
        (SOUND.replace("15", "NaN"), r"annotations\[0\].*NaN"),
        (SOUND.replace("15", "-Infinity"), r"annotations\[0\].*Infinity"),
        (SOUND.replace("15", "1" * 5000), r"annotations\[0\].*digits"),
        (SOUND.replace("15", "[" * 100_000), r"annotations\[0\].*deep"),
        (SOUND.replace("15", "1 5"), r"annotations\[0\].*line 1, column"),
        (SOUND + "{}", "more text behind"),
        ("[]", "a list"),
        ("", "no JSON object"),
        ('{"annotations": []}', "images: is missing"),
        ('{"images": {}}', "images: is not a list"),
        ('{"images": [], "images": []}', "images: occurs twice"),
        (SOUND.replace("bolt", "gr\xfcn").encode("latin-1"), "not valid utf-8"),
        (b"\xff\xfe" + SOUND.encode("utf-16-le")[:-1], "not valid utf-16"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_refused_with_the_place(tmp_path: Path, damaged: str, match: str) -> None:
    path = make_coco(tmp_path, damaged)
    with pytest.raises(FormatError, match=match) as caught:
        read(path, "coco")
    assert caught.value.path == path


def test_a_missing_file_and_missing_images_are_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"does not exist\. Name"):
        read(tmp_path / "c.json", "coco")
    path = make_coco(tmp_path, coco_document([GOOD]), images=0)
    with pytest.raises(FormatError, match=r"--images"):
        read(path, "coco")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="holds no COCO file"):
        read(tmp_path / "empty", "coco")


def test_utf_16_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    for number, data in enumerate((b"\xff\xfe" + SOUND.encode("utf-16-le"), b"\xef\xbb\xbf" + SOUND.encode())):
        imported = read(make_coco(tmp_path / str(number), data), "coco")
        assert len(imported.record(0).boxes) == 1


@pytest.mark.datasets
def test_the_hundred_images_of_the_cocoapi_are_read(tmp_path: Path, cocoapi100: Path) -> None:
    path = cocoapi100 / "instances_val2014_100.json"
    document = json.loads(path.read_text())
    for image in document["images"]:
        draw_image(tmp_path / image["file_name"], size=(image["width"], image["height"]))
    imported = read(path, "coco", images=tmp_path)
    assert not imported.problems
    assert len(imported.images) == len(document["images"])
    assert imported.box_count == len(document["annotations"])
    assert [(c.id, c.name) for c in imported.categories] == [(c["id"], c["name"]) for c in document["categories"]]
