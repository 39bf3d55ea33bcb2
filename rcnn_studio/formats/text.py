"""Text as patches see it: splices into an untouched original, and numbers as dataset files write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SAME_PX = 0.005
"""Two coordinates nearer than this are the same number: files are written with two decimals."""


_UNSHOWABLE = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace text[start:end] by `text`."""

    start: int
    end: int
    text: str


def splice(original: str, splices: Iterable[Splice]) -> str:
    """The original with all splices made. They must not overlap; those at one place are made in the order given."""
    parts: list[str] = []
    position = 0
    for item in sorted(splices, key=lambda s: (s.start, s.end)):
        parts += (original[position : item.start], item.text)
        position = item.end
    parts.append(original[position:])
    return "".join(parts)


def number_text(value: float) -> str:
    """A finite number with at most two decimals, and none where it is whole: 12, 12.5, 12.34."""
    rounded = round(value, 2)
    if rounded == int(rounded):
        return str(int(rounded))
    return f"{rounded:.2f}".rstrip("0")


def is_same(a: float, b: float) -> bool:
    """True if both are written as the same number."""
    return abs(a - b) < SAME_PX


def without_controls(name: str) -> str:
    """The name as it is shown: trimmed, with control characters, lone surrogates and the like replaced by U+FFFD."""
    return _UNSHOWABLE.sub("\ufffd", name.strip())
