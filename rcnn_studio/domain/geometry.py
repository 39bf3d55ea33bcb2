"""Geometry of boxes as (N, 4) float arrays of x1, y1, x2, y2 in pixels, 0-based and half-open.

Knows nothing of categories, files or screens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def as_xyxy(boxes: ArrayLike) -> FloatArray:
    """Any sequence of boxes -> (N, 4) float64; an empty one gives (0, 4)."""
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def areas(xyxy: ArrayLike) -> FloatArray:
    """Area of each box in square pixels. (N, 4) -> (N,); inverted boxes count as 0."""
    a = as_xyxy(xyxy)
    return np.asarray(np.clip(a[:, 2] - a[:, 0], 0, None) * np.clip(a[:, 3] - a[:, 1], 0, None), dtype=np.float64)


def iou_matrix(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """IoU of every pair. a: (N, 4), b: (M, 4) float xyxy in pixels -> (N, M) in [0, 1]; empty gives empty."""
    a, b = as_xyxy(a), as_xyxy(b)
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(bottom_right - top_left, 0, None)
    intersection = sides[..., 0] * sides[..., 1]
    union = areas(a)[:, None] + areas(b)[None, :] - intersection
    return np.asarray(
        np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0), dtype=np.float64
    )


def clip(xyxy: ArrayLike, *, width: float, height: float) -> FloatArray:
    """Boxes cut to the image [0, width] x [0, height]. (N, 4) -> (N, 4)."""
    limits = np.array([width, height, width, height], dtype=np.float64)
    return np.clip(as_xyxy(xyxy), 0.0, limits)


def valid_mask(xyxy: ArrayLike, *, min_side: float = 0.0) -> BoolArray:
    """True where a box is finite, ordered and wider and higher than min_side pixels. (N, 4) -> (N,) bool."""
    a = as_xyxy(xyxy)
    finite = np.isfinite(a).all(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(finite & (a[:, 2] - a[:, 0] > min_side) & (a[:, 3] - a[:, 1] > min_side), dtype=np.bool_)


def ordered(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
    """The same rectangle with x1 <= x2 and y1 <= y2."""
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
