"""A dataset in numbers: how many boxes of what, where, how large. Pure numpy over columns; draws and reads nothing.

A million boxes take well under a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.dataset import Dataset, ImageState

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

COCO_SMALL, COCO_MEDIUM = 32.0**2, 96.0**2
"""COCO's limits in square pixels: small below the first, large from the second on (cocodataset.org, detection eval)."""

SIZE_NAMES = ("small", "medium", "large")
SIDE_EDGES = np.concatenate([[0.0], 2.0 ** np.arange(0.0, 12.5, 0.5), [np.inf]])
RELATIVE_EDGES = np.linspace(0.0, 1.0, 21)
ASPECT_EDGES = np.concatenate([[0.0], 2.0 ** np.arange(-4.0, 4.25, 0.25), [np.inf]])
HEAT_CELLS = 32
MOST_COOCCURRING = 100
_PAIRS_A_STEP = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSize:
    """How training resizes an image: the shorter side becomes min_side pixels, unless the longer one would then be
    over max_side, which then decides (Faster R-CNN, section 3.3)."""

    min_side: int = 800
    max_side: int = 1333

    def scales(self, sizes: NDArray[np.int32]) -> FloatArray:
        """Factor of each image. sizes (N, 2) width and height in pixels -> (N,); 0 for an image without a size."""
        short = sizes.min(axis=1).astype(np.float64)
        long = sizes.max(axis=1).astype(np.float64)
        with np.errstate(divide="ignore"):
            factor = np.minimum(self.min_side / short, self.max_side / long)
        return np.asarray(np.where(short > 0, factor, 0.0), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histogram:
    """counts (B,) int64 of values in [edges[i], edges[i + 1]); the last bin also holds its upper edge.

    edges (B + 1,) float64, rising; the last may be infinite.
    """

    edges: FloatArray
    counts: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """One dataset. C categories and S splits stand in the order of `categories` and `splits` ("" is no split).

    images, boxes: how many there are. unusable: boxes that are not finite or have no area inside their image; they
    are in boxes_per_category, and in no size, shape or position.
    boxes_per_category (C, S); images_per_category (C, S): images with at least one; images_per_state (5, S) by
    ImageState; boxes_per_image (K,): images with exactly k boxes, over the states that are trained on.
    side, side_resized: square root of the area in pixels, as it is and at the training size; side_relative: over the
    square root of the image's area, 0..1; aspect: width / height, in quarters of an octave.
    sizes, sizes_resized (C, 3): COCO's small, medium and large, as it is and at the training size.
    heat (G, G): box centres by their relative place, rows from top to bottom.
    cooccurring (K,): indices into categories, the most frequent first; cooccurrence (K, K): images with both, the
    diagonal: images with that category. image_sizes: (width, height, how many), the most frequent first.
    All counts are int64.
    """

    categories: tuple[str, ...]
    splits: tuple[str, ...]
    training_size: TrainingSize
    images: int
    boxes: int
    unusable: int
    boxes_per_category: IntArray
    images_per_category: IntArray
    images_per_state: IntArray
    boxes_per_image: IntArray
    side: Histogram
    side_resized: Histogram
    side_relative: Histogram
    aspect: Histogram
    sizes: IntArray
    sizes_resized: IntArray
    heat: IntArray
    cooccurring: IntArray
    cooccurrence: IntArray
    image_sizes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shapes:
    """The usable boxes, cut to their images. category (M,) indices; sides in pixels; centre (M, 2) in 0..1."""

    category: IntArray
    width: FloatArray
    height: FloatArray
    centre: FloatArray
    scale: FloatArray
    relative: FloatArray

    @property
    def side(self) -> FloatArray:
        return np.sqrt(self.width * self.height)


def count(dataset: Dataset, training_size: TrainingSize | None = None) -> Statistics:
    """The numbers of this dataset; an empty one gives zeros. training_size: 800 and 1333 pixels where None."""
    resize = training_size or TrainingSize()
    image_of = np.repeat(np.arange(len(dataset)), np.diff(dataset.offsets))
    category_of = category_indices(dataset)
    known = category_of >= 0
    pairs = _image_category_pairs(image_of[known], category_of[known], len(dataset.categories))
    shapes = _shapes(dataset, image_of, category_of, resize)
    shape = (len(dataset.categories), len(dataset.split_names))
    split_of = dataset.splits.astype(np.int64)
    cooccurring, cooccurrence = _cooccurrence(*pairs, len(dataset.categories))
    return Statistics(
        categories=tuple(category.name for category in dataset.categories),
        splits=dataset.split_names,
        training_size=resize,
        images=len(dataset),
        boxes=dataset.box_count,
        unusable=dataset.box_count - len(shapes.category),
        boxes_per_category=_table(category_of[known], split_of[image_of[known]], shape),
        images_per_category=_table(pairs[1], split_of[pairs[0]], shape),
        images_per_state=_table(dataset.states.astype(np.int64), split_of, (len(ImageState), shape[1])),
        boxes_per_image=np.bincount(np.diff(dataset.offsets)[dataset.trainable_mask()]).astype(np.int64),
        side=histogram(shapes.side, SIDE_EDGES),
        side_resized=histogram(shapes.side * shapes.scale, SIDE_EDGES),
        side_relative=histogram(shapes.relative, RELATIVE_EDGES),
        aspect=histogram(shapes.width / shapes.height, ASPECT_EDGES),
        sizes=_sizes(shapes, np.ones_like(shapes.scale), shape[0]),
        sizes_resized=_sizes(shapes, shapes.scale, shape[0]),
        heat=_heat(shapes.centre),
        cooccurring=cooccurring,
        cooccurrence=cooccurrence,
        image_sizes=_image_sizes(dataset.sizes),
    )


def histogram(values: FloatArray, edges: FloatArray) -> Histogram:
    """Counts by bin; values outside the edges go to the first and to the last bin. (M,) -> (len(edges) - 1,)"""
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return Histogram(edges=edges, counts=np.bincount(bins, minlength=len(edges) - 1).astype(np.int64))


def category_indices(dataset: Dataset) -> IntArray:
    """Index into dataset.categories of each box; -1 for an id that no category has. -> (M,)"""
    if not dataset.categories:
        return np.full(dataset.box_count, -1, dtype=np.int64)
    ids = np.array([category.id for category in dataset.categories], dtype=np.int64)
    order = np.argsort(ids)
    places = np.minimum(np.searchsorted(ids, dataset.category_ids, sorter=order), len(ids) - 1)
    found = order[places]
    return np.where(ids[found] == dataset.category_ids, found, -1)


def _shapes(dataset: Dataset, image_of: IntArray, category_of: IntArray, resize: TrainingSize) -> _Shapes:
    usable = dataset.boxes_usable()
    images = image_of[usable]
    sizes = dataset.sizes[images].astype(np.float64)
    low, high = np.split(dataset.xyxy[usable], 2, axis=1)
    low, high = np.clip(low, 0.0, sizes), np.clip(high, 0.0, sizes)
    width, height = (high - low).T
    return _Shapes(
        category=category_of[usable],
        width=width,
        height=height,
        centre=(low + high) / 2.0 / sizes,
        scale=resize.scales(dataset.sizes)[images],
        relative=np.sqrt(geometry.areas(np.concatenate([low, high], axis=1)) / sizes.prod(axis=1)),
    )


def _table(rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> IntArray:
    flat = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def _sizes(shapes: _Shapes, scale: FloatArray, categories: int) -> IntArray:
    areas = shapes.width * shapes.height * scale**2
    which = (areas >= COCO_SMALL).astype(np.int64) + (areas >= COCO_MEDIUM)
    known = shapes.category >= 0
    return _table(shapes.category[known], which[known], (categories, len(SIZE_NAMES)))


def _heat(centre: FloatArray) -> IntArray:
    cells = np.clip((centre * HEAT_CELLS).astype(np.int64), 0, HEAT_CELLS - 1)
    return _table(cells[:, 1], cells[:, 0], (HEAT_CELLS, HEAT_CELLS))


def _image_category_pairs(image_of: IntArray, category_of: IntArray, categories: int) -> tuple[IntArray, IntArray]:
    """Each image with each of its categories once, in the order of the images. -> (image, category), both (P,)"""
    keys = np.sort(image_of * max(1, categories) + category_of)
    keys = keys[_first_of_each(keys)]
    return keys // max(1, categories), keys % max(1, categories)


def _cooccurrence(image: IntArray, category: IntArray, categories: int) -> tuple[IntArray, IntArray]:
    """The most frequent categories, and in how many images each two of them stand together."""
    totals = np.bincount(category, minlength=categories)
    chosen = np.argsort(-totals, kind="stable")[:MOST_COOCCURRING].astype(np.int64)
    rank = np.full(max(1, categories), -1, dtype=np.int64)
    rank[chosen] = np.arange(len(chosen))
    kept = rank[category] >= 0
    image, column = image[kept], rank[category[kept]]
    counts = np.zeros(len(chosen) ** 2, dtype=np.int64)
    for start, stop in _steps(image):
        present = np.zeros((int(image[stop - 1] - image[start]) + 1, len(chosen)), dtype=np.float32)
        present[image[start:stop] - image[start], column[start:stop]] = 1.0
        counts += (present.T @ present).ravel().astype(np.int64)
    return chosen, counts.reshape(len(chosen), len(chosen))


def _steps(image: IntArray) -> list[tuple[int, int]]:
    """Ranges of pairs that together hold so few images that a table of them stays small; no image is cut in two."""
    if not len(image):
        return []
    span = max(1, _PAIRS_A_STEP // MOST_COOCCURRING)
    bounds = np.searchsorted(image, np.arange(int(image[0]), int(image[-1]) + span + 1, span))
    return [(a, b) for a, b in pairwise(bounds.tolist()) if b > a]


def _image_sizes(sizes: NDArray[np.int32]) -> tuple[tuple[int, int, int], ...]:
    keys = np.sort(sizes[:, 0].astype(np.int64) << 32 | sizes[:, 1].astype(np.int64))
    starts = np.flatnonzero(_first_of_each(keys))
    counts = np.diff(np.append(starts, len(keys)))
    order = np.argsort(-counts, kind="stable")
    rows = zip(keys[starts[order]].tolist(), counts[order].tolist(), strict=True)
    return tuple((key >> 32, key & 0xFFFFFFFF, images) for key, images in rows)


def _first_of_each(rising: IntArray) -> NDArray[np.bool_]:
    """True where a value differs from the one before. np.unique would keep the interpreter to itself for 0.1 s a
    million, and a commit waiting."""
    first = np.ones(len(rising), dtype=np.bool_)
    first[1:] = rising[1:] != rising[:-1]
    return first
