"""Tables of boxes as rows of text, and one row as values. Reads no files.

Known are the table of TensorFlow's tutorials (a header with filename, class, xmin, ymin, xmax, ymax in any order and
under their usual other names) and that of keras-retinanet (path, x1, y1, x2, y2, class without a header; empty fields
for an image without objects). Corners are taken as continuous pixels from 0.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.gathering import MAX_COORDINATE, Fault, shown
from rcnn_studio.formats.text import without_controls

CORNERS = ("xmin", "ymin", "xmax", "ymax")
DELIMITERS = (",", ";", "\t", "|")
ACTION = "The row is left out of the project and kept in the file; correct it there."

_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "filename": (
        "filename",
        "file_name",
        "file",
        "path",
        "image",
        "image_path",
        "img",
        "image_name",
        "image_id",
        "img_path",
    ),
    "class": ("class", "label", "name", "category", "class_name", "classname", "category_name", "label_name"),
    "xmin": ("xmin", "x_min", "x1", "left", "bbox_x1"),
    "ymin": ("ymin", "y_min", "y1", "top", "bbox_y1"),
    "xmax": ("xmax", "x_max", "x2", "right", "bbox_x2"),
    "ymax": ("ymax", "y_max", "y2", "bottom", "bbox_y2"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
}
_NEEDED = ("filename", "class", *CORNERS)
_WITHOUT_HEADER: Mapping[int, tuple[str, ...]] = {
    6: ("filename", *CORNERS, "class"),
    8: ("filename", "width", "height", "class", *CORNERS),
}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_NOT_FINITE = frozenset({"nan", "inf", "infinity"})
_SAMPLE_LINES = 20


@dataclass(frozen=True, slots=True)
class Table:
    """rows: (line number from 1, fields); columns: place of each known column."""

    rows: list[tuple[int, list[str]]]
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BoxRow:
    """A sound row. line: from 1; xyxy and name: None for an image without objects; size: as the table says, or None."""

    line: int
    image: str
    name: str | None
    xyxy: tuple[float, float, float, float] | None
    size: tuple[int, int] | None


def decode(data: bytes, path: Path | str) -> str:
    """The text; UTF-16 with its mark is what a spreadsheet may write. Raises FormatError."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"is not valid {encoding} (byte {error.start}). Save it as UTF-8.") from error


def read_table(data: bytes, path: Path | str) -> Table:
    """The file's rows. Raises FormatError if it is no table of boxes, or its quotes are not sound."""
    text = decode(data, path)
    rows = _rows(text, sniff_delimiter(text), path)
    if not rows:
        raise FormatError(path, "", "holds no row. Choose another file.")
    columns = _columns(rows[0][1])
    if columns is not None:
        return Table(rows[1:], columns)
    names = _WITHOUT_HEADER.get(len(rows[0][1]))
    if names is None or not _fits(rows[0][1], names):
        needed = ", ".join(_NEEDED)
        raise FormatError(path, "line 1", f"names no columns ({needed}), nor is it path, x1, y1, x2, y2, class.")
    return Table(rows, {name: place for place, name in enumerate(names)})


def read_classes(data: bytes, path: Path | str) -> tuple[str, ...] | None:
    """The names of a table of two columns, name and number, in the order of their numbers; None for any other."""
    text = decode(data, path)
    rows = _rows(text, sniff_delimiter(text), path)
    if not rows or any(len(row) != 2 or not re.fullmatch(r"\s*\d{1,9}\s*", row[1], re.ASCII) for _, row in rows):
        return None
    return tuple(name for _, name in sorted((int(row[1]), without_controls(row[0])) for _, row in rows) if name)


def looks_like_table(data: bytes) -> bool:
    """True if the first line is a header of ours, or a row of ours; cheap."""
    try:
        text = decode(data, "")
    except FormatError:
        return False
    lines = "\n".join(text.splitlines()[:_SAMPLE_LINES])
    try:
        rows = _rows(lines, sniff_delimiter(lines), "")
    except FormatError:
        return False
    if not rows:
        return False
    first = rows[0][1]
    names = _WITHOUT_HEADER.get(len(first))
    return _columns(first) is not None or (names is not None and _fits(first, names))


