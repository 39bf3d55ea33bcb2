"""`check` on datasets and projects that have exactly one fault, and on some that have none."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from rcnn_studio.domain.edits import Edit
from rcnn_studio.formats.atomic import temp_name
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import change, commit, id_of
from tests.tasks import checkable
from tests.tasks.checkable import BOXES, HEIGHT, TRAIN, VAL, WIDTH, image_file, write_splits, write_xml
from tests.tasks.drawing import contents

LEVELS = {"error", "warning", "note"}


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A VOC dataset in which nothing is wrong."""
    return checkable.make_voc(tmp_path / "voc")


@pytest.fixture
def project(studio, voc: Path, tmp_path: Path) -> Path:
    """Its project, made before anything is broken."""
    said = studio("new", tmp_path / "project", "--voc", voc)
    assert said.code == 0, said.err
    return tmp_path / "project"


@pytest.fixture
def only(studio):
    """`only(path)` -> the one problem that check finds there, after a look at the whole document."""

    def call(path: Path, *options: object) -> dict[str, str]:
        said = studio("check", path, *options, "--json")
        assert said.code == 0, said.err
        document = said.document
        assert set(document) == {"images", "boxes", "problems"}
        for problem in document["problems"]:
            assert set(problem) == {"file", "where", "kind", "message", "action", "level"}
            assert all(isinstance(value, str) for value in problem.values())
            assert problem["level"] in LEVELS
            assert problem["message"]
            assert problem["action"]
        assert len(document["problems"]) == 1, document["problems"]
        return document["problems"][0]

    return call


def place(problem: dict[str, str]) -> tuple[str, str, str, str]:
    return problem["file"], problem["where"], problem["kind"], problem["level"]


# --- datasets in which nothing is wrong --------------------------------------------------------------------


def test_a_sound_dataset_and_its_project_have_no_problem(studio, voc, project):
    for path in (voc, project):
        said = studio("check", path, "--json", "--strict")
        assert said.code == 0
        assert said.document == {"images": 6, "boxes": 12, "problems": []}
        assert studio("check", path).out.splitlines()[-1] == "No problems."


def test_a_sound_coco_dataset_has_no_problem(studio, tmp_path):
    folder = checkable.make_coco(tmp_path / "coco")
    files = (f"train={folder / 'train.json'}", f"val={folder / 'val.json'}")
    for arguments in (files, (*files, "--format", "coco")):
        assert studio("check", *arguments, "--json").document == {"images": 6, "boxes": 12, "problems": []}
    assert studio("new", tmp_path / "p", "--coco", *files).code == 0
    assert studio("check", tmp_path / "p", "--json").document == {"images": 6, "boxes": 12, "problems": []}


def test_check_writes_nothing_into_a_dataset_or_a_project(studio, voc, project, tmp_path):
    write_xml(voc, "a0", [("bolt", 10, 12, 10, 70)])
    before = without_logs(contents(tmp_path))
    for path in (voc, project):
        assert studio("check", path, "--statistics", "--decode").code == 0
    assert without_logs(contents(tmp_path)) == before


