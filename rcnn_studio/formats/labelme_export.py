"""Exporting a dataset as labelme: each image with its JSON beside it, in a folder for each split.

Unlabelled images and those that need a fix get no JSON, so that nobody takes them for empty ones.
"""

from __future__ import annotations

from pathlib import Path

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Dataset
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import export_files, labelme_patch
from rcnn_studio.formats.known_files import stem_of


def write(dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
    """See Codec.write. -> number of files, images included"""
    export_files.prepare_folder(out)
    names = {category.id: category.name for category in dataset.categories}
    folders = export_files.split_folders(dataset)
    taken: set[str] = set()
    files = 0
    for index, name in enumerate(export_files.unique_names(dataset)):
        check(should_stop)
        report(Progress("Writing labelme", index, len(dataset)))
        folder = folders[dataset.split_of(index)]
        name = export_files.own_stem(f"{folder}/{name}" if folder else name, taken)
        export_files.copy_image(dataset, index, out / name)
        files += 1
        record = export_files.record_of(dataset, index, name)
        if record.state in TRAINABLE_STATES:
            path = out / f"{stem_of(name)}.json"
            base = name.rpartition("/")[2]
            data = labelme_patch.fresh_document(record, names, image_path=base, path=str(path))
            export_files.write_file(path, data)
            files += 1
    report(Progress("Writing labelme", len(dataset), len(dataset)))
    return files
