"""Which preset a project is best begun with, and why, in one line. Decides by what there is; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.runs import RunInfo

QUICK, SCRATCH, STANDARD, REFINE = "quick-look", "from-scratch", "standard", "refine"
ENOUGH_FOR_MORE = 30
"""Labelled images from which on a longer training is worth its time."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainPanel", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """preset: its name; reason: why, as a sentence."""

    preset: str
    reason: str


def has_gpu(device: str) -> bool:
    """Whether this device, in the words of the engine, is one."""
    return bool(device) and not device.startswith("CPU")


def suggest(images: int, runs: Sequence[RunInfo], *, gpu: bool, coco_there: bool) -> Suggestion:
    """images: labelled ones to train on; runs: newest first; coco_there: the COCO detector's weights are fetched."""
    models = [run for run in runs if run.best is not None]
    if gpu and coco_there and images and not any(run.preset == STANDARD for run in models):
        reason = _tr("Suggested: this computer has a GPU and the COCO weights are already here.")
        return Suggestion(preset=STANDARD, reason=reason)
    if not models:
        return Suggestion(preset=QUICK, reason=_first_reason(images))
    if all(run.preset == QUICK for run in models) and images >= ENOUGH_FOR_MORE:
        reason = _tr("Suggested: the quick look is done, and {0} labelled images are enough for a longer training.")
        return Suggestion(preset=SCRATCH, reason=reason.format(images))
    reason = _tr("Suggested: there is a model already; it goes on learning with the labels of today.")
    return Suggestion(preset=REFINE, reason=reason)


def _first_reason(images: int) -> str:
    if not images:
        return _tr("Suggested for a first run: it takes three minutes, and needs no download and no GPU.")
    count = _tr("1 labelled image") if images == 1 else _tr("{0} labelled images").format(images)
    return _tr("Suggested for a first run: {0}; in three minutes you see what can be learned from that.").format(count)
