"""`rcnn-studio new` and `export` in every format, from folders, files and zip archives."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project, open_or_create
from tests.tasks.drawing import contents, make_voc

FORMATS = ("voc", "coco", "yolo", "labelme", "csv", "csv-retinanet")


def snapshot(project: Path) -> Dataset:
    with ProjectStore.open(project, read_only=True) as store:
        return store.snapshot()


def content(project: Path) -> list[tuple[str, str, list[tuple[str, tuple[float, ...]]]]]:
    """(file name, split, boxes with their category's name) of every image that has boxes, in the order of names."""
    data = snapshot(project)
    names = {category.id: category.name for category in data.categories}
    found = []
    for index, path in enumerate(data.paths):
        rows = data.rows(index)
        boxes = [
            (names[int(c)], tuple(round(float(v), 1) for v in xyxy))
            for c, xyxy in zip(data.category_ids[rows], data.xyxy[rows], strict=True)
        ]
        if boxes:
            found.append((Path(path).name, data.split_of(index), sorted(boxes)))
    return sorted(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Of 6 images with 12 boxes, in train and val."""
    made = create_project(tmp_path / "first", Source(path=make_voc(tmp_path / "voc", 6)), format_name="voc")
    return made.project


@pytest.mark.parametrize("name", FORMATS)
def test_a_project_exported_and_opened_again_has_the_same_boxes_and_splits(studio, tmp_path, project, name):
    said = studio("export", project, "--format", name, tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert {key: said.document[key] for key in ("images", "boxes", "lost")} == {"images": 6, "boxes": 12, "lost": []}
    assert said.document["files"] == len(contents(tmp_path / "out"))
    option = {"csv-retinanet": "--csv"}.get(name, f"--{name}")
    again = studio("new", tmp_path / "again", option, tmp_path / "out", "--json")
    assert again.code == 0, again.err
    assert (again.document["images"], again.document["boxes"]) == (6, 12)
    assert content(tmp_path / "again") == content(project)
    assert [p["kind"] for p in again.document["problems"]] == (["not-linked"] if option == "--csv" else [])
    named = studio("new", tmp_path / "named", "--format", name, tmp_path / "out", "--json")
    assert (named.code, named.document["boxes"]) == (0, 12)


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_in_any_format_is_told_by_itself(studio, tmp_path, project, name):
    assert studio("export", project, "--format", name, tmp_path / "out").code == 0
    made = open_or_create(tmp_path / "out")
    assert made == tmp_path / "out" / "rcnn-project"
    assert content(made) == content(project)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("deep", ["", "data/", "a/b/"])
def test_a_zip_of_any_format_becomes_a_project_with_its_data_inside(studio, tmp_path, project, name, deep):
    assert studio("export", project, "--format", name, tmp_path / "out").code == 0
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path, data in contents(tmp_path / "out").items():
            archive.writestr(f"{deep}{path}", data)
    said = studio("new", tmp_path / "p", "--zip", tmp_path / "set.zip", "--json")
    assert said.code == 0, said.err
    assert content(tmp_path / "p") == content(project)
    assert contents(tmp_path / "p" / "dataset" / deep) == contents(tmp_path / "out")
    (tmp_path / "moved").mkdir()
    shutil.move(tmp_path / "p", tmp_path / "moved" / "p")
    assert all(Path(root).is_dir() for root in snapshot(tmp_path / "moved" / "p").roots)


def test_a_zip_dropped_on_the_window_is_unpacked_beside_itself_once(tmp_path, project):
    voc = tmp_path / "voc"
    with zipfile.ZipFile(tmp_path / "bolts.zip", "w") as archive:
        for path, data in contents(voc).items():
            archive.writestr(path, data)
    made = open_or_create(tmp_path / "bolts.zip")
    assert made == tmp_path / "bolts" / "rcnn-project"
    before = contents(tmp_path)
    assert open_or_create(tmp_path / "bolts.zip") == made
    assert contents(tmp_path) == before


def test_a_zip_whose_folder_is_taken_gets_a_numbered_one(tmp_path, project):
    (tmp_path / "voc" / "mine.md").write_text("mine")
    before = contents(tmp_path / "voc")
    with zipfile.ZipFile(tmp_path / "voc.zip", "w") as archive:
        for path, data in before.items():
            archive.writestr(path, data)
    assert open_or_create(tmp_path / "voc.zip") == tmp_path / "voc-2" / "rcnn-project"
    assert contents(tmp_path / "voc") == before


@pytest.mark.parametrize("fault", ["no images", "climbing", "no zip", "cancelled"])
@pytest.mark.parametrize("existed", [False, True])
def test_a_zip_that_cannot_become_a_project_leaves_nothing(tmp_path, fault, existed):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../up.txt" if fault == "climbing" else "letter.txt", "dear")
    if fault == "no zip":
        (tmp_path / "x.zip").write_bytes(b"PK")
    if existed:
        (tmp_path / "p").mkdir()
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(Cancelled if fault == "cancelled" else StudioError):
        create_project(tmp_path / "p", Source(path=tmp_path / "x.zip"), should_stop=lambda: fault == "cancelled")
    with pytest.raises(StudioError):
        open_or_create(tmp_path / "x.zip", should_stop=lambda: fault == "cancelled")
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_what_the_format_has_no_place_for_is_said(studio, tmp_path, project):
    objects = (tmp_path / "voc" / "Annotations" / "a00.xml").read_text()
    flagged = objects.replace("<difficult>0", "<difficult>1", 1).replace("<annotation>", '<annotation verified="yes">')
    (tmp_path / "voc" / "Annotations" / "a00.xml").write_text(flagged)
    (tmp_path / "voc" / "Annotations" / "a01.xml").unlink()
    assert studio("new", tmp_path / "p", "--voc", tmp_path / "voc").code == 0
    lost = {}
    for name in FORMATS:
        said = studio("export", tmp_path / "p", "--format", name, tmp_path / f"out-{name}", "--json")
        lost[name] = said.document["lost"]
    mark, state = "1 box marked difficult: the mark is not written.", "1 image verified: written as labelled."
    assert lost == {
        "voc": [],
        "coco": [state, "1 image not labelled yet: left out."],
        "yolo": [mark, state],
        "labelme": [state],
        "csv": [mark, state],
        "csv-retinanet": [mark, state],
    }
    text = studio("export", tmp_path / "p", "--format", "yolo", tmp_path / "text").out
    assert f"What yolo has no place for:\n  {mark}\n  {state}\n" in text


def test_several_tables_are_one_project_with_their_splits(studio, tmp_path, project):
    assert studio("export", project, "--format", "csv", tmp_path / "out").code == 0
    tables = [f"test={tmp_path / 'out' / 'train.csv'}", f"val={tmp_path / 'out' / 'val.csv'}"]
    said = studio("new", tmp_path / "p", "--csv", *tables, "--images", tmp_path / "out" / "images", "--json")
    assert said.code == 0, said.err
    assert {split for _, split, _ in content(tmp_path / "p")} == {"test", "val"}


@pytest.mark.parametrize("option", ["--yolo", "--labelme", "--csv", "--zip"])
def test_what_is_not_there_or_not_that_is_named(studio, tmp_path, option):
    said = studio("new", tmp_path / "p", option, tmp_path / "nowhere.zip")
    assert said.code == 1
    assert "nowhere.zip" in said.err
    assert not (tmp_path / "p").exists()
    (tmp_path / "empty").mkdir()
    said = studio("new", tmp_path / "p", option, tmp_path / "empty")
    assert said.code == 1
    assert "empty" in said.err
    assert not (tmp_path / "p").exists()
