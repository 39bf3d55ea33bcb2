"""The annotations of one COCO file as numpy columns: a million are checked at once, and odd ones one at a time.

What is sound and what is wrong with the rest is decided as in coco_record. Reads no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats.coco_record import (
    MAX_COORDINATE,
    BadRecord,
    CocoBox,
    has_shape,
    id_key,
    read_annotation,
    read_flags,
)

_KEPT_KEYS = ("image_id", "category_id", "bbox", "iscrowd", "attributes")
_NUMBERS = frozenset({int, float})
_PLAIN_CROWD = frozenset({int, bool, type(None)})

Ids = NDArray[np.int64] | list[Any]
"""Ids as they stand in the file: numbers as a column, else as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class SoundBoxes:
    """Sound annotations in the order of the file. places (M,) int64: index in "annotations"; images (M,) int64: index
    in "images"; category_ids (M,) int64; bbox (M, 4) float64: x, y, width, height; flags (M,) uint8 of BoxFlag."""

    places: NDArray[np.int64]
    images: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    bbox: NDArray[np.float64]
    flags: NDArray[np.uint8]

    def xyxy(self) -> NDArray[np.float64]:
        """Corners. -> (M, 4) float64"""
        return np.concatenate([self.bbox[:, :2], self.bbox[:, :2] + self.bbox[:, 2:]], axis=1)

    def of_images(self, used: NDArray[np.bool_]) -> SoundBoxes:
        """Those of these images alone, image by image, else in the order of the file. used: (number of images,)"""
        order = np.argsort(self.images, kind="stable")
        return self.pick(order[used[self.images[order]]])

    def pick(self, rows: NDArray[Any]) -> SoundBoxes:
        """Some of them. rows: a mask or row numbers."""
        return SoundBoxes(
            self.places[rows], self.images[rows], self.category_ids[rows], self.bbox[rows], self.flags[rows]
        )


@dataclass(frozen=True, slots=True)
class Unsound:
    """An annotation that is left out. image: index of its image, category: key of its category, where it has one."""

    place: int
    bad: BadRecord
    image: int | None
    category: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    places: NDArray[np.int64]
    image_ids: Ids
    category_ids: Ids
    bbox: NDArray[np.float64]
    flags: NDArray[np.uint8]


