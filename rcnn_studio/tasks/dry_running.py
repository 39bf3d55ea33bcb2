"""What a training would take, from its largest batch: memory, seconds a step, time of an epoch. Keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass

from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.presets import check_config
from rcnn_studio.tasks.torch_border import loading_torch, make_way
from rcnn_studio.tasks.training import check_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """images of width x height pixels: the largest batch; parts: it has to be computed in so many; times in seconds."""

    device: str
    images: int
    width: int
    height: int
    parts: int
    step_s: float
    memory_bytes: int
    steps_per_epoch: int
    epoch_s: float
    evaluation_s: float
    run_s: float


def dry_run(store: ProjectStore, config: TrainConfig, report: Report, should_stop: ShouldStop) -> DryRun:
    """Raises EngineError where training could not start, or where not even one image fits into the memory."""
    check_config(config)
    snapshot = store.snapshot(trainable_only=True)
    check_labels(snapshot, config)
    report(Progress("Loading PyTorch"))
    make_way()
    with loading_torch("A dry run"):
        from rcnn_studio.engine.training.dry_run import measure
    check(should_stop)
    found = measure(config, snapshot, store.runs_folder, report, should_stop)
    return DryRun(**found)
