"""Scores a detector on the validation images while a training goes on. Chooses nothing, saves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ShouldStop, check
from rcnn_studio.domain.runs import Scores
from rcnn_studio.engine.data.augment import Sample
from rcnn_studio.engine.data.loader import RGB, Batch, ImageSource, collate
from rcnn_studio.engine.data.targets import CategoryTable, image_targets
from rcnn_studio.engine.evaluation.coco import score
from rcnn_studio.engine.inference import BATCH, Size, detect_batch
from rcnn_studio.engine.models.detector import Detector
from rcnn_studio.engine.proposals import ProposalTable
from rcnn_studio.engine.training.precision import Precision


class Validator:
    """The validation images, in batches of like shape. proposals: for a detector that finds none itself."""

    def __init__(
        self,
        source: ImageSource,
        dataset: Dataset,
        indices: NDArray[np.int64],
        table: CategoryTable,
        pool: ThreadPoolExecutor,
        on_skipped: Callable[[FormatError], None],
        proposals: ProposalTable | None = None,
    ) -> None:
        aspects = dataset.sizes[indices, 0] / np.maximum(dataset.sizes[indices, 1], 1)
        self._indices = [int(i) for i in indices[np.argsort(aspects, kind="stable")]]
        self._source, self._dataset, self._table = source, dataset, table
        self._pool = pool
        self._on_skipped = on_skipped
        self._proposals = proposals

    @torch.no_grad()
    def loss(self, detector: Detector, precision: Precision, should_stop: ShouldStop) -> float:
        """Mean over the images of the sum of the losses; the same for the same weights. Raises Cancelled.

        torchvision computes losses in training mode only, so the flags of the three modules that decide are flipped
        for the moment, not those of their layers: batch statistics do not move. -1 where no image can be read.
        """
        total, count = 0.0, 0
        device = next(detector.parameters()).device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), _computing_losses(detector):
            torch.manual_seed(0)
            for index in self._indices:
                check(should_stop)
                batch = self._batch(index)
                if batch is not None:
                    with precision.autocast():
                        losses, _ = detector(batch.images, batch.targets, batch.proposals)
                    total += float(torch.stack(list(losses.values())).sum())
                    count += 1
        return total / count if count else -1.0

    def _batch(self, index: int) -> Batch | None:
        try:
            image = self._source.resized(index)
        except FormatError as error:
            self._on_skipped(error)
            return None
        targets = image_targets(self._dataset, index, self._table)
        width, height = (int(v) for v in self._dataset.sizes[index])
        ratio = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
        sample = Sample(Image.fromarray(image), targets.xyxy * ratio, targets.labels)
        if self._proposals is not None:
            sample = replace(sample, proposals=self._proposals.boxes(index) * ratio)
        return collate([(index, sample)], with_proposals=self._proposals is not None)

    def evaluate(self, detector: Detector, precision: Precision, should_stop: ShouldStop) -> Scores:
        """Raises Cancelled when asked to stop. The detector must be in eval mode."""
        scored: list[int] = []
        detections: list[Detections] = []
        groups = [self._indices[i : i + BATCH] for i in range(0, len(self._indices), BATCH)]
        following = self._submit(groups[0])
        for number, group in enumerate(groups):
            check(should_stop)
            current, following = following, self._submit(groups[number + 1] if number + 1 < len(groups) else [])
            read: dict[int, RGB] = {}
            for index, future in zip(group, current, strict=True):
                try:
                    read[index] = future.result()
                except FormatError as error:
                    self._on_skipped(error)
            if read:
                sizes: list[Size] = [(int(self._dataset.sizes[i][0]), int(self._dataset.sizes[i][1])) for i in read]
                detections.extend(
                    detect_batch(detector, list(read.values()), sizes, self._table, precision, self._given(read))
                )
                scored.extend(read)
        return score(self._dataset, scored, detections)

    def _given(self, read: Iterable[int]) -> list[NDArray[np.float32]] | None:
        return [self._proposals.boxes(index) for index in read] if self._proposals is not None else None

    def _submit(self, group: Sequence[int]) -> list[Future[RGB]]:
        return [self._pool.submit(self._source.resized, index) for index in group]


@contextmanager
def _computing_losses(detector: Detector) -> Iterator[None]:
    """The detector in eval mode, but for the flags that make it compute losses; afterwards wholly in eval mode."""
    detector.eval()
    deciding = [m for m in (detector, detector.rpn, detector.roi_heads) if m is not None]
    copies = detector.roi_heads.copies
    detector.roi_heads.settle()
    try:
        for module in deciding:
            module.training = True
        yield
    finally:
        for module in deciding:
            module.training = False
        detector.roi_heads.start_jitter(copies)
