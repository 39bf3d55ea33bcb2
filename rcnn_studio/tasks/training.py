"""Train on what is labelled now: the snapshot, the checks, the run's folder, then the engine's loop.

Knows no loss and no layer: those are the engine's.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, never
from rcnn_studio.domain.runs import RunEnded, TrainConfig, Warned, config_from_json
from rcnn_studio.formats.run_folder import (
    CONFIG_FILE,
    SNAPSHOT_FILE,
    mark_running,
    new_run_dir,
    read_run,
    unmark_running,
)
from rcnn_studio.formats.snapshot import read_snapshot, write_snapshot
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.places import cache_home
from rcnn_studio.tasks.presets import check_config
from rcnn_studio.tasks.torch_border import loading_torch, make_way

FREE = (
    "device",
    "lr",
    "epochs",
    "min_steps",
    "max_minutes",
    "patience",
    "evaluate_every",
    "accumulate",
    "clip_norm",
    "save_minutes",
    "validation_loss",
    "deterministic",
)
"""Settings that may change when a run goes on; then the result is no longer bit for bit the same."""


def run_training(
    store: ProjectStore,
    config: TrainConfig | None,
    report: Report,
    should_stop: ShouldStop,
    *,
    should_pause: ShouldStop = never,
    resume: Path | None = None,
    profile: bool = False,
) -> RunEnded:
    """Train on a snapshot of the committed labels, into a new folder below the project's runs.

    resume: the folder of a run that ended early; it goes on from its last checkpoint, on its own snapshot and with its
    own config (config None) or one that differs only in FREE settings. should_pause: while it says so the training
    waits. profile: measure where the time goes.

    Works on a read-only store too. Blocks until the run ends; stopped by the person it ends with status "stopped" and
    the best checkpoint kept, or raises Cancelled where nothing had been trained yet. Raises EngineError with the remedy
    where training cannot start.
    """
    report(Progress("Reading the labels"))
    if resume is None:
        config = config if config is not None else TrainConfig()
        check_config(config)
        snapshot = store.snapshot(trainable_only=True)
        check_labels(snapshot, config)
    else:
        config = config_to_resume(resume, config)
        snapshot = relocated(read_snapshot(resume / SNAPSHOT_FILE), store.snapshot())
        if changed_since(snapshot, store.snapshot(trainable_only=True)):
            report(Warned(message=f"The labels have changed since. {resume.name} goes on with those it began with."))
    check(should_stop)
    report(Progress("Loading PyTorch"))
    make_way()
    with loading_torch("Training"):
        from rcnn_studio.engine.training.trainer import train
    check(should_stop)
    run_dir = resume if resume is not None else new_run_dir(store.runs_folder, config.preset)
    if resume is None:
        write_snapshot(run_dir / SNAPSHOT_FILE, snapshot)
    mark_running(run_dir)
    try:
        return train(
            config,
            snapshot,
            run_dir,
            report,
            should_stop,
            should_pause=should_pause,
            resume=resume is not None,
            profile=profile,
            cache_dir=cache_home() / "proposals",
        )
    finally:
        unmark_running(run_dir)


def config_to_resume(run_dir: Path, config: TrainConfig | None = None) -> TrainConfig:
    """The config the run goes on with: its own, or `config` where that differs in FREE settings only.

    Raises EngineError where the run is still running, has no readable config, or another setting differs.
    """
    if read_run(run_dir).status == "running":
        raise EngineError(f"{run_dir.name} is still running. Wait for it, or stop it first.")
    path = run_dir / CONFIG_FILE
    try:
        own = config_from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EngineError(f"{path}: cannot be read ({error}). Start a new run.") from error
    if config is None:
        return own
    check_config(config)
    before, after = asdict(own), asdict(config)
    fixed = next((key for key in before if key not in FREE and before[key] != after[key]), None)
    if fixed is not None:
        raise EngineError(
            f"{fixed}: cannot change in a run that goes on (it is {before[fixed]!r}). These can: {', '.join(FREE)}. "
            "For anything else start a new run."
        )
    return config


def changed_since(snapshot: Dataset, now: Dataset) -> bool:
    """Whether images, boxes, categories or splits differ."""
    same = (snapshot.categories, snapshot.paths, snapshot.split_names) == (
        now.categories,
        now.paths,
        now.split_names,
    )
    columns = ("image_ids", "sizes", "states", "splits", "offsets", "xyxy", "category_ids", "flags")
    return not same or not all(
        np.array_equal(getattr(snapshot, c), getattr(now, c), equal_nan=c == "xyxy") for c in columns
    )


def relocated(snapshot: Dataset, now: Dataset) -> Dataset:
    """The snapshot with its images where the project has them now: it may have been moved since."""
    rows = {int(image_id): row for row, image_id in enumerate(now.image_ids)}
    roots = list(snapshot.roots)
    for row, image_id in enumerate(snapshot.image_ids):
        there = rows.get(int(image_id))
        if there is not None and now.paths[there] == snapshot.paths[row]:
            roots[int(snapshot.image_roots[row])] = now.roots[int(now.image_roots[there])]
    return replace(snapshot, roots=tuple(roots))


def check_labels(snapshot: Dataset, config: TrainConfig) -> None:
    """Raises EngineError that says what to label or to change, where these labels cannot be trained on at all.

    snapshot: images that may be trained on. What can be trained on with a remark is remarked on by the engine.
    """
    if not len(snapshot):
        raise EngineError(
            "Nothing to train on: no image is labelled yet. Draw boxes on some images "
            "(twenty boxes are enough for a first look), then start again."
        )
    train = snapshot.indices(split=config.train_split)
    if not len(train):
        names = ", ".join(name for name in snapshot.split_names if name) or "none"
        raise EngineError(
            f"Nothing to train on: no labelled image is in the split {config.train_split!r} (splits here: {names}). "
            "Set train_split to one of them, or change the splits of the images."
        )
    usable = snapshot.boxes_usable()
    if not any(usable[snapshot.rows(int(index))].any() for index in train):
        raise EngineError(
            f"Nothing to train on: no image of the split {config.train_split!r} has a box. Draw some, then start again."
        )
