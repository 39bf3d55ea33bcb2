"""One <object> of a VOC file as values, read alike by import and by patching. Reads no files.

Corners stand in the file 1-based and inclusive (the devkit's rule) or 0-based (most labelling tools); which of them
is decided for a whole dataset, so raw numbers are kept until then.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.text import without_controls

CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAG_TAGS = {"truncated": BoxFlag.TRUNCATED, "difficult": BoxFlag.DIFFICULT, "occluded": BoxFlag.OCCLUDED}
MAX_COORDINATE = 1e6

_DIGITS = 7  # fewer than this make a number below MAX_COORDINATE

# Enum arithmetic costs more than reading a whole object, so flags are gathered as bits.
_FLAG_BITS = tuple((tag, int(flag)) for tag, flag in FLAG_TAGS.items())
_FLAGS = tuple(BoxFlag(bits) for bits in range(8))

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_TRUE = frozenset({"true", "yes", "y", "t"})
_KEPT = "The object is kept in the file and left out of training and scoring; correct it there."


@dataclass(frozen=True, slots=True)
class Fault:
    """A Problem without its file."""

    where: str
    kind: str
    message: str
    action: str
    level: str = "error"

    def in_file(self, file: str) -> Problem:
        return Problem(
            file=file, where=self.where, kind=self.kind, message=self.message, action=self.action, level=self.level
        )


@dataclass(frozen=True, slots=True)
class VocObject:
    """index: among all <object> of the file. raw: xmin, ymin, xmax, ymax as written; None if they are unusable."""

    index: int
    name: str
    flags: BoxFlag
    raw: tuple[float, float, float, float] | None
    faults: tuple[Fault, ...]

    def corners(self, *, one_based: bool) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels, 0-based, half-open, ordered; None for a bad record."""
        if self.raw is None:
            return None
        shift = 1.0 if one_based else 0.0
        (x1, x2), (y1, y2) = self.ordered(0, one_based=one_based), self.ordered(1, one_based=one_based)
        x1, y1 = x1 - shift, y1 - shift
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

    def is_swapped(self, axis: int, *, one_based: bool) -> bool:
        """True if the larger number stands first on this axis (0: x, 1: y). 1-based 5 to 4.5 is half a pixel wide."""
        if self.raw is None:
            return False
        low, high = self.raw[axis], self.raw[axis + 2]
        return low > high and low - (1.0 if one_based else 0.0) >= high

    def ordered(self, axis: int, *, one_based: bool) -> tuple[float, float]:
        """Minimum and maximum on this axis (0: x, 1: y) as they stand in the file, the smaller one first."""
        assert self.raw is not None, "asked for sound numbers only"
        low, high = self.raw[axis], self.raw[axis + 2]
        return (high, low) if self.is_swapped(axis, one_based=one_based) else (low, high)

    def all_faults(self, *, one_based: bool) -> list[Fault]:
        """What is wrong with the object, its area included."""
        faults = list(self.faults)
        if self.raw is None:
            return faults
        place = f"object[{self.index}]/bndbox"
        xa, ya, xb, yb = self.raw
        numbers = ", ".join(f"{v:g}" for v in self.raw)
        if self.corners(one_based=one_based) is None:
            faults.append(Fault(place, "zero-area", f"the box ({numbers}) has no area.", _KEPT))
        elif xa == xb and ya == yb:
            message = f"the box ({numbers}) is a single pixel."
            faults.append(Fault(place, "single-pixel", message, "It is used; look whether it is meant.", "warning"))
        if any(self.is_swapped(axis, one_based=one_based) for axis in (0, 1)):
            message = f"the corners ({numbers}) are swapped."
            faults.append(Fault(place, "swapped-corners", message, "They are read in order; nothing to do.", "warning"))
        return faults


def read_object(
    texts: Mapping[str, str], corners: Mapping[str, str] | None, index: int, repeated: Collection[str] = ()
) -> VocObject:
    """The object as far as it can be read; what cannot is in its faults.

    texts: trimmed text of the first child of each name; corners: those of its <bndbox>, None without one. repeated:
    children that occur twice where one is meant (of the bndbox as "bndbox/xmin").
    """
    faults: list[Fault] = []
    written = texts.get("name", "")
    name = without_controls(written)
    raw = _read_corners(corners, index, faults)
    if not name:
        faults.append(Fault(f"object[{index}]/name", "missing-name", "the object has no name.", _KEPT))
        raw = None
    elif name != written:
        message = f"the name {shown(written)} has control characters."
        action = "They are shown as \ufffd and kept in the file; rename the category."
        faults.append(Fault(f"object[{index}]/name", "odd-name", message, action, "warning"))
    for tag in repeated:
        message = "occurs more than once in its object; the first one counts."
        faults.append(Fault(f"object[{index}]/{tag}", "repeated-field", message, "Look which one is meant.", "warning"))
    bits = 0
    for tag, bit in _FLAG_BITS:
        text = texts.get(tag, "0")
        if text != "0" and read_flag(text):
            bits |= bit
    return VocObject(index, name, _FLAGS[bits], raw, tuple(faults))


def repeated_fields(names: Sequence[str], corner_names: Sequence[str]) -> tuple[str, ...]:
    """Those of an object's children, and of its <bndbox>'s, that may stand there once and are there twice."""
    of_object = (tag for tag in ("name", "bndbox", *FLAG_TAGS) if names.count(tag) > 1)
    return (*of_object, *(f"bndbox/{tag}" for tag in CORNERS if corner_names.count(tag) > 1))


def shown(text: str) -> str:
    """The text as a message may quote it: its first forty characters."""
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}..."


def read_flag(text: str | None) -> bool:
    """VOC flags leniently: absent, empty, "Unspecified" and what else is no yes and no number other than 0 is False."""
    if not text:
        return False
    if _NUMBER.fullmatch(text):
        return float(text) != 0.0
    return text.casefold() in _TRUE


def _read_corners(
    corners: Mapping[str, str] | None, index: int, faults: list[Fault]
) -> tuple[float, float, float, float] | None:
    if corners is None:
        place = f"object[{index}]/bndbox"
        faults.append(Fault(place, "missing-box", "the object has no bndbox.", _KEPT))
        return None
    found = [corners.get(corner, "") for corner in CORNERS]
    digits = "".join(found)
    if digits.isdecimal() and digits.isascii() and all(found) and max(map(len, found)) < _DIGITS:
        return float(found[0]), float(found[1]), float(found[2]), float(found[3])  # nearly all files: whole numbers
    values: list[float] = []
    for corner in CORNERS:
        text = corners.get(corner)
        value = read_number(text)
        if value is not None and abs(value) <= MAX_COORDINATE:
            values.append(value)
            continue
        place = f"object[{index}]/bndbox/{corner}"
        if text is None:
            faults.append(Fault(place, "not-a-number", "is missing.", _KEPT))
        elif value is None:
            faults.append(Fault(place, "not-a-number", f"{shown(text)} is not a number.", _KEPT))
        else:
            faults.append(Fault(place, "out-of-range", f"{shown(text)} is no pixel position.", _KEPT))
    return (values[0], values[1], values[2], values[3]) if len(values) == 4 else None


def read_number(text: str | None) -> float | None:
    """NaN and infinity come out as they are: they are numbers in Python's eyes and reported as out of range."""
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") else None
