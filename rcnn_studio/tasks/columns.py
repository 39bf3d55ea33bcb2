"""What a codec has read, as the columns of a dataset."""

from __future__ import annotations

import numpy as np

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.formats.codec import Imported


def dataset_of(imported: Imported) -> Dataset:
    """The columns of what was read."""
    heads = Dataset.from_records(
        (image.record for image in imported.images), categories=imported.categories, roots=imported.roots
    )
    boxes = imported.boxes
    return Dataset(
        categories=heads.categories,
        roots=heads.roots,
        split_names=heads.split_names,
        image_ids=heads.image_ids,
        image_roots=heads.image_roots,
        paths=heads.paths,
        sizes=heads.sizes,
        states=heads.states,
        splits=heads.splits,
        offsets=boxes.offsets,
        box_ids=boxes.ids.astype(np.int64, copy=False),
        xyxy=boxes.xyxy.astype(np.float64, copy=False),
        category_ids=boxes.category_ids.astype(np.int64, copy=False),
        flags=boxes.flags,
    )
