"""The orders of the image list, as ranks of the project's rows. Filters nothing."""

from __future__ import annotations

import re
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication

from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.image_rows import ImageRows


class ImageOrder(StrEnum):
    """What the list is sorted by."""

    PROJECT = "project"
    NAME = "name"
    MOST_BOXES = "most boxes"
    FEWEST_BOXES = "fewest boxes"
    DOUBTFUL = "doubtful"
    MOST_DETECTIONS = "most detections"
    CHANGED = "changed"


NEEDS_DETECTIONS = frozenset({ImageOrder.DOUBTFUL, ImageOrder.MOST_DETECTIONS})


def order_text(order: ImageOrder) -> str:
    """As the menu names it."""
    names = {
        ImageOrder.PROJECT: QCoreApplication.translate("ImageList", "As in the project"),
        ImageOrder.NAME: QCoreApplication.translate("ImageList", "By name"),
        ImageOrder.MOST_BOXES: QCoreApplication.translate("ImageList", "Most boxes first"),
        ImageOrder.FEWEST_BOXES: QCoreApplication.translate("ImageList", "Fewest boxes first"),
        ImageOrder.DOUBTFUL: QCoreApplication.translate("ImageList", "Model most unsure first"),
        ImageOrder.MOST_DETECTIONS: QCoreApplication.translate("ImageList", "Most detections first"),
        ImageOrder.CHANGED: QCoreApplication.translate("ImageList", "Changed last first"),
    }
    return names[order]


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts a name as people count: img_2 before img_10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def by_name(rows: ImageRows) -> NDArray[np.int64]:
    """All rows by the name of their file; about 0.3 s for 100,000."""
    names = [natural(path.rpartition("/")[2].casefold()) for path in rows.paths]
    return np.array(sorted(range(len(rows)), key=names.__getitem__), dtype=np.int64)


def sorted_rows(order: ImageOrder, rows: ImageRows, facts: ImageFacts) -> NDArray[np.int64] | None:
    """All rows in the order; those that are alike stay as they are in the project. None: what it takes is being read.

    Not for NAME, whose answer is worth keeping: see by_name.
    """
    if order == ImageOrder.PROJECT:
        return np.arange(len(rows), dtype=np.int64)
    if order == ImageOrder.CHANGED:
        edits = facts.last_edits()
        return None if edits is None else _highest_first(edits)
    if order == ImageOrder.DOUBTFUL:
        return _highest_first(facts.doubts())
    if order == ImageOrder.MOST_DETECTIONS:
        return _highest_first(facts.found_counts())
    return _highest_first(rows.box_counts if order == ImageOrder.MOST_BOXES else -rows.box_counts)


def _highest_first(values: NDArray[np.int64] | NDArray[np.int32] | NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(-values, kind="stable").astype(np.int64)
