"""What a model finds: boxes with scores, sorted by score. Not labels: nothing here reaches a dataset file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """Detections in one image, best first.

    xyxy (N, 4) float32 pixels of the upright image, 0-based, half-open; category_ids (N,) int64 of the
    project; scores (N,) float32 in [0, 1].
    """

    xyxy: NDArray[np.float32]
    category_ids: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    @staticmethod
    def make(xyxy: ArrayLike, category_ids: ArrayLike, scores: ArrayLike) -> Detections:
        """Sorted by falling score; ties keep their order."""
        boxes = np.asarray(xyxy, dtype=np.float32).reshape(-1, 4)
        values = np.asarray(scores, dtype=np.float32).reshape(-1)
        order = np.argsort(-values, kind="stable")
        return Detections(
            xyxy=boxes[order],
            category_ids=np.asarray(category_ids, dtype=np.int64).reshape(-1)[order],
            scores=values[order],
        )

    @staticmethod
    def empty() -> Detections:
        return Detections.make(np.zeros((0, 4)), np.zeros(0), np.zeros(0))

    def above(self, threshold: float) -> Detections:
        """Those with score >= threshold."""
        return self.take(self.scores >= threshold)

    def take(self, which: ArrayLike) -> Detections:
        """Those named by a mask (N,) or by indices, in the order they stand in."""
        index = np.asarray(which)
        return Detections(xyxy=self.xyxy[index], category_ids=self.category_ids[index], scores=self.scores[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A detection the person refused; remembered so that later models' like detections stay hidden."""

    run_id: str
    category_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    score: float
