"""The images of the project as a Qt model: a filter over the project's columns. Paints nothing, keeps no pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.workspace.images import Thumbnails
from rcnn_studio.workspace.project import ProjectModel

AnyIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageItem:
    """One row as it is painted. name: without its folder."""

    image_id: int
    name: str
    path: str
    state: ImageState
    split: str
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """text: part of the path, any case; state, split: None for all."""

    text: str = ""
    state: ImageState | None = None
    split: str | None = None


class ImageOrder(StrEnum):
    """What the list is sorted by."""

    PROJECT = "project"
    NAME = "name"
    MOST_BOXES = "most boxes"
    FEWEST_BOXES = "fewest boxes"


class ImageModel(QAbstractListModel):
    """Rows of the project that pass the filter, in the chosen order. A row that an edit makes fall out of the filter,
    or out of the order, stays until either is set again, so that the list does not jump under the person's hand.
    """

    def __init__(self, project: ProjectModel, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._thumbnails = thumbnails
        self._filter = ImageFilter()
        self._order = ImageOrder.PROJECT
        self._folded: list[str] | None = None
        self._by_name: NDArray[np.int64] | None = None
        # rank of every row of the project in the order, and of the rows that are shown (ascending)
        self._rank: NDArray[np.int64] = np.arange(len(project.rows), dtype=np.int64)
        self._rows: NDArray[np.int64] = self._rank.copy()
        self._ranks: NDArray[np.int64] = self._rank.copy()
        project.table_changed.connect(self._on_table_changed)
        project.images_updated.connect(self._on_images_updated)
        thumbnails.thumbnail_ready.connect(self._on_thumbnail_ready)

    # --- reading ----------------------------------------------------------------------------------

    @property
    def filter(self) -> ImageFilter:
        return self._filter

    def item(self, place: int) -> ImageItem:
        """What the list shows at a place (0-based, after the filter)."""
        rows, row = self._project.rows, int(self._rows[place])
        path = rows.paths[row]
        return ImageItem(
            image_id=int(rows.ids[row]),
            name=path.rpartition("/")[2],
            path=path,
            state=rows.state(row),
            split=rows.splits[row],
            boxes=int(rows.box_counts[row]),
        )

    def thumbnail(self, place: int) -> QImage | None:
        """The picture if it is there; else it is asked for, and the row is painted again once it is."""
        return self._thumbnails.request(int(self._project.rows.ids[self._rows[place]]))

    def image_id(self, place: int) -> int:
        return int(self._project.rows.ids[self._rows[place]])

    def place_of(self, image_id: int) -> int | None:
        """Where an image stands in the list; None if the filter hides it."""
        if not self._project.rows.has(image_id):
            return None
        row = self._project.rows.row(image_id)
        place = int(np.searchsorted(self._ranks, self._rank[row]))
        return place if place < len(self._rows) and self._rows[place] == row else None

    def place_after(self, image_id: int, step: int) -> int | None:
        """The place `step` (1 or -1) from an image, which itself may be hidden; None past the ends."""
        rank = int(self._rank[self._project.rows.row(image_id)]) if self._project.rows.has(image_id) else -1
        if step > 0:
            place = int(np.searchsorted(self._ranks, rank, side="right"))
        else:
            place = int(np.searchsorted(self._ranks, rank, side="left")) - 1
        return place if 0 <= place < len(self._rows) else None

    def place_named(self, text: str) -> int | None:
        """The place with this number (from 1) or, else, the first whose path is or holds the text."""
        if text.isdecimal() and 1 <= int(text) <= len(self._rows):
            return int(text) - 1
        wanted, paths = text.casefold(), self._folded_paths()
        found = [place for place, row in enumerate(self._rows) if wanted in paths[row]]
        exact = [place for place in found if paths[int(self._rows[place])].rpartition("/")[2] == wanted]
        return next(iter([*exact, *found]), None)

    # --- filtering --------------------------------------------------------------------------------

    @property
    def order(self) -> ImageOrder:
        return self._order

    def set_filter(self, wanted: ImageFilter, order: ImageOrder | None = None) -> None:
        """Show what passes, in this order (None: as it is)."""
        self.beginResetModel()
        self._filter = wanted
        self._order = self._order if order is None else order
        by_rank = self._sorted()
        self._rank = np.empty(len(by_rank), dtype=np.int64)
        self._rank[by_rank] = np.arange(len(by_rank))
        passing = self._passing(wanted)
        self._ranks = np.sort(self._rank[passing])
        self._rows = by_rank[self._ranks]
        self.endResetModel()

    def _sorted(self) -> NDArray[np.int64]:
        """All rows of the project in the order; those that are alike stay as they are in the project."""
        rows = self._project.rows
        if self._order == ImageOrder.NAME:
            if self._by_name is None:
                names = [natural(path.rpartition("/")[2]) for path in self._folded_paths()]
                self._by_name = np.array(sorted(range(len(rows)), key=names.__getitem__), dtype=np.int64)
            return self._by_name
        if self._order == ImageOrder.MOST_BOXES:
            return np.argsort(-rows.box_counts, kind="stable").astype(np.int64)
        if self._order == ImageOrder.FEWEST_BOXES:
            return np.argsort(rows.box_counts, kind="stable").astype(np.int64)
        return np.arange(len(rows), dtype=np.int64)

    def _passing(self, wanted: ImageFilter) -> NDArray[np.int64]:
        rows = self._project.rows
        mask = np.ones(len(rows), dtype=np.bool_)
        if wanted.state is not None:
            mask &= rows.states == int(wanted.state)
        if wanted.split is not None:
            mask &= np.fromiter((split == wanted.split for split in rows.splits), dtype=np.bool_, count=len(rows))
        passing = np.flatnonzero(mask)
        text = wanted.text.strip().casefold()
        if not text:
            return passing
        paths = self._folded_paths()
        return np.array([row for row in passing.tolist() if text in paths[row]], dtype=np.int64)

    def _folded_paths(self) -> list[str]:
        if self._folded is None:
            self._folded = [path.casefold() for path in self._project.rows.paths]
        return self._folded

    # --- signals ----------------------------------------------------------------------------------

    def _on_table_changed(self) -> None:
        self._folded, self._by_name = None, None
        self.set_filter(self._filter)

    def _on_images_updated(self, image_ids: Sequence[int]) -> None:
        if len(image_ids) > 50:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
            return
        for image_id in image_ids:
            self._on_thumbnail_ready(image_id)

    def _on_thumbnail_ready(self, image_id: int) -> None:
        place = self.place_of(image_id)
        if place is not None:
            self.dataChanged.emit(self.index(place), self.index(place))

    # --- Qt ---------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.item(index.row()).name
        if role == Qt.ItemDataRole.ToolTipRole:
            return describe(self.item(index.row()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            item = self.item(index.row())
            return self.tr("{0}, {1}, {2} boxes, {3}").format(
                item.name, state_text(item.state), item.boxes, item.split or self.tr("no split")
            )
        return None


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts a name as people count: img_2 before img_10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def describe(item: ImageItem) -> str:
    """A row in words: what its badge and chip stand for."""
    facts = [state_text(item.state), count_text(item.boxes)]
    if item.split:
        facts.append(QCoreApplication.translate("ImageModel", "in the split {0}").format(item.split))
    return f"{item.path}\n{' · '.join(facts)}"


def state_text(state: ImageState) -> str:
    """An image's state in words."""
    names = {
        ImageState.UNLABELLED: QCoreApplication.translate("ImageModel", "Unlabelled"),
        ImageState.LABELLED: QCoreApplication.translate("ImageModel", "Labelled"),
        ImageState.CONFIRMED_EMPTY: QCoreApplication.translate("ImageModel", "Nothing here"),
        ImageState.VERIFIED: QCoreApplication.translate("ImageModel", "Verified"),
        ImageState.NEEDS_FIX: QCoreApplication.translate("ImageModel", "Needs fix"),
    }
    return names[state]


def state_hint(state: ImageState) -> str:
    """What a state means for the training, and how an image gets it."""
    hints = {
        ImageState.UNLABELLED: QCoreApplication.translate("ImageModel", "Nobody has looked yet: not trained on."),
        ImageState.LABELLED: QCoreApplication.translate(
            "ImageModel", "Has boxes, and is trained on. Space says that they are right."
        ),
        ImageState.CONFIRMED_EMPTY: QCoreApplication.translate(
            "ImageModel", "Shows none of the classes (B): the model learns from that too."
        ),
        ImageState.VERIFIED: QCoreApplication.translate(
            "ImageModel", "Somebody has looked and said with Space that the boxes are right. Trained on."
        ),
        ImageState.NEEDS_FIX: QCoreApplication.translate("ImageModel", "Left out until it is mended."),
    }
    return hints[state]


def count_text(boxes: int) -> str:
    """A number of boxes in words."""
    if boxes == 1:
        return QCoreApplication.translate("ImageModel", "1 box")
    return QCoreApplication.translate("ImageModel", "{0} boxes").format(boxes)