def without_logs(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the files through which readers of a database know of each other."""
    return {name: data for name, data in files.items() if not name.endswith(("-shm", "-wal"))}


def test_the_sample_project_is_clean(studio, repository):
    document = studio("check", repository / "sample_projects" / "hardware", "--json").document
    assert (document["images"], document["problems"]) == (150, [])


def test_bccd_has_its_two_boxes_without_area_and_one_picture_twice(studio, bccd):
    document = studio("check", bccd, "--json").document
    assert (document["images"], document["boxes"]) == (364, 4886)
    errors = [p for p in document["problems"] if p["level"] == "error"]
    assert [(Path(p["file"]).name, p["where"], p["kind"]) for p in errors] == [
        ("BloodImage_00338.xml", "object[12]/bndbox", "zero-area"),
        ("BloodImage_00343.xml", "object[3]/bndbox", "zero-area"),
    ]
    alike = [p for p in document["problems"] if p["kind"].startswith(("near-duplicate", "same-image"))]
    assert [Path(p["file"]).name for p in alike] in (["BloodImage_00037.jpg"], ["BloodImage_00038.jpg"])
    assert all(p["action"] for p in document["problems"])


def test_the_cocoapi_images_are_checked_box_by_box(studio, cocoapi100, tmp_path):
    file = cocoapi100 / "instances_val2014_100.json"
    for number, image in enumerate(json.loads(file.read_text())["images"]):
        picture = checkable.picture(number).resize((image["width"], image["height"]))
        picture.save(tmp_path / image["file_name"], quality=70)
    document = studio("check", file, "--images", tmp_path, "--size", "200", "--json", "--statistics").document
    assert document["images"] == 100
    assert document["boxes"] == document["statistics"]["boxes"]
    assert {p["level"] for p in document["problems"]} <= {"note", "warning"}
    tiny = [p for p in document["problems"] if p["kind"] == "tiny-box"]
    assert tiny
    assert all(p["where"].startswith("annotations[") and p["where"].endswith("].bbox") for p in tiny)


# --- boxes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "kind", "level"),
    [
        (("bolt", 30, 12, 30, 70), "zero-area", "error"),
        (("bolt", 60, 12, 10, 70), "swapped-corners", "warning"),
        (("bolt", WIDTH, 12, WIDTH + 30, 70), "outside-image", "error"),
        (("bolt", 100, 12, WIDTH + 9, 70), "beyond-border", "warning"),
        (("nut", 80, 20, 140, 99), "duplicate-box", "warning"),
    ],
)
def test_a_bad_box_is_named_with_its_file_and_its_object(only, voc, box, kind, level):
    file = write_xml(voc, "a1", [*BOXES, box])
    problem = only(voc)
    assert place(problem) == (str(file), "object[2]/bndbox", kind, level)


def test_a_box_too_small_to_find_is_noted_at_the_size_that_was_asked_for(only, voc, studio):
    file = write_xml(voc, "a1", [*BOXES, ("bolt", 20, 80, 26, 110)])
    assert studio("check", voc, "--json").document["problems"] == []
    problem = only(voc, "--size", "60x90")
    assert place(problem) == (str(file), "object[2]/bndbox", "tiny-box", "note")
    assert "larger image size" in problem["action"]


def test_a_box_drawn_twice_is_named_in_a_coco_file_too(only, tmp_path):
    folder = checkable.make_coco(tmp_path / "coco")
    document = json.loads((folder / "train.json").read_text())
    document["annotations"].append({**document["annotations"][2], "id": 99})
    (folder / "train.json").write_text(json.dumps(document))
    problem = only(f"train={folder / 'train.json'}", f"val={folder / 'val.json'}")
    assert place(problem) == (str(folder / "train.json"), "annotations[8].bbox", "duplicate-box", "warning")
    assert "annotations[2].bbox" in problem["message"]


# --- categories and splits -----------------------------------------------------------------------------------


def test_categories_that_differ_in_case_are_named(only, voc):
    write_xml(voc, "a1", [*BOXES, ("Bolt", 20, 75, 60, 110)])
    problem = only(voc)
    assert problem["file"] == str(voc)
    assert problem["kind"] == "category-alike"
    assert "Merge them" in problem["action"]


def test_a_category_that_only_val_has_is_named(only, voc):
    write_xml(voc, "b1", [*BOXES, ("washer", 20, 75, 60, 110)])
    problem = only(voc)
    assert place(problem) == (str(voc), "category washer", "category-only-in-val", "warning")


def test_a_category_without_a_box_is_noted(only, tmp_path):
    folder = checkable.make_coco(tmp_path / "coco")
    for name in ("train.json", "val.json"):
        document = json.loads((folder / name).read_text())
        document["categories"].append({"id": 3, "name": "washer"})
        (folder / name).write_text(json.dumps(document))
    problem = only(f"train={folder / 'train.json'}", f"val={folder / 'val.json'}")
    assert problem["where"] == "category washer"
    assert (problem["kind"], problem["level"]) == ("category-without-boxes", "note")


def test_a_labelled_image_in_no_split_is_named(only, voc):
    write_splits(voc, {"train": TRAIN[:-1]})
    assert place(only(voc)) == (str(image_file(voc, TRAIN[-1])), "", "no-split", "warning")


def test_a_split_in_which_nothing_is_labelled_is_named(only, voc):
    for stem in VAL:
        (voc / "Annotations" / f"{stem}.xml").unlink()
    assert place(only(voc)) == (str(voc), "split val", "empty-split", "warning")


# --- images ----------------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_named_and_in_two_splits_it_is_a_leak(studio, voc):
    image_file(voc, "a3").write_bytes(image_file(voc, "a0").read_bytes())
    image_file(voc, "b1").write_bytes(image_file(voc, "a1").read_bytes())
    problems = studio("check", voc, "--json").document["problems"]
    assert [place(p) for p in problems] == [
        (str(image_file(voc, "a3")), "", "same-image", "warning"),
        (str(image_file(voc, "b1")), "", "same-image-across-splits", "warning"),
    ]
    assert str(image_file(voc, "a0")) in problems[0]["message"]
    assert "one split" in problems[1]["action"]


def smaller(image: Image.Image) -> Image.Image:
    return image.resize((WIDTH * 3 // 4, HEIGHT * 3 // 4))


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.12)


@pytest.mark.parametrize("change", [lambda image: image, smaller, brighter], ids=["re-encoded", "resized", "brighter"])
def test_a_copy_that_was_changed_is_found_across_splits(studio, voc, change):
    change(checkable.picture(1)).save(image_file(voc, "b0"), quality=60)
    problems = studio("check", voc, "--json").document["problems"]
    leaks = [p for p in problems if p["kind"].startswith("near")]
    assert [place(p) for p in leaks] == [(str(image_file(voc, "b0")), "", "near-duplicate-across-splits", "warning")]
    assert str(image_file(voc, "a1")) in leaks[0]["message"]
    assert {p["kind"] for p in problems} - {"near-duplicate-across-splits"} <= {"size-mismatch", "beyond-border"}


def test_a_copy_in_the_same_split_is_a_note(only, voc):
    checkable.picture(1).save(image_file(voc, "a3"), quality=50)
    assert place(only(voc)) == (str(image_file(voc, "a3")), "", "near-duplicate", "note")


def test_quick_looks_at_no_pixels(studio, voc):
    checkable.picture(1).save(image_file(voc, "a3"), quality=50)
    assert studio("check", voc, "--quick", "--json").document["problems"] == []


def cut_in_the_middle(file: Path) -> None:
    """The file with half of its pixels gone and its end mark in place."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] + b"\xff\xd9")


def damaged_png(file: Path) -> None:
    buffer = io.BytesIO()
    checkable.picture(9).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [damaged_png, lambda file: file.write_bytes(file.read_bytes()[:900])])
