"""What a score is made of, as values: errors by kind, confusion of categories, curves, sizes. Computes nothing."""

from __future__ import annotations

from dataclasses import dataclass

ERROR_KINDS = ("classification", "localization", "both", "duplicate", "background", "missed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """One of ERROR_KINDS. count: detections (missed: boxes) of that kind; dAP: how much AP50 would rise without it."""

    name: str
    count: int
    dAP: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """counts[true][found] of detections with at least `score`; the last row and column are the background."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    score: float
    iou: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Precision at recall 0, 0.01, ... 1 of a category, at IoU 0.5; empty where it has no boxes."""

    name: str
    precision: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """Boxes of COCO's small, medium or large; AP and AR (at 100 detections) of them, -1 where there are none."""

    name: str
    boxes: int
    AP: float
    AR: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Of all detections of a run on a split. AP50: what the errors are measured against."""

    AP50: float
    errors: tuple[ErrorKind, ...]
    confusion: Confusion
    curves: tuple[Curve, ...]
    sizes: tuple[SizeRow, ...]
