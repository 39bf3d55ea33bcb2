"""Images, categories and boxes as values, and the dataset as columns.

A million Box objects cost 279 MiB and freeze the garbage collector for 280 ms, so a Dataset keeps
numpy columns with offsets per image; a Box is made for the image at hand only. Every change returns
a new value. Nothing here reads or writes files.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import geometry

Extra = Mapping[str, Any]

# Okabe and Ito's palette for colour-blind readers ("Color Universal Design", 2008), yellow and black
# left out because they vanish on bright photographs and dark themes, then violet and crimson: those that stay
# furthest apart from the six and each other with any colour vision. Two more shades follow.
PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#5a3fc0",
    "#c3003c",
    "#5b8c2a",
    "#a6532a",
)


class ImageState(IntEnum):
    """What the person has said about an image. Only the last three of the first four are trained or scored on."""

    UNLABELLED = 0
    LABELLED = 1
    CONFIRMED_EMPTY = 2
    VERIFIED = 3
    NEEDS_FIX = 4


TRAINABLE_STATES = frozenset({ImageState.LABELLED, ImageState.CONFIRMED_EMPTY, ImageState.VERIFIED})


class BoxSource(IntEnum):
    """Where a box came from."""

    HUMAN = 0
    IMPORTED = 1
    RUN = 2


class BoxFlag(IntFlag):
    """The flags of VOC and COCO as bits of one column."""

    NONE = 0
    DIFFICULT = 1
    TRUNCATED = 2
    OCCLUDED = 4
    CROWD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of object. id is stable for the life of the project; hotkey is a digit '0'..'9' or None."""

    id: int
    name: str
    color: str = PALETTE[0]
    hotkey: str | None = None
    supercategory: str = ""
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle drawn, imported or accepted by a person.

    id: stable; selection, provenance, undo and patching hang on it. Corners: float64 pixels of the
    upright image (EXIF applied), 0-based, half-open. place: index of its record in the image's linked
    file as it was imported (None: not in that file). run_id, score: of the detection it was accepted
    from. edited: changed by a person after it came in.
    """

    id: int
    x1: float
    y1: float
    x2: float
    y2: float
    category_id: int
    flags: BoxFlag = BoxFlag.NONE
    source: BoxSource = BoxSource.HUMAN
    run_id: str | None = None
    score: float | None = None
    edited: bool = False
    place: int | None = None
    extra: Extra = field(default_factory=dict)

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def difficult(self) -> bool:
        return bool(self.flags & BoxFlag.DIFFICULT)

    @property
    def truncated(self) -> bool:
        return bool(self.flags & BoxFlag.TRUNCATED)

    @property
    def occluded(self) -> bool:
        return bool(self.flags & BoxFlag.OCCLUDED)

    @property
    def crowd(self) -> bool:
        return bool(self.flags & BoxFlag.CROWD)

    def moved_to(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """The same box with other corners, marked as edited; the box as it is where no corner differs."""
        if (x1, y1, x2, y2) == self.xyxy:
            return self
        return replace(self, x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), edited=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image with its boxes. root: index of its root folder; path: relative to it, with forward slashes."""

    id: int
    root: int
    path: str
    width: int
    height: int
    state: ImageState = ImageState.UNLABELLED
    split: str = ""
    boxes: tuple[Box, ...] = ()
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Categories, images and boxes as columns; image i owns box rows offsets[i]:offsets[i + 1].

    image_ids (N,) int64, image_roots (N,) int32 into `roots`, paths: N relative paths, sizes (N, 2) int32
    width and height, states (N,) uint8 of ImageState, splits (N,) int16 into `split_names`, offsets (N + 1,)
    int64; box_ids (M,) int64, xyxy (M, 4) float64, category_ids (M,) int64, flags (M,) uint8 of BoxFlag.
    roots: absolute folders as text.
    """

    categories: tuple[Category, ...]
    roots: tuple[str, ...]
    split_names: tuple[str, ...]
    image_ids: NDArray[np.int64]
    image_roots: NDArray[np.int32]
    paths: tuple[str, ...]
    sizes: NDArray[np.int32]
    states: NDArray[np.uint8]
    splits: NDArray[np.int16]
    offsets: NDArray[np.int64]
    box_ids: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    category_ids: NDArray[np.int64]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def box_count(self) -> int:
        return int(self.offsets[-1])

    def rows(self, index: int) -> slice:
        """Box rows of image number `index`."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def split_of(self, index: int) -> str:
        return self.split_names[int(self.splits[index])]

    def trainable_mask(self) -> NDArray[np.bool_]:
        """True for the images that may be trained or scored on. -> (N,) bool"""
        return np.isin(self.states, [int(s) for s in TRAINABLE_STATES])

    def indices(self, *, split: str | None = None, trainable: bool = True) -> NDArray[np.int64]:
        """Image numbers of a split (None: all), by default only those that may be trained or scored on."""
        mask = self.trainable_mask() if trainable else np.ones(len(self), dtype=np.bool_)
        if split is not None:
            wanted = self.split_names.index(split) if split in self.split_names else -1
            mask &= self.splits == wanted
        return np.flatnonzero(mask).astype(np.int64)

    def boxes_usable(self) -> NDArray[np.bool_]:
        """True for boxes that are finite and have an area after clipping to their image. -> (M,) bool"""
        sizes = np.repeat(self.sizes, np.diff(self.offsets), axis=0).astype(np.float64)
        limits = np.concatenate([sizes, sizes], axis=1)
        return geometry.valid_mask(self.xyxy) & geometry.valid_mask(np.clip(self.xyxy, 0.0, limits))

    @staticmethod
    def from_records(
        records: Iterable[ImageRecord], *, categories: Sequence[Category], roots: Sequence[str]
    ) -> Dataset:
        """The columns of these records, in their order. Raises StopIteration never; empty input gives empty columns."""
        split_names: dict[str, int] = {"": 0}
        heads = array("q")
        paths: list[str] = []
        counts: list[int] = [0]
        rows: list[tuple[int, float, float, float, float, int, int]] = []
        for record in records:
            split = split_names.setdefault(record.split, len(split_names))
            heads.extend((record.id, record.root, record.width, record.height, int(record.state), split))
            paths.append(record.path)
            counts.append(len(record.boxes))
            rows.extend((b.id, b.x1, b.y1, b.x2, b.y2, b.category_id, int(b.flags)) for b in record.boxes)
        head = np.array(heads, dtype=np.int64).reshape(-1, 6)
        return Dataset(
            categories=tuple(categories),
            roots=tuple(roots),
            split_names=tuple(split_names),
            image_ids=head[:, 0].copy(),
            image_roots=head[:, 1].astype(np.int32),
            paths=tuple(paths),
            sizes=head[:, 2:4].astype(np.int32),
            states=head[:, 4].astype(np.uint8),
            splits=head[:, 5].astype(np.int16),
            offsets=np.cumsum(np.array(counts, dtype=np.int64)),
            box_ids=np.array([r[0] for r in rows], dtype=np.int64),
            xyxy=np.array([r[1:5] for r in rows], dtype=np.float64).reshape(-1, 4),
            category_ids=np.array([r[5] for r in rows], dtype=np.int64),
            flags=np.array([r[6] for r in rows], dtype=np.uint8),
        )