@pytest.mark.parametrize("how", [(), ("--decode",)])
def test_an_image_whose_pixels_are_damaged_is_named_once(only, voc, damage, how):
    damage(image_file(voc, "a2"))
    problem = only(voc, *how)
    assert place(problem) == (str(image_file(voc, "a2")), "", "truncated-image", "error")
    assert "sound copy" in problem["action"]


def test_what_was_seen_before_is_not_decoded_again_until_the_file_changes(studio, voc, monkeypatch):
    from rcnn_studio.formats import images

    decoded: list[str] = []
    decode = images.decode

    def counting(path: Path, *, max_side: int | None = None):
        decoded.append(path.name)
        return decode(path, max_side=max_side)

    monkeypatch.setattr(images, "decode", counting)
    assert studio("check", voc).code == 0
    assert sorted(decoded) == [f"{stem}.jpg" for stem in (*TRAIN, *VAL)]
    decoded.clear()
    checkable.picture(77).save(image_file(voc, "a2"))
    assert studio("check", voc).code == 0
    assert decoded == ["a2.jpg"]
    decoded.clear()
    assert studio("check", voc, "--decode").code == 0
    assert len(decoded) == 6


def test_a_damaged_cache_is_made_anew(studio, voc, own_home):
    assert studio("check", voc).code == 0
    (file,) = (own_home / "cache" / "looks").iterdir()
    file.write_bytes(b"PK nonsense")
    assert studio("check", voc, "--json").document["problems"] == []
    assert file.read_bytes()[:4] == b"PK\x03\x04"


