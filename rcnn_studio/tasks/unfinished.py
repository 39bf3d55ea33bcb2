"""Runs that ended before they were done: which can go on, and what else may become of them.

Trains nothing, and deletes nothing: a discarded run lies in the trash folder of the runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import RunEnded, RunInfo, TrainConfig, event_to_json
from rcnn_studio.formats.run_folder import EVENTS_FILE
from rcnn_studio.tasks.training import config_to_resume

TRASH = ".trash"
CHECKPOINTS = "checkpoints"
_STEPS = "step-*"
_MANIFEST = "state.json"


def can_go_on(run: RunInfo) -> bool:
    """Whether the run ended early and has a checkpoint that keeps all that is needed to go on."""
    if run.status in ("running", "finished"):
        return False
    return any((folder / _MANIFEST).is_file() for folder in (Path(run.path) / CHECKPOINTS).glob(_STEPS))


def has_model(run: RunInfo) -> bool:
    """Whether weights of the run are kept that can be used as they are."""
    return any((Path(run.path) / CHECKPOINTS / name / _MANIFEST).is_file() for name in ("best", "last"))


def left_behind(runs: Sequence[RunInfo]) -> RunInfo | None:
    """The run to offer again: the newest one, if it ended early (crash, failure, closed window, stop) and can go on."""
    newest = next(iter(runs), None)
    return newest if newest is not None and can_go_on(newest) else None


def extended(run: RunInfo, epochs: int) -> TrainConfig:
    """The run's own config with so many more epochs, and as much more time and as many more steps.

    Raises EngineError where the run has no readable config or is running.
    """
    config = config_to_resume(Path(run.path))
    share = (config.epochs + epochs) / config.epochs
    return replace(
        config,
        epochs=config.epochs + epochs,
        min_steps=round(config.min_steps * share),
        max_minutes=config.max_minutes * share,
    )


def keep_best(run: RunInfo) -> None:
    """End the run as if it had been stopped: its best checkpoint stays, what it could go on from goes.

    Raises EngineError where the run has no best checkpoint, or the disk refuses.
    """
    folder = Path(run.path)
    if not has_model(run):
        raise EngineError(
            f"{folder.name} was interrupted before its first score and has no model to keep. Go on with it."
        )
    ended = RunEnded(
        run_id=run.id,
        status="stopped",
        seconds=run.seconds,
        epochs=run.epochs,
        best_epoch=run.best_epoch,
        best_AP=run.best.AP if run.best is not None else -1.0,
        best_AP50=run.best.AP50 if run.best is not None else -1.0,
    )
    path = folder / EVENTS_FILE
    try:
        torn = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(event_to_json(ended)) + "\n")
    except OSError as error:
        raise EngineError(f"{path}: cannot be written ({error.strerror}). Make room on the disk.") from error
    for steps in (folder / CHECKPOINTS).glob(_STEPS):
        shutil.rmtree(steps, ignore_errors=True)


def discard(run: RunInfo) -> Path:
    """Move the run to the trash folder beside the runs. -> its new place. Raises EngineError if the disk refuses."""
    folder = Path(run.path)
    trash = folder.parent / TRASH
    target = trash / folder.name
    try:
        trash.mkdir(exist_ok=True)
        number = 2
        while target.exists():
            target = trash / f"{folder.name}-{number}"
            number += 1
        folder.rename(target)
    except OSError as error:
        raise EngineError(f"{folder}: cannot be moved to {trash} ({error.strerror}). Close what uses it.") from error
    return target
