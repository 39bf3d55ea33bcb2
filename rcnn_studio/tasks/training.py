"""Train on what is labelled now: the snapshot, the checks, the run's folder, then the engine's loop.

Knows no loss and no layer: those are the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import RunEnded, TrainConfig, Warned
from rcnn_studio.engine.threads import preload, quiet_worker
from rcnn_studio.formats.run_folder import new_run_dir
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.presets import check_config
from rcnn_studio.tasks.torch_border import loading_torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a training would use. warnings: what a person should know before it starts."""

    train_images: int
    val_images: int
    boxes: int
    warnings: tuple[str, ...]


def run_training(store: ProjectStore, config: TrainConfig, report: Report, should_stop: ShouldStop) -> RunEnded:
    """Train on a snapshot of the committed labels, into a new folder below the project's runs.

    Works on a read-only store too. Blocks until the run ends; stopped by the person it ends with status "stopped" and
    the best checkpoint kept, or raises Cancelled where nothing had been trained yet. Raises EngineError with the remedy
    where training cannot start.
    """
    check_config(config)
    report(Progress("Reading the labels"))
    snapshot = store.snapshot(trainable_only=True)
    found = examine(snapshot, config)
    for warning in found.warnings:
        report(Warned(message=warning))
    check(should_stop)
    report(Progress("Loading PyTorch"))
    quiet_worker()
    preload()
    with loading_torch("Training"):
        from rcnn_studio.engine.training.trainer import train
    check(should_stop)
    return train(config, snapshot, new_run_dir(store.runs_folder, config.preset), report, should_stop)


def examine(snapshot: Dataset, config: TrainConfig) -> TrainingSet:
    """Whether these labels can be trained on. Raises EngineError that says what to label or change.

    snapshot: images that may be trained on; only boxes with an area inside their image count.
    """
    if not len(snapshot):
        raise EngineError(
            "Nothing to train on: no image is labelled yet. Draw boxes on some images "
            "(twenty boxes are enough for a first look), then start again."
        )
    usable = snapshot.boxes_usable()
    if not usable.any():
        raise EngineError("Nothing to train on: no labelled image has a usable box. Draw some boxes, then start again.")
    train = snapshot.indices(split=config.train_split)
    val = snapshot.indices(split=config.val_split)
    if not len(train):
        names = ", ".join(name for name in snapshot.split_names if name) or "none"
        raise EngineError(
            f"Nothing to train on: no labelled image is in the split {config.train_split!r} (splits here: {names}). "
            "Change train_split, or the splits of the images."
        )
    boxes = sum(int(usable[snapshot.rows(int(i))].sum()) for i in train)
    if not boxes:
        raise EngineError(f"Nothing to train on: the images of the split {config.train_split!r} have no usable box.")
    warnings = []
    if not len(val):
        warnings.append(
            f"No labelled image is in the split {config.val_split!r}: the scores say how well the model repeats "
            "the images it was trained on, not how good it is."
        )
    left_out = int((~usable).sum())
    if left_out:
        boxes_text = "1 box" if left_out == 1 else f"{left_out} boxes"
        warnings.append(f"{boxes_text} without an area inside the image left out of training.")
    return TrainingSet(train_images=len(train), val_images=len(val), boxes=boxes, warnings=tuple(warnings))
