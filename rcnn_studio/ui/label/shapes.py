"""Boxes of one image as columns, for painting and hit testing. Made anew when the boxes change; never edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.detections import Detections

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shapes:
    """ids (N,), xyxy (N, 4) image pixels, category_ids (N,), flags (N,) of BoxFlag, scores (N,) or NaN."""

    ids: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    flags: NDArray[np.int64]
    scores: NDArray[np.float64]
    row_of: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def corners(self, box_id: int) -> Corners:
        """Raises KeyError for an unknown id."""
        x1, y1, x2, y2 = self.xyxy[self.row_of[box_id]].tolist()
        return x1, y1, x2, y2

    def rows(self, box_ids: Sequence[int]) -> NDArray[np.int64]:
        """Rows of those ids that are here."""
        return np.array([self.row_of[i] for i in box_ids if i in self.row_of], dtype=np.int64)

    @staticmethod
    def of_boxes(boxes: Sequence[Box]) -> Shapes:
        ids = np.array([b.id for b in boxes], dtype=np.int64)
        return Shapes(
            ids=ids,
            xyxy=np.array([b.xyxy for b in boxes], dtype=np.float64).reshape(-1, 4),
            category_ids=np.array([b.category_id for b in boxes], dtype=np.int64),
            flags=np.array([int(b.flags) for b in boxes], dtype=np.int64),
            scores=np.full(len(boxes), np.nan),
            row_of={int(box_id): row for row, box_id in enumerate(ids)},
        )

    @staticmethod
    def of_detections(found: Detections, indices: Sequence[int]) -> Shapes:
        """The detections with these indices; their ids are the indices."""
        which = np.array(indices, dtype=np.int64)
        return Shapes(
            ids=which,
            xyxy=found.xyxy[which].astype(np.float64).reshape(-1, 4),
            category_ids=found.category_ids[which],
            flags=np.zeros(len(which), dtype=np.int64),
            scores=found.scores[which].astype(np.float64),
            row_of={int(index): row for row, index in enumerate(which)},
        )

    def walk(self) -> list[int]:
        """Ids in the order they came in, but what lies inside a box comes before it, smallest first."""
        if not 1 < len(self) <= 2000:
            return [int(i) for i in self.ids]
        x1, y1, x2, y2 = self.xyxy.T
        inside = (x1[:, None] <= x1) & (y1[:, None] <= y1) & (x2[:, None] >= x2) & (y2[:, None] >= y2)
        areas = (x2 - x1) * (y2 - y1)
        inside &= areas[:, None] > areas
        done: dict[int, None] = {}
        for row in range(len(self)):
            contents = np.flatnonzero(inside[row])
            for inner in contents[np.argsort(areas[contents], kind="stable")]:
                done.setdefault(int(inner))
            done.setdefault(row)
        return [int(self.ids[row]) for row in done]


EMPTY = Shapes.of_boxes(())
