"""One line of a YOLO text file as values, read alike by import and by patching. Reads no files.

A line is `class x_center y_center width height`, in shares of the image's size from its upper left corner; a sixth
value is a confidence. An odd number of values from 7 on is a polygon, `class x1 y1 x2 y2 ...`, whose box is used.
Where data.yaml says so (kpt_shape), key points follow the box. Corners are continuous, 0-based and half-open.
"""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.gathering import Fault, shown

FIELDS = ("class", "x_center", "y_center", "width", "height", "confidence")
BOX_VALUES = 5
MAX_CLASS = 1 << 20
FARTHEST = 2.0
"""Centres and sizes beyond this many images are no shares of an image but something else, such as pixels."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
BLANKS = " \t\f\v\ufeff"
"""What stands between values. A byte order mark inside a file, from files that were joined, is no value either."""

_WORD = re.compile(f"[^{BLANKS}]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROUNDING = 1e-6


class Kind(Enum):
    """What a line holds."""

    BOX = "box"
    POLYGON = "polygon"
    POSE = "box with key points"


@dataclass(frozen=True, slots=True)
class Row:
    """A sound line. index: of the line, from 0. words: its values as written; values: those behind the class, as
    numbers."""

    index: int
    category: int
    kind: Kind
    words: tuple[str, ...]
    values: tuple[float, ...]

    def shares(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 in shares of the image."""
        if self.kind is Kind.POLYGON:
            xs, ys = self.values[0::2], self.values[1::2]
            return min(xs), min(ys), max(xs), max(ys)
        x, y, width, height = self.values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    def corners(self, width: int, height: int) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels of an image of this size; None if nothing is between them."""
        x1, y1, x2, y2 = self.shares()
        box = (x1 * width, y1 * height, x2 * width, y2 * height)
        return box if box[2] > box[0] and box[3] > box[1] else None

    @property
    def has_confidence(self) -> bool:
        return self.kind is Kind.BOX and len(self.words) == BOX_VALUES + 1


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its text, and the line end that follows it ("" at the end of a file without one)."""

    text: str
    end: str


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file in lines. bom: as it was. Bytes that are no UTF-8 come back as they were."""

    bom: bytes
    lines: tuple[Line, ...]

    def encode(self, text: str) -> bytes:
        return self.bom + text.encode("utf-8", "surrogateescape")

    @property
    def newline(self) -> str:
        """The file's line end; "\\n" where it has none."""
        return next((line.end for line in self.lines if line.end), "\n")


def read_text(data: bytes, path: Path | str) -> TextFile:
    """The file's lines. Raises FormatError for UTF-16, which no YOLO tool reads."""
    if data.startswith(_UTF16):
        raise FormatError(path, "", "is UTF-16 text. Save it as UTF-8.")
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    text = data[len(bom) :].decode("utf-8", "surrogateescape")
    lines: list[Line] = []
    position = 0
    for match in _LINE_END.finditer(text):
        lines.append(Line(text[position : match.start()], match.group()))
        position = match.end()
    if position < len(text):
        lines.append(Line(text[position:], ""))
    return TextFile(bom, tuple(lines))


def read_row(text: str, index: int, *, classes: int | None, keypoints: int) -> tuple[Row | None, tuple[Fault, ...]]:
    """The line as a row, or None with the fault that makes it unusable (none for an empty line); faults may also be
    warnings of a usable row.

    classes: how many names there are (None: no list of names). keypoints: values of key points behind each box.
    """
    words = tuple(_WORD.findall(text))
    if not words:
        return None, ()
    where = f"line {index + 1}"
    kind = _kind(len(words), keypoints)
    if kind is None:
        return None, (Fault(where, "wrong-number-of-values", _count_message(len(words), keypoints)),)
    category = _read_class(words[0], classes)
    if isinstance(category, str):
        return None, (Fault(where, "bad-class", category),)
    values: list[float] = []
    for number, word in enumerate(words[1:], start=1):
        value = _read_number(word)
        if value is None:
            message = f"{_field(kind, number)} {shown(word)} is not a number."
            return None, (Fault(where, "not-a-number", message),)
        values.append(value)
    fault = _check_values(kind, values, words, where)
    if fault is not None:
        return None, (fault,)
    row = Row(index, category, kind, words, tuple(values))
    return row, _outside(row, where)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each value of a line stands in its text."""
    return [match.span() for match in _WORD.finditer(text)]


def has_rows(data: bytes) -> bool:
    """True if the first line that is not empty looks like YOLO's; cheap, for telling formats apart."""
    text = data[:4096].decode("utf-8", "replace").lstrip("\ufeff")
    first = next((line for line in _LINE_END.split(text) if line.strip()), "")
    words = first.split()
    return (
        len(words) >= BOX_VALUES
        and isinstance(_read_class(words[0], None), int)
        and all(_NUMBER.fullmatch(word) and abs(float(word)) <= FARTHEST for word in words[1:5])
    )


