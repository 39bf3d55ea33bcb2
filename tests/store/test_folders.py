"""Label files in folders that are not there yet: made where the dataset is, removed by the undo, never invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store import folders
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import commit, draw, draw_images, id_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A YOLO dataset in which nothing is labelled: it has no folder for labels at all."""
    folder = tmp_path / "set"
    draw_images(folder / "images" / "train", ["a.png", "b.png"])
    (folder / "data.yaml").write_text("train: images/train\nnames: [bolt, nut]\n")
    imported = codec("yolo").read(Source(path=folder), ignore, never)
    ProjectStore.create(tmp_path / "project", imported).close()
    return folder


def test_the_first_box_makes_the_folders_and_undo_removes_them(tmp_path: Path, data: Path) -> None:
    with ProjectStore.open(tmp_path / "project") as store:
        edits = [draw(store, id_of(store, "a.png")), draw(store, id_of(store, "b.png"))]
        for edit in edits:
            commit(store, edit)
            store.write_back(wait=True)
        assert store.file_errors() == {}
        assert sorted(p.name for p in (data / "labels" / "train").iterdir()) == ["a.txt", "b.txt"]
        commit(store, edits[0].inverse())
        store.write_back(wait=True)
        assert [p.name for p in (data / "labels" / "train").iterdir()] == ["b.txt"]
    with ProjectStore.open(tmp_path / "project") as store:
        commit(store, edits[1].inverse())
        store.write_back(wait=True)
        assert store.file_errors() == {}
        assert not (data / "labels").exists()
        commit(store, edits[1])
        store.write_back(wait=True)
        assert (data / "labels" / "train" / "b.txt").exists()


def test_a_folder_that_somebody_else_uses_or_has_made_stays(tmp_path: Path, data: Path) -> None:
    (data / "labels").mkdir()
    with ProjectStore.open(tmp_path / "project") as store:
        edit = draw(store, id_of(store, "a.png"))
        commit(store, edit)
        store.write_back(wait=True)
        (data / "labels" / "train" / "notes.md").write_text("mine")
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert [p.name for p in (data / "labels" / "train").iterdir()] == ["notes.md"]
        (data / "labels" / "train" / "notes.md").unlink()
        commit(store, edit)
        store.write_back(wait=True)
        commit(store, edit.inverse())
        store.write_back(wait=True)
        assert (data / "labels").is_dir()
        assert not (data / "labels" / "train").exists()


def test_nothing_is_made_where_the_dataset_itself_is_away(tmp_path: Path, data: Path) -> None:
    with ProjectStore.open(tmp_path / "project") as store:
        data.rename(tmp_path / "away")
        commit(store, draw(store, id_of(store, "a.png")))
        store.write_back(wait=True)
        assert not data.exists()
        (message,) = store.file_errors().values()
        assert "labels are safe" in message
        (tmp_path / "away").rename(data)
        store.write_back(wait=True)
        assert store.file_errors() == {}
        assert (data / "labels" / "train" / "a.txt").exists()


def test_outside_of_the_dataset_one_level_is_made(tmp_path: Path) -> None:
    assert folders.missing(tmp_path / "a" / "b" / "c.txt", None) == (tmp_path / "a" / "b",)
    assert folders.missing(tmp_path / "a" / "c.txt", tmp_path / "other") == (tmp_path / "a",)
    assert folders.missing(tmp_path / "c.txt", None) == ()
    assert folders.missing(tmp_path / "a" / "b" / "c.txt", tmp_path) == (tmp_path / "a", tmp_path / "a" / "b")
