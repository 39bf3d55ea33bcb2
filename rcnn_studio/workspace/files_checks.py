"""The check of an open project as the problems' room asks for it, and where in the project a problem is.

Finds no problem itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.store.listing import LinkedTable, read_linked
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import PLACE_BITS
from rcnn_studio.tasks.checking import check_project
from rcnn_studio.workspace.files_problems import Check, Looked, Spot, box_id_of, index_of

_INDEX = (1 << PLACE_BITS) - 1


def check_of(store: ProjectStore) -> Check:
    """Looks at everything again, images included."""
    return partial(_check, store)


def _check(store: ProjectStore, report: Report, should_stop: ShouldStop) -> Looked:
    if not store.status().paused:
        store.write_back(wait=True)  # a file on its way to the disk is no problem
    found = check_project(store, report=report, should_stop=should_stop)
    return Looked(problems=found.problems, images=found.images)


class Locator:
    """Finds the image of a problem by its file: an image, or the label file of one."""

    def __init__(self, store: ProjectStore, paths: Callable[[], Sequence[tuple[int, str]]]) -> None:
        """paths: (image id, absolute path) of every image of the project."""
        self._store = store
        self._paths = paths
        self._images: dict[str, int] | None = None
        self._table: LinkedTable | None = None

    def __call__(self, problem: Problem) -> Spot | None:
        """None where the problem is about no single image. Raises ProjectError."""
        image_id = self._image_of(os.path.normpath(problem.file))
        if image_id is None:
            image_id = self._image_of_file(problem)
        if image_id is None:
            return None
        return Spot(image_id=image_id, box_id=self._box_of(image_id, problem.where))

    def _image_of(self, path: str) -> int | None:
        if self._images is None:
            self._images = {os.path.normpath(path): image_id for image_id, path in self._paths()}
        return self._images.get(path)

    def _image_of_file(self, problem: Problem) -> int | None:
        if self._table is None:
            self._table = read_linked(self._store.folder)
        table = self._table
        wanted = os.path.normpath(problem.file)
        file_id = next((n for n, file in table.files.items() if os.path.normpath(file.path) == wanted), None)
        if file_id is None:
            return None
        images = [image_id for image_id, of in table.file_of.items() if of == file_id]
        if len(images) == 1:
            return images[0]
        index = index_of(problem.where)
        return None if index is None else self._image_with(images, problem.where, index)

    def _image_with(self, images: Sequence[int], where: str, index: int) -> int | None:
        """Of a file of many images the one whose box, or which itself, is that record."""
        if where.startswith("images["):
            return images[index] if index < len(images) else None
        return next((i for i in images if self._box_at(self._store.image(i).boxes, index) is not None), None)

    def _box_of(self, image_id: int, where: str) -> int | None:
        boxes = self._store.image(image_id).boxes
        box_id = box_id_of(where)
        if box_id is not None:
            return box_id if any(box.id == box_id for box in boxes) else None
        index = None if where.startswith("images[") else index_of(where)
        return None if index is None else self._box_at(boxes, index)

    @staticmethod
    def _box_at(boxes: Sequence[Box], index: int) -> int | None:
        return next((b.id for b in boxes if b.place is not None and b.place & _INDEX == index), None)