class AnnotationTable:
    """Filled batch by batch while the file is parsed; what the ids stand for is looked up afterwards.

    has_shapes: an annotation has a mask or keypoints, which a moved box leaves behind.
    """

    def __init__(self) -> None:
        self.has_shapes = False
        self._batches: list[_Batch] = []
        self._odd: dict[int, object] = {}
        self._ids: list[Ids] = []

    def add(self, first: int, records: list[Any]) -> None:
        """The next annotations of the file; `first` is the index of the first of them."""
        self._ids.append(_id_column([r.get("id") if isinstance(r, dict) else None for r in records]))
        self.has_shapes = self.has_shapes or any(has_shape(r) for r in records if isinstance(r, dict))
        places = np.arange(first, first + len(records), dtype=np.int64)
        batch = _columns(places, records)
        if batch is None:
            plain = [_is_plain(record) for record in records]
            self._odd.update((first + i, _slim(r)) for i, r in enumerate(records) if not plain[i])
            batch = _columns(places[plain], [record for i, record in enumerate(records) if plain[i]])
        if batch is None:
            self._odd.update((first + i, _slim(r)) for i, r in enumerate(records))
            return
        sound = _is_sound(batch.bbox)
        if not sound.all():
            odd = batch.places[~sound].tolist()
            self._odd.update((place, _slim(records[place - first])) for place in odd)
            batch = _select(batch, sound)
        self._batches.append(batch)

    def resolve(self, images: Mapping[str, int], categories: Mapping[str, int]) -> tuple[SoundBoxes, list[Unsound]]:
        """images: id key -> index in "images"; categories: id key -> category id of the project."""
        unsound: list[Unsound] = []
        parts: list[SoundBoxes] = []
        find_image, find_category = _Lookup(images), _Lookup(categories)
        for batch in self._batches:
            found_image, found_category = find_image(batch.image_ids), find_category(batch.category_ids)
            known = (found_image >= 0) & (found_category >= 0)
            for row in np.flatnonzero(~known):
                record = dict(zip(_KEPT_KEYS, (batch.image_ids[row], batch.category_ids[row]), strict=False))
                place = int(batch.places[row])
                record = {key: v.item() if isinstance(v, np.generic) else v for key, v in record.items()}
                record["bbox"] = batch.bbox[row].tolist()
                unsound.append(_judge(record, place, images, categories))
            part = SoundBoxes(batch.places, found_image, found_category, batch.bbox, batch.flags)
            parts.append(part if known.all() else part.pick(known))
        odd_sound: list[tuple[int, CocoBox]] = []
        for place, value in self._odd.items():
            read = read_annotation(value, place, images, categories)
            if isinstance(read, CocoBox):
                odd_sound.append((place, read))
            else:
                unsound.append(_judge(value, place, images, categories))
        unsound.sort(key=lambda item: item.place)
        return _joined(parts, odd_sound), unsound

    def double_ids(self) -> Iterator[tuple[int, str, int]]:
        """(index, id key, index of the first that has it) of the annotations whose id another one has already."""
        if all(isinstance(ids, np.ndarray) for ids in self._ids):
            yield from _double_numbers(np.concatenate([np.empty(0, np.int64), *self._ids]))
            return
        first: dict[str, int] = {}
        for index, value in enumerate(chain.from_iterable(map(_as_list, self._ids))):
            key = id_key(value)
            if key is not None and first.setdefault(key, index) != index:
                yield index, key, first[key]

    def odd_ids(self) -> Iterator[tuple[int, object]]:
        """(index, id) of the annotations that have an id which is none, such as a list."""
        index = 0
        for ids in self._ids:
            if not isinstance(ids, np.ndarray):
                yield from ((index + i, v) for i, v in enumerate(ids) if v is not None and id_key(v) is None)
            index += len(ids)

    def id_keys(self) -> list[str | None]:
        """The id key of each annotation, in the order of the file; None for one without a sound id, and for all but
        the first that share one."""
        keys = [id_key(value) for value in chain.from_iterable(map(_as_list, self._ids))]
        for index, _, _ in self.double_ids():
            keys[index] = None
        return keys

    def highest_id(self) -> int:
        """The highest number among the ids, those written as text included; 0 if there is none."""
        return max((highest_number(ids) for ids in self._ids), default=0)


def highest_number(ids: Ids) -> int:
    """The highest number among ids, those written as text included, but not those of 19 digits; 0 if there is none."""
    if isinstance(ids, np.ndarray) and ids.max(initial=0) < 10**18:
        return int(ids.max(initial=0))
    keys = map(id_key, _as_list(ids))
    return max((int(key) for key in keys if key and key.isascii() and key.isdigit() and len(key) < 19), default=0)


class _Lookup:
    """Looks up many ids at once. -> (N,) int64, -1 for an id that nothing has."""

    def __init__(self, table: Mapping[str, int]) -> None:
        self._table = table
        numbers = sorted((int(k), v) for k, v in table.items() if _is_canonical(k))
        self._numbers = np.array([n for n, _ in numbers], dtype=np.int64)
        self._values = np.array([v for _, v in numbers] or [-1], dtype=np.int64)

    def __call__(self, ids: Ids) -> NDArray[np.int64]:
        if not isinstance(ids, np.ndarray):
            return np.array([self._table.get(id_key(value) or "", -1) for value in ids], dtype=np.int64)
        if not len(self._numbers):
            return np.full(len(ids), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._numbers, ids), len(self._numbers) - 1)
        return np.where(self._numbers[at] == ids, self._values[at], np.int64(-1))


def _is_canonical(key: str) -> bool:
    """True for the key of a number that fits a column, as against text that looks like one ("007")."""
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        return False
    return str(int(key)) == key and -(1 << 63) <= int(key) < 1 << 63


def _columns(places: NDArray[np.int64], records: Sequence[Any]) -> _Batch | None:
    """None if a record is not plain, so that each has to be looked at."""
    if not set(map(type, records)) <= {dict}:
        return None
    try:
        image_ids = _id_column([record["image_id"] for record in records])
        category_ids = _id_column([record["category_id"] for record in records])
        boxes = [record["bbox"] for record in records]
        if not set(map(type, boxes)) <= {list} or not set(map(len, boxes)) <= {4}:
            return None
        numbers = list(chain.from_iterable(boxes))
        if not set(map(type, numbers)) <= _NUMBERS:
            return None
        bbox = np.array(numbers, dtype=np.float64).reshape(-1, 4)
    except (KeyError, OverflowError):
        return None
    if not (_are_ids(image_ids) and _are_ids(category_ids)):
        return None
    return _Batch(places, image_ids, category_ids, bbox, _flags(records))


