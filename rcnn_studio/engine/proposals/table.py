"""Proposals of a dataset's images by image number, and what they could find at best. Makes none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.dataset import BoxFlag, Dataset

Boxes = NDArray[np.float32]
OVERLAPS = (0.5, 0.7)
COUNTS = (100, 300, 1000, 2000)
_NONE = np.zeros((0, 4), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class ProposalTable:
    """columns: arrays (N, 4) float32 xyxy in original pixels, often memory-mapped; rows: by image number
    (column, first row, row behind the last). limit: so many an image at most."""

    columns: tuple[Boxes, ...]
    rows: Mapping[int, tuple[int, int, int]]
    limit: int | None = None

    def boxes(self, index: int) -> Boxes:
        """Proposals of image number `index`, best first; none for an image that could not be read."""
        place = self.rows.get(index)
        if place is None:
            return _NONE
        column, start, stop = place
        return self.columns[column][start : stop if self.limit is None else min(stop, start + self.limit)]

    def at_most(self, count: int) -> ProposalTable:
        return replace(self, limit=count)

    @staticmethod
    def of(boxes: Mapping[int, Boxes]) -> ProposalTable:
        """A table in memory. boxes: (P, 4) by image number."""
        ends = np.cumsum([len(found) for found in boxes.values()]).tolist()
        starts = [0, *ends[:-1]]
        joined = np.concatenate([*boxes.values(), _NONE]).astype(np.float32)
        rows = {index: (0, a, b) for index, a, b in zip(boxes, starts, ends, strict=True)}
        return ProposalTable((joined,), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallReport:
    """How many labelled boxes have a proposal near them: the ceiling of a detector that only looks there.

    rows: (proposals an image at most, recall at each of OVERLAPS); the last row is all of them. mean_count: proposals
    an image has in the mean.
    """

    images: int
    boxes: int
    mean_count: float
    rows: tuple[tuple[int, tuple[float, ...]], ...]

    @property
    def at_best(self) -> float:
        """Recall at IoU 0.5 with all proposals."""
        return self.rows[-1][1][0] if self.rows else 0.0

    def text(self) -> str:
        """The report as a sentence or two."""
        if not self.boxes:
            return f"{self.mean_count:.0f} proposals an image, but no labelled box to hold them against."
        few = "".join(f" {100 * recall[0]:.0f} % with the first {count}." for count, recall in self.rows[:-1])
        last = self.rows[-1][1]
        return (
            f"{self.mean_count:.0f} proposals an image: {100 * last[0]:.1f} % of {self.boxes} labelled boxes have one "
            f"that overlaps them by half or more ({100 * last[1]:.1f} % by 0.7), and no detector on them can find more."
            f"{few}"
        )


def recall(dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], table: ProposalTable) -> RecallReport:
    """Recall of the proposals on the labelled boxes of these images; crowds and boxes without area are not counted."""
    usable = dataset.boxes_usable() & ((dataset.flags & int(BoxFlag.CROWD)) == 0)
    counts = [len(table.boxes(int(i))) for i in indices]
    most = max(counts, default=0)
    steps = [*(count for count in COUNTS if count < most), most]
    found = np.zeros((len(steps), len(OVERLAPS)))
    total = 0
    for index in indices:
        rows = dataset.rows(int(index))
        truth = dataset.xyxy[rows][usable[rows]]
        total += len(truth)
        best = np.maximum.accumulate(geometry.iou_matrix(truth, table.boxes(int(index))), axis=1)
        if best.size:
            for row, step in enumerate(steps):
                reached = best[:, min(step, best.shape[1]) - 1]
                found[row] += [(reached >= overlap).sum() for overlap in OVERLAPS]
    shares = found / max(1, total)
    return RecallReport(
        images=len(counts),
        boxes=total,
        mean_count=float(np.mean(counts)) if counts else 0.0,
        rows=tuple((step, tuple(float(v) for v in share)) for step, share in zip(steps, shares, strict=True)),
    )
