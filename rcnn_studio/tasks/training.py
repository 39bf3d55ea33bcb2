"""Train on what is labelled now: the snapshot, the checks, the run's folder, then the engine's loop.

Knows no loss and no layer: those are the engine's.
"""

from __future__ import annotations

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import RunEnded, TrainConfig
from rcnn_studio.formats.run_folder import SNAPSHOT_FILE, mark_running, new_run_dir, unmark_running
from rcnn_studio.formats.snapshot import write_snapshot
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.presets import check_config
from rcnn_studio.tasks.torch_border import loading_torch, make_way


def run_training(store: ProjectStore, config: TrainConfig, report: Report, should_stop: ShouldStop) -> RunEnded:
    """Train on a snapshot of the committed labels, into a new folder below the project's runs.

    Works on a read-only store too. Blocks until the run ends; stopped by the person it ends with status "stopped" and
    the best checkpoint kept, or raises Cancelled where nothing had been trained yet. Raises EngineError with the remedy
    where training cannot start.
    """
    check_config(config)
    report(Progress("Reading the labels"))
    snapshot = store.snapshot(trainable_only=True)
    check_labels(snapshot, config)
    check(should_stop)
    report(Progress("Loading PyTorch"))
    make_way()
    with loading_torch("Training"):
        from rcnn_studio.engine.training.trainer import train
    check(should_stop)
    run_dir = new_run_dir(store.runs_folder, config.preset)
    write_snapshot(run_dir / SNAPSHOT_FILE, snapshot)
    mark_running(run_dir)
    try:
        return train(config, snapshot, run_dir, report, should_stop)
    finally:
        unmark_running(run_dir)


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
