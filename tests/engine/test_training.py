"""What a training does with images, boxes and a person's wish to stop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
from PIL import Image

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress, never
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, RunStarted, StepDone, Warned
from rcnn_studio.engine.inference import Predictor
from rcnn_studio.engine.training.checkpoints import find_checkpoint, load_checkpoint
from rcnn_studio.engine.training.setup import plan_images
from rcnn_studio.engine.training.trainer import train
from rcnn_studio.formats import images
from rcnn_studio.formats.run_folder import read_events, read_run


def test_four_images_are_learnt_by_heart(trained: Any) -> None:
    assert trained.ended.status == "finished"
    assert trained.ended.best_AP50 > 0.95
    losses = [e.loss for e in trained.events if isinstance(e, StepDone)]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) / 2


def test_the_predictor_speaks_of_the_projects_categories(trained: Any) -> None:
    detections = Predictor.load(trained.run_dir, device="cpu").detect(images.decode(trained.images / "1.png"))
    sure = detections.above(0.5)
    expected = trained.dataset.xyxy[trained.dataset.rows(0)]
    assert sorted(sure.category_ids.tolist()) == [drawings.BAR, drawings.DISC, drawings.DISC]
    assert np.abs(np.sort(sure.xyxy, axis=0) - np.sort(expected, axis=0)).max() < 4


def test_files_are_detected_in_order_and_a_broken_one_is_named(trained: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not an image")
    paths = [trained.images / "1.png", broken, *[trained.images / "2.png"] * 10]
    results = list(Predictor.load(trained.run_dir, device="cpu").detect_files(paths, lambda _: None, never))
    assert [position for position, _ in results] == list(range(12))
    assert "broken.png" in str(results[1][1])
    assert len(results[2][1]) > 0


def test_an_images_boxes_do_not_depend_on_its_neighbours_in_a_batch(trained: Any, tmp_path: Path) -> None:
    tall = tmp_path / "tall.png"
    Image.open(trained.images / "2.png").resize((96, 200)).save(tall)
    predictor = Predictor.load(trained.run_dir, device="cpu")
    alone = predictor.detect(images.decode(trained.images / "1.png"))
    beside = dict(predictor.detect_files([trained.images / "1.png", tall], lambda _: None, never))[0]
    assert np.allclose(alone.xyxy, beside.xyxy, atol=1e-3)


def test_the_run_folder_tells_what_was_told(trained: Any) -> None:
    told = [event for event in trained.events if not isinstance(event, Progress)]  # of the moment, not of the run
    assert read_events(trained.run_dir) == told
    assert isinstance(trained.events[0], RunStarted)
    assert trained.events[-1] == trained.ended
    info = read_run(trained.run_dir)
    assert (info.status, info.preset, info.best_epoch) == ("finished", "test", trained.ended.best_epoch)
    assert info.best is not None
    assert trained.ended.best_AP50 == info.best.AP50


def test_the_run_folder_holds_all_that_is_needed_later(trained: Any) -> None:
    files = {p.relative_to(trained.run_dir).as_posix() for p in trained.run_dir.rglob("*") if p.is_file()}
    assert files == {
        "config.json",
        "environment.json",
        "events.jsonl",
        "scores.json",
        "steps.csv",
        "checkpoints/best/model.safetensors",
        "checkpoints/best/state.json",
        "checkpoints/last/model.safetensors",
        "checkpoints/last/state.json",
    }
    assert json.loads((trained.run_dir / "config.json").read_text())["image_size"] == 96


def test_a_refining_run_starts_where_the_last_one_ended(trained: Any) -> None:
    config = replace(drawings.SMALL, weights="run:last", epochs=1, lr=1e-6, fpn_channels=64, image_size=64)
    ended = train(config, trained.dataset, trained.run_dir.parent / "second", lambda _: None, never)
    assert ended.best_AP50 > 0.9
    assert json.loads((trained.run_dir.parent / "second" / "config.json").read_text())["weights"] == "run:first"


def test_stopping_keeps_a_usable_best_checkpoint(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path / "images"), tmp_path / "images")
    events: list[Any] = []

    def stop_after_third_step() -> bool:
        return sum(isinstance(e, StepDone) for e in events) >= 3

    ended = train(drawings.SMALL, data, tmp_path / "run", events.append, stop_after_third_step)
    assert ended.status == "stopped"
    _, manifest = load_checkpoint(find_checkpoint(tmp_path / "run"))
    assert manifest.step in (2, 3)
    assert Predictor.load(tmp_path / "run", device="cpu").table.categories == manifest.table.categories


def test_boxes_without_area_are_named_and_not_learnt(tmp_path: Path) -> None:
    records = drawings.drawn_records(tmp_path / "images")
    bad = (
        drawings.box(901, (10, 10, 10, 40)),
        drawings.box(902, (500, 10, 540, 40)),
        drawings.box(903, (float("nan"), 10, 40, 40)),
    )
    records[0] = replace(records[0], boxes=records[0].boxes + bad)
    crowd = drawings.box(904, (0, 0, 60, 60), flags=BoxFlag.CROWD)
    records[2] = replace(records[2], boxes=(*records[2].boxes, crowd))
    events: list[Any] = []
    config = replace(drawings.SMALL, epochs=1, evaluate_every=5)
    train(config, drawings.dataset(records, tmp_path / "images"), tmp_path / "run", events.append, never)
    assert next(e for e in events if isinstance(e, RunStarted)).boxes == 12
    assert [e.message for e in events if isinstance(e, Warned)] == [
        "1.png: 3 boxes without an area inside the image, left out."
    ]


def test_only_images_a_person_has_spoken_about_take_part(tmp_path: Path) -> None:
    boxes = (drawings.box(1, (10, 10, 30, 30)),)
    states = [
        ImageState.UNLABELLED,
        ImageState.LABELLED,
        ImageState.CONFIRMED_EMPTY,
        ImageState.VERIFIED,
        ImageState.NEEDS_FIX,
    ]
    records = [
        drawings.record(i + 1, f"{i}.png", () if state == ImageState.CONFIRMED_EMPTY else boxes, state=state)
        for i, state in enumerate(states)
    ]
    records.append(drawings.record(6, "val.png", boxes, split="val"))
    records.append(drawings.record(7, "test.png", boxes, split="test"))
    records.append(drawings.record(8, "none.png", boxes, split=""))
    plan = plan_images(drawings.dataset(records, tmp_path), drawings.SMALL)
    assert plan.train.tolist() == [1, 2, 3]
    assert plan.val.tolist() == [5]


def test_without_a_validation_split_a_fifth_is_held_out_and_said(tmp_path: Path) -> None:
    records = [drawings.record(i + 1, f"{i}.png", (drawings.box(i + 1, (1, 1, 9, 9)),)) for i in range(10)]
    data = drawings.dataset(records, tmp_path)
    plan, again = plan_images(data, drawings.SMALL), plan_images(data, drawings.SMALL)
    assert (len(plan.train), len(plan.val)) == (8, 2)
    assert plan.val.tolist() == again.val.tolist()
    assert any("held out" in remark for remark in plan.remarks)


def test_training_on_nothing_says_what_to_do(tmp_path: Path) -> None:
    records = [drawings.record(1, "a.png", state=ImageState.UNLABELLED)]
    events: list[Any] = []
    with pytest.raises(EngineError, match="Label some images"):
        train(drawings.SMALL, drawings.dataset(records, tmp_path), tmp_path / "run", events.append, never)
    assert isinstance(events[-1], RunEnded)
    assert (events[-1].status, read_run(tmp_path / "run").status) == ("failed", "failed")


def test_an_unreadable_image_is_named_and_the_rest_is_learnt(tmp_path: Path) -> None:
    records = drawings.drawn_records(tmp_path / "images")
    (tmp_path / "images" / "1.png").write_bytes(b"torn")
    Image.new("RGB", (50, 50)).save(tmp_path / "images" / "2.png")
    events: list[Any] = []
    data = drawings.dataset(records, tmp_path / "images")
    ended = train(replace(drawings.SMALL, epochs=1), data, tmp_path / "run", events.append, never)
    assert ended.status == "finished"
    warnings = [e.message for e in events if isinstance(e, Warned)]
    assert len([w for w in warnings if "1.png" in w]) == 1
    assert any("2.png" in w and "50 x 50" in w for w in warnings)


def test_a_time_limit_ends_a_training_with_its_schedule_done(tmp_path: Path) -> None:
    data = drawings.dataset(drawings.drawn_records(tmp_path / "images"), tmp_path / "images")
    events: list[Any] = []
    config = replace(drawings.SMALL, epochs=10_000, max_minutes=4 / 60)
    ended = train(config, data, tmp_path / "run", events.append, never)
    rates = [e.lr for e in events if isinstance(e, StepDone)]
    assert ended.status == "finished"
    assert ended.seconds < 8
    assert rates[-1] < 0.2 * max(rates)
    assert any(isinstance(e, EpochEvaluated) for e in events)
