"""The columns behind the image list, kept in step with every edit.

Mutable on purpose: one edit changes one row of 100,000 without copying the rest. Only ProjectModel writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import TRAINABLE_STATES, ImageRecord, ImageState
from rcnn_studio.domain.edits import ImageChange
from rcnn_studio.store.project import ImageTable


class ImageRows:
    """In list order: ids (N,) int64, paths, states (N,) uint8 of ImageState, splits (names), box_counts (N,) int32.

    split_codes (N,) int16: the same splits as indices into split_names.
    """

    def __init__(self, table: ImageTable) -> None:
        self.ids: NDArray[np.int64] = np.array(table.ids, dtype=np.int64)
        self.paths: tuple[str, ...] = tuple(table.paths)
        self.widths: NDArray[np.int32] = np.array(table.widths, dtype=np.int32)
        self.heights: NDArray[np.int32] = np.array(table.heights, dtype=np.int32)
        self.states: NDArray[np.uint8] = np.array(table.states, dtype=np.uint8)
        self.split_names: list[str] = sorted(set(table.splits))
        codes = {name: code for code, name in enumerate(self.split_names)}
        self.split_codes: NDArray[np.int16] = np.fromiter((codes[s] for s in table.splits), np.int16, len(table))
        self.splits: list[str] = [self.split_names[code] for code in self.split_codes.tolist()]
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
        counts = self.state_counts()
        return sum(counts[state] for state in TRAINABLE_STATES)

    def state_counts(self, mask: NDArray[np.bool_] | None = None) -> dict[ImageState, int]:
        """Images of each state, of those in a mask (N,) only where one is given."""
        counts = np.bincount(self.states if mask is None else self.states[mask], minlength=len(ImageState))
        return {state: int(counts[int(state)]) for state in ImageState}

    def in_splits(self, names: Collection[str]) -> NDArray[np.bool_]:
        """True for the images of these splits ("" is no split). -> (N,)"""
        codes = [code for code, name in enumerate(self.split_names) if name in names]
        return np.isin(self.split_codes, codes)

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
        if split not in self.split_names:
            self.split_names.append(split)
        self.split_codes[row] = self.split_names.index(split)
        self.splits[row] = split
        self._split_counts[split] += 1
