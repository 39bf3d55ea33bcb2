"""Checkpoints that are damaged, torn or broken are noticed, and good ones outlive them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.training import checkpoints


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    shutil.copytree(trained.run_dir, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_damaged_weights_are_detected_and_named(copy: Path, damage: str) -> None:
    path = copy / "checkpoints" / "best" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flip" else data[:-7])
    with pytest.raises(EngineError, match=r"best.model\.safetensors"):
        checkpoints.load_checkpoint(checkpoints.find_checkpoint(copy))


def test_a_damaged_manifest_is_detected_and_named(copy: Path) -> None:
    path = copy / "checkpoints" / "best" / "state.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(EngineError, match=r"state\.json"):
        checkpoints.load_checkpoint(checkpoints.find_checkpoint(copy))


def test_what_is_written_is_what_the_safetensors_library_reads(copy: Path) -> None:
    weights, manifest = checkpoints.load_checkpoint(checkpoints.find_checkpoint(copy))
    weights["empty"], weights["scalar"] = torch.zeros((0, 4)), torch.tensor(3, dtype=torch.int64)
    folder = checkpoints.save_checkpoint(copy, "again", weights, manifest)
    again = load_file(folder / "model.safetensors")
    assert weights.keys() == again.keys()
    assert all(torch.equal(weights[key], again[key]) for key in weights)
    assert checkpoints.load_checkpoint(folder)[1] == checkpoints.Manifest(
        epoch=manifest.epoch,
        step=manifest.step,
        config=manifest.config,
        table=manifest.table,
        amp=manifest.amp,
        scores=manifest.scores,
    )


def test_weights_that_are_not_finite_never_replace_good_ones(copy: Path) -> None:
    folder = checkpoints.find_checkpoint(copy)
    weights, manifest = checkpoints.load_checkpoint(folder)
    before = json.loads((folder / "state.json").read_text())["files"]
    weights["rpn.head.cls_logits.bias"] = weights["rpn.head.cls_logits.bias"] * float("nan")
    with pytest.raises(EngineError, match="not finite"):
        checkpoints.save_checkpoint(copy, "best", weights, manifest)
    assert json.loads((folder / "state.json").read_text())["files"] == before


def test_a_crash_between_the_two_renames_leaves_the_old_one_findable(copy: Path) -> None:
    folder = copy / "checkpoints" / "best"
    folder.rename(folder.with_name(".old-best"))
    weights, _ = checkpoints.load_checkpoint(checkpoints.find_checkpoint(copy))
    assert weights


def test_a_drive_that_takes_less_than_it_says_never_costs_the_checkpoint_before(copy: Path, monkeypatch: Any) -> None:
    folder = checkpoints.find_checkpoint(copy)
    weights, manifest = checkpoints.load_checkpoint(folder)
    sync = checkpoints.os.fsync

    def lose_the_end(descriptor: int) -> None:
        size = checkpoints.os.fstat(descriptor).st_size
        checkpoints.os.truncate(descriptor, max(0, size - 5)) if size > 5 else None
        sync(descriptor)

    monkeypatch.setattr(checkpoints.os, "fsync", lose_the_end)
    with pytest.raises(EngineError, match="did not take all"):
        checkpoints.save_checkpoint(copy, folder.name, weights, manifest)
    monkeypatch.undo()
    assert checkpoints.load_checkpoint(folder)[1] == manifest
