"""COCO datasets as they lie about: other machines' names, odd ids, folders of splits, result files, masks."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rcnn_studio.domain.errors import Cancelled, FormatError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Imported, Source, codec, json_text, sniff
from rcnn_studio.store.project import ProjectStore
from tests.formats.files import (
    annotation,
    coco_document,
    draw_image,
    make_coco,
    of_kind,
    patch,
    plus_box,
    read,
    with_box,
)

GOOD = annotation(1, [5, 6, 15, 24])


def with_name(name: str | None, **more: Any) -> dict[str, Any]:
    document = coco_document([GOOD], images=1)
    document["images"] = [{"id": 10, **({} if name is None else {"file_name": name}), **more}]
    return document


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("sub/0.png", False),
        ("./sub/0.png", False),
        ("sub\\0.png", False),
        ("sub//0.png", False),
        ("/home/anna/project/sub/0.png", True),
        ("C:\\Users\\anna\\sub\\0.png", True),
        ("../images/sub/0.png", True),
        ("https://example.org/data/sub/0.png?token=a/b.png", True),
        ("s3://bucket/sub/0.png", True),
        ("elsewhere/0f3c2a1b-0.png", False),
    ],
)
def test_an_image_is_found_whatever_machine_its_name_is_from(tmp_path: Path, name: str, note: bool) -> None:
    draw_image(tmp_path / "sub" / "0.png")
    draw_image(tmp_path / "other" / "1.png")
    imported = read(make_coco(tmp_path, with_name(name), images=0), "coco", images=tmp_path)
    assert [(r.path, len(r.boxes)) for r in imported.records()] == [("sub/0.png", 1)]
    assert [p.kind for p in imported.problems] == (["foreign-path"] if note else [])


def test_of_two_images_of_one_name_that_whose_folder_fits_is_meant(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        draw_image(tmp_path / folder / "0.png")
    imported = read(make_coco(tmp_path, with_name("/mnt/data/b/0.png"), images=0), "coco", images=tmp_path)
    assert imported.record(0).path == "b/0.png"
    with pytest.raises(FormatError, match="none of its images"):
        read(make_coco(tmp_path, with_name("/mnt/data/c/0.png"), images=0), "coco", images=tmp_path)


def test_an_image_without_file_name_is_found_by_its_address(tmp_path: Path) -> None:
    document = with_name(None, coco_url="http://images.cocodataset.org/val2017/0.png")
    imported = read(make_coco(tmp_path, document), "coco")
    assert imported.record(0).path == "0.png"


def test_missing_sizes_flags_and_areas_are_no_problem_and_stay_missing(tmp_path: Path) -> None:
    document = with_name("0.png")
    del document["annotations"][0]["iscrowd"]
    path = make_coco(tmp_path, document)
    imported = read(path, "coco")
    assert not imported.problems
    assert (imported.record(0).width, imported.record(0).height) == (64, 48)
    after = patch(imported, with_box(imported.record(0), 0, x1=7.0))
    assert after == path.read_bytes().replace(b"[5, 6, 15, 24]", b"[7, 6, 13, 24]")


def test_a_size_that_was_told_before_turning_is_said_so(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "0.png", exif=exif)
    imported = read(make_coco(tmp_path, with_name("0.png", width=64, height=48), images=0), "coco")
    (problem,) = imported.problems
    assert (problem.kind, problem.level) == ("rotated-image", "warning")
    assert (imported.record(0).width, imported.record(0).height) == (48, 64)


def test_categories_of_one_name_are_one_and_both_stay_in_the_file(tmp_path: Path) -> None:
    document = coco_document([annotation(1, [5, 6, 15, 24], category=3), annotation(2, [1, 1, 9, 9], category=8)])
    document["categories"].append({"id": 8, "name": "bolt"})
    path = make_coco(tmp_path, document)
    imported = read(path, "coco")
    assert [c.name for c in imported.categories] == ["bolt", "nut"]
    assert len({b.category_id for b in imported.record(0).boxes}) == 1
    assert [p.kind for p in imported.problems] == ["double-name"]
    after = patch(imported, with_box(imported.record(0), 1, x1=2.0))
    assert after == path.read_bytes().replace(b"[1, 1, 9, 9]", b"[2, 1, 8, 9]")


def test_annotations_that_share_an_id_are_both_read_and_the_first_is_named(tmp_path: Path) -> None:
    records = [annotation(number, [1 + i, 1, 5, 5]) for i, number in enumerate((7, 900, 7, 7))]
    imported = read(make_coco(tmp_path, coco_document(records)), "coco")
    assert imported.box_count == 4
    assert [p.where for p in imported.problems] == ["annotations[2].id", "annotations[3].id"]
    assert all("annotations[0]" in p.message for p in imported.problems)


def roboflow(folder: Path) -> Path:
    for number, (split, name) in enumerate((("train", "bolt"), ("valid", "nut"), ("test", "bolt"))):
        document = coco_document([annotation(0, [1, 2, 3, 4], image=0, category=1)], images=1)
        document["images"] = [{"id": 0, "file_name": f"{number}_jpg.rf.0a1b.png", "width": 64, "height": 48}]
        document["categories"] = [{"id": 0, "name": "parts", "supercategory": "none"}, {"id": 1, "name": name}]
        (folder / split).mkdir(parents=True)
        (folder / split / "_annotations.coco.json").write_text(json.dumps(document))
        draw_image(folder / split / f"{number}_jpg.rf.0a1b.png")
    return folder


def test_the_folders_of_roboflow_are_one_dataset_with_three_splits(tmp_path: Path) -> None:
    folder = roboflow(tmp_path / "parts.v1")
    assert sniff(folder).name == "coco"
    imported = read(folder, "coco")
    names = {c.id: c.name for c in imported.categories}
    assert list(names.values()) == ["parts", "bolt", "nut"]
    assert {(r.split, r.path, names[b.category_id]) for r in imported.records() for b in r.boxes} == {
        ("train", "train/0_jpg.rf.0a1b.png", "bolt"),
        ("val", "valid/1_jpg.rf.0a1b.png", "nut"),
        ("test", "test/2_jpg.rf.0a1b.png", "bolt"),
    }
    assert not imported.problems
    for index, image in enumerate(imported.images):
        assert image.file is not None
        data = Path(imported.files[image.file].path).read_bytes()
        assert patch(imported, imported.record(index), original=data) is data


def test_a_category_renamed_changes_its_name_in_each_of_several_files(tmp_path: Path) -> None:
    imported = read(roboflow(tmp_path), "coco")
    renamed = replace(
        imported, categories=tuple(replace(c, name="screw") if c.name == "bolt" else c for c in imported.categories)
    )
    for index, file in enumerate(imported.files):
        data = Path(file.path).read_bytes()
        has_bolts = file.split in ("train", "test")
        assert (b'"bolt"' in data) is has_bolts
        assert patch(renamed, imported.record(index)) == data.replace(b'"bolt"', b'"screw"')


def test_a_file_of_detections_is_refused_and_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}]))
    draw_image(tmp_path / "0.png")
    assert sniff(path).name == "coco"
    with pytest.raises(FormatError, match=r"results\.json: holds a list, perhaps of detections"):
        read(path, "coco")


def test_a_large_import_can_be_stopped_while_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_BATCH_CHARS", 1000)
    path = make_coco(tmp_path, coco_document([annotation(i, [1, 2, 3, 4]) for i in range(500)]))
    stop = threading.Event()
    seen: list[int] = []

    def report(progress: Any) -> None:
        seen.append(progress.done)
        if progress.done > 100:
            stop.set()

    with pytest.raises(Cancelled):
        codec("coco").read(Source(path=path), report, stop.is_set)
    assert max(seen) < 500


@pytest.mark.parametrize("number", [1 << 63, -(1 << 80), 10**400, 12345678901234567890123])
def test_ids_of_any_length_make_a_project_and_stay_in_the_file(tmp_path: Path, number: int) -> None:
    document = coco_document([annotation(number, [5, 6, 15, 24], image=number)], images=1)
    document["images"][0]["id"] = number
    document["annotations"][0]["area"] = 10**400
    path = make_coco(tmp_path, document)
    imported = read(path, "coco")
    ProjectStore.create(tmp_path / "p", imported).close()
    after = patch(imported, with_box(imported.record(0), 0, x2=30.0))
    assert after == path.read_bytes().replace(b"[5, 6, 15, 24]", b"[5, 6, 25, 24]")
    new = json.loads(patch(imported, plus_box(imported.record(0), (1, 2, 9, 9), category_id=3)) or b"")
    assert [record["image_id"] for record in new["annotations"]] == [number, number]


# --- masks ------------------------------------------------------------------------------------------

SHAPES: dict[str, Any] = {
    "segmentation": [[5, 6, 20, 6, 12.5, 30], [5.0, 18, 20, 18, 20, 30]],
    "area": 200.25,
    "keypoints": [5, 6, 2, 0, 0, 0, 20, 30, 1],
    "num_keypoints": 2,
}
RLE = {"segmentation": {"counts": "Zkk2=7h", "size": [48, 64]}, "area": 77}


def moved(tmp_path: Path, shapes: dict[str, Any], stale: str) -> tuple[Imported, bytes, dict[str, Any]]:
    """The box [5, 6, 15, 24] becomes [10, 6, 30, 12]. -> dataset, file before, record after"""
    path = make_coco(tmp_path, coco_document([{**GOOD, **shapes}]))
    imported = read(path, "coco")
    file = replace(imported.files[0], options={**imported.files[0].options, "stale": stale})
    imported = replace(imported, files=(file,))
    data = path.read_bytes()
    after = patch(imported, with_box(imported.record(0), 0, x1=10.0, x2=40.0, y2=18.0))
    found: dict[str, Any] = json.loads(after or b"")["annotations"][0]
    assert found["bbox"] == [10, 6, 30, 12]
    assert patch(imported, imported.record(0), original=data) is data
    return imported, data, found


def test_masks_and_keypoints_of_a_moved_box_are_kept(tmp_path: Path) -> None:
    _, _, found = moved(tmp_path, SHAPES, "keep")
    assert {key: found[key] for key in SHAPES} == SHAPES


def test_polygons_and_keypoints_are_scaled_with_the_box_where_that_was_chosen(tmp_path: Path) -> None:
    _, _, found = moved(tmp_path, SHAPES, "scale")
    assert found["segmentation"] == [[10, 6, 40, 6, 25, 18], [10, 12, 40, 12, 40, 18]]
    assert found["keypoints"] == [10, 6, 2, 0, 0, 0, 40, 18, 1]
    assert (found["num_keypoints"], found["area"]) == (2, 200.25)


def test_masks_and_keypoints_are_cleared_where_that_was_chosen(tmp_path: Path) -> None:
    _, _, found = moved(tmp_path, SHAPES, "clear")
    assert (found["segmentation"], found["keypoints"], found["num_keypoints"]) == ([], [0] * 9, 0)
    assert found["area"] == 360


@pytest.mark.parametrize(("stale", "kept"), [("keep", True), ("scale", True), ("clear", False)])
def test_run_length_masks_are_never_decoded(tmp_path: Path, stale: str, kept: bool) -> None:
    _, _, found = moved(tmp_path, RLE, stale)
    assert (found["segmentation"], found["area"]) == ((RLE["segmentation"], 77) if kept else ([], 360))


@pytest.mark.parametrize("shapes", [{"segmentation": [[1, 2, 3]]}, {"segmentation": [[1, "x"]]}, {"keypoints": [1, 2]}])
def test_malformed_masks_stay_as_they_are(tmp_path: Path, shapes: dict[str, Any]) -> None:
    _, _, found = moved(tmp_path, shapes, "scale")
    assert {key: found[key] for key in shapes} == shapes


def test_an_unknown_choice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="only keep, scale, clear"):
        moved(tmp_path, SHAPES, "burn")


def test_only_the_sides_that_moved_are_written_whatever_their_decimals(tmp_path: Path) -> None:
    record = annotation(1, [5.123456789, 6.0, 15.007, 24.50], area=605.0)
    path = make_coco(tmp_path, json.dumps(coco_document([record])).replace("24.5]", "24.50]"))
    imported = read(path, "coco")
    box = imported.record(0).boxes[0]
    after = patch(imported, with_box(imported.record(0), 0, y1=box.y1 + 1, y2=box.y2 + 1))
    assert after == path.read_bytes().replace(b"6.0, 15.007", b"7, 15.007")
    after = patch(imported, with_box(imported.record(0), 0, x2=box.x2 + 1))
    assert after == path.read_bytes().replace(b"15.007, 24.50", b"16.01, 24.50")


def test_hostile_images_of_several_files_are_claimed_once(tmp_path: Path) -> None:
    train, val = coco_document([GOOD]), coco_document([GOOD])
    for name, document in (("train", train), ("val", val)):
        (tmp_path / f"instances_{name}.json").write_text(json.dumps(document))
    for number in range(2):
        draw_image(tmp_path / f"{number}.png")
    imported = read(tmp_path, "coco")
    assert [i.record.path for i in imported.images] == ["0.png", "1.png"]
    assert [Path(p.file).name for p in of_kind(imported, "unusable-image")] == ["instances_val.json"] * 2


@pytest.mark.parametrize("mask", [{"segmentation": [[1, 1, 5, 1, 5, 5]]}, {"keypoints": [1, 1, 2]}])
def test_a_file_with_masks_or_keypoints_says_so_and_one_without_does_not(tmp_path, mask):
    for name, more in (("with.json", mask), ("without.json", {"segmentation": []})):
        document = {
            "images": [{"id": 1, "file_name": "a.jpg", "width": 20, "height": 20}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4], **more}],
            "categories": [{"id": 1, "name": "cat"}],
        }
        (tmp_path / name).write_text(json.dumps(document))
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    options = [
        codec("coco").read(Source(path=tmp_path / name, images=tmp_path), ignore, never).files[0].options
        for name in ("with.json", "without.json")
    ]
    assert [one.get("shapes", False) for one in options] == [True, False]
