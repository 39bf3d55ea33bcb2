"""From a dataset's columns to what a detector learns from: labels 1..K (0 is background), boxes clipped.

The only place where category ids become label numbers; reads no pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry
from rcnn_studio.domain.dataset import BoxFlag, Category, Dataset


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """The categories a detector knows; label k (1..K) is categories[k - 1]. Kept in every checkpoint."""

    categories: tuple[Category, ...]

    def __len__(self) -> int:
        return len(self.categories)

    def to_labels(self, category_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Category ids (N,) -> labels (N,) in 1..K; 0 for an id that is not in the table."""
        ids = self._ids()
        order = np.argsort(ids)
        if not len(ids):
            return np.zeros(len(category_ids), dtype=np.int64)
        place = np.clip(np.searchsorted(ids[order], category_ids), 0, len(ids) - 1)
        return np.where(ids[order][place] == category_ids, order[place] + 1, 0).astype(np.int64)

    def to_category_ids(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels (N,) in 1..K -> category ids (N,)."""
        return self._ids()[np.asarray(labels, dtype=np.int64) - 1]

    def to_json(self) -> list[dict[str, object]]:
        return [
            {"id": c.id, "name": c.name, "color": c.color, "supercategory": c.supercategory} for c in self.categories
        ]

    @staticmethod
    def from_json(rows: Sequence[dict[str, object]]) -> CategoryTable:
        """Raises KeyError or ValueError on damaged rows."""
        return CategoryTable(
            tuple(
                Category(
                    id=int(str(row["id"])),
                    name=str(row["name"]),
                    color=str(row.get("color", "")) or "#0072b2",
                    supercategory=str(row.get("supercategory", "")),
                )
                for row in rows
            )
        )

    def _ids(self) -> NDArray[np.int64]:
        return np.array([c.id for c in self.categories], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ImageTargets:
    """What one image teaches. xyxy (B, 4) float64 pixels of the upright image, inside it; labels (B,) in 1..K."""

    xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]


def image_targets(dataset: Dataset, index: int, table: CategoryTable, *, with_difficult: bool = True) -> ImageTargets:
    """Targets of image number `index`: boxes cut to the image; crowd, unusable and unknown-category boxes left out.

    A confirmed-empty image gives zero boxes: it teaches what is background.
    """
    rows = dataset.rows(index)
    width, height = (int(v) for v in dataset.sizes[index])
    raw = dataset.xyxy[rows]
    usable = geometry.valid_mask(raw)
    clipped = geometry.clip(np.where(usable[:, None], raw, 0.0), width=width, height=height)
    labels = table.to_labels(dataset.category_ids[rows])
    left_out = int(BoxFlag.CROWD) | (0 if with_difficult else int(BoxFlag.DIFFICULT))
    keep = usable & geometry.valid_mask(clipped) & (labels > 0) & ((dataset.flags[rows] & left_out) == 0)
    return ImageTargets(clipped[keep], labels[keep])


def unusable_boxes(dataset: Dataset, indices: NDArray[np.int64]) -> list[tuple[str, int]]:
    """(path, how many) of the images among `indices` that have boxes without an area or with broken numbers."""
    bad = ~dataset.boxes_usable()
    found = []
    for index in indices:
        count = int(bad[dataset.rows(int(index))].sum())
        if count:
            found.append((dataset.paths[int(index)], count))
    return found
