"""Measures a training before it starts: its largest batch first, then a typical one, and some validation images.

Leaves nothing behind: weights are thrown away, no file is written.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import TrainConfig, Warned
from rcnn_studio.domain.stages import stages_of
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.augment import Recipe, Sample
from rcnn_studio.engine.data.loader import Batch, ImageSource, TrainLoader, collate, fit_size
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import build_detector
from rcnn_studio.engine.models.staging import enter_stage
from rcnn_studio.engine.models.weights import resolve_config
from rcnn_studio.engine.training.learner import Learner
from rcnn_studio.engine.training.precision import choose_precision
from rcnn_studio.engine.training.profile import Profile, synchronize
from rcnn_studio.engine.training.setup import plan_images
from rcnn_studio.engine.training.validation import Validator

STEPS = 4
VALIDATED = 16


def measure(
    config: TrainConfig, dataset: Dataset, runs_dir: Path, report: Report, should_stop: ShouldStop
) -> dict[str, Any]:
    """-> the fields of tasks.dry_running.DryRun. Raises EngineError, Cancelled."""
    config = resolve_config(config, runs_dir)
    plan = plan_images(dataset, config)
    device = devices.pick(config.device)
    table = CategoryTable(dataset.categories)
    detector = build_detector(config, len(table)).to(device)
    enter_stage(detector, stages_of(config)[0], config.trainable_layers)
    source = ImageSource(dataset, short=config.image_size, longest=config.image_max_size)
    warn = _warner(report)
    loader = TrainLoader(
        source, dataset, plan.train, table, batch_size=config.batch_size, seed=config.seed, on_skipped=warn
    )
    try:
        largest = _largest(config, dataset, plan.train, len(table))
        precision = choose_precision(config.amp, device, detector, largest)
        learner = Learner(detector, config, precision, Profile(device, on=False), lambda text: warn(text))
        report(Progress("Measuring the largest batch"))
        step_s = _seconds_a_step(learner, [largest] * 2, device, should_stop)
        report(Progress("Measuring typical batches"))
        typical = [b for b, _ in zip(loader.epoch(1, lambda _: Recipe()), range(STEPS), strict=False)]
        typical_s = _seconds_a_step(learner, typical, device, should_stop) if typical else step_s
        some = plan.val[:VALIDATED]
        validator = Validator(source, dataset, some, table, loader.pool, warn)
        start = time.perf_counter()
        validator.evaluate(learner.ema.model, precision, should_stop)
        evaluation_s = (time.perf_counter() - start) * len(plan.val) / max(1, len(some))
    finally:
        loader.close()
    per_epoch = loader.steps_per_epoch
    total = max(config.epochs * per_epoch, config.min_steps)
    epochs = -(-total // per_epoch)
    run_s = total * typical_s + evaluation_s * max(1, epochs // config.evaluate_every)
    height, width = (max(int(i.shape[d]) for i in largest.images) for d in (1, 2))
    return {
        "device": devices.describe(str(device)),
        "images": len(largest.images),
        "width": width,
        "height": height,
        "parts": learner.parts,
        "step_s": step_s,
        "memory_bytes": _peak_bytes(device),
        "steps_per_epoch": per_epoch,
        "epoch_s": per_epoch * typical_s,
        "evaluation_s": evaluation_s,
        "run_s": min(run_s, config.max_minutes * 60.0) if config.max_minutes else run_s,
    }


def _warner(report: Report) -> Any:
    return lambda what: report(Warned(message=str(what)))


def _largest(config: TrainConfig, dataset: Dataset, indices: np.ndarray[Any, Any], categories: int) -> Batch:
    """A batch as large as any can come: the largest images after resizing, at the largest scale, with their boxes."""
    scale = 1.0 + config.multi_scale
    sizes = [
        fit_size(int(w), int(h), short=config.image_size, longest=config.image_max_size)
        for w, h in dataset.sizes[indices]
    ]
    width, height = (round(scale * max(side)) for side in zip(*sizes, strict=True))
    boxes = max(1, max(len(range(*dataset.rows(int(i)).indices(len(dataset.xyxy)))) for i in indices))
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 0.5, (boxes, 2)) * (width, height)
    xyxy = np.concatenate([corners, corners + rng.uniform(0.1, 0.5, (boxes, 2)) * (width, height)], axis=1)
    labels = rng.integers(1, categories + 1, boxes)
    picture = Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
    count = min(config.batch_size, len(indices))
    return collate([(number, Sample(picture, xyxy, labels)) for number in range(count)])


def _seconds_a_step(learner: Learner, batches: list[Batch], device: torch.device, should_stop: ShouldStop) -> float:
    """Median, the first one (which sets memory up) left out where there are more."""
    seconds = []
    for batch in batches:
        check(should_stop)
        start = time.perf_counter()
        learner.step(batch, 0.0)
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:] or seconds))


def _peak_bytes(device: torch.device) -> int:
    """Of the device, or on a CPU of this whole process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    if device.type == "mps":
        return int(torch.mps.driver_allocated_memory())
    if sys.platform == "win32":
        return 0  # Python cannot tell there
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)
