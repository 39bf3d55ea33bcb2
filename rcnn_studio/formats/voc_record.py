"""One <object> of a VOC file as values, read alike by import and by patching. Reads no files.

Corners stand in the file 1-based and inclusive (the devkit's rule) or 0-based (most labelling tools); which of them
is decided for a whole dataset, so raw numbers are kept until then.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.text import without_controls
from rcnn_studio.formats.xml_text import Element

CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAG_TAGS = {"truncated": BoxFlag.TRUNCATED, "difficult": BoxFlag.DIFFICULT, "occluded": BoxFlag.OCCLUDED}
MAX_COORDINATE = 1e6

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
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
        x1, x2 = self._ordered(0, shift)
        y1, y2 = self._ordered(1, shift)
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

    def is_swapped(self, axis: int, *, one_based: bool) -> bool:
        """True if the larger number stands first on this axis (0: x, 1: y). 1-based 5 to 4.5 is half a pixel wide."""
        if self.raw is None:
            return False
        low, high = self.raw[axis], self.raw[axis + 2]
        return low > high and low - (1.0 if one_based else 0.0) >= high

    def _ordered(self, axis: int, shift: float) -> tuple[float, float]:
        assert self.raw is not None, "asked for sound numbers only"
        low, high = self.raw[axis], self.raw[axis + 2]
        if self.is_swapped(axis, one_based=shift > 0):
            low, high = high, low
        return low - shift, high

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


def read_object(element: Element, index: int) -> VocObject:
    """The object as far as it can be read; what cannot is in its faults."""
    faults: list[Fault] = []
    name = without_controls(element.text_of("name") or "")
    raw = _read_corners(element, index, faults)
    if not name:
        faults.append(Fault(f"object[{index}]/name", "missing-name", "the object has no name.", _KEPT))
        raw = None
    flags = BoxFlag.NONE
    for tag, flag in FLAG_TAGS.items():
        if read_flag(element.text_of(tag)):
            flags |= flag
    return VocObject(index, name, flags, raw, tuple(faults))


def read_flag(text: str | None) -> bool:
    """VOC flags leniently: absent, empty, "Unspecified" and what else is no yes and no number other than 0 is False."""
    if not text:
        return False
    if _NUMBER.fullmatch(text):
        return float(text) != 0.0
    return text.casefold() in _TRUE


def _read_corners(element: Element, index: int, faults: list[Fault]) -> tuple[float, float, float, float] | None:
    place = f"object[{index}]/bndbox"
    box = element.child("bndbox")
    if box is None:
        faults.append(Fault(place, "missing-box", "the object has no bndbox.", _KEPT))
        return None
    values: list[float] = []
    for corner in CORNERS:
        text = box.text_of(corner)
        value = _read_number(text)
        if value is None:
            said = "is missing" if text is None else f"{text[:40]!r} is not a number"
            faults.append(Fault(f"{place}/{corner}", "not-a-number", f"{said}.", _KEPT))
        elif not math.isfinite(value) or abs(value) > MAX_COORDINATE:
            faults.append(Fault(f"{place}/{corner}", "out-of-range", f"{text!r} is no pixel position.", _KEPT))
            value = None
        if value is not None:
            values.append(value)
    return (values[0], values[1], values[2], values[3]) if len(values) == 4 else None


def _read_number(text: str | None) -> float | None:
    """NaN and infinity come out as they are: they are numbers in Python's eyes and reported as out of range."""
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") else None
