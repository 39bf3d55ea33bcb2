"""Runs that ended early: in a project that was moved meanwhile, and with other settings."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.codec import Source
from rcnn_studio.formats.snapshot import read_snapshot, write_snapshot
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.tasks.training import relocated
from rcnn_studio.tasks.unfinished import discard, keep_best, left_behind
from tests.store.projects import make_voc


def test_a_run_of_a_project_that_was_moved_finds_its_images(tmp_path: Path) -> None:
    before = tmp_path / "before"
    create_project(before / "project", Source(path=make_voc(before / "voc", images=3)), format_name="voc")
    with ProjectStore.open(before / "project") as store:
        write_snapshot(before / "snapshot.npz", store.snapshot(trainable_only=True))
    after = tmp_path / "after"
    shutil.move(before, after)
    snapshot = read_snapshot(after / "snapshot.npz")
    assert not any(Path(root).exists() for root in snapshot.roots)
    with ProjectStore.open(after / "project") as store:
        found = relocated(snapshot, store.snapshot())
    for root, path in zip(found.image_roots, found.paths, strict=True):
        assert (Path(found.roots[int(root)]) / path).is_file()
    assert np.array_equal(found.xyxy, snapshot.xyxy)
    assert found.paths == snapshot.paths


def run_in(folder: Path, status: str = "interrupted") -> RunInfo:
    (folder / "checkpoints" / "step-00000003").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000003" / "state.json").write_text("{}", encoding="utf-8")
    return RunInfo(
        id=folder.name, path=str(folder), status=status, preset="test", epochs=1, seconds=9, best_epoch=1, best=None
    )


def test_only_the_newest_run_is_offered_again_and_only_if_it_can_go_on(tmp_path: Path) -> None:
    broken, stopped = run_in(tmp_path / "b"), run_in(tmp_path / "s", "stopped")
    assert left_behind([broken, stopped]) is broken
    assert left_behind([stopped, broken]) is stopped, "the window was closed, or somebody stopped it"
    assert left_behind([replace(broken, status="finished"), broken]) is None
    assert left_behind([replace(broken, status="failed")]) is not None
    assert left_behind([replace(broken, status="running")]) is None
    assert left_behind([]) is None
    shutil.rmtree(tmp_path / "b" / "checkpoints")
    assert left_behind([broken]) is None, "there is nothing to go on from"


def test_a_run_without_a_model_is_not_ended_as_if_it_had_one(tmp_path: Path) -> None:
    run = run_in(tmp_path / "r")
    with pytest.raises(EngineError, match="no model to keep"):
        keep_best(run)
    assert (tmp_path / "r" / "checkpoints" / "step-00000003").exists()
    assert not (tmp_path / "r" / "events.jsonl").exists()


def test_two_runs_of_one_name_lie_side_by_side_in_the_trash(tmp_path: Path) -> None:
    places = [discard(run_in(tmp_path / "r")) for _ in range(2)]
    assert [place.name for place in places] == ["r", "r-2"]
    assert all((place / "checkpoints").is_dir() for place in places)
