"""The columns behind the image list, kept in step with every edit.

Mutable on purpose: one edit changes one row of 100,000 without copying the rest. Only ProjectModel writes.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import TRAINABLE_STATES, ImageRecord, ImageState
from rcnn_studio.domain.edits import ImageChange
from rcnn_studio.store.project import ImageTable


class ImageRows:
    """In list order: ids (N,) int64, paths, states (N,) uint8 of ImageState, splits (names), box_counts (N,) int32."""

    def __init__(self, table: ImageTable) -> None:
        self.ids: NDArray[np.int64] = np.array(table.ids, dtype=np.int64)
        self.paths: tuple[str, ...] = tuple(table.paths)
        self.widths: NDArray[np.int32] = np.array(table.widths, dtype=np.int32)
        self.heights: NDArray[np.int32] = np.array(table.heights, dtype=np.int32)
        self.states: NDArray[np.uint8] = np.array(table.states, dtype=np.uint8)
        self.splits: list[str] = list(table.splits)
        self.box_counts: NDArray[np.int32] = np.array(table.box_counts, dtype=np.int32)
        self._row_of = {int(image_id): row for row, image_id in enumerate(self.ids)}
        self._split_counts: Counter[str] = Counter(self.splits)

    def __len__(self) -> int:
        return len(self.paths)

    def has(self, image_id: int) -> bool:
        return image_id in self._row_of

    def row(self, image_id: int) -> int:
        """Row of an image in the list's order. Raises KeyError for an unknown id."""
        return self._row_of[image_id]

    def state(self, row: int) -> ImageState:
        return ImageState(int(self.states[row]))

    def split_count(self, split: str) -> int:
        return self._split_counts[split]

    def labelled_count(self) -> int:
        """Images the person has said something about: labelled, confirmed empty or verified."""
        return int(np.isin(self.states, [int(s) for s in TRAINABLE_STATES]).sum())

    def apply(self, change: ImageChange) -> None:
        row = self._row_of[change.image_id]
        self.box_counts[row] += len(change.added) - len(change.removed)
        self.states[row] = int(change.state[1])
        if change.split is not None:
            self._set_split(row, change.split[1])

    def replace(self, record: ImageRecord) -> None:
        """Make an image's row say what its record says."""
        row = self._row_of[record.id]
        self.box_counts[row] = len(record.boxes)
        self.states[row] = int(record.state)
        self._set_split(row, record.split)

    def _set_split(self, row: int, split: str) -> None:
        self._split_counts[self.splits[row]] -= 1
        self.splits[row] = split
        self._split_counts[split] += 1
