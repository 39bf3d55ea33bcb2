"""Ground truth and detections as columns, the common food of all scores. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import BoxFlag, Category, Dataset
from rcnn_studio.domain.detections import Detections


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What is there. images (G,): 0..image_count - 1; xywh (G, 4) float64; areas (G,): COCO's own measure of size."""

    image_count: int
    categories: tuple[Category, ...]
    images: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    xywh: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    difficult: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What was found. images (D,), category_ids (D,), xywh (D, 4) float64, scores (D,) float64; in any order."""

    images: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    xywh: NDArray[np.float64]
    scores: NDArray[np.float64]


def truth_of(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64]) -> Truth:
    """The boxes of the images `indices`, which become images 0, 1, ...; boxes without an area are left out."""
    spans = [np.arange(dataset.offsets[i], dataset.offsets[i + 1]) for i in indices]
    rows = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
    numbers = np.repeat(np.arange(len(spans)), [len(s) for s in spans]).astype(np.int64)
    usable = dataset.boxes_usable()[rows]
    rows, numbers = rows[usable], numbers[usable]
    xyxy = dataset.xyxy[rows]
    sides = xyxy[:, 2:] - xyxy[:, :2]
    return Truth(
        image_count=len(spans),
        categories=dataset.categories,
        images=numbers,
        category_ids=dataset.category_ids[rows],
        xywh=np.concatenate([xyxy[:, :2], sides], axis=1),
        areas=sides[:, 0] * sides[:, 1],
        crowd=(dataset.flags[rows] & int(BoxFlag.CROWD)) != 0,
        difficult=(dataset.flags[rows] & int(BoxFlag.DIFFICULT)) != 0,
    )


def found_of(detections: Sequence[Detections]) -> Found:
    """Detections of image 0, 1, ... as columns."""
    xyxy = np.concatenate([np.zeros((0, 4)), *(d.xyxy for d in detections)]).astype(np.float64)
    return Found(
        images=np.repeat(np.arange(len(detections)), [len(d) for d in detections]).astype(np.int64),
        category_ids=np.concatenate([np.zeros(0, dtype=np.int64), *(d.category_ids for d in detections)]),
        xywh=np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1),
        scores=np.concatenate([np.zeros(0), *(d.scores for d in detections)]).astype(np.float64),
    )


def xyxy_of(xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corner and size -> two corners. (N, 4) -> (N, 4)."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
