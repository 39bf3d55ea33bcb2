"""Pictures that show the same: a small signature of each, and the groups that look alike. Decodes and reads nothing.

The signature is a difference hash of 64 bits (Krawetz, "Kind of Like That", 2013) for the search, and a picture of
16 x 16 greys that confirms what the search has found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.progress import ShouldStop, check, never

MAX_DISTANCE = 7
"""Bits in which the hashes of two pictures of the same may differ: with 8 bands, one of them is then equal."""

MIN_CORRELATION = 0.95
"""Of the two small pictures; re-encoded, resized and brightened copies stay above 0.99, other pictures below 0.9."""

THUMB_SIDE = 16
_FLAT = 2.0  # grey levels: a picture that varies less is one plain colour
_FLAT_LEVELS = 6.0
_BANDS = 8
_MOST_LOOKS = 256
_PAIRS_A_STEP = 4_000_000
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, luma


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signatures:
    """What images look like. hashes (N,) uint64; thumbs (N, 256) uint8, THUMB_SIDE x THUMB_SIDE greys, row by row."""

    hashes: NDArray[np.uint64]
    thumbs: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.hashes)

    def take(self, which: NDArray[np.int64]) -> Signatures:
        """Those of these indices."""
        return Signatures(hashes=self.hashes[which], thumbs=self.thumbs[which])


def signature(pixels: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8]]:
    """Hash and thumb of one upright picture. pixels (H, W, 3) uint8 RGB, at least 1 x 1 -> (uint64, (256,) uint8)

    A picture of 64 pixels or more a side is enough; what is smaller is stretched.
    """
    grey = pixels.astype(np.float32) @ _GREY
    cells = _averaged(grey, 8, 9)
    bits = cells[:, 1:] > cells[:, :-1]
    packed = np.packbits(bits.ravel())
    thumb = _averaged(grey, THUMB_SIDE, THUMB_SIDE)
    return int.from_bytes(packed.tobytes(), "big"), np.clip(thumb.round(), 0, 255).astype(np.uint8).ravel()


def collect(found: list[tuple[int, NDArray[np.uint8]]]) -> Signatures:
    """The columns of these single signatures, in their order."""
    hashes = np.array([value for value, _ in found], dtype=np.uint64)
    thumbs = np.array([thumb for _, thumb in found], dtype=np.uint8).reshape(-1, THUMB_SIDE**2)
    return Signatures(hashes=hashes, thumbs=thumbs)


def groups(signatures: Signatures, should_stop: ShouldStop = never) -> NDArray[np.int64]:
    """For each image the lowest index among those that look like it, its own where none does. -> (N,) int64

    Likeness is passed on: a picture like two others puts all three into one group. About 1 s for 100,000 images, ten
    where most of them are nearly alike. Raises Cancelled.
    """
    roots = _Roots(len(signatures))
    heads = _join_equal_hashes(signatures, roots)
    for a, b in _close_pairs(signatures.hashes[heads]):
        check(should_stop)
        roots.join_alike(signatures, heads[a], heads[b])
    return roots.labels()


def alike(signatures: Signatures, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the thumbs of images a[i] and b[i] confirm that both show the same. (P,), (P,) -> (P,) bool"""
    one = signatures.thumbs[a].astype(np.float32)
    two = signatures.thumbs[b].astype(np.float32)
    mean_one, mean_two = one.mean(axis=1), two.mean(axis=1)
    one -= mean_one[:, None]
    two -= mean_two[:, None]
    spread = np.sqrt((one**2).mean(axis=1)), np.sqrt((two**2).mean(axis=1))
    flat = (spread[0] < _FLAT) | (spread[1] < _FLAT)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (one * two).mean(axis=1) / (spread[0] * spread[1])
    both_flat = (np.maximum(*spread) < _FLAT) & (np.abs(mean_one - mean_two) < _FLAT_LEVELS)
    return np.asarray(np.where(flat, both_flat, correlation >= MIN_CORRELATION), dtype=np.bool_)


