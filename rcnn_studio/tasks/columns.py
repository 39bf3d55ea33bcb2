"""What a codec has read, as the columns of a dataset."""

from __future__ import annotations

import numpy as np

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.formats.codec import Imported


def dataset_of(imported: Imported, *, only_counts: bool = False) -> Dataset:
    """The columns of what was read. only_counts: zeros that take no memory stand for the ids and corners of boxes."""
    heads = Dataset.from_records(
        (image.record for image in imported.images), categories=imported.categories, roots=imported.roots
    )
    boxes = imported.boxes
    box_ids, xyxy = boxes.ids.astype(np.int64, copy=False), boxes.xyxy
    if only_counts:
        box_ids, xyxy = np.broadcast_to(np.int64(0), boxes.ids.shape), np.broadcast_to(np.float64(0), boxes.xyxy.shape)
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
        box_ids=box_ids,
        xyxy=xyxy.astype(np.float64, copy=False),
        category_ids=boxes.category_ids.astype(np.int64, copy=False),
        flags=boxes.flags,
    )
