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
from rcnn_studio.domain.errors import EngineError, FormatError, StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.loader import RGB, decode_pool, fit_size, resize, to_tensor
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import Detector, build_detector
from rcnn_studio.engine.proposals import proposer
from rcnn_studio.engine.training.checkpoints import find_checkpoint, load_checkpoint
from rcnn_studio.engine.training.precision import Precision
from rcnn_studio.formats import images

BATCH = 8
Size = tuple[int, int]
_Read = tuple[RGB, Size, NDArray[np.float32] | None]  # resized, original size, proposals in original pixels


@torch.inference_mode()
def detect_batch(
    detector: Detector,
    resized: Sequence[RGB],
    sizes: Sequence[Size],
    table: CategoryTable,
    precision: Precision,
    proposals: Sequence[NDArray[np.float32]] | None = None,
) -> list[Detections]:
    """resized: N images (h, w, 3) uint8; sizes: their original (width, height). The detector must be in eval mode.
    proposals: N times (P, 4) xyxy in original pixels, for a detector that finds none itself.

    -> N Detections in original pixels, project category ids, score >= 0.01, at most 100 each.
    """
    found: list[dict[str, Tensor]] = [{}] * len(resized)
    groups = deque(_alike(resized))
    while groups:
        group = groups.popleft()
        given = None
        if proposals is not None:
            given = [torch.from_numpy(proposals[i] * _ratio(sizes[i], resized[i])).float() for i in group]
        results = _detect_alike(detector, [resized[i] for i in group], given, precision)
        if results is None:
            groups.extendleft((group[len(group) // 2 :], group[: len(group) // 2]))
            continue
        for i, result in zip(group, results, strict=True):
            found[i] = result
    return [_in_image(f, i, size, table) for f, i, size in zip(found, resized, sizes, strict=True)]


def _ratio(size: Size, resized: RGB) -> NDArray[np.float32]:
    """What original xyxy are multiplied with to lie in the resized image."""
    return np.array([resized.shape[1] / size[0], resized.shape[0] / size[1]] * 2, dtype=np.float32)


def _detect_alike(
    detector: Detector, images: Sequence[RGB], proposals: list[Tensor] | None, precision: Precision
) -> list[dict[str, Tensor]] | None:
    """-> None where the memory is not enough for so many at once. Raises EngineError with what to do for the rest."""
    device = next(detector.parameters()).device
    try:
        with precision.autocast():
            _, results = detector([to_tensor(image) for image in images], None, proposals)
        return list(results)
    except RuntimeError as error:  # all that torch raises, torch.OutOfMemoryError included
        if not devices.is_out_of_memory(error):
            raise EngineError(_words(error, device)) from error
    devices.free_memory(device)  # out of the handler, whose traceback holds the tensors
    if len(images) == 1:
        raise EngineError(
            f"The memory of {devices.describe(str(device))} is not enough for one image. Close other programs that use "
            "it, or choose a model that was trained with a smaller image_size."
        )
    return None


def _words(error: RuntimeError, device: torch.device) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if device.type == "cpu":
        return f"The model cannot be computed ({reason}). Choose another run, or train again."
    return (
        f"The model cannot be computed on {devices.describe(str(device))} ({reason}). Restart the program; if it comes "
        "again, update the driver, or predict on the CPU: set CUDA_VISIBLE_DEVICES to nothing."
    )


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
        self._propose = proposer(config)
        self.table = table

    @staticmethod
    def load(run_dir: Path, *, device: str = "auto") -> Predictor:
        """The best checkpoint of a run. Raises EngineError naming what is missing or damaged."""
        folder = find_checkpoint(run_dir)
        weights, manifest = load_checkpoint(folder)
        chosen = devices.pick(device)
        detector = build_detector(manifest.config, len(manifest.table))
        try:
            detector.load_state_dict(weights)
            detector.to(chosen)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise EngineError(
                f"{folder}: the model cannot be set up on {devices.describe(str(chosen))} ({reason}). Close other "
                "programs that use its memory, choose another run, or train again."
            ) from error
        fits = manifest.amp == "bf16" and chosen.type != "mps"
        precision = Precision("bf16" if fits else "off", chosen.type)
        return Predictor(detector, manifest.config, manifest.table, precision)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """image: (H, W, 3) uint8 RGB, upright -> detections in its pixels, score >= 0.01, at most 100."""
        height, width = image.shape[:2]
        return self._detect([(self._resized(image), (width, height), self._proposals(image))])[0]

    def detect_files(
        self, paths: Sequence[Path], report: Report, should_stop: ShouldStop
    ) -> Iterator[tuple[int, Detections | StudioError]]:
        """(position in paths, detections or the reason why not) of every file, in order, as they come.

        Decodes ahead on threads. Raises Cancelled when asked to stop.
        """
        pool = decode_pool()
        try:
            ahead: deque[tuple[int, Future[_Read]]] = deque()
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

    def _finish(self, group: Sequence[tuple[int, Future[_Read]]]) -> Iterator[tuple[int, Detections | StudioError]]:
        read: dict[int, _Read] = {}
        results: dict[int, Detections | StudioError] = {}
        for position, future in group:
            try:
                read[position] = future.result()
            except FormatError as error:
                results[position] = error
        if read:
            results.update(zip(read, self._detect(list(read.values())), strict=True))
        yield from sorted(results.items())

    def _detect(self, read: Sequence[_Read]) -> list[Detections]:
        pixels, sizes, proposals = [r[0] for r in read], [r[1] for r in read], [r[2] for r in read]
        given = [p for p in proposals if p is not None] if self._propose is not None else None
        return detect_batch(self._detector, pixels, sizes, self.table, self._precision, given)

    def _read(self, path: Path) -> _Read:
        image = images.decode(path)
        return self._resized(image), (image.shape[1], image.shape[0]), self._proposals(image)

    def _proposals(self, image: RGB) -> NDArray[np.float32] | None:
        return self._propose(image) if self._propose is not None else None

    def _resized(self, image: RGB) -> RGB:
        size = fit_size(
            image.shape[1], image.shape[0], short=self._config.image_size, longest=self._config.image_max_size
        )
        return resize(image, size)
