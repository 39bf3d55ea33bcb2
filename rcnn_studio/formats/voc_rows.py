"""The objects of a whole VOC dataset as columns while it is read, until its corner convention is known.

A million objects are too many to keep one by one, and too many to keep twice: what can be done in place is. Reads no
files.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.voc_record import Fault, VocObject

Corners = NDArray[np.float64] | NDArray[np.float32]

_NUMBERS_A_BLOCK = 16_384
_ROWS_A_BLOCK = 65_536
_FRACTION = 8
"""Up to MAX_COORDINATE float32 holds eighths exactly, and what becomes of them when 1 is taken away or a box turned."""


class RowCollector:
    """Takes the objects with usable numbers, file by file. Numbers are kept in 32 bits for as long as those do."""

    def __init__(self) -> None:
        self._raw = array("f")
        self._block = array("d")
        self._names: dict[str, int] = {}
        self._name_ids = array("i")
        self._flags = array("B")
        self._places = array("i")

    def __len__(self) -> int:
        return len(self._places)

    def add(self, objects: Iterable[VocObject]) -> None:
        for voc_object in objects:
            if voc_object.raw is None:
                continue
            self._block.extend(voc_object.raw)
            self._name_ids.append(self._names.setdefault(voc_object.name, len(self._names)))
            self._flags.append(int(voc_object.flags))
            self._places.append(voc_object.index)
        if len(self._block) >= _NUMBERS_A_BLOCK:
            self._flush()

    def finish(self, *, one_based: bool) -> VocRows:
        """The rows under this convention. The collector's memory becomes theirs, so nothing is to be added after."""
        self._flush()
        return VocRows(
            raw=_column(self._raw, np.float32 if self._raw.typecode == "f" else np.float64).reshape(-1, 4),
            names=tuple(self._names),
            name_ids=_column(self._name_ids, np.int32),
            flags=_column(self._flags, np.uint8),
            places=_column(self._places, np.int32),
            one_based=one_based,
        )

    def _flush(self) -> None:
        values = np.array(self._block, dtype=np.float64)
        if self._raw.typecode == "f" and (values * _FRACTION % 1).any():
            narrow = _column(self._raw, np.float32)
            self._raw = array("d")
            for rows in _blocks(len(narrow)):
                self._raw.frombytes(narrow[rows].astype(np.float64).tobytes())
        self._raw.frombytes(values.astype(np.float32 if self._raw.typecode == "f" else np.float64).tobytes())
        self._block = array("d")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VocRows:
    """raw (R, 4): as written, float32 where that holds it all exactly; name_ids (R,): into names."""

    raw: Corners
    names: tuple[str, ...]
    name_ids: NDArray[np.int32]
    flags: NDArray[np.uint8]
    places: NDArray[np.int32]
    one_based: bool

    def __len__(self) -> int:
        return len(self.places)

    def has_area(self) -> NDArray[np.bool_]:
        """True for the rows that are boxes. -> (R,) bool"""
        found = np.zeros(len(self), dtype=np.bool_)
        for rows in _blocks(len(self)):
            found[rows] = _has_area(corners(self.raw[rows], one_based=self.one_based))
        return found

    def odd(self) -> NDArray[np.int32]:
        """Rows that something is to be said about, in order: no area, swapped corners, a single pixel."""
        found = [np.zeros(0, dtype=np.int32)]
        for rows in _blocks(len(self)):
            raw = self.raw[rows]
            swapped = (raw[:, 0] > raw[:, 2]) | (raw[:, 1] > raw[:, 3])
            pixel = (raw[:, 0] == raw[:, 2]) & (raw[:, 1] == raw[:, 3])
            bad = ~_has_area(corners(raw, one_based=self.one_based))
            found.append((np.flatnonzero(bad | swapped | pixel) + rows.start).astype(np.int32))
        return np.concatenate(found)

    def faults(self, row: int) -> list[Fault]:
        """What is to be said about this row."""
        x1, y1, x2, y2 = self.raw[row].tolist()
        alone = VocObject(int(self.places[row]), self.names[self.name_ids[row]], BoxFlag.NONE, (x1, y1, x2, y2), ())
        return alone.all_faults(one_based=self.one_based)

    def become_corners(self) -> Corners:
        """The boxes (R, 4): 0-based, half-open, ordered. They take the place of `raw`: to be called once, last."""
        for rows in _blocks(len(self)):
            self.raw[rows] = corners(self.raw[rows], one_based=self.one_based)
        return self.raw


def corners(raw: Corners, *, one_based: bool) -> Corners:
    """VocObject.corners for all rows at once; rows without area come out as they are. (R, 4) -> (R, 4)"""
    shift = raw.dtype.type(one_based)
    low, high = raw[:, :2], raw[:, 2:]
    swapped = (low > high) & (low - shift >= high)
    found: Corners = np.concatenate([np.where(swapped, high, low) - shift, np.where(swapped, low, high)], axis=1)
    return found


def _has_area(xyxy: Corners) -> NDArray[np.bool_]:
    return np.asarray((xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1]))


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS_A_BLOCK, count)) for start in range(0, count, _ROWS_A_BLOCK))


def _column(values: array[Any], dtype: type[Any]) -> NDArray[Any]:
    return np.frombuffer(values, dtype=dtype) if len(values) else np.zeros(0, dtype=dtype)
