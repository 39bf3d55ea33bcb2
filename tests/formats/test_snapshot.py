"""The snapshot of a run comes back as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import Box, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.snapshot import read_snapshot, write_snapshot


def a_dataset() -> Dataset:
    boxes = (Box(id=7, x1=1.5, y1=2, x2=30, y2=40, category_id=2), Box(id=9, x1=0, y1=0, x2=5, y2=5, category_id=1))
    records = [
        ImageRecord(
            id=3, root=0, path="ä/1.jpg", width=64, height=48, state=ImageState.LABELLED, split="train", boxes=boxes
        ),
        ImageRecord(id=4, root=0, path="b.jpg", width=10, height=20),
    ]
    return Dataset.from_records(records, categories=make_categories(["röd", "b"]), roots=["/data"])


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    dataset = a_dataset()
    write_snapshot(tmp_path / "snapshot.npz", dataset)
    again = read_snapshot(tmp_path / "snapshot.npz")
    assert again.categories == dataset.categories
    assert again.paths == dataset.paths
    assert again.split_names == dataset.split_names
    for name in ("image_ids", "sizes", "states", "splits", "offsets", "box_ids", "xyxy", "category_ids", "flags"):
        assert np.array_equal(getattr(again, name), getattr(dataset, name)), name


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.npz"
    write_snapshot(path, a_dataset())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match=r"snapshot\.npz"):
        read_snapshot(path)
