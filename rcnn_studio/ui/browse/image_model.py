"""The images of the project as a Qt model: a filter over the project's columns. Paints nothing, keeps no pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QStringListModel, Qt, Signal
from PySide6.QtGui import QImage

from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui.browse.image_order import ImageOrder, by_name, sorted_rows
from rcnn_studio.ui.browse.words import ImageItem, count_text, describe, state_text
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.images import Thumbnails
from rcnn_studio.workspace.project import ProjectModel

AnyIndex = QModelIndex | QPersistentModelIndex
ONE_BY_ONE = 50
"""Of more images that change at once, the list is painted and looked through anew."""


class ImageModel(QStringListModel):
    """Rows of the project that pass the filter, in the chosen order. A row that an edit makes fall out of the filter,
    or out of the order, stays until either is set again, so that the list does not jump under the person's hand; it
    is `stale` then. stale_changed: their number may be another one. picture_changed: the thumbnail of this place is
    there.

    The base class holds as many empty texts as there are rows: a view asks for the number of rows once for each row,
    and is answered without Python that way (100,000 rows: 5 ms in place of 130).
    """

    stale_changed = Signal()
    picture_changed = Signal(int)

    def __init__(
        self, project: ProjectModel, thumbnails: Thumbnails, facts: ImageFacts, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._thumbnails = thumbnails
        self._facts = facts
        self._filter = ImageQuery()
        self._order = ImageOrder.PROJECT
        self._by_name: NDArray[np.int64] | None = None
        self.waiting = False
        # rank of every row of the project in the order, and of the rows that are shown (ascending)
        self._rank: NDArray[np.int64] = np.arange(len(project.rows), dtype=np.int64)
        self._rows: NDArray[np.int64] = self._rank.copy()
        self._ranks: NDArray[np.int64] = self._rank.copy()
        self._stale: set[int] = set()
        self._missing: set[int] = set()
        self._reset()
        project.table_changed.connect(self._on_table_changed)
        project.images_updated.connect(self._on_images_updated)
        thumbnails.thumbnail_ready.connect(self._on_thumbnail_ready)

    # --- reading ----------------------------------------------------------------------------------

    @property
    def filter(self) -> ImageQuery:
        return self._filter

    @property
    def order(self) -> ImageOrder:
        return self._order

    @property
    def stale_count(self) -> int:
        """Rows that are shown though the filter would hide them now."""
        return len(self._stale)

    @property
    def missing_count(self) -> int:
        """Images that are hidden though the filter would show them now."""
        return len(self._missing)

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
            stale=row in self._stale,
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
        found = np.flatnonzero(self._facts.texts_holding(text)[self._rows])
        paths, wanted = self._project.rows.paths, text.strip().casefold()
        exact = (p for p in found if paths[int(self._rows[p])].rpartition("/")[2].casefold() == wanted)
        place = next(exact, found[0] if len(found) else None)
        return None if place is None else int(place)

    # --- filtering --------------------------------------------------------------------------------

    def set_filter(self, wanted: ImageQuery, order: ImageOrder | None = None) -> bool:
        """Show what passes, in this order (None: as it is). -> False where it must be read first: the list stays as
        it is until this is called again."""
        self._filter = wanted
        self._order = self._order if order is None else order
        passing, by_rank = self._facts.passing(wanted), self._sorted()
        self.waiting = passing is None or by_rank is None
        if passing is None or by_rank is None:
            return False
        self._rank = np.empty(len(by_rank), dtype=np.int64)
        self._rank[by_rank] = np.arange(len(by_rank))
        self._ranks = np.flatnonzero(passing[by_rank])
        self._rows = by_rank[self._ranks]
        self._reset()
        return True

    def _reset(self) -> None:
        """The views have other rows before them, none of which is out of date."""
        self._stale, self._missing = set(), set()
        self.setStringList([""] * len(self._rows))
        self.stale_changed.emit()

    def keep(self, image_id: int) -> None:
        """Take a hidden image into the list where it belongs, marked as one that does not match: it is open."""
        if self.place_of(image_id) is not None or not self._project.rows.has(image_id):
            return
        row = self._project.rows.row(image_id)
        place = int(np.searchsorted(self._ranks, self._rank[row]))
        self._ranks = np.insert(self._ranks, place, self._rank[row])
        self._rows = np.insert(self._rows, place, row)
        self.insertRows(place, 1)
        self._look_again([row])

    def _sorted(self) -> NDArray[np.int64] | None:
        if self._order != ImageOrder.NAME:
            return sorted_rows(self._order, self._project.rows, self._facts)
        if self._by_name is None:
            self._by_name = by_name(self._project.rows)
        return self._by_name

    def _look_again(self, rows: Sequence[int]) -> None:
        """Whether these rows of the project still are where the filter would have them."""
        if self._filter.is_empty:
            return
        for row in rows:
            passes = self._facts.fulfils(self._filter, row)
            shown = self.place_of(int(self._project.rows.ids[row])) is not None
            for wrong, is_wrong in ((self._stale, shown and not passes), (self._missing, passes and not shown)):
                (wrong.add if is_wrong else wrong.discard)(row)
        self.stale_changed.emit()

    def look_at_all_again(self) -> None:
        """Count what is out of date without changing the list."""
        passing = self._facts.passing(self._filter)
        if passing is not None:
            shown = np.zeros(len(passing), dtype=np.bool_)
            shown[self._rows] = True
            self._stale = set(np.flatnonzero(shown & ~passing).tolist())
            self._missing = set(np.flatnonzero(passing & ~shown).tolist())
            self.stale_changed.emit()

    # --- signals ----------------------------------------------------------------------------------

    def _on_table_changed(self) -> None:
        self._by_name = None
        self._rank = np.arange(len(self._project.rows), dtype=np.int64)
        if not self.set_filter(self._filter):
            self._show_all()

    def _show_all(self) -> None:
        """Until it is known what passes."""
        self._rows, self._ranks = self._rank.copy(), self._rank.copy()
        self._reset()

    def _on_images_updated(self, image_ids: Sequence[int]) -> None:
        if len(image_ids) > ONE_BY_ONE:
            self.look_at_all_again()
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
            return
        self._look_again([self._project.rows.row(image_id) for image_id in image_ids])
        for image_id in image_ids:
            place = self.place_of(image_id)
            if place is not None:
                self.dataChanged.emit(self.index(place), self.index(place))

    def _on_thumbnail_ready(self, image_id: int) -> None:
        place = self.place_of(image_id)
        if place is not None:
            self.picture_changed.emit(place)

    # --- Qt ---------------------------------------------------------------------------------------

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.item(index.row()).name
        if role == Qt.ItemDataRole.ToolTipRole:
            return describe(self.item(index.row()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            item = self.item(index.row())
            said = [item.name, state_text(item.state), count_text(item.boxes), item.split or self.tr("no split")]
            if item.stale:
                said.append(self.tr("no longer matches the filter"))
            return ", ".join(said)
        return None
