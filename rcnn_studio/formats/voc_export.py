"""Exporting a dataset as a VOC folder like the devkit's: JPEGImages, Annotations, ImageSets/Main.

Corners are 1-based and inclusive, as the devkit has them. Images are copied as they are. Unlabelled images and those
that need a fix get no XML, so that nobody takes them for empty ones.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rcnn_studio.domain.dataset import TRAINABLE_STATES, Dataset
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import export_files, voc_patch


def write(dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
    """See Codec.write. -> number of files, images included"""
    export_files.prepare_folder(out)
    names = {category.id: category.name for category in dataset.categories}
    taken: set[str] = set()
    sets: dict[str, list[str]] = defaultdict(list)
    files = 0
    for index, name in enumerate(export_files.unique_names(dataset)):
        check(should_stop)
        report(Progress("Writing VOC", index, len(dataset)))
        key = name.rpartition(".")[0]
        if key.casefold() in taken:
            key = name  # a.png beside a.jpg: its labels are in a.png.xml
        taken.add(key.casefold())
        export_files.copy_image(dataset, index, out / "JPEGImages" / name)
        files += 1
        record = export_files.record_of(dataset, index, name)
        if record.state in TRAINABLE_STATES:
            xml = out / "Annotations" / f"{key}.xml"
            data = voc_patch.fresh_document(record, names, one_based=True, folder="JPEGImages", path=str(xml))
            export_files.write_file(xml, data)
            files += 1
        if record.split:
            sets[record.split].append(key)
    (out / "Annotations").mkdir(exist_ok=True)
    for split, keys in sets.items():
        lines = "".join(f"{key}\n" for key in keys)
        export_files.write_file(
            out / "ImageSets" / "Main" / f"{export_files.file_slug(split)}.txt", lines.encode("utf-8")
        )
        files += 1
    report(Progress("Writing VOC", len(dataset), len(dataset)))
    return files