def _kind(count: int, keypoints: int) -> Kind | None:
    if keypoints and count == BOX_VALUES + keypoints:
        return Kind.POSE
    if count in (BOX_VALUES, BOX_VALUES + 1):
        return Kind.BOX
    return Kind.POLYGON if count >= 7 and count % 2 and not keypoints else None


def _count_message(count: int, keypoints: int) -> str:
    if keypoints:
        return f"has {count} values; a box has {BOX_VALUES}, and {keypoints} more for its key points."
    if count < BOX_VALUES:
        return f"has {count} values; class, x_center, y_center, width and height are needed."
    return f"has {count} values, which is neither a box (5 or 6) nor a polygon (an odd number)."


def _read_class(text: str, classes: int | None) -> int | str:
    """The class index, or what is wrong with it. "2.0" is 2, as some tools write it."""
    if not _NUMBER.fullmatch(text):
        return f"class {shown(text)} is not a number."
    value = float(text)
    if not math.isfinite(value) or not value.is_integer() or not 0 <= value < MAX_CLASS:
        return f"class {shown(text)} is no index of a class (0, 1, 2, ...)."
    if classes is not None and value >= classes:
        return f"class {text} is not in the list of {classes} names (0 to {classes - 1})."
    return int(value)


def _read_number(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") else None


def _check_values(kind: Kind, values: list[float], words: tuple[str, ...], where: str) -> Fault | None:
    boxed = len(values) if kind is Kind.POLYGON else 4
    for number, value in enumerate(values, start=1):
        name = f"{_field(kind, number)} {words[number][:40]}"
        if not math.isfinite(value):
            return Fault(where, "out-of-range", f"{name} is no finite number.")
        if number <= boxed and abs(value) > FARTHEST:
            return Fault(where, "out-of-range", f"{name} is no share of the image (0 to 1).")
        if kind is not Kind.POLYGON and number in (3, 4) and value <= 0:
            fault = "negative-size" if value < 0 else "zero-area"
            return Fault(where, fault, f"{name} leaves the box no area.")
    if kind is Kind.POLYGON:
        xs, ys = values[0::2], values[1::2]
        if min(xs) == max(xs) or min(ys) == max(ys):
            return Fault(where, "zero-area", "the polygon has no area.")
    return None


def _outside(row: Row, where: str) -> tuple[Fault, ...]:
    """A warning for a value that is no share of the image, though near enough to be used."""
    boxed = row.values if row.kind is Kind.POLYGON else row.values[:4]
    for number, value in enumerate(boxed, start=1):
        if not -_ROUNDING <= value <= 1 + _ROUNDING:
            message = f"{_field(row.kind, number)} {row.words[number][:40]} is outside 0 to 1."
            action = "The box is used as it is and cut at the image's border in training; look at it."
            return (Fault(where, "outside-image", message, action, "warning"),)
    return ()


def _field(kind: Kind, number: int) -> str:
    """What value number `number` (1: the first behind the class) is called."""
    if kind is Kind.POLYGON:
        return f"{'xy'[(number - 1) % 2]} of point {(number + 1) // 2}"
    return FIELDS[number] if number < BOX_VALUES or kind is Kind.BOX else f"key point value {number - 4}"
