"""Scores a detector on the validation images while a training goes on. Chooses nothing, saves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import ShouldStop, check
from rcnn_studio.domain.runs import Scores
from rcnn_studio.engine.data.loader import RGB, ImageSource
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.evaluation.coco import score
from rcnn_studio.engine.inference import BATCH, Size, detect_batch
from rcnn_studio.engine.models.detector import Detector
from rcnn_studio.engine.training.precision import Precision


class Validator:
    """The validation images, in batches of like shape."""

    def __init__(
        self,
        source: ImageSource,
        dataset: Dataset,
        indices: NDArray[np.int64],
        table: CategoryTable,
        pool: ThreadPoolExecutor,
        on_skipped: Callable[[FormatError], None],
    ) -> None:
        aspects = dataset.sizes[indices, 0] / np.maximum(dataset.sizes[indices, 1], 1)
        self._indices = [int(i) for i in indices[np.argsort(aspects, kind="stable")]]
        self._source, self._dataset, self._table = source, dataset, table
        self._pool = pool
        self._on_skipped = on_skipped

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
                detections.extend(detect_batch(detector, list(read.values()), sizes, self._table, precision))
                scored.extend(read)
        return score(self._dataset, scored, detections)

    def _submit(self, group: Sequence[int]) -> list[Future[RGB]]:
        return [self._pool.submit(self._source.resized, index) for index in group]
