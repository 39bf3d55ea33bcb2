"""Dataset files to and from values: one codec a format, listed here by name; a new format is a file and a line.

Knows no database, no torch and no Qt.
"""

from __future__ import annotations

from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.coco import CocoCodec
from rcnn_studio.formats.codec import Codec, Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.csv_export import RETINANET, TENSORFLOW
from rcnn_studio.formats.csv_tables import CsvCodec
from rcnn_studio.formats.labelme import LabelmeCodec
from rcnn_studio.formats.plain import PlainCodec
from rcnn_studio.formats.voc import VocCodec
from rcnn_studio.formats.yolo import YoloCodec
from rcnn_studio.formats.yolo_names import YoloNamesCodec

__all__ = [
    "CODECS",
    "EXPORTS",
    "Codec",
    "Imported",
    "ImportedImage",
    "LinkedFile",
    "Source",
    "codec",
    "find_dataset",
    "sniff",
]

CODECS: tuple[Codec, ...] = (
    VocCodec(),
    CocoCodec(),
    YoloCodec(),
    LabelmeCodec(),
    CsvCodec("csv", TENSORFLOW),
    CsvCodec("csv-retinanet", RETINANET),
    PlainCodec(),
)
"""In the order in which a folder is asked: plain images fit nearly every folder, so they come last."""

EXPORTS: tuple[str, ...] = tuple(c.name for c in CODECS if c.name != "images")
"""Formats that a dataset can be exported as."""

_PARTS: tuple[Codec, ...] = (YoloNamesCodec(),)
"""Formats of linked files that are part of a dataset of another format."""

_DEEPEST = 3


def codec(name: str) -> Codec:
    """The codec of this name ("voc", "coco", ...). Raises KeyError naming those there are."""
    for candidate in (*CODECS, *_PARTS):
        if candidate.name == name:
            return candidate
    raise KeyError(f"no format {name!r}; there are {', '.join(c.name for c in CODECS)}")


def sniff(path: Path) -> Codec:
    """The codec whose format this folder or file looks like. Raises FormatError if none fits."""
    for candidate in CODECS:
        if candidate.sniff(path):
            return candidate
    if not path.exists():
        raise FormatError(path, "", "does not exist. Check the path.")
    raise FormatError(
        path,
        "",
        "is no dataset: neither VOC, COCO, YOLO, labelme nor CSV, and no folder of images. "
        "Name the format, or point at the folder that holds the images.",
    )


def find_dataset(folder: Path) -> tuple[Path, Codec]:
    """The dataset in an unpacked folder: there, or in its one sub-folder, or in one of them. Raises FormatError.

    Labelled datasets come before plain images.
    """
    place = folder
    for _ in range(_DEEPEST):
        children = _children(place)
        for candidate in (place, *(child for child in children if child.is_dir())):
            found = next((c for c in CODECS if c.name != "images" and c.sniff(candidate)), None)
            if found is not None:
                return candidate, found
        if len(children) != 1 or not children[0].is_dir():
            break
        place = children[0]
    return place, sniff(place)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if not child.is_symlink())
    except OSError as error:
        raise FormatError(folder, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
