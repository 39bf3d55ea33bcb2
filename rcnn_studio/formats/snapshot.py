"""The dataset a run was trained on, as one .npz file of columns in the run's folder. Holds no pixels."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rcnn_studio.domain.dataset import Category, Dataset
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.atomic import write_atomic

_ARRAYS = (
    "image_ids",
    "image_roots",
    "sizes",
    "states",
    "splits",
    "offsets",
    "box_ids",
    "xyxy",
    "category_ids",
    "flags",
)


def write_snapshot(path: Path, dataset: Dataset) -> None:
    """Write the columns, and the texts (categories, roots, paths, split names) as JSON in UTF-8 bytes beside them."""
    texts = {
        "categories": [{**asdict(c), "extra": dict(c.extra)} for c in dataset.categories],
        "roots": list(dataset.roots),
        "paths": list(dataset.paths),
        "split_names": list(dataset.split_names),
    }
    encoded = np.frombuffer(json.dumps(texts).encode("utf-8"), dtype=np.uint8)
    buffer = io.BytesIO()
    columns: dict[str, Any] = {name: getattr(dataset, name) for name in _ARRAYS}
    np.savez(buffer, texts=encoded, **columns)
    write_atomic(path, buffer.getvalue())


def read_snapshot(path: Path) -> Dataset:
    """The dataset back. Raises FormatError for a file that is missing or no snapshot; nothing is unpickled."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            columns: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
            texts = json.loads(stored["texts"].tobytes().decode("utf-8"))
        return Dataset(
            categories=tuple(Category(**row) for row in texts["categories"]),
            roots=tuple(texts["roots"]),
            paths=tuple(texts["paths"]),
            split_names=tuple(texts["split_names"]),
            **columns,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(path, "", f"is no snapshot that can be read ({error}). Train again.") from error
