"""The boxes of a whole import as numpy columns, since a million Box objects are too slow and too large to make.

Reads and writes no files. A Box is made for the image at hand only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Extra

NO_PLACE = -1
"""In `places`: the box has no record in the image's linked file."""

_NOTHING: Extra = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxColumns:
    """Boxes of N images; image i owns rows offsets[i]:offsets[i + 1]. All of them came out of dataset files.

    offsets (N + 1,) int64; ids, category_ids, places (M,): whole numbers of any width, NO_PLACE for no place; xyxy
    (M, 4): 0-based, half-open, float64, or float32 where that holds every one of them exactly; flags (M,) uint8 of
    BoxFlag; extras: Box.extra by row, of the few that have one.
    """

    offsets: NDArray[np.int64]
    ids: NDArray[np.int64] | NDArray[np.int32]
    xyxy: NDArray[np.float64] | NDArray[np.float32]
    category_ids: NDArray[np.int64] | NDArray[np.int32]
    flags: NDArray[np.uint8]
    places: NDArray[np.int64] | NDArray[np.int32]
    extras: Mapping[int, Extra] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def image_count(self) -> int:
        return len(self.offsets) - 1

    def rows(self, index: int) -> slice:
        """Rows of image number `index`."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def counts(self) -> NDArray[np.int64]:
        """How many boxes each image has. -> (N,) int64"""
        return np.diff(self.offsets)

    def boxes(self, index: int) -> tuple[Box, ...]:
        """The boxes of image number `index` as objects."""
        rows = self.rows(index)
        columns = (self.ids, self.xyxy, self.category_ids, self.flags, self.places)
        values = zip(range(rows.start, rows.stop), *(c[rows].tolist() for c in columns), strict=True)
        return tuple(
            Box(
                id=number,
                x1=x1,
                y1=y1,
                x2=x2,
                y2=y2,
                category_id=category,
                flags=BoxFlag(flags),
                source=BoxSource.IMPORTED,
                place=None if place == NO_PLACE else place,
                extra=self.extras.get(row, _NOTHING),
            )
            for row, number, (x1, y1, x2, y2), category, flags, place in values
        )

    @staticmethod
    def none(image_count: int = 0) -> BoxColumns:
        """No box in any of so many images."""
        return BoxColumns.of(repeat((), image_count))

    @staticmethod
    def of(boxes: Iterable[Sequence[Box]]) -> BoxColumns:
        """The columns of these boxes, one sequence an image. Raises ValueError for a box that was not imported."""
        counts = [0]
        rows: list[tuple[int, float, float, float, float, int, int, int]] = []
        extras: dict[int, Extra] = {}
        for own in boxes:
            counts.append(len(own))
            for box in own:
                if box.source != BoxSource.IMPORTED or box.run_id is not None or box.score is not None or box.edited:
                    raise ValueError(f"box {box.id} did not come out of a dataset file")
                if box.extra:
                    extras[len(rows)] = box.extra
                place = NO_PLACE if box.place is None else box.place
                rows.append((box.id, *box.xyxy, box.category_id, int(box.flags), place))
        table = list(zip(*rows, strict=True)) or [()] * 8
        return BoxColumns(
            offsets=np.cumsum(np.array(counts, dtype=np.int64)),
            ids=np.array(table[0], dtype=np.int64),
            xyxy=np.stack([np.array(column, dtype=np.float64) for column in table[1:5]], axis=1),
            category_ids=np.array(table[5], dtype=np.int64),
            flags=np.array(table[6], dtype=np.uint8),
            places=np.array(table[7], dtype=np.int64),
            extras=extras,
        )
