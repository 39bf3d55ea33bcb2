"""Which images a person wants to see: conditions on images and on their boxes, put to numpy columns.

A million boxes take about 20 ms. Reads nothing; what an image looks like in a list is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import BoxFlag, Dataset, ImageRecord, ImageState

Range = tuple[float, float]
Mask = NDArray[np.bool_]
_BELOW_ONE = np.float32(0.999999)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """Every condition must hold; an empty one always does, within a set any member will do.

    text: part of the path, any case. boxes: how many an image has, both ends included. detections: whether the model
    has found anything in it. changed: edited since the last run.
    The rest is about single boxes: the image needs one box for which all of them hold ("a small, difficult bolt").
    flags: any of these. side: square root of the area in pixels; aspect: width / height; place: x1, y1, x2, y2 of
    the box's centre, relative to the image. Ranges hold their lower end only; math.inf is an upper end.
    """

    text: str = ""
    states: frozenset[ImageState] = frozenset()
    splits: frozenset[str] = frozenset()
    boxes: Range | None = None
    detections: bool | None = None
    changed: bool = False
    categories: frozenset[int] = frozenset()
    flags: BoxFlag = BoxFlag.NONE
    side: Range | None = None
    aspect: Range | None = None
    place: tuple[float, float, float, float] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and replace(self, text="") == ImageQuery()

    @property
    def asks_for_boxes(self) -> bool:
        """True where single boxes must be looked at."""
        return bool(self.categories or self.flags or self.side or self.aspect or self.place)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxFacts:
    """What can be asked of M boxes: rows (M,) int32 of their images, category_ids (M,) int32, flags (M,) uint8;
    sides, aspects (M,) float32 and centres (M, 2) float32 in 0..1 of the part inside the image, nan where there is
    none."""

    rows: NDArray[np.int32]
    category_ids: NDArray[np.int32]
    flags: NDArray[np.uint8]
    sides: NDArray[np.float32]
    aspects: NDArray[np.float32]
    centres: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)


def facts_of_dataset(dataset: Dataset, rows: NDArray[np.int64]) -> BoxFacts:
    """rows (N,): the row of each of the dataset's images."""
    counts = np.diff(dataset.offsets)
    return _facts(
        rows=np.repeat(rows, counts),
        category_ids=dataset.category_ids,
        flags=dataset.flags,
        xyxy=dataset.xyxy,
        sizes=np.repeat(dataset.sizes.astype(np.float32), counts, axis=0),
    )


def facts_of_records(records: Sequence[tuple[int, ImageRecord]]) -> BoxFacts:
    """Of (row, image) each; empty input gives empty columns."""
    found = [(row, record, box) for row, record in records for box in record.boxes]
    return _facts(
        rows=np.array([row for row, _, _ in found], dtype=np.int64),
        category_ids=np.array([box.category_id for _, _, box in found], dtype=np.int64),
        flags=np.array([int(box.flags) for _, _, box in found], dtype=np.uint8),
        xyxy=np.array([box.xyxy for _, _, box in found], dtype=np.float64).reshape(-1, 4),
        sizes=np.array([(r.width, r.height) for _, r, _ in found], dtype=np.float32).reshape(-1, 2),
    )


def _facts(
    *,
    rows: NDArray[np.int64],
    category_ids: NDArray[np.int64],
    flags: NDArray[np.uint8],
    xyxy: NDArray[np.float64],
    sizes: NDArray[np.float32],
) -> BoxFacts:
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.clip(xyxy[:, :2], 0.0, sizes), np.clip(xyxy[:, 2:], 0.0, sizes)
        extent = (high - low).astype(np.float32)
        extent[~(extent > 0).all(axis=1)] = np.nan
        centres = np.minimum(((low + high) / 2 / sizes).astype(np.float32), _BELOW_ONE)
    return BoxFacts(
        rows=rows.astype(np.int32),
        category_ids=category_ids.astype(np.int32),
        flags=flags,
        sides=np.sqrt(extent[:, 0] * extent[:, 1]),
        aspects=extent[:, 0] / extent[:, 1],
        centres=centres,
    )


def matching_boxes(query: ImageQuery, boxes: BoxFacts) -> Mask:
    """True for the boxes that fulfil all conditions on boxes. -> (M,)"""
    mask = np.ones(len(boxes), dtype=np.bool_)
    if query.categories:
        mask &= np.isin(boxes.category_ids, np.array(sorted(query.categories), dtype=np.int32))
    if query.flags:
        mask &= (boxes.flags & np.uint8(int(query.flags))) != 0
    if query.side is not None:
        mask &= _within(boxes.sides, query.side)
    if query.aspect is not None:
        mask &= _within(boxes.aspects, query.aspect)
    if query.place is not None:
        x1, y1, x2, y2 = query.place
        mask &= _within(boxes.centres[:, 0], (x1, x2)) & _within(boxes.centres[:, 1], (y1, y2))
        mask &= ~np.isnan(boxes.sides)
    return mask


def images_with(query: ImageQuery, boxes: BoxFacts, images: int) -> Mask:
    """True for the rows with at least one such box. -> (images,)"""
    hit = np.zeros(images, dtype=np.bool_)
    hit[boxes.rows[matching_boxes(query, boxes)]] = True
    return hit


def _within(values: NDArray[np.float32], wanted: Range) -> Mask:
    return np.asarray((values >= np.float32(wanted[0])) & (values < np.float32(wanted[1])), dtype=np.bool_)


def query_to_json(query: ImageQuery) -> dict[str, Any]:
    """A plain dict of what is asked; conditions that are not there are left out."""
    plain = ImageQuery()
    made: dict[str, Any] = {}
    for field in fields(ImageQuery):
        value = getattr(query, field.name)
        if value != getattr(plain, field.name):
            made[field.name] = _plain(value)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(int(v) if isinstance(v, int) else str(v) for v in value)
    if isinstance(value, tuple):
        return [None if v == float("inf") else v for v in value]
    return int(value) if isinstance(value, BoxFlag) else value


def query_from_json(data: Mapping[str, Any]) -> ImageQuery:
    """The query back from query_to_json; what is damaged or of a later version is left out."""
    known: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in data:
            try:
                known[name] = read(data[name])
            except (TypeError, ValueError, AttributeError):
                continue
    return ImageQuery(**known)


def _numbers(count: int, value: Any) -> tuple[float, ...]:
    numbers = tuple(float("inf") if v is None else float(v) for v in value)
    if len(numbers) != count:
        raise ValueError(value)
    return numbers


_READERS: Mapping[str, Any] = {
    "text": str,
    "states": lambda values: frozenset(ImageState(v) for v in values),
    "splits": lambda values: frozenset(str(v) for v in values),
    "boxes": lambda value: _numbers(2, value),
    "detections": bool,
    "changed": bool,
    "categories": lambda values: frozenset(int(v) for v in values),
    "flags": BoxFlag,
    "side": lambda value: _numbers(2, value),
    "aspect": lambda value: _numbers(2, value),
    "place": lambda value: _numbers(4, value),
}
