"""Exporting a dataset as YOLO: images/<split>, labels/<split> and data.yaml.

Class indexes are the places of the categories in the list. Unlabelled images and those that need a fix get no text
file, so that nobody takes them for empty ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Category, Dataset
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import export_files, yolo_patch
from rcnn_studio.formats.known_files import stem_of
from rcnn_studio.formats.yolo_names import yaml_text

_KEYS = ("train", "val", "test")


def write(dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
    """See Codec.write. -> number of files, images included"""
    export_files.prepare_folder(out)
    index_of = {category.id: index for index, category in enumerate(dataset.categories)}
    folders = export_files.split_folders(dataset)
    taken: set[str] = set()
    files = 1
    for index, name in enumerate(export_files.unique_names(dataset)):
        check(should_stop)
        report(Progress("Writing YOLO", index, len(dataset)))
        folder = folders[dataset.split_of(index)]
        name = export_files.own_stem(f"{folder}/{name}" if folder else name, taken)
        export_files.copy_image(dataset, index, out / "images" / name)
        files += 1
        record = export_files.record_of(dataset, index, name)
        if record.state in TRAINABLE_STATES:
            data = yolo_patch.fresh_document(record, index_of)
            export_files.write_file(out / "labels" / f"{stem_of(name)}.txt", data)
            files += 1
    (out / "labels").mkdir(exist_ok=True)
    export_files.write_file(out / "data.yaml", config_text(dataset.categories, folders).encode("utf-8"))
    report(Progress("Writing YOLO", len(dataset), len(dataset)))
    return files


def config_text(categories: tuple[Category, ...], folders: Mapping[str, str]) -> str:
    """data.yaml. Without splits train and val are the same images, as Ultralytics asks for both."""
    keys = [split for split in _KEYS if split in folders]
    entries = [f"{key}: {yaml_text(f'images/{folders[key]}')}" for key in keys] or ["train: images", "val: images"]
    names = [f"  {index}: {yaml_text(category.name)}" for index, category in enumerate(categories)]
    return "\n".join((*entries, "names:" if names else "names: []", *names)) + "\n"
