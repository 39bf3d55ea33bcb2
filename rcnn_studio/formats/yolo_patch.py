"""Writing labels into a YOLO text file by changing, in its own text, only what differs. Pure: bytes in, bytes out.

The original is always the file as it was imported, so undoing everything gives its very bytes back. A changed number
gets as many decimals as its line has, and never fewer than a hundredth of a pixel needs. A polygon, and the key points
behind a box, move and stretch with the box. Flags have no place in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rcnn_studio.domain.dataset import Box, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.codec import LinkedFile
from rcnn_studio.formats.text import is_same
from rcnn_studio.formats.yolo_record import BOX_VALUES, Kind, Line, Row, TextFile, read_row, read_text, word_spans

DECIMALS = 6
_OWN_STATES = frozenset({ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED})
_UNMOVED_PX = 0.002


def patch(original: bytes | None, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> bytes | None:
    """See Codec.patch. Raises FormatError if the original cannot be read or a box has no category."""
    known = {category.id for category in categories}
    for box in image.boxes:
        if box.category_id not in known:
            raise FormatError(
                file.path, "", f"a box has category {box.category_id}, which the project lacks. Run a check."
            )
    if original is None:
        if not image.boxes and image.state not in _OWN_STATES:
            return None
        return fresh_document(image, {number: class_index(number) for number in known})
    text = read_text(original, file.path)
    result = _Patch(text, file, image).run()
    return original if result is None else text.encode(result)


def class_index(category_id: int) -> int:
    """A project begun from YOLO files numbers its categories by their indexes, from 1."""
    return category_id - 1


def fresh_document(image: ImageRecord, index_of: Mapping[int, int]) -> bytes:
    """A new file, one line a box; empty without boxes. index_of: class index by category id"""
    decimals = max(DECIMALS, needed_decimals(image))
    lines = (_box_line(box, index_of[box.category_id], image, decimals) for box in image.boxes)
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def needed_decimals(image: ImageRecord) -> int:
    """Decimals of a share at which no corner is off by more than a hundredth of a pixel."""
    return max(1, math.ceil(math.log10(75 * max(image.width, image.height, 1))))


def number_text(value: float, decimals: int) -> str:
    """With exactly so many decimals; a value that vanishes has no minus."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


