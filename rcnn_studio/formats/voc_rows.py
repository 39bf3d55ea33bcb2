"""The objects of a whole VOC dataset as columns while it is read, until its corner convention is known.

A million objects are too many to keep one by one. Reads no files.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.voc_record import Fault, VocObject


class RowCollector:
    """Takes the objects with usable numbers, file by file."""

    def __init__(self) -> None:
        self._raw = array("d")
        self._names: dict[str, int] = {}
        self._name_ids = array("q")
        self._flags = array("B")
        self._places = array("q")

    def __len__(self) -> int:
        return len(self._places)

    def add(self, objects: Iterable[VocObject]) -> None:
        for voc_object in objects:
            if voc_object.raw is None:
                continue
            self._raw.extend(voc_object.raw)
            self._name_ids.append(self._names.setdefault(voc_object.name, len(self._names)))
            self._flags.append(int(voc_object.flags))
            self._places.append(voc_object.index)

    def finish(self, *, one_based: bool) -> VocRows:
        """The rows under this convention. The collector's memory becomes theirs, so nothing is to be added after."""
        raw = _column(self._raw, np.float64).reshape(-1, 4)
        return VocRows(
            raw=raw,
            xyxy=corners(raw, one_based=one_based),
            names=tuple(self._names),
            name_ids=_column(self._name_ids, np.int64),
            flags=_column(self._flags, np.uint8),
            places=_column(self._places, np.int64),
            one_based=one_based,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VocRows:
    """raw (R, 4): as written; xyxy (R, 4): 0-based, half-open, ordered; name_ids (R,): into names."""

    raw: NDArray[np.float64]
    xyxy: NDArray[np.float64]
    names: tuple[str, ...]
    name_ids: NDArray[np.int64]
    flags: NDArray[np.uint8]
    places: NDArray[np.int64]
    one_based: bool

    def has_area(self) -> NDArray[np.bool_]:
        """True for the rows that are boxes. -> (R,) bool"""
        return np.asarray((self.xyxy[:, 2] > self.xyxy[:, 0]) & (self.xyxy[:, 3] > self.xyxy[:, 1]))

    def odd(self) -> NDArray[np.int64]:
        """Rows that something is to be said about, in order: no area, swapped corners, a single pixel."""
        swapped = (self.raw[:, 0] > self.raw[:, 2]) | (self.raw[:, 1] > self.raw[:, 3])
        pixel = (self.raw[:, 0] == self.raw[:, 2]) & (self.raw[:, 1] == self.raw[:, 3])
        return np.flatnonzero(~self.has_area() | swapped | pixel)

    def faults(self, row: int) -> list[Fault]:
        """What is to be said about this row."""
        x1, y1, x2, y2 = self.raw[row].tolist()
        alone = VocObject(int(self.places[row]), self.names[self.name_ids[row]], BoxFlag.NONE, (x1, y1, x2, y2), ())
        return alone.all_faults(one_based=self.one_based)


def _column(values: array[Any], dtype: type[Any]) -> NDArray[Any]:
    return np.frombuffer(values, dtype=dtype) if len(values) else np.zeros(0, dtype=dtype)


def corners(raw: NDArray[np.float64], *, one_based: bool) -> NDArray[np.float64]:
    """VocObject.corners for all rows at once; rows without area come out as they are. (R, 4) -> (R, 4)"""
    shift = 1.0 if one_based else 0.0
    low, high = raw[:, :2], raw[:, 2:]
    swapped = (low > high) & (low - shift >= high)
    return np.concatenate([np.where(swapped, high, low) - shift, np.where(swapped, low, high)], axis=1)
