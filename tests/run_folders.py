"""Run folders as a finished training leaves them, made without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.dataset import Category
from rcnn_studio.domain.runs import (
    CategoryScore,
    EpochEvaluated,
    RunEnded,
    RunStarted,
    Scores,
    TrainConfig,
    event_to_json,
)
from rcnn_studio.formats.run_folder import new_run_dir


def make_finished_run(
    runs_folder: Path, categories: Sequence[Category], *, AP50: float = 0.9, balance: Balance | None = None
) -> Path:
    """A finished run of one epoch, with scores and without checkpoints. -> its folder"""
    folder = new_run_dir(runs_folder, "test")
    scores = Scores(
        AP=0.6, AP50=AP50, AP75=0.7, APs=-1.0, APm=0.6, APl=0.7, AR1=0.3, AR10=0.6, AR100=0.7, ARs=-1.0, ARm=0.7,
        ARl=0.8, per_category=tuple(CategoryScore(name=c.name, boxes=10, AP=0.6, AP50=AP50) for c in categories),
        balance=balance,
    )  # fmt: skip
    events = [
        RunStarted(
            run_id=folder.name, device="CPU", train_images=9, val_images=3, epochs=1, steps_per_epoch=3, boxes=40
        ),
        EpochEvaluated(epoch=1, step=3, scores=scores, best=True, elapsed_s=9.0),
        RunEnded(
            run_id=folder.name, status="finished", seconds=10.0, epochs=1, best_epoch=1, best_AP=0.6, best_AP50=AP50
        ),
    ]
    (folder / "config.json").write_text(json.dumps(asdict(TrainConfig(preset="test"))), encoding="utf-8")
    lines = "".join(json.dumps(event_to_json(event)) + "\n" for event in events)
    (folder / "events.jsonl").write_text(lines, encoding="utf-8")
    (folder / "scores.json").write_text(json.dumps(asdict(scores)), encoding="utf-8")
    return folder
