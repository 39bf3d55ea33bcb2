"""Masks beside the boxes of a COCO file: one choice for a project, which holds for boxes moved before as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rcnn_studio.domain.box_shapes import ShapeWay
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.project import ProjectStore
from tests.store.projects import commit, make_coco, move, voc_project

POLYGON = [[2.5, 3.0, 22.5, 3.0, 22.5, 33.25]]


def masked_project(folder: Path) -> tuple[ProjectStore, Path]:
    path = make_coco(folder / "coco")
    data = json.loads(path.read_text())
    for annotation in data["annotations"]:
        annotation["segmentation"] = POLYGON
    path.write_text(json.dumps(data, indent=1))
    imported = codec("coco").read(Source(path=path, images=path.parent), ignore, never)
    return ProjectStore.create(folder / "project", imported), path


def masks(path: Path) -> list[Any]:
    return [annotation["segmentation"] for annotation in json.loads(path.read_text())["annotations"]]


def test_masks_are_kept_until_somebody_chooses_and_then_every_moved_box_follows(tmp_path: Path) -> None:
    store, path = masked_project(tmp_path)
    before = path.read_bytes()
    with store:
        assert store.has_shapes(1)
        assert store.shape_way() is None
        edit = move(store, 1, dx=4.0)
        commit(store, edit)
        store.write_back()
        assert masks(path) == [POLYGON] * 3
        store.choose_shape_way(ShapeWay.SCALE)
        store.write_back()
        assert masks(path) == [[[6.5, 3, 26.5, 3, 26.5, 33.25]], POLYGON, POLYGON]
        store.choose_shape_way(ShapeWay.CLEAR)
        store.write_back()
        assert masks(path) == [[], POLYGON, POLYGON]
        commit(store, edit.inverse())
        store.write_back()
        assert path.read_bytes() == before
    with ProjectStore.open(tmp_path / "project") as again:
        assert again.shape_way() == ShapeWay.CLEAR


def test_a_choice_made_before_anything_was_moved_writes_nothing(tmp_path: Path) -> None:
    store, path = masked_project(tmp_path)
    before = path.stat()
    with store:
        store.choose_shape_way(ShapeWay.CLEAR)
        assert store.pending_files() == 0
        store.write_back()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_files_without_masks_have_none(tmp_path: Path) -> None:
    with voc_project(tmp_path) as store:
        assert not store.has_shapes(1)


def test_a_project_that_cannot_be_changed_says_so(tmp_path: Path) -> None:
    masked_project(tmp_path)[0].close()
    with (
        ProjectStore.open(tmp_path / "project", read_only=True) as store,
        pytest.raises(ProjectError, match="cannot be changed here"),
    ):
        store.choose_shape_way(ShapeWay.CLEAR)
