"""A training that ended early goes on as if nothing had happened, whatever happened to its last checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import drawings
import numpy as np
import pytest
import torch

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import never
from rcnn_studio.domain.runs import EpochEvaluated, StepDone, TrainConfig, Warned
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.training.checkpoints import Manifest, load_state, steps_of
from rcnn_studio.engine.training.keeping import Keeper, load_last
from rcnn_studio.engine.training.trainer import train
from rcnn_studio.formats.run_folder import read_events, read_run

CONFIG = replace(
    drawings.SMALL,
    image_size=64,
    image_max_size=96,
    epochs=4,
    evaluate_every=2,
    jittered_boxes=4,
    augmentation="strong",
    any_direction=True,
    multi_scale=0.2,
    save_minutes=1e6,
)
STEPS = 12


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("resuming")
    return drawings.dataset(drawings.drawn_records(folder, 6), folder)


@pytest.fixture(scope="module")
def uninterrupted(drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(CONFIG, drawn, folder, lambda _: None, never)
    return folder


def stop_at(step: int, events: list[Any]) -> Callable[[], bool]:
    return lambda: any(isinstance(e, StepDone) and e.step >= step for e in events)


def run_until(step: int, config: TrainConfig, data: Dataset, folder: Path, *, resume: bool = False) -> list[Any]:
    events: list[Any] = []
    train(config, data, folder, events.append, stop_at(step, events), resume=resume)
    return events


def losses(events: list[Any]) -> dict[int, tuple[float, ...]]:
    return {e.step: (*e.losses, e.lr) for e in events if isinstance(e, StepDone)}


def weights_of(run: Path) -> dict[str, bytes]:
    return {name: (run / "checkpoints" / name / "model.safetensors").read_bytes() for name in ("last", "best")}


@pytest.mark.parametrize("step", [5, 6, 8])
def test_a_resumed_run_told_once_what_happened_twice(step: int, drawn: Dataset, tmp_path: Path) -> None:
    """The checkpoint is older than the last words of the run: those after it are told again, not twice."""
    folder = tmp_path / "run"
    run_until(step, CONFIG, drawn, folder)
    shutil.copytree(folder / "checkpoints", tmp_path / "older")
    run_until(step + 3, CONFIG, drawn, folder, resume=True)
    shutil.rmtree(folder / "checkpoints")
    shutil.copytree(tmp_path / "older", folder / "checkpoints")
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "StepDone", "st')  # as a kill leaves it
    train(CONFIG, drawn, folder, lambda _: None, never, resume=True)
    events = read_events(folder)
    assert [e.step for e in events if isinstance(e, StepDone)] == list(range(1, STEPS + 1))
    assert [e.epoch for e in events if isinstance(e, EpochEvaluated)] == [2, 4]
    rows = (folder / "steps.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + STEPS + 2
    assert rows[0].startswith("step,epoch,")
    assert len((folder / "events.jsonl").read_text(encoding="utf-8").splitlines()) == len(events), (
        "no torn line is left"
    )


@pytest.mark.parametrize("step", [1, 3, 5, 6, 8, 11])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    step: int, drawn: Dataset, uninterrupted: Path, tmp_path: Path
) -> None:
    run_until(step, CONFIG, drawn, tmp_path / "run")
    assert read_run(tmp_path / "run").status == "stopped"
    torch.manual_seed(12345)  # whatever was drawn from torch's generator meanwhile
    events: list[Any] = []
    ended = train(CONFIG, drawn, tmp_path / "run", events.append, never, resume=True)
    assert ended.status == "finished"
    assert weights_of(tmp_path / "run") == weights_of(uninterrupted)
    whole = [json.loads(line) for line in (uninterrupted / "events.jsonl").read_text().splitlines()]
    expected = {e["step"]: (*e["losses"], e["lr"]) for e in whole if e["event"] == "StepDone" and e["step"] > step}
    assert losses(events) == expected
    assert (tmp_path / "run" / "scores.json").read_bytes() == (uninterrupted / "scores.json").read_bytes()
    assert ended.best_epoch == read_run(uninterrupted).best_epoch


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_optimiser_and_random_state_come_back_with_the_weights(optimizer: str, drawn: Dataset, tmp_path: Path) -> None:
    config = replace(CONFIG, optimizer=optimizer, channels_last=optimizer == "adamw", accumulate=2, lr=1e-4)
    run_until(7, config, drawn, tmp_path / "whole")
    run_until(4, config, drawn, tmp_path / "parts")
    run_until(7, config, drawn, tmp_path / "parts", resume=True)
    whole, parts = (load_state(steps_of(tmp_path / name)[0]) for name in ("whole", "parts"))
    assert whole[2].step == parts[2].step == 7
    for first, second in zip(whole[:2], parts[:2], strict=True):
        assert first.keys() == second.keys()
        assert [key for key in first if not torch.equal(first[key], second[key])] == []
    assert any(key.startswith("optimizer.") for key in whole[1])


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import drawings, test_resuming
from dataclasses import replace
from rcnn_studio.engine.training.trainer import train
folder, run = Path(sys.argv[2]), Path(sys.argv[3])
data = drawings.dataset(drawings.drawn_records(folder, 6), folder)
train(replace(test_resuming.CONFIG, save_minutes=0.0), data, run, lambda e: print(type(e).__name__, flush=True),
      lambda: False)
"""


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(drawn: Dataset, uninterrupted: Path, tmp_path: Path):
    run = tmp_path / "run"
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), drawn.roots[0], str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        saved = 0
        for line in child.stdout:
            saved += line.startswith("CheckpointSaved")
            if saved == 5:
                os.kill(child.pid, signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    assert read_run(run).status == "interrupted"
    assert len(steps_of(run)) in (2, 3)
    ended = train(CONFIG, drawn, run, lambda _: None, never, resume=True)
    assert ended.status == "finished"
    assert weights_of(run) == weights_of(uninterrupted)
    assert not list((run / "checkpoints").glob(".tmp-*"))


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_gives_the_same_end(
    drawn: Dataset, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run_until(5, replace(CONFIG, save_minutes=0.0), drawn, run)
    newest, before = steps_of(run)[:2]
    path = newest / "training.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    events: list[Any] = []
    train(CONFIG, drawn, run, events.append, never, resume=True)
    (warning,) = [e.message for e in events if isinstance(e, Warned)]
    assert newest.name in warning
    assert f".corrupt-{newest.name}" in warning
    assert min(losses(events)) == int(before.name.removeprefix("step-")) + 1
    assert weights_of(run) == weights_of(uninterrupted)
    assert (run / "checkpoints" / f".corrupt-{newest.name}").is_dir()


def small_run(folder: Path) -> None:
    """Three checkpoints of a few numbers each."""
    keeper, table = Keeper(folder, pytest.fail), CategoryTable(drawings.CATEGORIES)
    for step in (1, 2, 3, 4):
        tensors = {"a": torch.full((40,), float(step)), "rng": torch.arange(16, dtype=torch.uint8)}
        notes = {"stage": 1, "elapsed_s": 1.5}
        manifest = Manifest(epoch=1, step=step, config=CONFIG, table=table, amp="off", training=notes)
        keeper.save_step({"w": torch.full((30,), 0.5 * step)}, tensors, manifest)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A bit flipped, a stretch zeroed, or the end cut off; never the same bytes again."""
    changed = bytearray(data)
    place, length = int(rng.integers(len(data))), int(rng.integers(1, 64))
    kind = int(rng.integers(3))
    if kind == 0:
        changed[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        changed[place : place + length] = bytes(len(changed[place : place + length]))
    else:
        changed = changed[:place]
    return damaged(data, rng) if bytes(changed) == data else bytes(changed)


def test_a_thousand_damaged_checkpoints_are_all_noticed_and_an_older_one_is_used(tmp_path: Path) -> None:
    small_run(tmp_path / "good")
    good = tmp_path / "good" / "checkpoints"
    assert [p.name for p in steps_of(tmp_path / "good")] == ["step-00000004", "step-00000003", "step-00000002"]
    rng = np.random.default_rng(7)
    files = ("model.safetensors", "training.safetensors", "state.json")
    for trial in range(1000):
        run = tmp_path / "run"
        shutil.copytree(good, run / "checkpoints")
        hurt = int(rng.integers(1, 3))  # the newest, or the two newest
        for number in range(hurt):
            path = run / "checkpoints" / f"step-0000000{4 - number}" / files[int(rng.integers(3))]
            path.write_bytes(damaged(path.read_bytes(), rng))
        if trial % 10 == 0:
            pointer = run / "checkpoints" / "last.json"
            pointer.write_bytes(damaged(pointer.read_bytes(), rng))
        told: list[str] = []
        saved = load_last(run, told.append)
        assert saved.manifest.step == 4 - hurt, trial
        assert float(saved.tensors["a"][0]) == 4 - hurt
        assert len(told) == hurt
        assert len(list((run / "checkpoints").glob(".corrupt-*"))) == hurt
        shutil.rmtree(run)


def test_without_a_checkpoint_resuming_says_what_to_do(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no checkpoint to go on from"):
        train(CONFIG, trained.dataset, tmp_path / "run", lambda _: None, never, resume=True)


def test_a_full_disk_costs_checkpoints_and_not_the_training(
    drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rcnn_studio.engine.training import checkpoints

    run, events = tmp_path / "run", []
    write = checkpoints._write_hashed

    def full(path: Path, chunks: Any) -> str:
        if any(isinstance(e, StepDone) and 3 <= e.step < 6 for e in events[-3:]):
            raise OSError(28, "No space left on device")
        return write(path, chunks)

    monkeypatch.setattr(checkpoints, "_write_hashed", full)
    ended = train(replace(CONFIG, save_minutes=0.0, evaluate_every=1), drawn, run, events.append, never)
    warnings = [e.message for e in events if isinstance(e, Warned)]
    assert ended.status == "finished"
    assert len([e for e in events if isinstance(e, EpochEvaluated)]) == 4
    assert any("No space left" in w and "goes on" in w for w in warnings)
    assert not list((run / "checkpoints").glob(".tmp-*"))


def test_a_pause_saves_waits_and_changes_nothing(drawn: Dataset, uninterrupted: Path, tmp_path: Path) -> None:
    events: list[Any] = []
    asked: list[int] = []

    def pause() -> bool:
        if len(losses(events)) != 4 or len(asked) > 5:
            return False
        asked.append(len(steps_of(tmp_path / "run")))
        return True

    train(CONFIG, drawn, tmp_path / "run", events.append, never, should_pause=pause)
    assert asked[-1] > 0
    assert weights_of(tmp_path / "run") == weights_of(uninterrupted)
