"""Run folders are read without torch, whatever a crash left in them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import EpochEvaluated, RunEnded, RunStarted, Scores, StepDone, TrainEvent, event_to_json
from rcnn_studio.formats.run_folder import (
    list_runs,
    mark_running,
    new_run_dir,
    read_events,
    read_run,
    unmark_running,
)

NOW = datetime(2026, 11, 21, 14, 32)
STARTED = RunStarted(run_id="r", device="CPU", train_images=4, val_images=1, epochs=3, steps_per_epoch=2, boxes=9)
STEP = StepDone(
    step=1, epoch=1, loss=2.0, losses=(1, 0.5, 0.3, 0.2), lr=0.1, images_per_s=3.0, data_wait=0.1, elapsed_s=4, left_s=9
)
ENDED = RunEnded(run_id="r", status="finished", seconds=60.0, epochs=3, best_epoch=2, best_AP=0.4, best_AP50=0.6)


def scores(AP50: float) -> Scores:
    return Scores(
        AP=0.3, AP50=AP50, AP75=0.1, APs=-1, APm=0.2, APl=0.3, AR1=0.1, AR10=0.2, AR100=0.3, ARs=-1, ARm=0.2, ARl=0.3
    )


def evaluated(epoch: int, AP50: float, *, best: bool) -> EpochEvaluated:
    return EpochEvaluated(epoch=epoch, step=epoch * 2, scores=scores(AP50), best=best, elapsed_s=epoch * 10.0)


def write_run(folder: Path, *events: TrainEvent, tail: str = "") -> Path:
    (folder / "config.json").write_text(json.dumps({"preset": "quick"}))
    lines = "".join(json.dumps(event_to_json(event)) + "\n" for event in events)
    (folder / "events.jsonl").write_text(lines + tail)
    return folder


def test_run_folders_are_named_by_minute_and_preset_and_never_shared(tmp_path: Path) -> None:
    made = [new_run_dir(tmp_path / "runs", "From scratch!", now=NOW) for _ in range(3)]
    names = [path.name for path in made]
    assert names == [f"2026-11-21_1432_from-scratch{end}" for end in ("", "_2", "_3")]
    assert new_run_dir(tmp_path / "runs", now=NOW).name == "2026-11-21_1432"


def test_a_finished_run_is_summed_up(tmp_path: Path) -> None:
    folder = write_run(
        new_run_dir(tmp_path, "quick", now=NOW),
        STARTED,
        STEP,
        evaluated(1, 0.2, best=True),
        evaluated(2, 0.6, best=True),
        evaluated(3, 0.5, best=False),
        ENDED,
    )
    run = read_run(folder)
    assert (run.status, run.preset, run.epochs, run.seconds, run.best_epoch) == ("finished", "quick", 3, 60.0, 2)
    assert run.best == scores(0.6)
    assert run.started == "2026-11-21 14:32"
    assert read_events(folder)[1] == STEP


def test_final_scores_count_where_they_were_written(tmp_path: Path) -> None:
    folder = write_run(new_run_dir(tmp_path), STARTED, evaluated(1, 0.2, best=True), ENDED)
    (folder / "scores.json").write_text(json.dumps(asdict(scores(0.7))))
    assert read_run(folder).best == scores(0.7)


def test_a_run_goes_on_while_its_process_lives_and_is_interrupted_after(tmp_path: Path) -> None:
    folder = write_run(new_run_dir(tmp_path), STARTED, evaluated(1, 0.2, best=True))
    mark_running(folder)
    assert read_run(folder).status == "running"
    unmark_running(folder)
    run = read_run(folder)
    assert (run.status, run.epochs, run.best_epoch) == ("interrupted", 1, 1)


def test_a_resumed_run_has_not_ended(tmp_path: Path) -> None:
    folder = write_run(new_run_dir(tmp_path), STARTED, ENDED, STARTED, evaluated(4, 0.2, best=False))
    assert read_run(folder).status == "interrupted"


@pytest.mark.parametrize("tail", ['{"event": "StepDo', "not json\n", '{"event": "Later", "x": 1}\n', "[1]\n", "\x00\n"])
def test_torn_and_unknown_events_are_left_out(tmp_path: Path, tail: str) -> None:
    folder = write_run(new_run_dir(tmp_path), STARTED, tail=tail)
    assert read_events(folder) == [STARTED]


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path: Path) -> None:
    old = write_run(new_run_dir(tmp_path, now=datetime(2025, 1, 1)), STARTED)
    new = write_run(new_run_dir(tmp_path, now=NOW), STARTED)
    (tmp_path / "notes").mkdir()
    (tmp_path / ".tmp-x").mkdir()
    (new / "config.json").write_text("{broken")
    assert [run.id for run in list_runs(tmp_path)] == [new.name, old.name]
    assert list_runs(tmp_path / "gone") == []
    with pytest.raises(FormatError, match="is not a run"):
        read_run(tmp_path / "notes")