def turned(file: Path) -> None:
    """The image with an EXIF orientation that lays it on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(file) as image:
        image.copy().save(file, exif=exif, quality=92)


def test_boxes_drawn_before_exif_turned_the_image_are_named(studio, tmp_path):
    folder = checkable.make_coco(tmp_path / "coco")
    turned(folder / "images" / "a2.jpg")
    files = (f"train={folder / 'train.json'}", f"val={folder / 'val.json'}")
    problems = studio("check", *files, "--json").document["problems"]
    (rotated,) = [p for p in problems if p["kind"] == "rotated-boxes"]
    assert place(rotated)[:2] == (str(folder / "images" / "a2.jpg"), "")
    assert "EXIF" in rotated["action"]


def test_boxes_drawn_on_the_turned_image_are_no_problem_of_its_exif(studio, voc):
    turned(image_file(voc, "a2"))
    write_xml(voc, "a2", [("bolt", 5, 70, 80, 150), ("nut", 5, 5, 80, 60)], size=(HEIGHT, WIDTH))
    assert studio("check", voc, "--json").document["problems"] == []


# --- projects --------------------------------------------------------------------------------------------------


def test_a_problem_of_a_linked_file_is_gone_once_the_file_is_mended(studio, voc, tmp_path):
    sound = write_xml(voc, "a1", BOXES).read_bytes()
    bad = write_xml(voc, "a1", [*BOXES, ("bolt", 30, 12, 30, 70)])
    assert studio("new", tmp_path / "p", "--voc", voc).code == 0
    (problem,) = studio("check", tmp_path / "p", "--json").document["problems"]
    assert place(problem) == (str(bad), "object[2]/bndbox", "zero-area", "error")
    bad.write_bytes(sound)
    (problem,) = studio("check", tmp_path / "p", "--json").document["problems"]
    assert (problem["file"], problem["kind"]) == (str(bad), "changed-outside")


def test_a_linked_file_that_is_gone_is_named(only, project, voc):
    file = voc / "Annotations" / "a0.xml"
    file.unlink()
    problem = only(project)
    assert place(problem)[:3] == (str(file), "", "changed-outside")


def test_an_image_that_is_gone_is_named(studio, project, voc):
    image_file(voc, "a0").unlink()
    problems = studio("check", project, "--json").document["problems"]
    assert (str(image_file(voc, "a0")), "", "missing-image", "error") in [place(p) for p in problems]


def test_an_image_that_was_replaced_by_one_of_another_size_is_named(studio, project, voc):
    checkable.picture(0).resize((320, 240)).save(image_file(voc, "a0"))
    problems = studio("check", project, "--json").document["problems"]
    (changed,) = [p for p in problems if p["kind"] == "image-size-changed"]
    assert changed["file"] == str(image_file(voc, "a0"))
    assert "320 x 240" in changed["message"]
    assert "not scaled" in changed["action"]


def test_an_image_path_that_leads_out_of_a_crafted_project_is_not_opened(studio, project, tmp_path):
    outside = tmp_path / "secret.jpg"
    checkable.picture(99).resize((33, 22)).save(outside)
    with sqlite3.connect(project / "project.rcnn") as db:
        db.execute("UPDATE images SET path = '../../secret.jpg' WHERE id = 2")
    db.close()
    problems = studio("check", project, "--json").document["problems"]
    (refused,) = [p for p in problems if p["file"].endswith("secret.jpg")]
    assert refused["kind"] == "unreadable-image"
    assert "points out of its folder" in refused["message"]


def test_a_wrong_number_in_the_database_is_named(studio, project):
    with sqlite3.connect(project / "project.rcnn") as db:
        db.execute("UPDATE images SET box_count = 7 WHERE id = 2")
    db.close()
    problems = studio("check", project, "--json").document["problems"]
    assert [p["level"] for p in problems] == ["error"]
    assert problems[0]["file"] == str(project / "project.rcnn")


def test_a_flipped_bit_in_a_checkpoint_is_named(only, studio, project):
    checkpoint = project / "runs" / "2026-01-01_1200_test" / "checkpoints" / "best"
    checkpoint.mkdir(parents=True)
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(bytes(1000))
    digest = "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"
    (checkpoint / "state.json").write_text(json.dumps({"format": 1, "files": {"model.safetensors": digest}}))
    assert studio("check", project, "--json").document["problems"] == []
    weights.write_bytes(bytes(500) + b"\x01" + bytes(499))
    problem = only(project)
    assert place(problem) == (str(weights), "", "damaged-checkpoint", "error")
    weights.unlink()
    assert place(only(project)) == (str(weights), "", "damaged-checkpoint", "error")


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {"../../x": "00"}}'])
def test_a_checkpoint_whose_manifest_is_damaged_or_leads_elsewhere_is_named(only, project, text):
    checkpoint = project / "runs" / "2026-01-01_1200_test" / "checkpoints" / "last"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text(text)
    problem = only(project)
    assert (problem["file"], problem["kind"]) == (str(checkpoint / "state.json"), "damaged-checkpoint")


def test_what_a_crash_left_behind_is_noted(only, project, voc):
    left = voc / "Annotations" / ".rcnn-99999999-0123abcd-89abcdef.tmp"
    left.write_text("half a file")
    assert place(only(project)) == (str(left), "", "left-over", "note")
    assert left.exists()


def test_a_linked_file_that_never_could_be_read_is_named_once(only, studio, voc, tmp_path):
    bad = voc / "Annotations" / "a0.xml"
    bad.write_text("<annotation><object>")
    assert studio("new", tmp_path / "p", "--voc", voc).code == 0
    assert place(only(tmp_path / "p"))[0::2] == (str(bad), "unreadable-annotation")


def test_a_box_edited_since_the_import_is_named_by_its_image_and_its_number(only, voc, project):
    with ProjectStore.open(project) as store:
        image_id = id_of(store, "a1.jpg")
        store_edit(store, image_id)
        box_id = store.image(image_id).boxes[0].id
    problem = only(project)
    assert place(problem) == (str(image_file(voc, "a1")), f"box {box_id}", "outside-image", "error")


def store_edit(store: ProjectStore, image_id: int) -> None:
    """Moves the image's first box out of the image."""
    record = store.image(image_id)
    box = record.boxes[0]
    moved = box.moved_to(WIDTH + 5, 10, WIDTH + 50, 60)
    commit(store, Edit(text="Move", images=(change(record, removed=(box,), added=(moved,)),)))


