"""A folder dropped on the window becomes a project; one that is a project already is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.formats.bundled import sample_projects_dir
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks import importing
from rcnn_studio.tasks.importing import find_project, open_or_create
from rcnn_studio.tasks.samples import make_sample_project
from tests.tasks.drawing import contents, make_coco, make_images, make_voc


def boxes(project: Path) -> int:
    with ProjectStore.open(project, read_only=True) as store:
        return int(store.image_table().box_counts.sum())


def test_plain_images_get_a_project_inside_their_folder(tmp_path):
    photos = make_images(tmp_path / "photos", 3)
    project = open_or_create(photos)
    assert project == photos / "rcnn-project"
    with ProjectStore.open(project, read_only=True) as store:
        assert len(store.image_table().paths) == 3


def test_voc_and_coco_are_told_from_plain_images(tmp_path):
    assert boxes(open_or_create(make_voc(tmp_path / "voc", 2))) == 4
    assert boxes(open_or_create(make_coco(tmp_path / "coco", {"train": 2, "val": 1}))) == 6


def test_dropped_again_the_same_project_opens(tmp_path):
    photos = make_images(tmp_path / "photos", 2)
    project = open_or_create(photos)
    before = contents(photos)
    assert find_project(photos) == project
    assert open_or_create(photos) == project
    assert open_or_create(project) == project
    assert open_or_create(project / "project.rcnn") == project
    assert contents(photos) == before


def test_a_single_picture_opens_its_folder(tmp_path):
    photos = make_images(tmp_path / "photos", 2)
    assert open_or_create(photos / "p01.jpg") == photos / "rcnn-project"


def test_a_folder_that_cannot_be_written_has_its_project_in_the_data_folder(tmp_path, own_home, monkeypatch):
    photos = make_images(tmp_path / "photos", 2)
    before = contents(photos)
    monkeypatch.setattr(importing, "_writable", lambda _folder: False)
    project = open_or_create(photos)
    assert project.is_relative_to(own_home)
    assert contents(photos) == before
    assert find_project(photos) == project
    assert open_or_create(photos) == project


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_images_is_refused_and_left_as_it_is(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudioError, match=name):
        open_or_create(tmp_path / name)
    assert contents(tmp_path) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_cancelled_import_leaves_nothing(tmp_path):
    photos = make_images(tmp_path / "photos", 3)
    before = contents(tmp_path)
    with pytest.raises(Cancelled):
        open_or_create(photos, should_stop=lambda: True)
    assert contents(tmp_path) == before
    assert not (photos / "rcnn-project").exists()


def test_the_sample_is_copied_once_and_its_project_opens(tmp_path):
    project = make_sample_project(tmp_path / "deep" / "sample")
    bundled = contents(sample_projects_dir() / "hardware")
    copied = contents(tmp_path / "deep" / "sample")
    assert {name: copied[name] for name in bundled} == bundled
    assert boxes(project) > 0
    (tmp_path / "deep" / "sample" / "README.md").write_text("mine")
    assert make_sample_project(tmp_path / "deep" / "sample") == project
    assert (tmp_path / "deep" / "sample" / "README.md").read_text() == "mine"


def test_the_sample_does_not_cover_what_is_there(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StudioError, match="something else"):
        make_sample_project(tmp_path)
    assert contents(tmp_path) == {"letter.txt": b"dear"}
