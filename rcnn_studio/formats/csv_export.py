"""Exporting a dataset as CSV: one table a split, and the images in images/.

TensorFlow's table has a header and whole or decimal pixels from 0, and no row for an image without boxes. That of
keras-retinanet has no header, an empty row for such an image, and classes.csv.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Dataset, ImageRecord
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import export_files
from rcnn_studio.formats.text import number_text

TENSORFLOW, RETINANET = "tensorflow", "retinanet"
HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
NO_SPLIT = "all"
CLASSES = "classes.csv"


def write(dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop, *, style: str) -> int:
    """See Codec.write. style: TENSORFLOW or RETINANET. -> number of files, images included"""
    export_files.prepare_folder(out)
    names = {category.id: category.name for category in dataset.categories}
    rows: dict[str, list[Sequence[object]]] = defaultdict(list)
    files = 0
    for index, name in enumerate(export_files.unique_names(dataset)):
        check(should_stop)
        report(Progress("Writing CSV", index, len(dataset)))
        export_files.copy_image(dataset, index, out / "images" / name)
        files += 1
        record = export_files.record_of(dataset, index, name)
        if record.state in TRAINABLE_STATES:
            own = _tensorflow_rows(record, names) if style == TENSORFLOW else _retinanet_rows(record, names)
            rows[record.split] += own
    tables = _table_names(rows)
    for split, own in rows.items():
        header = [HEADER] if style == TENSORFLOW else []
        export_files.write_file(out / tables[split], table_bytes([*header, *own]))
    files += len(rows)
    if style == RETINANET:
        classes = [(category.name, number) for number, category in enumerate(dataset.categories)]
        export_files.write_file(out / CLASSES, table_bytes(classes))
        files += 1
    report(Progress("Writing CSV", len(dataset), len(dataset)))
    return files


def table_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as UTF-8 text, quoted only where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _tensorflow_rows(record: ImageRecord, names: dict[int, str]) -> list[Sequence[object]]:
    return [
        (record.path, record.width, record.height, names[box.category_id], *map(number_text, box.xyxy))
        for box in record.boxes
    ]


def _retinanet_rows(record: ImageRecord, names: dict[int, str]) -> list[Sequence[object]]:
    path = f"images/{record.path}"
    if not record.boxes:
        return [(path, "", "", "", "", "")]
    return [(path, *map(number_text, box.xyxy), names[box.category_id]) for box in record.boxes]


def _table_names(splits: Iterable[str]) -> dict[str, str]:
    """train.csv for the split train, all.csv for images of none."""
    named: dict[str, str] = {}
    for split in splits:
        name = export_files.file_slug(split) if split else NO_SPLIT
        stem, number = name, 1
        while f"{stem}.csv" in (CLASSES, *named.values()):
            number += 1
            stem = f"{name}-{number}"
        named[split] = f"{stem}.csv"
    return named