@pytest.mark.parametrize(
    ("name", "where"),
    [("yolo", "line 3"), ("labelme", "shapes[2]"), ("coco", "annotations[8].bbox"), ("csv", "box[2]")],
)
def test_a_box_that_is_there_twice_is_named_in_every_format(studio, project, tmp_path, name, where):
    out = tmp_path / name
    assert studio("export", project, "--format", name, out).code == 0
    sound = studio("check", out, "--json").document
    assert (sound["images"], sound["boxes"]) == (6, 12)
    assert [p for p in sound["problems"] if p["kind"] == "duplicate-box"] == []
    repeat_a_box(out, name)
    document = studio("check", out, "--format", name, "--json").document
    (problem,) = [p for p in document["problems"] if p["kind"] == "duplicate-box"]
    assert (problem["where"], document["boxes"]) == (where, 13)
    said = studio("new", tmp_path / "again", f"--{name}", out)
    assert said.code == 0, said.err
    (problem,) = [
        p for p in studio("check", tmp_path / "again", "--json").document["problems"] if p["kind"] == "duplicate-box"
    ]
    assert problem["where"].startswith("box ") if name == "csv" else problem["where"] == where


def repeat_a_box(out: Path, name: str) -> None:
    """Writes the first box of one image a second time."""
    if name == "yolo":
        file = next(f for f in sorted(out.rglob("*.txt")) if f.stem == "a0")
        file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    elif name == "csv":
        file = next(f for f in sorted(out.rglob("*.csv")) if "a0.jpg" in f.read_text())
        line = next(line for line in file.read_text().splitlines() if "a0.jpg" in line)
        file.write_text(file.read_text().rstrip("\n") + f"\n{line}\n")
    else:
        pattern = "*train*.json" if name == "coco" else "a0.json"
        file = next(iter(sorted(out.rglob(pattern))))
        document = json.loads(file.read_text())
        boxes = document["annotations" if name == "coco" else "shapes"]
        boxes.append({**boxes[0], "id": 99})
        file.write_text(json.dumps(document))


# --- what is said, and how it ends ---------------------------------------------------------------------------


