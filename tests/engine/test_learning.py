"""How a training copes: with little memory, with losses that are no numbers, with parts that must stay as they are."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress, never
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, StepDone, Warned
from rcnn_studio.domain.stages import JOINT
from rcnn_studio.engine.data.loader import Batch, ImageSource, TrainLoader, to_tensor
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.inference import Predictor
from rcnn_studio.engine.models.detector import Detector, build_detector
from rcnn_studio.engine.models.staging import enter_stage
from rcnn_studio.engine.training.dry_run import measure
from rcnn_studio.engine.training.learner import Learner, split
from rcnn_studio.engine.training.precision import Precision
from rcnn_studio.engine.training.profile import Profile
from rcnn_studio.engine.training.trainer import hold_backbone, train
from rcnn_studio.engine.training.validation import Validator
from rcnn_studio.formats import images
from rcnn_studio.formats.run_folder import read_events

CONFIG = replace(drawings.SMALL, image_size=64, image_max_size=96, epochs=2, batch_size=4)
CPU = torch.device("cpu")
PLAIN = Precision("off", "cpu")


@pytest.fixture
def drawn(tmp_path: Path) -> Dataset:
    return drawings.dataset(drawings.drawn_records(tmp_path / "images"), tmp_path / "images")


def learner_of(warnings: list[str], **changes: Any) -> Learner:
    config = replace(CONFIG, **changes)
    torch.manual_seed(3)
    detector = build_detector(config, 2)
    enter_stage(detector, JOINT[0], config.trainable_layers)
    return Learner(detector, config, PLAIN, Profile(CPU, on=False), warnings.append)


def batch_of(dataset: Dataset, count: int = 4) -> Batch:
    source = ImageSource(dataset, short=64, longest=96)
    loader = TrainLoader(
        source, dataset, dataset.indices(split="train"), CategoryTable(dataset.categories), batch_size=count, seed=1,
        on_skipped=pytest.fail,
    )  # fmt: skip
    try:
        return loader.sample_batch()
    finally:
        loader.close()


def failing(detector: Detector, monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Makes the detector's forward run out of memory with more than `most` images. -> sizes it was asked for"""
    forward, asked = detector.forward, []

    def limited(pixels: Any, targets: Any = None, proposals: Any = None) -> Any:
        asked.append(len(pixels))
        if len(pixels) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return forward(pixels, targets, proposals)

    monkeypatch.setattr(detector, "forward", limited)
    return asked


