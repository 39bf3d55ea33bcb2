"""Dataset files to and from values: one codec a format, listed here by name; a new format is a file and a line.

Knows no database, no torch and no Qt.
"""

from __future__ import annotations

from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.coco import CocoCodec
from rcnn_studio.formats.codec import Codec, Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.plain import PlainCodec
from rcnn_studio.formats.voc import VocCodec

__all__ = ["CODECS", "Codec", "Imported", "ImportedImage", "LinkedFile", "Source", "codec", "sniff"]

CODECS: tuple[Codec, ...] = (VocCodec(), CocoCodec(), PlainCodec())
"""In the order in which a folder is asked: plain images fit nearly every folder, so they come last."""


def codec(name: str) -> Codec:
    """The codec of this name ("voc", "coco", "images"). Raises KeyError naming those there are."""
    for candidate in CODECS:
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
        "is neither a VOC folder (Annotations, JPEGImages), nor a COCO file, nor a folder of images. "
        "Name the format, or point at the folder that holds the images.",
    )
