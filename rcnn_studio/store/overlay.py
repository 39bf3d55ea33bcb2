"""Edits that are queued but not committed yet, so that readers see what was submitted. Keeps no database."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from rcnn_studio.domain.dataset import Category, ImageRecord
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit, ImageChange

_T = TypeVar("_T")


class Overlay:
    """The queued edits by image, in order. Safe to use from any thread.

    Replaying changes over a record that shows some of them already gives the same record: for each box the
    last change decides. So a reader takes `changes` first and reads the database after, and never misses one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[int, list[ImageChange]] = defaultdict(list)
        self._categories: list[tuple[Category, ...]] = []
        self._meta: dict[str, list[str]] = defaultdict(list)
        self._symbolic = 0

    @property
    def is_blind(self) -> bool:
        """True while an edit over all images is queued, of which nobody knows yet what it does to each."""
        with self._lock:
            return self._symbolic > 0

    def add(self, edit: Edit) -> None:
        with self._lock:
            self._symbolic += edit.is_symbolic
            for change in edit.images:
                self._changes[change.image_id].append(change)
            if edit.categories is not None:
                self._categories.append(edit.categories[1])

    def discard(self, edit: Edit) -> None:
        """The edit is committed, or has failed."""
        with self._lock:
            self._symbolic -= edit.is_symbolic
            for change in edit.images:
                queued = self._changes[change.image_id]
                _remove_identical(queued, change)
                if not queued:
                    del self._changes[change.image_id]
            if edit.categories is not None:
                _remove_identical(self._categories, edit.categories[1])

    def changes(self, image_id: int) -> tuple[ImageChange, ...]:
        with self._lock:
            return tuple(self._changes.get(image_id, ()))

    def categories(self) -> tuple[Category, ...] | None:
        with self._lock:
            return self._categories[-1] if self._categories else None

    def set_meta(self, key: str, value: str) -> None:
        with self._lock:
            self._meta[key].append(value)

    def discard_meta(self, key: str, value: str) -> None:
        with self._lock:
            self._meta[key].remove(value)
            if not self._meta[key]:
                del self._meta[key]

    def meta(self, key: str) -> str | None:
        with self._lock:
            values = self._meta.get(key)
            return values[-1] if values else None


def _remove_identical(items: list[_T], item: _T) -> None:
    for index, other in enumerate(items):
        if other is item:
            del items[index]
            return


def apply_to_record(record: ImageRecord, changes: Sequence[ImageChange]) -> ImageRecord:
    """The record after these changes; boxes in the order of their ids."""
    if not changes:
        return record
    boxes = {box.id: box for box in record.boxes}
    state, split = record.state, record.split
    for change in changes:
        for box in change.removed:
            boxes.pop(box.id, None)
        boxes.update((box.id, box) for box in change.added)
        state = change.state[1]
        split = split if change.split is None else change.split[1]
    return replace(record, boxes=tuple(boxes[key] for key in sorted(boxes)), state=state, split=split)


def apply_to_rejections(rejections: Sequence[Rejection], changes: Sequence[ImageChange]) -> tuple[Rejection, ...]:
    """The rejections after these changes; each stands once."""
    kept = dict.fromkeys(rejections)
    for change in changes:
        for rejection in change.rejections_removed:
            kept.pop(rejection, None)
        kept.update(dict.fromkeys(change.rejections_added))
    return tuple(kept)
