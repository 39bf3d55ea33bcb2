"""The edits of the project or of the image at hand, an image as it was after one of them, and bringing that back.

Bringing back is one new edit that can be undone; nothing in the history is ever removed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from rcnn_studio.domain.dataset import Category, ImageRecord
from rcnn_studio.domain.edits import Edit, change_between
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.images import decode
from rcnn_studio.workspace.files_reading import Latest
from rcnn_studio.workspace.pictures import to_qimage
from rcnn_studio.workspace.project import ProjectModel

LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One edit of the history. time: UTC, ISO 8601. undone: another edit has taken it back. undoes: it takes back
    another one itself. images: ids of those it changed, as far as known."""

    sequence: int
    text: str
    time: str
    undone: bool = False
    undoes: bool = False
    images: tuple[int, ...] = ()


class HistorySource(Protocol):
    """What the store answers, queued edits included; may take a moment and raise StudioError."""

    def history(self, limit: int) -> tuple[Happened, ...]:
        """The latest edits of the project, the newest first."""

    def image_history(self, image_id: int) -> tuple[Happened, ...]:
        """The edits of one image, the newest first."""

    def image_as_of(self, image_id: int, sequence: int) -> ImageRecord:
        """The image as it was right after this edit (0: as it was imported)."""

    def lost_categories(self, image_id: int, sequence: int) -> tuple[Category, ...]:
        """The categories that the image had boxes of then, and that are no more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """An image as it was after an edit. picture: the file as it is now; None where it cannot be read. lost: categories
    of its boxes that the project has no more."""

    sequence: int
    record: ImageRecord
    picture: QImage | None
    lost: tuple[Category, ...] = ()


class HistoryModel(QObject):
    """Methods belong to the GUI thread."""

    entries_changed = Signal()
    past_changed = Signal()
    failed = Signal(str)

    def __init__(self, source: HistorySource, project: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._project = project
        self._latest = Latest("history", self)
        self._only_image = False
        self._watching = False
        self._picture: tuple[int, QImage | None] = (-1, None)
        self.entries: tuple[Happened, ...] = ()
        self.loaded = False
        self.selected: Happened | None = None
        self.past: Past | None = None
        self.past_error = ""
        self._latest.answered.connect(self._on_answered)
        self._latest.failed.connect(self._on_failed)
        project.image_changed.connect(self._on_image_changed)
        project.boxes_changed.connect(self._on_edited)
        project.images_updated.connect(self._on_edited)
        project.categories_changed.connect(self._on_edited)

    @property
    def project(self) -> ProjectModel:
        return self._project

    def image_text(self, entry: Happened) -> str:
        """The name of the image that an edit is about, or how many they are; empty where that is not known."""
        known = [i for i in entry.images if self._project.rows.has(i)]
        if len(known) > 1:
            return self.tr("{0} images").format(f"{len(known):,}")
        rows = self._project.rows
        return PurePosixPath(rows.paths[rows.row(known[0])]).stem if known else ""

    @property
    def only_image(self) -> bool:
        """True: only the edits of the image at hand."""
        return self._only_image

    def set_only_image(self, on: bool) -> None:
        if on != self._only_image:
            self._only_image = on
            self.entries = ()
            self.select(None)
            self.refresh()

    def watch(self, on: bool) -> None:
        """While somebody looks, the list follows every edit; else it is left alone."""
        self._watching = on
        if on:
            self.refresh()

    def refresh(self) -> None:
        image_id = self._project.current_id if self._only_image else None
        if self._only_image and image_id is None:
            self.entries, self.loaded = (), True
            self.entries_changed.emit()
        elif image_id is not None:
            self._latest.ask("entries", lambda _stop: self._source.image_history(image_id))
        else:
            self._latest.ask("entries", lambda _stop: self._source.history(LIMIT))

    def select(self, entry: Happened | None) -> None:
        """Look at the image of this edit as it was after it; of an edit of several, at the image at hand. The image at
        hand stays; see go_to_image."""
        self.selected, self.past, self.past_error = entry, None, ""
        self._latest.forget("past")
        image_id = None if entry is None else self._image_of(entry)
        if entry is not None and image_id is not None:
            self._latest.ask("past", lambda _stop: self._look_back(image_id, entry.sequence))
        self.past_changed.emit()

    @property
    def is_elsewhere(self) -> bool:
        """True if the edit looked at is of another image than the one at hand."""
        image_id = None if self.selected is None else self._image_of(self.selected)
        return image_id not in (None, self._project.current_id)

    def go_to_image(self) -> None:
        """Make the image of the edit looked at the one at hand."""
        image_id = None if self.selected is None else self._image_of(self.selected)
        if image_id is not None and self.is_elsewhere:
            self._project.set_current(image_id)

    def _image_of(self, entry: Happened) -> int | None:
        if len(entry.images) == 1:
            return entry.images[0] if self._project.rows.has(entry.images[0]) else None
        return self._project.current_id

    @property
    def can_bring_back(self) -> bool:
        """True if the image is not now what is shown of it."""
        return self._edit_back() is not None and not self._project.read_only

    def bring_back(self) -> bool:
        """Make the image what it was, as one edit. -> whether there was anything to do"""
        edit = self._edit_back()
        if edit is None or self._project.read_only:
            return False
        self._project.push(edit)
        return True

    def close(self) -> None:
        self._latest.close()

    def _edit_back(self) -> Edit | None:
        past = self.past
        if past is None or not self._project.rows.has(past.record.id):
            return None
        now = self._project.image_record(past.record.id)
        change = change_between(now, replace(past.record, split=now.split))
        if not change.removed and not change.added and change.state[0] == change.state[1]:
            return None
        have = self._project.categories
        lost = tuple(c for c in past.lost if self._project.category(c.id) is None)
        text = self.tr("Bring back {0} as it was").format(now.path.rpartition("/")[2])
        return Edit(text=text, images=(change,), categories=(have, (*have, *lost)) if lost else None)

    def _look_back(self, image_id: int, sequence: int) -> Past:
        record = self._source.image_as_of(image_id, sequence)
        if self._picture[0] != image_id:
            try:
                picture: QImage | None = to_qimage(decode(self._project.image_path(image_id)))
            except (StudioError, OSError):
                picture = None
            self._picture = image_id, picture
        known = {category.id for category in self._project.categories}
        gone = not known.issuperset(box.category_id for box in record.boxes)
        lost = self._source.lost_categories(image_id, sequence) if gone else ()
        return Past(sequence=sequence, record=record, picture=self._picture[1], lost=lost)

    def _on_answered(self, kind: object, result: object) -> None:
        if isinstance(result, Past):
            self.past = result
            self.past_changed.emit()
        elif kind == "entries" and isinstance(result, Sequence):
            self.entries, self.loaded = tuple(result), True
            self.entries_changed.emit()

    def _on_failed(self, kind: object, message: str) -> None:
        if kind == "past":
            self.past_error = message
            self.past_changed.emit()
        else:
            self.failed.emit(message)

    def _on_image_changed(self, image_id: int) -> None:
        if self.selected is not None and len(self.selected.images) != 1:
            self.select(None)
        elif self.selected is not None:
            self.past_changed.emit()
        if self._watching and self._only_image:
            self.refresh()

    def _on_edited(self, _which: int | Collection[int] | None = None) -> None:
        if self._watching:
            self.refresh()
        if self.past is not None:
            self.past_changed.emit()