def test_strict_ends_with_one_where_there_are_errors_and_only_then(studio, voc):
    write_xml(voc, "a1", [*BOXES, ("bolt", 60, 12, 10, 70)])
    assert studio("check", voc, "--strict").code == 0
    write_xml(voc, "a1", [*BOXES, ("bolt", 60, 12, 60, 70)])
    assert studio("check", voc).code == 0
    said = studio("check", voc, "--strict", "--json")
    assert said.code == 1
    assert len(said.document["problems"]) == 1
    assert said.err.count("\n") == 1


def test_people_see_a_few_of_each_kind_unless_they_ask_for_all(studio, voc):
    for stem in (*TRAIN, *VAL):
        write_xml(voc, stem, [*BOXES, ("bolt", 30, 12, 30, 70)])
    few = studio("check", voc).out
    assert "zero-area (6):" in few
    assert few.count("has no area") == 5
    assert few.splitlines()[-1] == "6 errors."
    assert studio("check", voc, "--all").out.count("has no area") == 6


def test_statistics_come_as_tables_and_as_json(studio, voc):
    text = studio("check", voc, "--statistics").out
    for word in ("bolt", "COCO's sizes", "width / height", "boxes in an image", "160 x 120", "bolt + nut"):
        assert word in text
    numbers = studio("check", voc, "--statistics", "--json").document["statistics"]
    assert (numbers["images"], numbers["boxes"], numbers["unusable_boxes"]) == (6, 12, 0)
    bolt = numbers["categories"][0]
    assert bolt["name"] == "bolt"
    assert bolt["boxes_per_split"] == {"": 0, "train": 4, "val": 2}
    assert numbers["states"]["labelled"] == {"": 0, "train": 4, "val": 2}
    assert numbers["boxes_per_image"] == [0, 0, 6]
    assert numbers["image_sizes"] == [{"width": WIDTH, "height": HEIGHT, "images": 6}]
    assert numbers["cooccurrence"] == [{"categories": ["bolt", "nut"], "images": 6}]
    assert sum(numbers["side"]["counts"]) == 12
    assert numbers["training_size"] == {"min_side": 800, "max_side": 1333}


def test_statistics_of_a_project_without_a_box_are_shown(studio, tmp_path):
    (tmp_path / "photos").mkdir()
    checkable.picture(1).save(tmp_path / "photos" / "a.jpg")
    said = studio("check", tmp_path / "photos", "--statistics")
    assert said.code == 0, said.err
    assert "unlabelled" in said.out


def test_a_folder_with_a_project_inside_is_checked_as_that_project_unless_a_format_is_named(studio, voc):
    assert studio("new", voc / "rcnn-project", "--voc", voc).code == 0
    assert "(project)" in studio("check", voc).out
    assert "(voc)" in studio("check", voc, "--format", "voc").out


def test_what_cannot_be_read_at_all_is_one_message(studio, tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        said = studio("check", path)
        assert (said.code, said.out) == (1, "")
        assert said.err.count("\n") == 1
        assert str(path) in said.err


@pytest.mark.parametrize("size", ["0", "x", "800x", "900x800", "99999", "-5"])
def test_a_size_that_is_none_is_wrong_usage(studio, voc, size):
    said = studio("check", voc, f"--size={size}")
    assert said.code == (0 if size == "800x" else 2)


def test_check_can_be_cancelled_and_keeps_what_it_saw(studio, voc, monkeypatch, own_home):
    from rcnn_studio.commands import terminal

    asked: list[int] = []

    def after_a_while(_self: terminal.StopSignal) -> bool:
        asked.append(1)
        return bool((own_home / "cache").exists()) or len(asked) > 6

    monkeypatch.setattr(terminal.StopSignal, "__call__", after_a_while)
    said = studio("check", voc)
    assert (said.code, said.out, said.err) == (1, "", "rcnn-studio: Cancelled.\n")


def test_an_open_project_can_be_checked_by_somebody_else(studio, project):
    with ProjectStore.open(project):
        assert studio("check", project, "--json").document["problems"] == []
    assert os.listdir(project)


def test_a_file_that_another_process_is_writing_is_not_listed_and_one_of_a_dead_process_is(only, project):
    mine = project / temp_name()
    mine.write_text("half a file")
    left = project / ".rcnn-99999999-0123abcd-89abcdef.tmp"
    left.write_text("half a file")
    assert place(only(project)) == (str(left), "", "left-over", "note")
    assert mine.exists()
