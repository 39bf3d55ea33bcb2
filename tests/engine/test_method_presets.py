"""The presets of the two papers' methods, in miniature: each trains, is scored, and its model finds things."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import pytest
import torch

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.progress import Progress, never
from rcnn_studio.domain.runs import EpochEvaluated, StepDone, TrainConfig, Warned
from rcnn_studio.engine.inference import Predictor
from rcnn_studio.engine.training.checkpoints import load_checkpoint
from rcnn_studio.engine.training.trainer import train
from rcnn_studio.formats import images
from rcnn_studio.tasks.presets import load_preset

TINY: dict[str, Any] = {
    "weights": "none",
    "head_channels": 64,
    "image_size": 96,
    "image_max_size": 128,
    "epochs": 2,
    "min_steps": 0,
    "max_minutes": 0.0,
    "warmup_steps": 2,
    "proposals_side": 128,
    "amp": "off",
    "device": "cpu",
}


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return drawings.dataset(drawings.drawn_records(tmp_path / "images", 4), tmp_path / "images")


def miniature(name: str) -> TrainConfig:
    return replace(load_preset(name), **TINY)


@pytest.mark.parametrize("name", ["fast-rcnn", "fast-rcnn-light"])
def test_a_miniature_of_fast_rcnn_trains_two_epochs_on_boxes_it_was_given(
    name: str, data: Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("cv2", reason="Selective Search needs OpenCV")
    events: list[Any] = []
    ended = train(miniature(name), data, tmp_path / "run", events.append, never, cache_dir=tmp_path / "cache")
    assert ended.status == "finished"
    steps = [e for e in events if isinstance(e, StepDone)]
    assert len(steps) == 4
    assert all(e.losses[:2] > (0.0, 0.0) and e.losses[2:] == (0.0, 0.0) for e in steps)
    said = next(e.message for e in events if isinstance(e, Warned))
    assert "labelled boxes have one" in said
    assert events.index(next(e for e in events if isinstance(e, Warned))) < events.index(steps[0])
    found = Predictor.load(tmp_path / "run", device="cpu").detect(images.decode(tmp_path / "images" / "1.png"))
    assert set(found.category_ids.tolist()) <= {drawings.DISC, drawings.BAR}

    events.clear()
    train(miniature(name), data, tmp_path / "again", events.append, never, cache_dir=tmp_path / "cache")
    assert not [e for e in events if isinstance(e, Progress) and e.text == "Selective Search"]


def test_fast_rcnn_learns_four_drawings_by_heart_on_selective_search(data: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="Selective Search needs OpenCV")
    config = replace(drawings.SMALL, method="fast-rcnn", proposals_side=128, epochs=100, evaluate_every=100)
    ended = train(config, data, tmp_path / "run", lambda _: None, never, cache_dir=tmp_path / "cache")
    assert ended.best_AP50 > 0.95


def test_a_miniature_of_the_four_stages_keeps_shared_layers_and_scores_the_last(data: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    ended = train(miniature("alternating"), data, tmp_path / "run", events.append, never, cache_dir=tmp_path)
    assert ended.status == "finished"
    assert [e for e in events if isinstance(e, EpochEvaluated)]
    folder = tmp_path / "run" / "checkpoints"
    second, third, last = (load_checkpoint(folder / name)[0] for name in ("stage-2", "stage-3", "last"))
    kept = [("backbone.", second, third), ("backbone.", second, last), ("rpn.", third, last)]
    for prefix, before, after in kept:
        keys = [key for key in last if key.startswith(prefix)]
        assert keys
        assert all(torch.equal(before[key], after[key]) for key in keys)
    assert not torch.equal(second["roi_heads.box_head.fc6.weight"], last["roi_heads.box_head.fc6.weight"])
    assert not torch.equal(second["rpn.head.cls_logits.weight"], third["rpn.head.cls_logits.weight"])


@pytest.mark.parametrize("steps", [3, 5, 8])
def test_an_alternating_training_goes_on_between_and_inside_its_stages(
    data: Dataset, tmp_path: Path, steps: int
) -> None:
    config = replace(miniature("alternating"), epochs=5)  # 10 steps: 2, 5, 2 (rounded) and 2 a stage
    train(config, data, tmp_path / "whole", lambda _: None, never, cache_dir=tmp_path)
    events: list[Any] = []

    def enough() -> bool:
        return sum(isinstance(e, StepDone) for e in events) >= steps

    assert train(config, data, tmp_path / "run", events.append, enough, cache_dir=tmp_path).status == "stopped"
    ended = train(config, data, tmp_path / "run", events.append, never, resume=True, cache_dir=tmp_path)
    assert ended.status == "finished"
    whole, resumed = (load_checkpoint(tmp_path / run / "checkpoints" / "last")[0] for run in ("whole", "run"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
