"""What one VOC file says, from its bytes. Opens no file and knows no image.

A field that cannot be read is a fault with its place; only a file that is no VOC annotation at all is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import xml_text
from rcnn_studio.formats.voc_record import Fault, VocObject, read_number, read_object, repeated_fields, shown

ROOT = "annotation"
TRUE_WORDS = ("yes", "true", "1")

_OBJECT_TAG = re.compile(r"object", re.IGNORECASE)
_OUTWARD = re.compile(r"[/\\]|^[A-Za-z][A-Za-z0-9+.\-]*:|[\x00-\x1f]|^\.\.?$")


@dataclass(slots=True)
class VocFile:
    """objects: all of them, bad ones included. faults: of everything else. size: None if the file says nothing.

    filename, database: as written; has_path: there is a <path>, whatever it says.
    """

    objects: list[VocObject] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    size: tuple[int, int] | None = None
    verified: bool = False
    filename: str | None = None
    database: str = ""
    has_path: bool = False


def read_file(data: bytes, path: Path | str) -> VocFile:
    """Raises FormatError, naming the path, for what is no XML that we read or no VOC annotation."""
    root = xml_text.read(data, path)
    if root.tag != ROOT:
        raise FormatError(path, shown(root.tag), "is no VOC annotation: its first element is not <annotation>.")
    file = VocFile(verified=root.get("verified", "").casefold() in TRUE_WORDS)
    others: list[Element] = []
    for child in root:
        if child.tag == "object":
            file.objects.append(_object_of(child, len(file.objects)))
        else:
            others.append(child)
    for child in reversed(others):
        _read_field(file, child)
    if data.lower().count(b"object") != 2 * len(file.objects):
        file.faults += _misplaced(root)
    return file


def _object_of(element: Element, index: int) -> VocObject:
    texts = xml_text.texts(element)
    box = element.find("bndbox")
    corners = None if box is None else xml_text.texts(box)
    repeated: tuple[str, ...] = ()
    if len(texts) != len(element) or (box is not None and corners is not None and len(corners) != len(box)):
        repeated = repeated_fields([c.tag for c in element], [] if box is None else [c.tag for c in box])
    return read_object(texts, corners, index, repeated)


def _read_field(file: VocFile, element: Element) -> None:
    """One child of the root that is no object. They come last first, so that the first of a name has the last word."""
    tag = element.tag
    if tag == "filename":
        file.filename = xml_text.text_of(element)
    elif tag == "path":
        file.has_path = bool(xml_text.text_of(element))
    elif tag == "source":
        database = element.find("database")
        file.database = "" if database is None else xml_text.text_of(database)
    elif tag == "size":
        file.size = _size_of(file, element)


def _size_of(file: VocFile, element: Element) -> tuple[int, int] | None:
    """Width and height; None where one of them is missing, empty or no size, which is a fault if it is something."""
    texts = xml_text.texts(element)
    found: list[int] = []
    for tag in ("width", "height", "depth"):
        text = texts.get(tag, "")
        value = read_number(text)
        if text and (value is None or not 0 <= value <= 1e9):
            message = f"{shown(text)} is no size of an image."
            action = "The real size is read from the image; the field is kept as it is."
            file.faults.append(Fault(f"size/{tag}", "bad-size", message, action, "warning"))
        elif text and value is not None and tag != "depth":
            found.append(int(value))
    return (found[0], found[1]) if len(found) == 2 else None


def filename_fault(filename: str | None) -> Fault | None:
    """What is wrong with a <filename> that is more than a name. A sub-folder is fine; a way out is not."""
    if not filename or not _OUTWARD.search(filename):
        return None
    parts = filename.replace("\\", "/").split("/")
    if parts[0] and ".." not in parts and ":" not in parts[0] and filename.isprintable():
        return None
    message = f"{shown(filename)} leads out of the dataset or is no file name."
    return Fault("filename", "bad-filename", message, "It is never followed; the image is found by name.", "warning")


def _misplaced(root: Element) -> Iterator[Fault]:
    """Objects where none belongs, or misspelt: they would vanish without a word."""
    for element in root.iter():
        for child in element:
            if not _OBJECT_TAG.fullmatch(child.tag) or (element is root and child.tag == "object"):
                continue
            place = f"{element.tag}/{child.tag}"
            message = f"an <{child.tag}> in <{element.tag}> is not read: only <object> directly in <annotation> counts."
            yield Fault(place, "misplaced-object", message, "It is kept as it is. Move it, or mend its name.")