def sniff_delimiter(text: str) -> str:
    """The delimiter that splits the first lines into the most columns, alike in most of them; a comma in doubt."""
    lines = [line for line in text[: 1 << 16].splitlines()[:_SAMPLE_LINES] if line.strip()]
    best, most = ",", 1
    for delimiter in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        except csv.Error:
            continue
        usual = max(set(counts), key=counts.count, default=1)
        if usual > most and counts.count(usual) * 2 > len(counts):
            best, most = delimiter, usual
    return best


def read_row(table: Table, line: int, fields: Sequence[str]) -> tuple[BoxRow | None, tuple[Fault, ...]]:
    """The row, or None with the faults that make it unusable; faults may also be warnings of a usable row."""
    where = f"line {line}"
    if not any(field.strip() for field in fields):
        return None, ()
    last = max(table.columns[name] for name in _NEEDED)
    if len(fields) <= last:
        message = f"has {len(fields)} fields; {last + 1} are needed."
        return None, (Fault(where, "too-few-fields", message, ACTION),)
    text = {name: fields[place].strip() for name, place in table.columns.items() if place < len(fields)}
    if not text["filename"]:
        return None, (Fault(f"{where}: filename", "missing-name", "the row names no image.", ACTION),)
    size = _size(text)
    if not any(text[name] for name in (*CORNERS, "class")):
        return BoxRow(line, text["filename"], None, None, size), ()
    values: list[float] = []
    for name in CORNERS:
        value = _number(text[name])
        if value is None:
            said = f"{shown(text[name])} is not a number." if text[name] else "is missing."
            return None, (Fault(f"{where}: {name}", "not-a-number", said, ACTION),)
        if not math.isfinite(value) or abs(value) > MAX_COORDINATE:
            return None, (
                Fault(f"{where}: {name}", "out-of-range", f"{shown(text[name])} is no pixel position.", ACTION),
            )
        values.append(value)
    label = without_controls(text["class"])
    if not label:
        return None, (Fault(f"{where}: class", "missing-name", "the box has no class.", ACTION),)
    x1, x2 = sorted((values[0], values[2]))
    y1, y2 = sorted((values[1], values[3]))
    if x1 == x2 or y1 == y2:
        numbers = ", ".join(f"{value:g}" for value in values)
        return None, (Fault(where, "zero-area", f"the box ({numbers}) has no area.", ACTION),)
    row = BoxRow(line, text["filename"], label, (x1, y1, x2, y2), size)
    if values != [x1, y1, x2, y2]:
        message, action = "the corners are swapped.", "They are read in order; nothing to do."
        return row, (Fault(where, "swapped-corners", message, action, "warning"),)
    return row, ()


def _rows(text: str, delimiter: str, path: Path | str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for fields in reader:
            if fields:
                rows.append((line, fields))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FormatError(path, f"line {line}", f"is no sound CSV ({error}). Mend its quotes.") from error
    return rows


def _columns(header: Sequence[str]) -> dict[str, int] | None:
    """Place of each known column; None if the row is no header of such a table."""
    named = [field.strip().casefold().replace(" ", "_") for field in header]
    found: dict[str, int] = {}
    for name, synonyms in _SYNONYMS.items():
        place = next((named.index(synonym) for synonym in synonyms if synonym in named), None)
        if place is not None:
            found[name] = place
    return found if all(name in found for name in _NEEDED) else None


def _fits(fields: Sequence[str], names: Sequence[str]) -> bool:
    """True if a row without header may be one of these columns: a name, and numbers (or nothing) for the corners."""
    text = dict(zip(names, (field.strip() for field in fields), strict=True))
    if not text["filename"] or _NUMBER.fullmatch(text["filename"]):
        return False
    corners = [text[name] for name in CORNERS]
    if not any(corners):
        return not text["class"] or len(names) == 6
    return sum(_number(corner) is not None for corner in corners) >= 2


def _number(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text.casefold().lstrip("+-") in _NOT_FINITE else None


def _size(text: Mapping[str, str]) -> tuple[int, int] | None:
    """Width and height as the row says; None where it does not, or not in whole positive numbers."""
    values = [_number(text.get(name, "")) for name in ("width", "height")]
    if any(value is None or not math.isfinite(value) or not 0 < value < MAX_COORDINATE for value in values):
        return None
    return int(values[0] or 0), int(values[1] or 0)
