"""What is decided before the first step: which images take part, what is left out, and what to say about it.

Reads no pixels and builds no model.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.targets import unusable_boxes

HELD_OUT = 5  # one image in five, where no validation split was made
NAMED = 20  # at most so many images are named one by one


@dataclass(frozen=True, slots=True)
class Plan:
    """Image numbers to train and to validate on, and what a person should know about the choice."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    remarks: tuple[str, ...]


def plan_images(dataset: Dataset, config: TrainConfig) -> Plan:
    """Trainable images of the two splits. Raises EngineError if there is nothing to train on."""
    train = dataset.indices(split=config.train_split)
    val = dataset.indices(split=config.val_split)
    remarks: list[str] = []
    if not len(dataset.categories):
        raise EngineError("The project has no categories. Add one, draw boxes, then train.")
    if not len(train):
        raise EngineError(
            f"No image of the split {config.train_split!r} is labelled, confirmed empty or verified. "
            "Label some images, then train."
        )
    open_count = len(dataset.indices(split=config.train_split, trainable=False)) - len(train)
    if open_count:
        remarks.append(f"{open_count} images of the split {config.train_split} are not labelled yet and take no part.")
    if not len(val):
        train, val = _hold_out(train)
        words = _held_out_words(len(train), len(val))
        remarks.append(f"There is no labelled image in the split {config.val_split}: {words}")
    remarks.extend(_unusable_words(unusable_boxes(dataset, np.union1d(train, val))))
    return Plan(train, val, tuple(remarks))


def write_run_files(run_dir: Path, config: TrainConfig, device: torch.device, amp: str) -> None:
    """config.json and environment.json. Raises EngineError if they cannot be written."""
    environment = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "device": devices.describe(str(device)),
        "cores": os.cpu_count(),
        "amp": amp,
    }
    write_json(run_dir / "config.json", asdict(config))
    write_json(run_dir / "environment.json", environment)


def write_json(path: Path, value: object) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{path}: cannot be written ({error.strerror}). Make room on the disk.") from error


def _hold_out(train: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same fifth each time. A single image has to serve both."""
    if len(train) < 2:
        return train, train
    order = np.random.default_rng(0).permutation(len(train))
    count = max(1, len(train) // HELD_OUT)
    return np.sort(train[order[count:]]), np.sort(train[order[:count]])


def _held_out_words(train_count: int, val_count: int) -> str:
    if train_count == val_count == 1:
        return "the only image is used for both, so the scores say nothing about others."
    return f"{val_count} of the training images are held out to score on, {train_count} are trained on."


def _unusable_words(found: list[tuple[str, int]]) -> list[str]:
    words = [
        f"{path}: {count} box{'es' if count > 1 else ''} without an area inside the image, left out."
        for path, count in found[:NAMED]
    ]
    if len(found) > NAMED:
        words.append(f"{len(found) - NAMED} more images have boxes without an area, which are left out.")
    return words
