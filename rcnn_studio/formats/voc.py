"""PASCAL VOC: one XML file an image. The codec; its parts are in the modules beside it.

A bad object or file is listed and the rest is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.formats import losses, voc_export, voc_layout, voc_patch
from rcnn_studio.formats.codec import Imported, LinkedFile, Source
from rcnn_studio.formats.voc_reading import read_voc


class VocCodec:
    """The codec "voc"."""

    name = "voc"
    holds = losses.VOC

    def sniff(self, path: Path) -> bool:
        """True for a folder with Annotations, or with XML files of that kind at its top."""
        try:
            children = list(path.iterdir()) if path.is_dir() else []
            if any(child.is_dir() and child.name.casefold() == "annotations" for child in children):
                folder = next(child for child in children if child.name.casefold() == "annotations")
                return any(child.suffix.lower() == ".xml" for child in folder.iterdir())
            return any(b"<annotation" in _head(child) for child in children if child.suffix.lower() == ".xml")
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read."""
        return read_voc(source, voc_layout.find_layout(source), report, should_stop)

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch; a VOC file has exactly one image."""
        if file.refused or not images:
            return original
        return voc_patch.patch(original, file, images[0], categories)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: Annotations, ImageSets/Main and copies of the images in JPEGImages, corners 1-based."""
        return voc_export.write(dataset, out, report, should_stop)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096).replace(b"\x00", b"")  # UTF-16 looks alike without its zero bytes