class _Patch:
    """The new text of one file."""

    def __init__(self, text: TextFile, file: LinkedFile, image: ImageRecord) -> None:
        self._text = text
        self._image = image
        classes = file.options.get("classes")
        self._classes = math.inf if classes is None else int(classes)
        self._keypoints = int(file.options.get("keypoints", 0))
        self._step = int(file.options.get("keypoint_step", 2))

    def run(self) -> str | None:
        """None where nothing differs."""
        boxes = {box.place: box for box in reversed(self._image.boxes) if box.place is not None}
        kept: set[int] = set()
        lines: list[Line] = []
        rows: list[Row] = []
        changed = False
        for index, line in enumerate(self._text.lines):
            row = read_row(line.text, index, classes=None, keypoints=self._keypoints)[0]
            corners = None if row is None else row.corners(self._image.width, self._image.height)
            box = boxes.get(index)
            if row is None or corners is None or (box is None and row.category >= self._classes):
                lines.append(line)
                continue
            rows.append(row)
            if box is None:
                changed = True
                continue
            kept.add(box.id)
            text = self._patched(line.text, row, corners, box)
            changed = changed or text != line.text
            lines.append(Line(text, line.end))
        new = [self._new_line(box, rows) for box in self._image.boxes if box.id not in kept]
        if not new and not changed:
            return None
        return self._joined(lines, new)

    def _joined(self, lines: Sequence[Line], new: Sequence[str]) -> str:
        """The lines and the new ones behind them; the file ends in a line end if it did before."""
        newline = self._text.newline
        ends_open = bool(self._text.lines) and not self._text.lines[-1].end
        made = [*lines, *(Line(text, newline) for text in new)]
        parts = [f"{line.text}{line.end or newline}" for line in made]
        if ends_open and parts:
            parts[-1] = made[-1].text
        return "".join(parts)

    def _patched(self, text: str, row: Row, corners: tuple[float, float, float, float], box: Box) -> str:
        """The line with the changed values replaced."""
        words = list(row.words)
        if class_index(box.category_id) != row.category:
            words[0] = str(class_index(box.category_id))
        decimals = self._decimals(row)
        for axis, size in ((0, self._image.width), (1, self._image.height)):
            old = corners[axis], corners[axis + 2]
            now = box.xyxy[axis], box.xyxy[axis + 2]
            if not (is_same(old[0], now[0]) and is_same(old[1], now[1])):
                self._move(words, row, axis, size, old, now, decimals)
        parts: list[str] = []
        position = 0
        for (start, end), new in zip(word_spans(text), words, strict=True):
            parts += (text[position:start], new)
            position = end
        return "".join((*parts, text[position:]))

    def _move(
        self,
        words: list[str],
        row: Row,
        axis: int,
        size: int,
        old: tuple[float, float],
        now: tuple[float, float],
        decimals: int,
    ) -> None:
        """Sets the values of this axis: centre and size, or every point of a polygon."""
        scale = (now[1] - now[0]) / (old[1] - old[0])
        if row.kind is not Kind.POLYGON:
            wanted = {1 + axis: (now[0] + now[1]) / 2 / size, 3 + axis: (now[1] - now[0]) / size}
            for place, value in wanted.items():
                if abs(value - row.values[place - 1]) * size >= _UNMOVED_PX:
                    words[place] = number_text(value, decimals)
        for place in self._points(row, axis):
            value = (now[0] + (row.values[place - 1] * size - old[0]) * scale) / size
            words[place] = number_text(value, decimals)

    def _points(self, row: Row, axis: int) -> range | list[int]:
        """Places of the values that are points' coordinates on this axis; unlabelled key points (0, 0) are none."""
        if row.kind is Kind.POLYGON:
            return range(1 + axis, len(row.words), 2)
        if row.kind is not Kind.POSE:
            return []
        starts = range(BOX_VALUES, len(row.words) - 1, self._step)
        return [start + axis for start in starts if row.values[start - 1] or row.values[start]]

    def _decimals(self, row: Row) -> int:
        """As many as the line's longest number has, and enough for the image's size."""
        own = max(_decimals_of(word) for word in row.words[1:])
        return max(own, needed_decimals(self._image))

    def _new_line(self, box: Box, rows: Sequence[Row]) -> str:
        """In the style of the last sound line: its separator, its decimals, and its kind where all are polygons."""
        index = class_index(box.category_id)
        if not rows:
            return _box_line(box, index, self._image, max(DECIMALS, needed_decimals(self._image)))
        last = rows[-1]
        decimals = self._decimals(last)
        text = self._text.lines[last.index].text
        spans = word_spans(text)
        space = text[spans[0][1] : spans[1][0]]
        if all(row.kind is Kind.POLYGON for row in rows):
            width, height = self._image.width, self._image.height
            points = [(box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)]
            values = [number_text(v / s, decimals) for x, y in points for v, s in ((x, width), (y, height))]
            return space.join((str(index), *values))
        line = _box_line(box, index, self._image, decimals, space)
        if last.kind is Kind.POSE:
            return space.join((line, *["0"] * self._keypoints))
        return f"{line}{space}1" if all(row.has_confidence for row in rows) else line


def _box_line(box: Box, index: int, image: ImageRecord, decimals: int, space: str = " ") -> str:
    values = (
        (box.x1 + box.x2) / 2 / image.width,
        (box.y1 + box.y2) / 2 / image.height,
        box.width / image.width,
        box.height / image.height,
    )
    return space.join((str(index), *(number_text(value, decimals) for value in values)))


def _decimals_of(text: str) -> int:
    mantissa = text.casefold().partition("e")[0]
    return min(len(mantissa.partition(".")[2]), 17)
