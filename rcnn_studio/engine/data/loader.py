"""Feeds batches to a detector: threads decode, a bounded cache keeps resized uint8 images, batches wait ready.

No worker processes: fork can deadlock under Qt, and spawn costs seconds. Pillow decodes outside the GIL.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import EngineError, FormatError
from rcnn_studio.engine.data.augment import Recipe, Sample, augment
from rcnn_studio.engine.data.repeats import repeat_factors, repeated_positions
from rcnn_studio.engine.data.targets import CategoryTable, ImageTargets, image_targets
from rcnn_studio.engine.threads import quiet_worker
from rcnn_studio.formats import images
from rcnn_studio.formats.paths import resolve_inside

CACHE_BYTES = 1 << 30
PREFETCHED_BATCHES = 3
RGB = NDArray[np.uint8]


def fit_size(width: int, height: int, *, short: int, longest: int) -> tuple[int, int]:
    """Size with the short side at `short`, but the long one at `longest` at most. -> (width, height), each >= 1."""
    scale = min(short / min(width, height), longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image: RGB, size: tuple[int, int]) -> RGB:
    """(H, W, 3) -> (height, width, 3) of size (width, height), antialiased."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized)


def to_tensor(image: RGB) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) uint8 tensor; a copy, so that cached pixels stay as they are."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


class GivenBoxes(Protocol):
    """Where proposals come from that no RPN makes."""

    def boxes(self, index: int) -> NDArray[np.float32]:
        """Those of image number `index`, best first: (P, 4) xyxy pixels of the upright original."""
        ...


def image_path(dataset: Dataset, index: int) -> Path:
    """The file of image number `index`. Raises FormatError if the dataset's path leads out of its root."""
    return resolve_inside(Path(dataset.roots[int(dataset.image_roots[index])]), dataset.paths[index])


class ImageSource:
    """Resized images of a dataset by number, decoded once as far as the cache's bytes reach; safe across threads."""

    def __init__(self, dataset: Dataset, *, short: int, longest: int, cache_bytes: int = CACHE_BYTES) -> None:
        self._dataset = dataset
        self._short, self._longest = short, longest
        self._cache: dict[int, RGB] = {}
        self._room = cache_bytes
        self._lock = threading.Lock()

    def path(self, index: int) -> Path:
        return image_path(self._dataset, index)

    def resized(self, index: int) -> RGB:
        """(h, w, 3) of image number `index`. Raises FormatError if it cannot be read or has changed its size."""
        with self._lock:
            known = self._cache.get(index)
        if known is not None:
            return known
        path = self.path(index)
        image = images.decode(path)
        height, width = image.shape[:2]
        expected = tuple(int(v) for v in self._dataset.sizes[index])
        if (width, height) != expected:
            raise FormatError(
                path, "", f"is {width} x {height} pixels, but its boxes were made for {expected[0]} x {expected[1]}."
            )
        small = resize(image, fit_size(width, height, short=self._short, longest=self._longest))
        with self._lock:
            if small.nbytes <= self._room and index not in self._cache:
                self._cache[index] = small
                self._room -= small.nbytes
        return small


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """images: N uint8 (3, h, w); targets: N dicts of boxes (B, 4) float32 in those pixels and labels (B,) int64.

    proposals: N times (P, 4) float32 like the boxes, where they do not come from the detector itself.
    place: 0-based number of the batch in its epoch, counting those of which nothing could be read.
    """

    indices: tuple[int, ...]
    images: list[Tensor]
    targets: list[dict[str, Tensor]]
    proposals: list[Tensor] | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class _Order:
    """One image to prepare: everything its variant depends on, so that thread timing changes nothing."""

    index: int
    seed: tuple[int, ...]
    recipe: Recipe
    scale: float