def test_out_of_memory_halves_the_batch_and_goes_on(drawn: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    learner = learner_of(warnings)
    asked = failing(learner.detector, monkeypatch, 1)
    before = [p.detach().clone() for p in learner.detector.parameters()]
    losses = learner.step(batch_of(drawn), 1e-3)
    assert asked == [4, 2, 1, 1, 1, 1]
    assert learner.parts == 4
    assert bool(losses.isfinite().all())
    assert any(not torch.equal(a, b) for a, b in zip(before, learner.detector.parameters(), strict=True))
    assert [("2 parts" in w or "4 parts" in w) for w in warnings] == [True, True]
    learner.step(batch_of(drawn), 1e-3)
    assert asked[6:] == [1, 1, 1, 1]  # it has learnt its lesson


def test_memory_that_is_not_enough_for_one_image_says_what_to_do(drawn: Dataset, monkeypatch: Any) -> None:
    learner = learner_of([])
    failing(learner.detector, monkeypatch, 0)
    with pytest.raises(EngineError, match="Lower image_size"):
        learner.step(batch_of(drawn), 1e-3)


def test_out_of_memory_in_backward_keeps_no_half_of_a_gradient(drawn: Dataset, monkeypatch: Any) -> None:
    whole, torn = learner_of([], accumulate=2), learner_of([])
    batch = batch_of(drawn)
    backward, calls = Tensor.backward, []

    def once(self: Tensor, *args: Any, **kwargs: Any) -> None:
        backward(self, *args, **kwargs)
        calls.append(1)
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    with monkeypatch.context() as patch:
        patch.setattr(Tensor, "backward", once)
        state = torch.get_rng_state()
        torn.step(batch, 1e-3)
    assert len(calls) == 3
    assert torn.parts == 2
    torch.set_rng_state(state)
    whole.step(batch, 1e-3)
    moved = max(
        float((a - b).detach().abs().max())
        for a, b in zip(whole.detector.parameters(), torn.detector.parameters(), strict=True)
    )
    assert moved < 3e-3  # other random regions, but no gradient counted twice: Adam moves each weight by lr at most


def test_a_batch_in_parts_has_every_image_once_in_its_order() -> None:
    batch = Batch((5, 6, 7, 8, 9), [torch.zeros(3, 4, 4)] * 5, [{}] * 5, None, 3)
    assert [part.indices for part in split(batch, 2)] == [(5, 6), (7, 8, 9)]
    assert [part.indices for part in split(batch, 9)] == [(5,), (6,), (7,), (8,), (9,)]
    assert list(split(batch, 1)) == [batch]


def test_accumulated_gradients_weigh_the_parts_by_their_images(drawn: Dataset) -> None:
    batch = batch_of(drawn, 3)
    learner = learner_of([], accumulate=2)
    seen: list[tuple[int, float]] = []
    scale = learner._scaler.scale
    learner._scaler.scale = lambda loss: (seen.append((len(seen), float(loss))), scale(loss))[1]
    total = float(learner.step(batch, 0.0).sum())
    assert sum(loss for _, loss in seen) == pytest.approx(total, rel=1e-6)


def test_inference_with_little_memory_takes_the_images_one_by_one(trained: Any, monkeypatch: Any) -> None:
    predictor = Predictor.load(trained.run_dir, device="cpu")
    paths = [trained.images / f"{i}.png" for i in (1, 2, 3, 4)]
    expected = [found for _, found in predictor.detect_files(paths, lambda _: None, never)]
    asked = failing(predictor._detector, monkeypatch, 1)
    limited = [found for _, found in predictor.detect_files(paths, lambda _: None, never)]
    assert asked == [4, 2, 1, 1, 2, 1, 1]
    for a, b in zip(expected, limited, strict=True):
        assert np.allclose(a.xyxy, b.xyxy, atol=1e-3)


def test_what_torch_says_in_inference_becomes_a_message_with_a_remedy(trained: Any, monkeypatch: Any) -> None:
    predictor = Predictor.load(trained.run_dir, device="cpu")
    image = images.decode(trained.images / "1.png")
    for text, remedy in (("CUDA out of memory.", "smaller image_size"), ("cuDNN error: 9", "Choose another run")):

        def broken(*_: Any, text: str = text) -> Any:
            raise RuntimeError(text)

        monkeypatch.setattr(predictor._detector, "forward", broken)
        with pytest.raises(EngineError, match=remedy):
            predictor.detect(image)


def test_a_poisoned_batch_stops_the_run_names_its_images_and_says_how_to_go_on(
    drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, events = Detector.forward, []

    def poisoned(self: Detector, *args: Any, **kwargs: Any) -> Any:
        losses, found = forward(self, *args, **kwargs)
        done = sum(isinstance(e, StepDone) for e in events)
        return ({k: v * float("inf") for k, v in losses.items()} if done >= 3 else losses), found

    monkeypatch.setattr(Detector, "forward", poisoned)
    config = replace(CONFIG, batch_size=2, epochs=5, save_minutes=0.0)
    with pytest.raises(EngineError, match=r"--resume run --set lr=") as raised:
        train(config, drawn, tmp_path / "run", events.append, never)
    assert sum(f"{i}.png" in str(raised.value) for i in (1, 2, 3, 4)) == 2
    assert isinstance(events[-1], RunEnded)
    assert (events[-1].status, events[-1].best_epoch) == ("failed", 1)
    monkeypatch.undo()
    Predictor.load(tmp_path / "run", device="cpu")
    ended = train(replace(config, lr=config.lr / 10), drawn, tmp_path / "run", events.append, never, resume=True)
    assert ended.status == "finished"


def test_the_validation_loss_is_repeatable_and_moves_no_statistics(drawn: Dataset) -> None:
    detector = build_detector(replace(CONFIG, norm="batch"), 2)
    table = CategoryTable(drawn.categories)
    batch = batch_of(drawn)
    source = ImageSource(drawn, short=64, longest=96)
    loader = TrainLoader(
        source, drawn, drawn.indices(split="train"), table, batch_size=2, seed=1, on_skipped=pytest.fail
    )
    validator = Validator(source, drawn, drawn.indices(split="val"), table, loader.pool, pytest.fail)
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    state = torch.get_rng_state()
    first = validator.loss(detector.eval(), PLAIN, never)
    torch.manual_seed(99)
    assert validator.loss(detector, PLAIN, never) == first > 0
    torch.set_rng_state(state)
    validator.loss(detector, PLAIN, never)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[k], v) for k, v in detector.state_dict().items())
    assert not any(m.training for m in detector.modules())
    detector.train()(batch.images, batch.targets)
    name = "backbone.body.bn1.running_mean"
    assert not torch.equal(before[name], detector.state_dict()[name])  # it could have moved
    loader.close()


def test_heads_come_first_while_the_backbone_and_its_statistics_stay(drawn: Dataset) -> None:
    learner = learner_of([], norm="batch")
    detector = learner.detector
    hold_backbone(detector)
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    learner.step(batch_of(drawn), 1e-2)
    moved = {k for k, v in detector.state_dict().items() if not torch.equal(before[k], v)}
    assert moved
    assert not any(k.startswith("backbone.") for k in moved)
    enter_stage(detector, JOINT[0], 5)
    learner.step(batch_of(drawn), 1e-2)
    after = detector.state_dict()
    assert not torch.equal(
        before["backbone.fpn.inner_blocks.0.0.weight"], after["backbone.fpn.inner_blocks.0.0.weight"]
    )


