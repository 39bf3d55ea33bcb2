"""Finds objects with a trained detector: one image, or a stream of files. Trains nothing, scores nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.loader import RGB, decode_pool, fit_size, resize, to_tensor
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import Detector, build_detector
from rcnn_studio.engine.training.checkpoints import find_checkpoint, load_checkpoint
from rcnn_studio.engine.training.precision import Precision
from rcnn_studio.formats import images

BATCH = 8
Size = tuple[int, int]


@torch.inference_mode()
def detect_batch(
    detector: Detector, resized: Sequence[RGB], sizes: Sequence[Size], table: CategoryTable, precision: Precision
) -> list[Detections]:
    """resized: N images (h, w, 3) uint8; sizes: their original (width, height). The detector must be in eval mode.

    -> N Detections in original pixels, project category ids, score >= 0.01, at most 100 each.
    """
    found: list[dict[str, Tensor]] = [{}] * len(resized)
    for group in _alike(resized):
        with precision.autocast():
            _, results = detector([to_tensor(resized[i]) for i in group])
        for i, result in zip(group, results, strict=True):
            found[i] = result
    return [_in_image(f, i, size, table) for f, i, size in zip(found, resized, sizes, strict=True)]


def _alike(resized: Sequence[RGB]) -> list[list[int]]:
    """Positions by equal shape. Padding changes what GroupNorm sees: neighbours would change boxes."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, image in enumerate(resized):
        groups.setdefault(image.shape, []).append(position)
    return list(groups.values())


def _in_image(found: dict[str, Tensor], resized: RGB, size: Size, table: CategoryTable) -> Detections:
    width, height = size
    ratio = np.array([width / resized.shape[1], height / resized.shape[0]] * 2, dtype=np.float32)
    xyxy = np.clip(found["boxes"].float().cpu().numpy() * ratio, 0, [width, height, width, height])
    ids = table.to_category_ids(found["labels"].cpu().numpy())
    return Detections.make(xyxy, ids, found["scores"].float().cpu().numpy())


class Predictor:
    """A trained detector, ready. Use from one thread at a time."""

    def __init__(self, detector: Detector, config: TrainConfig, table: CategoryTable, precision: Precision) -> None:
        self._detector = detector.eval()
        self._config = config
        self._precision = precision
        self.table = table

    @staticmethod
    def load(run_dir: Path, *, device: str = "auto") -> Predictor:
        """The best checkpoint of a run. Raises EngineError naming what is missing or damaged."""
        weights, manifest = load_checkpoint(find_checkpoint(run_dir))
        chosen = devices.pick(device)
        detector = build_detector(manifest.config, len(manifest.table))
        detector.load_state_dict(weights)
        fits = manifest.amp == "bf16" and chosen.type != "mps"
        precision = Precision("bf16" if fits else "off", chosen.type)
        return Predictor(detector.to(chosen), manifest.config, manifest.table, precision)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """image: (H, W, 3) uint8 RGB, upright -> detections in its pixels, score >= 0.01, at most 100."""
        height, width = image.shape[:2]
        return detect_batch(self._detector, [self._resized(image)], [(width, height)], self.table, self._precision)[0]

    def detect_files(
        self, paths: Sequence[Path], report: Report, should_stop: ShouldStop
    ) -> Iterator[tuple[int, Detections | StudioError]]:
        """(position in paths, detections or the reason why not) of every file, in order, as they come.

        Decodes ahead on threads. Raises Cancelled when asked to stop.
        """
        pool = decode_pool()
        try:
            ahead: deque[tuple[int, Future[tuple[RGB, Size]]]] = deque()
            todo = iter(enumerate(paths))
            while True:
                ahead.extend((i, pool.submit(self._read, p)) for i, p in islice(todo, 3 * BATCH - len(ahead)))
                if not ahead:
                    return
                check(should_stop)
                group = [ahead.popleft() for _ in range(min(BATCH, len(ahead)))]
                yield from self._finish(group)
                report(Progress("Finding objects", group[-1][0] + 1, len(paths)))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _finish(
        self, group: Sequence[tuple[int, Future[tuple[RGB, Size]]]]
    ) -> Iterator[tuple[int, Detections | StudioError]]:
        read: list[tuple[int, RGB, Size]] = []
        results: dict[int, Detections | StudioError] = {}
        for position, future in group:
            try:
                image, size = future.result()
                read.append((position, image, size))
            except FormatError as error:
                results[position] = error
        if read:
            pixels, sizes = [r[1] for r in read], [r[2] for r in read]
            found = detect_batch(self._detector, pixels, sizes, self.table, self._precision)
            results.update({r[0]: detections for r, detections in zip(read, found, strict=True)})
        yield from sorted(results.items())

    def _read(self, path: Path) -> tuple[RGB, Size]:
        image = images.decode(path)
        return self._resized(image), (image.shape[1], image.shape[0])

    def _resized(self, image: RGB) -> RGB:
        size = fit_size(
            image.shape[1], image.shape[0], short=self._config.image_size, longest=self._config.image_max_size
        )
        return resize(image, size)