class TrainLoader:
    """Shuffled, augmented batches of the images `indices`; one object for a whole training. Close it."""

    def __init__(
        self,
        source: ImageSource,
        dataset: Dataset,
        indices: NDArray[np.int64],
        table: CategoryTable,
        *,
        batch_size: int,
        seed: int,
        multi_scale: float = 0.0,
        with_difficult: bool = True,
        pin: bool = False,
        proposals: GivenBoxes | None = None,
        repeat_threshold: float = 0.0,
        on_skipped: Callable[[FormatError], None],
    ) -> None:
        self._source, self._proposals = source, proposals
        self._targets = {int(i): image_targets(dataset, int(i), table, with_difficult=with_difficult) for i in indices}
        self._sizes = {int(i): (int(dataset.sizes[i][0]), int(dataset.sizes[i][1])) for i in indices}
        self._names = {int(i): dataset.paths[int(i)] for i in indices}
        self._indices = [int(i) for i in indices]
        self._aspects = np.array([self._sizes[i][0] / max(1, self._sizes[i][1]) for i in self._indices])
        labels = [self._targets[i].labels for i in self._indices]
        self._repeats = repeat_factors(labels, repeat_threshold) if repeat_threshold > 0 else None
        self._batch_size = min(batch_size, len(self._indices))
        self._seed, self._multi_scale, self._pin = seed, multi_scale, pin
        self._on_skipped = on_skipped
        self.pool = decode_pool()
        self.box_count = sum(len(t.labels) for t in self._targets.values())

    @property
    def steps_per_epoch(self) -> int:
        shown = len(self._indices) if self._repeats is None else round(float(self._repeats.sum()))
        return shown // self._batch_size

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    def name(self, index: int) -> str:
        """Path of image number `index` as the dataset writes it."""
        return self._names[index]

    def sample_batch(self) -> Batch:
        """A typical batch, unchanged, to measure with. Raises EngineError if no image can be read."""
        still = Recipe()
        samples: list[tuple[int, Sample]] = []
        for index in self._indices:
            try:
                samples.append((index, self._prepare(_Order(index, (0, 0, 0), still, 1.0))))
            except FormatError as error:
                self._on_skipped(error)
            if len(samples) == self._batch_size:
                break
        if not samples:
            raise EngineError("None of the training images can be read. See the warnings for each file's reason.")
        return self._collated(samples)

    def epoch(self, number: int, recipe: Callable[[int], Recipe], *, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from place `skip` on, the same ones whatever is skipped.

        recipe(place) is asked ahead of the batch, so it must depend on the place alone.
        """
        rng = np.random.default_rng((self._seed, number))
        shown = self._shown(rng)
        groups = batches_of_like_shape(self._aspects[shown], self._batch_size, rng)
        scales = 1.0 + self._multi_scale * rng.uniform(-1.0, 1.0, len(groups))
        turns = rng.random(len(groups))
        waiting: deque[tuple[int, tuple[int, ...], list[Future[Sample]]]] = deque()
        for place, (group, scale, turn) in islice(enumerate(zip(groups, scales, turns, strict=True)), skip, None):
            chosen = tuple(self._indices[shown[i]] for i in group)
            now = recipe(place)
            # a batch is turned as a whole: portrait beside landscape would be a third padding
            now = replace(now, quarter_turn=float(turn < now.quarter_turn))
            copies = [] if self._repeats is None else [int(i) for i in group]  # the same image, another variant
            seeds = [(self._seed, number, i, *copies[k : k + 1]) for k, i in enumerate(chosen)]
            orders = [_Order(i, seed, now, float(scale)) for i, seed in zip(chosen, seeds, strict=True)]
            waiting.append((place, chosen, [self.pool.submit(self._prepare, order) for order in orders]))
            if len(waiting) > PREFETCHED_BATCHES:
                yield from self._finish(*waiting.popleft())
        while waiting:
            yield from self._finish(*waiting.popleft())

    def _shown(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions in the list of images that an epoch shows: each once, or rare ones more often."""
        if self._repeats is None:
            return np.arange(len(self._indices))
        return repeated_positions(self._repeats, self.steps_per_epoch * self._batch_size, rng)

    def _prepare(self, order: _Order) -> Sample:
        small = self._source.resized(order.index)
        targets: ImageTargets = self._targets[order.index]
        width, height = self._sizes[order.index]
        if order.scale != 1.0:
            size = (max(1, round(small.shape[1] * order.scale)), max(1, round(small.shape[0] * order.scale)))
            small = resize(small, size)
        ratio = np.array([small.shape[1] / width, small.shape[0] / height] * 2)
        given = np.zeros((0, 4)) if self._proposals is None else self._proposals.boxes(order.index) * ratio
        sample = Sample(Image.fromarray(small), targets.xyxy * ratio, targets.labels, given)
        return augment(sample, order.recipe, np.random.default_rng(order.seed))

    def _finish(self, place: int, indices: Sequence[int], futures: Sequence[Future[Sample]]) -> Iterator[Batch]:
        """One batch of what could be read; none if nothing could."""
        samples: list[tuple[int, Sample]] = []
        for index, future in zip(indices, futures, strict=True):
            try:
                samples.append((index, future.result()))
            except FormatError as error:
                self._on_skipped(error)
        if samples:
            yield replace(self._collated(samples), place=place)

    def _collated(self, samples: Sequence[tuple[int, Sample]]) -> Batch:
        return collate(samples, pin=self._pin, with_proposals=self._proposals is not None)


def collate(samples: Sequence[tuple[int, Sample]], *, pin: bool = False, with_proposals: bool = False) -> Batch:
    """(image number, sample) pairs -> one batch. pin: in page-locked memory, for a CUDA device."""
    tensors = [to_tensor(np.asarray(s.image)) for _, s in samples]
    targets = [
        {"boxes": torch.from_numpy(s.xyxy.astype(np.float32)).reshape(-1, 4), "labels": torch.from_numpy(s.labels)}
        for _, s in samples
    ]
    given = [torch.from_numpy(s.proposals.astype(np.float32)).reshape(-1, 4) for _, s in samples]
    return Batch(
        tuple(index for index, _ in samples),
        [t.pin_memory() for t in tensors] if pin else tensors,
        targets,
        proposals=given if with_proposals else None,
    )


def batches_of_like_shape(
    aspects: NDArray[np.float64], batch_size: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Shuffled full batches of positions, like aspect ratios (width / height) together: padding costs like pixels."""
    order = rng.permutation(len(aspects))
    order = order[: len(order) // batch_size * batch_size]
    window = batch_size * 16
    windows = [order[i : i + window] for i in range(0, len(order), window)]
    ordered = np.concatenate([w[np.argsort(np.round(np.log(aspects[w]), 1), kind="stable")] for w in windows])
    groups = ordered.reshape(-1, batch_size).astype(np.int64)
    return [groups[i] for i in rng.permutation(len(groups))]


def decode_pool() -> ThreadPoolExecutor:
    """Threads for decoding: one fewer than cores, at most eight, at low priority."""
    workers = max(1, min(8, (os.cpu_count() or 2) - 1))
    return ThreadPoolExecutor(workers, thread_name_prefix="decode", initializer=quiet_worker)
