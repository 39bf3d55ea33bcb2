"""Plain images: a folder of pictures without a dataset around them, labelled from now on.

Labels go into VOC files beside the images, into one COCO file, or only into the project. VOC files that lie beside
the images already are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.formats import images as image_files
from rcnn_studio.formats import paths
from rcnn_studio.formats.box_columns import NO_PLACE
from rcnn_studio.formats.codec import LABEL_FORMATS, Imported, LinkedFile, Source
from rcnn_studio.formats.image_columns import ImageColumns, ImportedImage
from rcnn_studio.formats.voc_layout import XML_SUFFIXES, Layout, make_layout
from rcnn_studio.formats.voc_reading import read_voc

COCO_FILE = "annotations.coco.json"


class PlainCodec:
    """The codec "images"."""

    name = "images"
    holds: frozenset[str] = frozenset()

    def sniff(self, path: Path) -> bool:
        """True for a folder with an image file in it or below."""
        try:
            return path.is_dir() and bool(image_files.list_images(path))
        except FormatError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read; source.label_format decides which files the labels are linked to."""
        if source.label_format not in LABEL_FORMATS:
            known = ", ".join(LABEL_FORMATS)
            raise FormatError(source.path, "", f"{source.label_format!r} is no label format. Choose one of {known}.")
        layout = _layout(source)
        imported = read_voc(source, layout, report, should_stop)
        if source.label_format == "voc":
            return imported
        # Boxes out of a VOC file which this project is not to write: they are new to its own file.
        placeless = replace(imported.boxes, places=np.full_like(imported.boxes.places, NO_PLACE))
        alone = replace(
            imported,
            files=(),
            images=_in_file(imported.images, None),
            boxes=placeless,
        )
        if source.label_format == "none":
            return alone
        target = Path(imported.roots[0]) / COCO_FILE
        if target.exists():
            raise FormatError(target, "", "is there already. Import it as COCO, or move it away.")
        linked = LinkedFile(path=str(target), format="coco", options={"category_ids": []}, exists=False)
        return replace(alone, files=(linked,), images=_in_file(alone.images, 0))

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """Never called: the files of plain images are linked as "voc" or "coco"."""
        raise FormatError(file.path, "", "plain images have no annotation file of their own.")

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """Refused: images alone hold no labels."""
        raise FormatError(out, "", "images alone hold no labels. Export as voc or coco.")


def _in_file(images: Sequence[ImportedImage], file: int | None) -> Sequence[ImportedImage]:
    """The same images, their labels all in one file or in none."""
    if isinstance(images, ImageColumns):
        return replace(images, files=None if file is None else [file] * len(images))
    return tuple(replace(image, file=file) for image in images)


def _layout(source: Source) -> Layout:
    path = source.images or source.path
    if not path.is_dir():
        reason = "does not exist" if not path.exists() else "is not a folder"
        raise FormatError(path, "", f"{reason}. Point at the folder that holds the images.")
    found = paths.scan(path, image_files.IMAGE_SUFFIXES)
    if not found.names:
        suffixes = ", ".join(sorted(image_files.IMAGE_SUFFIXES))
        raise FormatError(path, "", f"holds no image ({suffixes}). Put images there, or choose another folder.")
    root = path.resolve()
    xmls = paths.scan(root, XML_SUFFIXES)
    own = [xml for xml in xmls.names if b"<annotation" in _head(root / xml)]
    foreign = frozenset(xmls.names) - frozenset(own)
    layout = make_layout(root, paths.Listing(own, xmls.skipped), root, found, None)
    return replace(layout, foreign=foreign)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096).replace(b"\x00", b"")  # UTF-16 looks alike without its zero bytes
    except OSError:
        return b"<annotation"