class _Roots:
    """Union-find over image indices; the lowest index of a group is its root."""

    def __init__(self, count: int) -> None:
        self._parent = np.arange(count, dtype=np.int64)

    def join_alike(self, signatures: Signatures, a: NDArray[np.int64], b: NDArray[np.int64]) -> None:
        """Joins the pairs that look alike and are not together yet."""
        labels = self.labels()
        apart = labels[a] != labels[b]
        a, b = a[apart], b[apart]
        if not len(a):
            return
        for part in _parts(len(a)):
            same = alike(signatures, a[part], b[part])
            self.join(a[part][same], b[part][same])

    def join(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> None:
        """Joins the groups of a[i] and b[i]."""
        for one, two in zip(a.tolist(), b.tolist(), strict=True):
            self._join(one, two)

    def labels(self) -> NDArray[np.int64]:
        while True:
            parents = self._parent[self._parent]
            if np.array_equal(parents, self._parent):
                return parents
            self._parent = parents

    def _find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = int(self._parent[index])
        return index

    def _join(self, one: int, two: int) -> None:
        low, high = sorted((self._find(one), self._find(two)))
        self._parent[high] = low


def _join_equal_hashes(signatures: Signatures, roots: _Roots) -> NDArray[np.int64]:
    """Joins images of one hash that look alike, round by round with the first that is left over.

    -> one image for each hash and look, rising; of more than _MOST_LOOKS looks of one hash, the others stay alone
    """
    hashes = signatures.hashes
    left = np.argsort(hashes, kind="stable").astype(np.int64)
    heads: list[NDArray[np.int64]] = []
    for _ in range(_MOST_LOOKS):
        if not len(left):
            break
        begins = np.append(True, hashes[left[1:]] != hashes[left[:-1]])
        heads.append(left[begins])
        head_of = heads[-1][np.cumsum(begins) - 1]
        same = np.concatenate([alike(signatures, head_of[p], left[p]) for p in _parts(len(left))])
        roots.join(head_of[same], left[same])
        left = left[~(same | begins)]
    return np.sort(np.concatenate(heads)) if heads else left


def _parts(count: int) -> Iterator[slice]:
    """Slices of so many rows that their thumbs as floats stay small."""
    step = _PAIRS_A_STEP // THUMB_SIDE**2
    return (slice(low, low + step) for low in range(0, count, step))


def _close_pairs(hashes: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of hashes at most MAX_DISTANCE bits apart, in batches; a pair may come more than once."""
    count = len(hashes)
    if count < 2:
        return
    bands = [((hashes >> np.uint64(8 * i)) & np.uint64(0xFF)).astype(np.int64) for i in range(_BANDS)]
    work = sum(int((sizes * (sizes - 1) // 2).sum()) for sizes in (np.bincount(band) for band in bands))
    if work >= count * (count - 1) // 2:
        yield from _pairs_in(hashes, np.zeros(count, dtype=np.int64))
        return
    for band in bands:
        yield from _pairs_in(hashes, band)


def _pairs_in(
    hashes: NDArray[np.uint64], keys: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The close pairs among those of one key."""
    order = np.argsort(keys, kind="stable").astype(np.int64)
    sorted_hashes = hashes[order]
    bounds = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1], [True]]))
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        bucket = sorted_hashes[start:stop]
        rows = max(1, _PAIRS_A_STEP // len(bucket))
        for low in range(0, len(bucket), rows):
            one, two = bucket[low : low + rows, None], bucket[None, low:]
            a, b = np.nonzero(np.bitwise_count(one ^ two) <= MAX_DISTANCE)
            later = b > a
            if later.any():
                yield order[start + low + a[later]], order[start + low + b[later]]


def _averaged(grey: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Mean of each cell of a grid. (H, W) -> (rows, columns); a picture smaller than the grid is stretched."""
    for axis, cells in ((0, rows), (1, columns)):
        side = grey.shape[axis]
        if side < cells:
            grey = np.take(grey, np.arange(cells) * side // cells, axis=axis)
            continue
        starts = np.arange(cells) * side // cells
        widths = np.diff(np.append(starts, side)).astype(np.float32)
        sums = np.add.reduceat(grey, starts, axis=axis)
        grey = np.asarray(sums / (widths[:, None] if axis == 0 else widths), dtype=np.float32)
    return grey
