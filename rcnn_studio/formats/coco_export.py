"""Exporting a dataset as COCO: annotations/instances_<split>.json and copies of the images in images/.

Ids count from 1: pycocotools takes annotation id 0 for "no match". Only images that may be trained on are written;
COCO has no word for "unlabelled", and others would take such images for empty ones.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from rcnn_studio.domain.dataset import Dataset, ImageRecord
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import export_files
from rcnn_studio.formats.coco_record import ATTRIBUTES

NO_SPLIT = "all"


def write(dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
    """See Codec.write. -> number of files, images included"""
    export_files.prepare_folder(out)
    by_split: dict[str, list[ImageRecord]] = defaultdict(list)
    names = export_files.unique_names(dataset)
    wanted = dataset.indices()
    for count, index in enumerate(int(i) for i in wanted):
        check(should_stop)
        report(Progress("Copying images", count, len(wanted)))
        export_files.copy_image(dataset, index, out / "images" / names[index])
        record = export_files.record_of(dataset, index, names[index])
        by_split[record.split or NO_SPLIT].append(record)
    for split, records in by_split.items():
        check(should_stop)
        path = out / "annotations" / f"instances_{export_files.file_slug(split)}.json"
        export_files.write_file(path, orjson.dumps(document(dataset, records)))
    report(Progress("Copying images", len(wanted), len(wanted)))
    return len(wanted) + len(by_split)


def document(dataset: Dataset, records: list[ImageRecord]) -> dict[str, Any]:
    """The COCO document of these images; categories keep their ids, which must not be 0."""
    shift = 1 if any(category.id == 0 for category in dataset.categories) else 0
    annotations: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        images.append({"id": number, "file_name": record.path, "width": record.width, "height": record.height})
        for box in record.boxes:
            x1, y1, x2, y2 = (round(v, 2) for v in box.xyxy)
            annotation: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": box.category_id + shift,
                "bbox": [_number(x1), _number(y1), _number(x2 - x1), _number(y2 - y1)],
                "area": _number((x2 - x1) * (y2 - y1)),
                "iscrowd": int(box.crowd),
            }
            attributes = {name: True for name, flag in ATTRIBUTES.items() if box.flags & flag}
            annotations.append({**annotation, "attributes": attributes} if attributes else annotation)
    categories = [
        {"id": category.id + shift, "name": category.name, "supercategory": category.supercategory}
        for category in dataset.categories
    ]
    return {
        "info": {"description": "Exported by RCNN Studio"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def _number(value: float) -> float | int:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded
