"""Numbers behind the plots: a table that grows by doubling, smoothing, thinning. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

START_ROWS = 256
SMOOTHING = 0.6
LOG_FLOOR = 1e-4


class GrowingTable:
    """Rows of `width` numbers; appending is cheap because the buffer doubles when it is full."""

    def __init__(self, width: int) -> None:
        self._data: Floats = np.empty((START_ROWS, width), dtype=np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Floats:
        """(N, width) view of what is there; stale after the next append."""
        return self._data[: self._count]

    def append(self, values: Sequence[float]) -> None:
        if self._count == len(self._data):
            self._data = np.concatenate([self._data, np.empty_like(self._data)])
        self._data[self._count] = values
        self._count += 1

    def clear(self) -> None:
        self._count = 0


class Smoother:
    """Exponential moving average, one value a column; a number that is not finite is passed over."""

    def __init__(self, weight: float = SMOOTHING) -> None:
        self._weight = weight
        self._last: list[float] = []

    def add(self, values: Sequence[float]) -> list[float]:
        """The smoothed values after these."""
        if not self._last:
            self._last = [v if math.isfinite(v) else 0.0 for v in values]
        else:
            w = self._weight
            self._last = [
                w * old + (1 - w) * new if math.isfinite(new) else old
                for old, new in zip(self._last, values, strict=True)
            ]
        return self._last

    def clear(self) -> None:
        self._last = []


def envelope(x: Floats, y: Floats, bins: int) -> tuple[Floats, Floats]:
    """Least and largest y of each of `bins` equal runs of points: about 2 * bins points that look like all of them."""
    count = len(x)
    if count <= 2 * bins:
        return x, y
    size = -(-count // bins)
    whole = count // size * size
    blocks = y[:whole].reshape(-1, size)
    ends = np.stack([blocks.min(axis=1), blocks.max(axis=1)], axis=1).reshape(-1)
    places = np.repeat(x[:whole:size], 2)
    if whole < count:
        ends = np.concatenate([ends, [y[whole:].min(), y[whole:].max()]])
        places = np.concatenate([places, [x[whole], x[-1]]])
    return places, ends


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most about `most` of the points, evenly, the last one always among them. For smooth curves."""
    count = len(x)
    if count <= most:
        return x, y
    index = np.unique(np.linspace(0, count - 1, most).astype(np.int64))
    return x[index], y[index]


def window(x: Floats, low: float, high: float) -> slice:
    """The rows of rising x that lie in low..high, and one on either side so that lines reach the border."""
    first = int(np.searchsorted(x, low, side="left"))
    last = int(np.searchsorted(x, high, side="right"))
    return slice(max(0, first - 1), min(len(x), last + 1))


def nearest(x: Floats, value: float) -> int:
    """Row whose rising x is nearest to value; x must not be empty."""
    right = min(int(np.searchsorted(x, value)), len(x) - 1)
    left = max(0, right - 1)
    return left if abs(x[left] - value) <= abs(x[right] - value) else right


def nice_ceiling(value: float, *, steps: Sequence[float] = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)) -> float:
    """The next round number at or above value, so that an axis grows in leaps instead of at every redraw."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next(decade * step for step in (*steps, 10) if decade * step >= value * (1 - 1e-9))


def log_of(values: Floats) -> Floats:
    """log10, with what is too small for it held at 1e-4."""
    return np.log10(np.maximum(values, LOG_FLOOR))