@lru_cache(maxsize=4096)
def spread_color(number: int) -> str:
    """Colour number `number` (from 0): the palette, then hues a golden angle apart on three steps of lightness, so
    that neighbours differ in both; in OKLCH, where equal steps look equal (B. Ottosson, "A perceptual color space for
    image processing", 2020). -> "#rrggbb"
    """
    if number < len(PALETTE):
        return PALETTE[number]
    step = number - len(PALETTE)
    return _oklch(_LIGHTNESS[step % len(_LIGHTNESS)], _CHROMA, math.radians(_GOLDEN_ANGLE * step))


_LIGHTNESS = (0.55, 0.75, 0.64)
_CHROMA = 0.13
_GOLDEN_ANGLE = 137.50776


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """A colour of OKLCH (hue in radians) as sRGB, clipped to its gamut."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, value)))):02x}" for value in linear)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * float(value ** (1 / 2.4)) - 0.055


HOTKEYS = "1234567890"
"""Keys of categories, as they lie on a keyboard."""


def next_color(categories: Sequence[Category]) -> str:
    """The first colour of the palette and those after it that no category has yet."""
    used = {c.color for c in categories}
    free = (color for color in map(spread_color, range(len(used) + 1)) if color not in used)
    return next(free, spread_color(len(categories)))


def next_hotkey(categories: Sequence[Category]) -> str | None:
    """The first of 1..9, 0 that no category has yet, else None."""
    used = {c.hotkey for c in categories}
    return next((k for k in HOTKEYS if k not in used), None)


def make_categories(names: Sequence[str]) -> tuple[Category, ...]:
    """Categories with ids from 1, colours and hotkeys, in the order of the names."""
    made: list[Category] = []
    for number, name in enumerate(names, start=1):
        made.append(Category(id=number, name=name, color=next_color(made), hotkey=next_hotkey(made)))
    return tuple(made)
