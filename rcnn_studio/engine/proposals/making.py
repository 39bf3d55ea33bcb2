"""Proposals for whole datasets and for the image at hand: by Selective Search ahead of time, or by a trained RPN.

Works on threads (OpenCV and Pillow free the GIL) at low priority; reports progress, stops when asked, and goes on
where it stopped. Trains nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.loader import RGB, ImageSource, image_path, to_tensor
from rcnn_studio.engine.models.detector import Detector
from rcnn_studio.engine.proposals.cache import ProposalCache, key_of
from rcnn_studio.engine.proposals.selective_search import (
    SearchSettings,
    require_opencv,
    selective_search,
    settings_of,
)
from rcnn_studio.engine.proposals.table import Boxes, ProposalTable
from rcnn_studio.engine.threads import quiet_worker
from rcnn_studio.engine.training.precision import Precision
from rcnn_studio.formats import images

KEEP_EVERY = 256  # images
KEEP_EVERY_S = 20.0


def proposer(config: TrainConfig) -> Callable[[RGB], Boxes] | None:
    """What finds proposals on a single image for a Fast R-CNN: (H, W, 3) uint8 -> (P, 4) float32 in its pixels.

    None for a method that finds its own. Raises EngineError without OpenCV.
    """
    if config.method != "fast-rcnn":
        return None
    require_opencv()
    settings = settings_of(config)
    return lambda image: selective_search(image, settings)[: config.proposals_test]


def prepare(
    dataset: Dataset,
    indices: Sequence[int] | NDArray[np.int64],
    config: TrainConfig,
    cache_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> ProposalTable:
    """Selective Search's proposals of these images, from the cache as far as they are there.

    An image that cannot be read has none; whoever loads it says why. Raises Cancelled when stopped (what was found is
    kept), EngineError without OpenCV or where the disk refuses.
    """
    require_opencv()
    settings = settings_of(config)
    cache = ProposalCache(cache_dir, settings.key)
    numbers = [int(i) for i in indices]
    keys = _keys(dataset, numbers, report, should_stop)
    missing = list({key: number for number, key in keys.items() if key not in cache}.values())
    found = ((keys[number], boxes) for number, boxes in _search(dataset, missing, settings, report, should_stop))
    _keep_as_they_come(cache, found)
    cache.compact()
    rows = {number: cache.row(key) for number, key in keys.items() if key in cache}
    return ProposalTable(tuple(cache.columns), rows)


@torch.inference_mode()
def dump(
    detector: Detector,
    source: ImageSource,
    dataset: Dataset,
    indices: Sequence[int] | NDArray[np.int64],
    precision: Precision,
    report: Report,
    should_stop: ShouldStop,
    *,
    count: int | None = None,
) -> ProposalTable:
    """A trained RPN's proposals of these images in original pixels, at most `count` an image (None: as in detection).

    The detector is put into eval mode. Images that cannot be read have none. Raises Cancelled when stopped.
    """
    detector.eval()
    found: dict[int, Boxes] = {}
    with _asked_for(detector, count):
        for number, index in enumerate(int(i) for i in indices):
            check(should_stop)
            try:
                image = source.resized(index)
            except FormatError:
                continue
            with precision.autocast():
                batch = detector.batch([to_tensor(image)])
                boxes, _ = detector.rpn(batch, detector.backbone(batch.tensors))
            size = dataset.sizes[index]
            ratio = np.array([size[0] / image.shape[1], size[1] / image.shape[0]] * 2)
            found[index] = (boxes[0].float().cpu().numpy() * ratio).astype(np.float32)
            report(Progress("Keeping the proposals", number + 1, len(indices)))
    return ProposalTable.of(found)


@contextmanager
def _asked_for(detector: Detector, count: int | None) -> Iterator[None]:
    rpn = detector.rpn
    before = rpn._pre_nms_top_n, rpn._post_nms_top_n
    if count is not None:
        rpn._pre_nms_top_n, rpn._post_nms_top_n = ({**top, "testing": count} for top in before)
    try:
        yield
    finally:
        rpn._pre_nms_top_n, rpn._post_nms_top_n = before


def _keys(dataset: Dataset, numbers: Sequence[int], report: Report, should_stop: ShouldStop) -> dict[int, bytes]:
    """The hash of each image's bytes; images that are gone are left out."""

    def key(number: int) -> bytes | None:
        try:
            return key_of(image_path(dataset, number).read_bytes())
        except (OSError, FormatError):
            return None

    found = {}
    for done, (number, value) in enumerate(_on_threads(numbers, key, should_stop), start=1):
        if value is not None:
            found[number] = value
        if done % 100 == 0:
            report(Progress("Looking for proposals in the cache", done, len(numbers)))
    return found


def _search(
    dataset: Dataset, numbers: Sequence[int], settings: SearchSettings, report: Report, should_stop: ShouldStop
) -> Iterator[tuple[int, Boxes]]:
    def search(number: int) -> Boxes | None:
        try:
            return selective_search(images.decode(image_path(dataset, number)), settings)
        except FormatError:
            return None

    if numbers:
        report(Progress("Selective Search", 0, len(numbers)))
    for done, (number, boxes) in enumerate(_on_threads(numbers, search, should_stop), start=1):
        report(Progress("Selective Search", done, len(numbers)))
        if boxes is not None:
            yield number, boxes


def _keep_as_they_come(cache: ProposalCache, found: Iterator[tuple[bytes, Boxes]]) -> None:
    waiting: dict[bytes, Boxes] = {}
    last = time.monotonic()
    try:
        for key, boxes in found:
            waiting[key] = boxes
            if len(waiting) >= KEEP_EVERY or time.monotonic() - last > KEEP_EVERY_S:
                cache.add(waiting)
                waiting, last = {}, time.monotonic()
    finally:  # also when the person stops it
        if waiting:
            cache.add(waiting)


def _on_threads(
    numbers: Sequence[int], work: Callable[[int], Any], should_stop: ShouldStop
) -> Iterator[tuple[int, Any]]:
    """(number, work(number)) in order, some ahead. Raises Cancelled when stopped."""
    workers = max(1, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="proposals", initializer=quiet_worker)
    try:
        ahead: deque[tuple[int, Future[Any]]] = deque()
        for number in numbers:
            ahead.append((number, pool.submit(work, number)))
            if len(ahead) > 4 * workers:
                check(should_stop)
                first, future = ahead.popleft()
                yield first, future.result()
        for first, future in ahead:
            check(should_stop)
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