def _is_plain(record: object) -> bool:
    """True if the record alone makes a column."""
    return _columns(np.zeros(1, dtype=np.int64), [record]) is not None


def _is_sound(bbox: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The rule of coco_record.read_annotation for many. (M, 4) x, y, width, height -> (M,)"""
    corners, sizes = bbox[:, :2], bbox[:, 2:]
    sound = (np.abs(bbox) <= MAX_COORDINATE).all(axis=1) & (sizes > 0).all(axis=1)
    return np.asarray(sound & (corners + sizes > corners).all(axis=1), dtype=np.bool_)


def _flags(records: Sequence[dict[str, Any]]) -> NDArray[np.uint8]:
    crowds = [record.get("iscrowd") for record in records]
    if set(map(type, crowds)) <= _PLAIN_CROWD and not any(record.get("attributes") for record in records):
        return np.array([bool(crowd) for crowd in crowds], dtype=np.uint8) * np.uint8(BoxFlag.CROWD)
    return np.array([int(read_flags(record)) for record in records], dtype=np.uint8)


def _id_column(values: list[Any]) -> Ids:
    if not set(map(type, values)) <= {int}:
        return values
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return values


def _are_ids(ids: Ids) -> bool:
    """Numbers with a point are looked at one by one, from the text: orjson makes them of very long numbers as well."""
    return isinstance(ids, np.ndarray) or set(map(type, ids)) <= {int, str}


def _slim(value: object) -> object:
    """What is looked at of an odd record; anything but an object, or one with double keys, is kept as it is."""
    return {key: value[key] for key in _KEPT_KEYS if key in value} if type(value) is dict else value


def _judge(value: object, place: int, images: Mapping[str, int], categories: Mapping[str, int]) -> Unsound:
    read = read_annotation(value, place, images, categories)
    if isinstance(read, CocoBox):
        raise AssertionError(f"annotations[{place}] is sound")
    if not isinstance(value, dict):
        return Unsound(place, read, None, None)
    return Unsound(place, read, images.get(id_key(value.get("image_id")) or ""), id_key(value.get("category_id")))


def _joined(parts: Sequence[SoundBoxes], odd: Sequence[tuple[int, CocoBox]]) -> SoundBoxes:
    records = [record for _, record in odd]
    more = SoundBoxes(
        np.array([place for place, _ in odd], dtype=np.int64),
        np.array([record.image for record in records], dtype=np.int64),
        np.array([record.category_id for record in records], dtype=np.int64),
        np.array([record.bbox for record in records], dtype=np.float64).reshape(-1, 4),
        np.array([int(record.flags) for record in records], dtype=np.uint8),
    )
    every = (*parts, more)
    joined = SoundBoxes(
        np.concatenate([part.places for part in every]),
        np.concatenate([part.images for part in every]),
        np.concatenate([part.category_ids for part in every]),
        np.concatenate([part.bbox for part in every]),
        np.concatenate([part.flags for part in every]),
    )
    return joined.pick(np.argsort(joined.places, kind="stable")) if odd else joined


def _select(batch: _Batch, rows: NDArray[np.bool_]) -> _Batch:
    image_ids, category_ids = (
        ids[rows] if isinstance(ids, np.ndarray) else [v for v, kept in zip(ids, rows, strict=True) if kept]
        for ids in (batch.image_ids, batch.category_ids)
    )
    return _Batch(batch.places[rows], image_ids, category_ids, batch.bbox[rows], batch.flags[rows])


def _double_numbers(ids: NDArray[np.int64]) -> Iterator[tuple[int, str, int]]:
    order = np.argsort(ids, kind="stable")
    same = np.flatnonzero(ids[order][1:] == ids[order][:-1]) + 1
    first: dict[int, int] = {}
    for row in same.tolist():
        first.setdefault(int(ids[order[row]]), int(order[row - 1]))
    for index in sorted(order[same].tolist()):
        yield index, str(ids[index]), first[int(ids[index])]


def _as_list(ids: Ids) -> list[Any]:
    return ids.tolist() if isinstance(ids, np.ndarray) else ids
