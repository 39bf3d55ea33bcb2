"""Augmented samples as a person can look at them: what the network would be shown, with the boxes. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.runs import TrainConfig
from rcnn_studio.engine.data.augment import Sample, augment, recipe
from rcnn_studio.engine.data.loader import RGB, ImageSource
from rcnn_studio.engine.data.targets import CategoryTable, image_targets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetSample:
    """image: (h, w, 3) uint8; xyxy: (B, 4) float64 in its pixels; category_ids: (B,); index: number in the dataset."""

    image: RGB
    xyxy: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    index: int


def sample_sheet(
    dataset: Dataset, indices: Sequence[int] | NDArray[np.int64], config: TrainConfig, *, count: int = 12, seed: int = 0
) -> list[SheetSample]:
    """`count` variants of these images as the config augments them, images in turn; the same seed, the same sheet.

    Images that cannot be read are left out. Raises EngineError for an augmentation that is not known.
    """
    chosen = recipe(config.augmentation, any_direction=config.any_direction)
    source = ImageSource(dataset, short=config.image_size, longest=config.image_max_size)
    table = CategoryTable(dataset.categories)
    shown = np.resize(np.asarray(indices, dtype=np.int64), count if len(indices) else 0)
    sheet = []
    for number, index in enumerate(int(i) for i in shown):
        try:
            image = source.resized(index)
        except FormatError:
            continue
        targets = image_targets(dataset, index, table, with_difficult=config.train_on_difficult)
        width, height = (int(v) for v in dataset.sizes[index])
        ratio = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
        sample = Sample(Image.fromarray(image), targets.xyxy * ratio, targets.labels)
        varied = augment(sample, chosen, np.random.default_rng((seed, number)))
        sheet.append(
            SheetSample(
                image=np.array(varied.image),
                xyxy=varied.xyxy,
                category_ids=table.to_category_ids(varied.labels),
                index=index,
            )
        )
    return sheet
