"""`rcnn-studio new`: VOC, COCO and plain images become a project; what cannot, says why and leaves no trace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rcnn_studio.store.project import ProjectStore
from tests.tasks.drawing import boxes_of, contents, draw, make_coco, make_images, make_voc, voc_object, voc_xml

GOOD = voc_object("disc", 0, 10, 40, 40)  # a corner at 0 says that this dataset counts from 0


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    return make_voc(tmp_path / "voc", 10)


def one_image(tmp_path: Path, objects: str) -> Path:
    """A VOC dataset of two images, the first with these objects."""
    folder = make_voc(tmp_path / "voc", 2)
    (folder / "Annotations" / "a00.xml").write_text(voc_xml("a00.jpg", objects))
    return folder


def splits_of(project: Path) -> list[str]:
    with ProjectStore.open(project, read_only=True) as store:
        return list(store.image_table().splits)


def test_a_voc_folder_becomes_a_project_with_splits(studio, tmp_path, voc):
    before = contents(voc)
    said = studio("new", tmp_path / "p", "--voc", voc, "--json")
    assert said.code == 0, said.err
    assert said.document == {
        "project": str(tmp_path / "p"),
        "images": 10,
        "boxes": 20,
        "categories": ["disc", "square"],
        "problems": [],
    }
    assert sorted(splits_of(tmp_path / "p")) == ["train"] * 8 + ["val"] * 2
    assert contents(voc) == before


def test_the_same_seed_draws_the_same_split_and_another_one_another(studio, tmp_path, voc):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert studio("new", tmp_path / name, "--voc", voc, "--split", "0.5", "--seed", seed).code == 0
    assert splits_of(tmp_path / "a") == splits_of(tmp_path / "b") != splits_of(tmp_path / "c")
    assert splits_of(tmp_path / "a").count("val") == 5


def test_a_split_of_zero_keeps_everything_in_train(studio, tmp_path, voc):
    assert studio("new", tmp_path / "p", "--voc", voc, "--split", "0").code == 0
    assert set(splits_of(tmp_path / "p")) == {"train"}


def test_splits_that_the_dataset_names_are_kept(studio, tmp_path, voc):
    sets = voc / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a00\na01\n")
    (sets / "test.txt").write_text("a02\n")
    assert studio("new", tmp_path / "p", "--voc", voc).code == 0
    assert splits_of(tmp_path / "p") == ["train", "train", "test"] + [""] * 7


def test_coco_files_become_one_project_with_their_splits(studio, tmp_path):
    folder = make_coco(tmp_path / "coco", {"train": 3, "val": 2})
    files = [f"train={folder / 'train.json'}", f"val={folder / 'val.json'}"]
    said = studio("new", tmp_path / "p", "--coco", *files, "--images", folder / "images", "--json")
    assert said.code == 0, said.err
    assert (said.document["images"], said.document["boxes"]) == (5, 10)
    assert set(said.document["categories"]) == {"disc", "square"}
    assert splits_of(tmp_path / "p") == ["train"] * 3 + ["val"] * 2


def test_a_coco_folder_is_read_with_the_splits_its_files_are_named_after(studio, tmp_path):
    folder = make_coco(tmp_path / "coco", {"train": 3, "val": 2})
    assert studio("new", tmp_path / "p", "--coco", folder).code == 0
    assert sorted(splits_of(tmp_path / "p")) == ["train"] * 3 + ["val"] * 2


def test_only_the_coco_file_that_was_given_a_split_gets_it(studio, tmp_path):
    folder = make_coco(tmp_path / "coco", {"a": 2, "b": 2})
    files = (f"train={folder / 'a.json'}", folder / "b.json")
    assert studio("new", tmp_path / "p", "--coco", *files, "--images", folder / "images").code == 0
    assert splits_of(tmp_path / "p") == ["train", "train", "", ""]


def test_plain_images_become_a_project_without_a_file_being_written(studio, tmp_path):
    images = make_images(tmp_path / "photos", 4)
    before = contents(images)
    said = studio("new", tmp_path / "p", "--images", images, "--labels", "voc", "--json")
    assert said.code == 0, said.err
    assert (said.document["images"], said.document["boxes"], said.document["categories"]) == (4, 0, [])
    assert splits_of(tmp_path / "p") == [""] * 4
    assert contents(images) == before


def test_bccd_opens_with_its_two_boxes_without_area_named(studio, tmp_path, bccd):
    said = studio("new", tmp_path / "p", "--voc", bccd, "--json")
    assert said.code == 0, said.err
    document = said.document
    assert document["images"] == 364
    assert document["categories"] == ["Platelets", "RBC", "WBC"]
    assert [problem["kind"] for problem in document["problems"]] == ["zero-area"] * 2
    assert [Path(p["file"]).name for p in document["problems"]] == ["BloodImage_00338.xml", "BloodImage_00343.xml"]
    assert set(document["problems"][0]) == {"file", "where", "kind", "message", "action"}


# --- bad records in good files: listed, and the rest opens ------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "kind", "where"),
    [
        (voc_object("disc", "abc", 10, 40, 40), "not-a-number", "object[1]/bndbox/xmin"),
        (voc_object("disc", 20, 20, 20, 30), "zero-area", "object[1]/bndbox"),
        (voc_object("disc", "nan", 10, 40, 40), "out-of-range", "object[1]/bndbox/xmin"),
    ],
    ids=["text in xmin", "zero area", "nan"],
)
def test_a_bad_box_is_named_and_left_out_and_the_rest_opens(studio, tmp_path, objects, kind, where):
    folder = one_image(tmp_path, GOOD + objects)
    before = contents(folder)
    said = studio("new", tmp_path / "p", "--voc", folder, "--json")
    assert said.code == 0, said.err
    assert said.document["boxes"] == 3
    (problem,) = said.document["problems"]
    assert Path(problem["file"]).name == "a00.xml"
    assert (problem["kind"], problem["where"]) == (kind, where)
    assert problem["action"]
    assert contents(folder) == before


def test_reversed_corners_are_put_in_order_and_noted(studio, tmp_path):
    folder = one_image(tmp_path, voc_object("disc", 40, 40, 11, 11))
    said = studio("new", tmp_path / "p", "--voc", folder, "--json")
    assert said.code == 0, said.err
    assert said.document["boxes"] == 3
    with ProjectStore.open(tmp_path / "p", read_only=True) as store:
        (box,) = store.image(1).boxes
    assert box.x1 < box.x2
    assert box.y1 < box.y2
    assert len(said.document["problems"]) == 1


def test_unknown_fields_are_no_problem(studio, tmp_path):
    folder = one_image(
        tmp_path, GOOD.replace("<difficult>", "<mood>calm</mood><difficult>") + "<weather>rain</weather>"
    )
    said = studio("new", tmp_path / "p", "--voc", folder, "--json")
    assert said.code == 0, said.err
    assert said.document["problems"] == []


def test_a_truncated_picture_is_named_and_takes_no_part_in_training(studio, tmp_path, voc):
    picture = voc / "JPEGImages" / "a03.jpg"
    picture.write_bytes(picture.read_bytes()[:-400])
    before = contents(voc)
    said = studio("new", tmp_path / "p", "--voc", voc, "--json")
    assert said.code == 0, said.err
    (problem,) = said.document["problems"]
    assert problem["file"].endswith("a03.jpg")
    with ProjectStore.open(tmp_path / "p", read_only=True) as store:
        assert len(store.snapshot(trainable_only=True)) == 9
    assert contents(voc) == before


def test_problems_are_grouped_by_kind_for_people(studio, tmp_path):
    folder = one_image(tmp_path, "".join(voc_object("disc", x, 10, x, 40) for x in range(20, 29)) + GOOD)
    said = studio("new", tmp_path / "p", "--voc", folder)
    assert said.code == 0, said.err
    assert "zero-area (9):" in said.out
    assert said.out.count("a00.xml") == 5
    assert "... and 4 more" in said.out


# --- what cannot become a project: one message, exit 1, no trace ------------------------------------------------


def refused(said, tmp_path: Path, *words: object) -> None:
    assert said.code == 1
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert str(word) in said.err
    assert not (tmp_path / "p").exists()
    assert not list(tmp_path.glob(".*")), "something half made was left behind"


@pytest.mark.parametrize("option", ["--voc", "--images"])
def test_a_missing_folder_is_named(studio, tmp_path, option):
    refused(studio("new", tmp_path / "p", option, tmp_path / "nowhere"), tmp_path, tmp_path / "nowhere")


@pytest.mark.parametrize("option", ["--voc", "--images"])
def test_an_empty_folder_is_named(studio, tmp_path, option):
    (tmp_path / "empty").mkdir()
    refused(studio("new", tmp_path / "p", option, tmp_path / "empty"), tmp_path, tmp_path / "empty")


def test_a_missing_coco_file_is_named(studio, tmp_path):
    images = make_images(tmp_path / "photos", 1)
    said = studio("new", tmp_path / "p", "--coco", f"train={tmp_path / 'no.json'}", "--images", images)
    refused(said, tmp_path, tmp_path / "no.json")


def test_a_coco_file_that_is_no_json_is_named_with_the_place(studio, tmp_path):
    images = make_images(tmp_path / "photos", 1)
    bad = tmp_path / "bad.json"
    bad.write_text('{"images": [')
    refused(studio("new", tmp_path / "p", "--coco", bad, "--images", images), tmp_path, bad)
    assert bad.read_text() == '{"images": ['


def test_a_folder_with_only_unreadable_pictures_names_one(studio, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "x.jpg").write_bytes(b"no picture at all")
    refused(studio("new", tmp_path / "p", "--images", folder), tmp_path, folder / "x.jpg")
    assert (folder / "x.jpg").read_bytes() == b"no picture at all"


def test_an_existing_project_is_refused_and_left_as_it_is(studio, tmp_path, voc):
    assert studio("new", tmp_path / "p", "--voc", voc).code == 0
    before = contents(tmp_path / "p")
    said = studio("new", tmp_path / "p", "--voc", voc)
    assert said.code == 1
    assert str(tmp_path / "p") in said.err
    assert "already" in said.err
    assert contents(tmp_path / "p") == before


def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(studio, tmp_path, voc):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    said = studio("new", tmp_path / "mine", "--voc", voc)
    assert said.code == 1
    assert "not empty" in said.err
    assert contents(tmp_path / "mine") == {"letter.txt": b"dear"}


def test_a_missing_parent_folder_is_named(studio, tmp_path, voc):
    said = studio("new", tmp_path / "no" / "such" / "p", "--voc", voc)
    refused(said, tmp_path, tmp_path / "no" / "such")


def test_an_empty_folder_is_a_good_place(studio, tmp_path, voc):
    (tmp_path / "p").mkdir()
    assert studio("new", tmp_path / "p", "--voc", voc).code == 0
    assert (tmp_path / "p" / "project.rcnn").is_file()


def test_a_project_survives_being_moved_together_with_its_images(studio, tmp_path):
    make_voc(tmp_path / "all" / "voc", 2)
    assert studio("new", tmp_path / "all" / "p", "--voc", tmp_path / "all" / "voc").code == 0
    shutil.move(tmp_path / "all", tmp_path / "elsewhere")
    with ProjectStore.open(tmp_path / "elsewhere" / "p", read_only=True) as store:
        assert store.image_path(1).is_file()


# --- wrong usage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("new",),
        ("new", "p"),
        ("new", "p", "--voc", "a", "--coco", "b.json"),
        ("new", "p", "--voc", "a", "--labels", "coco"),
        ("new", "p", "--images", "a", "--split", "1.5"),
        ("new", "p", "--images", "a", "--split", "half"),
        ("new", "p", "--zip", "a.zip", "--images", "a"),
        ("new", "p", "--yolo", "a", "--zip", "b.zip"),
        ("new", "p", "--labelme", "a", "--labels", "voc"),
        ("new", "p", "--format", "cvat", "a"),
    ],
)
def test_wrong_usage_exits_with_2_and_makes_nothing(studio, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "a" / "x.jpg", boxes_of(0))
    said = studio(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err
    assert not (tmp_path / "p").exists()
