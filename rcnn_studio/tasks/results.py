"""Detections as COCO's results file: a flat list of image_id, category_id, bbox (x, y, width, height) and score.

Finds nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.store.project import ProjectStore

Row = dict[str, Any]
COCO_ID = "coco_id"
"""Key of ImageRecord.extra under which an import keeps the image's id in its COCO file."""


def of_images(store: ProjectStore, found: Mapping[int, Detections]) -> list[Row]:
    """Rows of a project's images. bbox in pixels of the upright image, 0-based; scores in 0..1.

    image_id: that of the linked COCO file, so that the rows can be scored against it; the project's own number where
    there is none, or where several files use one id for several images.
    """
    ids = {image_id: store.image(image_id).extra.get(COCO_ID, image_id) for image_id in found}
    if len(set(ids.values())) < len(ids):
        ids = {image_id: image_id for image_id in found}
    return [row for image_id, detections in found.items() for row in _rows({"image_id": ids[image_id]}, detections)]


def of_files(found: Mapping[Path, Detections]) -> list[Row]:
    """Rows of foreign files: image ids count from 1 in their order, and every row has its file_name."""
    rows: list[Row] = []
    for number, (path, detections) in enumerate(found.items(), start=1):
        rows.extend(_rows({"image_id": number, "file_name": str(path)}, detections))
    return rows


def check_target(path: Path) -> None:
    """Raises FormatError where no file can be written at `path`; asked before the work, not after it."""
    if path.is_dir():
        raise FormatError(path, "", "is a folder. Name a file for the detections.")
    if not path.absolute().parent.is_dir():
        raise FormatError(path.absolute().parent, "", "no such folder. Make it first, or name another file.")


def write(path: Path, rows: list[Row]) -> None:
    """Writes the results file, whole or not at all. Raises FormatError naming the file."""
    write_atomic(path, json.dumps(rows).encode("ascii"))


def _rows(head: Row, detections: Detections) -> list[Row]:
    rows: list[Row] = []
    columns = (detections.xyxy.tolist(), detections.category_ids.tolist(), detections.scores.tolist())
    for (x1, y1, x2, y2), category_id, score in zip(*columns, strict=True):
        bbox = [round(x1, 3), round(y1, 3), round(x2 - x1, 3), round(y2 - y1, 3)]
        rows.append({**head, "category_id": category_id, "bbox": bbox, "score": round(score, 5)})
    return rows