def test_a_run_with_heads_first_trains_the_backbone_later(drawn: Dataset, tmp_path: Path) -> None:
    first = train(replace(CONFIG, heads_first_steps=2, epochs=4), drawn, tmp_path / "a", lambda _: None, never)
    assert first.status == "finished"


def test_patience_ends_a_run_that_gets_no_better(drawn: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    config = replace(CONFIG, lr=1e-12, epochs=30, patience=2, validation_loss=True)
    ended = train(config, drawn, tmp_path / "run", events.append, never)
    scored = [e for e in events if isinstance(e, EpochEvaluated)]
    assert (ended.status, ended.best_epoch, len(scored)) == ("finished", 1, 3)
    assert all(e.val_loss > 0 for e in scored)
    told = [event for event in events if not isinstance(event, Progress)]  # of the moment, not of the run
    assert read_events(tmp_path / "run") == told


def test_a_killed_alternating_run_goes_on_in_its_stage_and_ends_the_same(drawn: Dataset, tmp_path: Path) -> None:
    config = replace(CONFIG, method="alternating", epochs=6, batch_size=2, save_minutes=1e6)
    events: list[Any] = []
    train(config, drawn, tmp_path / "whole", lambda _: None, never)
    train(config, drawn, tmp_path / "parts", events.append, lambda: sum(isinstance(e, StepDone) for e in events) >= 5)
    train(config, drawn, tmp_path / "parts", events.append, never, resume=True)
    for name in ("stage-1", "stage-2", "stage-3", "last", "best"):
        whole, parts = (tmp_path / run / "checkpoints" / name / "model.safetensors" for run in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes(), name
    assert len(Predictor.load(tmp_path / "parts", device="cpu").table) == 2


@pytest.mark.parametrize("schedule", ["cosine", "multistep"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimiser_and_schedule_learns(drawn: Dataset, optimizer: str, schedule: str) -> None:
    learner = learner_of([], optimizer=optimizer, schedule=schedule, clip_norm=0.5)
    batch = batch_of(drawn)
    rate = {"sgd": 2e-2}.get(optimizer, 1e-3)
    losses = [float(learner.step(batch, rate).sum()) for _ in range(6)]
    assert min(losses[3:]) < losses[0]


def test_the_profile_says_where_the_time_went_and_the_table_what_was_learnt(drawn: Dataset, tmp_path: Path) -> None:
    ended = train(CONFIG, drawn, tmp_path / "run", lambda _: None, never, profile=True)
    profile = json.loads((tmp_path / "run" / "profile.json").read_text())
    names = {part["name"] for part in profile["parts"]}
    assert {"data wait", "forward", "backward", "optimizer", "evaluation", "saving", "other"} == names
    assert sum(part["seconds"] for part in profile["parts"]) == pytest.approx(profile["seconds"], rel=1e-6)
    rows = list(csv.DictReader((tmp_path / "run" / "steps.csv").read_text().splitlines()))
    assert [row["step"] for row in rows if row["loss"]] == ["1", "2"]
    assert float(rows[-1]["AP50"]) == pytest.approx(ended.best_AP50, abs=1e-5)


def test_a_dry_run_measures_and_leaves_nothing(drawn: Dataset, tmp_path: Path) -> None:
    found = measure(replace(CONFIG, multi_scale=0.25), drawn, tmp_path / "runs", lambda _: None, never)
    assert (found["images"], found["width"], found["height"]) == (4, 106, 80)
    assert found["steps_per_epoch"] == 1
    assert found["step_s"] > 0 < found["evaluation_s"]
    assert found["run_s"] >= found["epoch_s"] * 2
    assert not (tmp_path / "runs").exists()


def test_boxes_in_bf16_lie_where_those_in_float32_do(trained: Any) -> None:
    predictor = Predictor.load(trained.run_dir, device="cpu")
    overlaps = []
    for number in (1, 2, 3, 4):
        pixels = [to_tensor(images.decode(trained.images / f"{number}.png"))]
        with torch.inference_mode():
            _, (exact,) = predictor._detector(pixels)
            with Precision("bf16", "cpu").autocast():
                _, (short,) = predictor._detector(pixels)
        sure = exact["boxes"][exact["scores"] > 0.5]
        overlaps.append(box_iou(sure, short["boxes"]).max(dim=1).values)
        assert short["boxes"].dtype == torch.float32
    assert float(torch.cat(overlaps).mean()) >= 0.98


def test_deterministic_mode_ends_with_the_training(drawn: Dataset, tmp_path: Path) -> None:
    events: list[Any] = []
    train(replace(CONFIG, deterministic=True, epochs=1), drawn, tmp_path / "run", events.append, never)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not [e for e in events if isinstance(e, Warned)]
