"""Repeat-factor sampling: images of rare categories come up more often. Reads no pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def repeat_factors(labels: Sequence[NDArray[np.int64]], threshold: float) -> NDArray[np.float64]:
    """How often each image comes up in an epoch, >= 1 (LVIS, Gupta et al. 2019, appendix B.2).

    labels: those of each image, (B,) in 1..K. A category in a share f of the images has the factor
    max(1, sqrt(threshold / f)); an image has the largest of its categories, 1 without any.
    """
    present = [np.unique(found) for found in labels]
    counts = np.bincount(np.concatenate([*present, np.zeros(0, dtype=np.int64)]), minlength=1)
    shares = counts / max(1, len(labels))
    factors = np.maximum(1.0, np.sqrt(threshold / np.maximum(shares, 1e-12)))
    return np.array([float(factors[found].max()) if len(found) else 1.0 for found in present])


def repeated_positions(factors: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` positions of images: each as often as its factor says, fractions by chance. -> (count,)"""
    times = np.floor(factors).astype(np.int64)
    times += rng.random(len(factors)) < factors - times
    positions = rng.permutation(np.repeat(np.arange(len(factors)), times))
    missing = max(0, count - len(positions))
    extra = rng.choice(len(factors), missing, p=factors / factors.sum())
    return np.concatenate([positions, extra])[:count].astype(np.int64)
