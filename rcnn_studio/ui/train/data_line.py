"""What a training would be trained on, in words, from the image list's columns. Reads no file and no box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Category, ImageState
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.workspace.image_rows import ImageRows

FEW_BOXES = 10
MOST_NAMED = 3


def _tr(text: str) -> str:
    return QCoreApplication.translate("DataLine", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """line: how many images take part; blocker: why training cannot start, empty where it can; warnings: to know."""

    line: str
    blocker: str
    warnings: tuple[str, ...]
    train_images: int
    val_images: int


def summarise(
    rows: ImageRows, categories: Sequence[Category], box_counts: Mapping[int, int], config: TrainConfig
) -> DataSummary:
    """box_counts: boxes of each category id in the whole project. Takes about 10 ms for 100,000 images."""
    trainable = np.isin(rows.states, [int(s) for s in TRAINABLE_STATES])
    splits = Counter(rows.splits[row] for row in np.flatnonzero(trainable))
    unlabelled = int((rows.states == int(ImageState.UNLABELLED)).sum())
    broken = int((rows.states == int(ImageState.NEEDS_FIX)).sum())
    train, val = splits[config.train_split], splits[config.val_split]
    elsewhere = int(trainable.sum()) - train - (val if config.val_split != config.train_split else 0)
    return DataSummary(
        line=_line(train, val, unlabelled, broken, elsewhere),
        blocker=_blocker(rows, int(trainable.sum()), train, config),
        warnings=tuple(_warnings(train, val, categories, box_counts)),
        train_images=train,
        val_images=val,
    )


def _line(train: int, val: int, unlabelled: int, broken: int, elsewhere: int) -> str:
    parts = [
        _count(train, _tr("1 image to train on"), _tr("{0} images to train on")),
        _tr("{0} to validate").format(val),
    ]
    if unlabelled:
        parts.append(_count(unlabelled, _tr("1 unlabelled is left out"), _tr("{0} unlabelled are left out")))
    if broken:
        parts.append(_count(broken, _tr("1 needs a fix and is left out"), _tr("{0} need a fix and are left out")))
    if elsewhere:
        parts.append(_count(elsewhere, _tr("1 in another split"), _tr("{0} in other splits")))
    return ", ".join(parts)


def _blocker(rows: ImageRows, trainable: int, train: int, config: TrainConfig) -> str:
    if not len(rows):
        return _tr("Nothing to train on: the project has no images. Import some first.")
    if not trainable:
        return _tr("Nothing to train on: label at least one image. About twenty boxes are enough for a first look.")
    if not int(rows.box_counts.sum()):
        return _tr("Nothing to train on: no image has a box. Draw some first.")
    if not train:
        return _tr("Nothing to train on: no labelled image is in the split {0}.").format(config.train_split)
    return ""


def _warnings(train: int, val: int, categories: Sequence[Category], box_counts: Mapping[int, int]) -> list[str]:
    warnings: list[str] = []
    if train and not val:
        warnings.append(
            _tr("No validation images: the scores will only say how well the training images are repeated.")
        )
    empty = [c.name for c in categories if box_counts.get(c.id, 0) <= 0]
    few = [c.name for c in categories if 0 < box_counts.get(c.id, 0) < FEW_BOXES]
    if train and empty:
        warnings.append(
            _tr("Class {0} has no boxes and cannot be learned.").format(empty[0])
            if len(empty) == 1
            else _tr("Classes without boxes cannot be learned: {0}.").format(_names(empty))
        )
    if train and few:
        warnings.append(_tr("Fewer than {0} boxes: {1}.").format(FEW_BOXES, _names(few)))
    return warnings


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else _tr("{0} and {1} more").format(shown, len(names) - MOST_NAMED)


def _count(number: int, one: str, many: str) -> str:
    return one if number == 1 else many.format(number)
