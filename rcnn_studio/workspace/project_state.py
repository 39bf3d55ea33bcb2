"""What is open: the image at hand, its boxes, the selection, the list's rows; and how an edit gets there.

An edit is applied in memory, shown, and queued for the store's writer thread; one over all images is the store's
alone, and is shown once it is done. What a person does is in project.py. Widgets hold no truth; they read this object
and repaint on its signals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QUndoStack

from rcnn_studio.domain.dataset import Box, BoxSource, Category, ImageRecord
from rcnn_studio.domain.detections import Rejection
from rcnn_studio.domain.edits import Edit, ImageChange, apply_to_boxes, joined
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import project_title
from rcnn_studio.workspace.category_view import CategoryView
from rcnn_studio.workspace.image_rows import ImageRows
from rcnn_studio.workspace.undo import EditCommand, NewStep, refill

HIGHEST_CATEGORY_KEY = "highest_category_id"
RELOAD_ONE_BY_ONE = 200
"""Up to so many images are read again one by one; of more, the whole list is."""

UNDO_STEPS = 200
"""So many steps of earlier sessions can be taken back."""


class ProjectState(QObject):
    """See the module; edited(Edit): the person has just made one. All methods belong to the GUI thread."""

    image_changed = Signal(int)
    boxes_changed = Signal(int)
    categories_changed = Signal()
    selection_changed = Signal()
    active_category_changed = Signal(int)
    table_changed = Signal()
    images_updated = Signal(list)
    rejections_changed = Signal(int)
    detections_returned = Signal(int, list)
    status_changed = Signal(object)
    edited = Signal(object)
    message = Signal(str)
    _symbolic_done = Signal(int)
    _edit_refused = Signal(object, object)

    def __init__(self, store: ProjectStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.undo_stack = QUndoStack(self)
        self._latest: tuple[int, Edit | None] = (-1, None)
        self.rows = ImageRows(store.image_table())
        self.categories: tuple[Category, ...] = store.categories()
        self.category_counts: Counter[int] = Counter(store.category_counts())
        self.active_category_id = self.categories[0].id if self.categories else 0
        self.current_id: int | None = None
        self.boxes: tuple[Box, ...] = ()
        self.selection: frozenset[int] = frozenset()
        self.clipboard: tuple[Box, ...] = ()
        self.category_view = CategoryView(store, self)
        self.edited.connect(self.category_view.follow)
        self._record: ImageRecord | None = None
        self._acknowledged = 0
        self._highest_category_id = int(store.get_meta(HIGHEST_CATEGORY_KEY) or 0)
        self._closed = False
        self._symbolic = 0
        self._edit_refused.connect(self._on_edit_refused, Qt.ConnectionType.QueuedConnection)
        self._symbolic_done.connect(self._on_symbolic_done, Qt.ConnectionType.QueuedConnection)
        self._recall_steps()
        store.add_listener(self.status_changed.emit)

    # --- reading -----------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What the window calls the project."""
        return project_title(self.store.folder)

    @property
    def read_only(self) -> bool:
        return self.store.read_only

    @property
    def closed(self) -> bool:
        """The store is closed: there is nothing to read any more."""
        return self._closed

    @property
    def table(self) -> ImageRows:
        return self.rows

    @property
    def record(self) -> ImageRecord | None:
        """The image at hand (its boxes are in `boxes`)."""
        return self._record

    @property
    def acknowledged(self) -> int:
        """Sequence number of the newest edit known to be on disk."""
        return self._acknowledged

    def category(self, category_id: int) -> Category | None:
        return next((c for c in self.categories if c.id == category_id), None)

    def image_record(self, image_id: int) -> ImageRecord:
        if self._record is not None and image_id == self.current_id:
            return replace(self._record, boxes=self.boxes)
        with self._waiting():
            return self.store.image(image_id)

    def image_path(self, image_id: int) -> Path:
        return self.store.image_path(image_id)

    def rejections(self, image_id: int) -> tuple[Rejection, ...]:
        return self.store.rejections(image_id)

    def selected_boxes(self) -> tuple[Box, ...]:
        return tuple(box for box in self.boxes if box.id in self.selection)

    # --- where the person is -----------------------------------------------------------------

    def set_current(self, image_id: int) -> None:
        """Show another image; its boxes are read from the store."""
        if image_id == self.current_id:
            return
        with self._waiting():
            self._record = self.store.image(image_id)
        self.current_id = image_id
        self.boxes = self._record.boxes
        self.selection = frozenset()
        self.image_changed.emit(image_id)
        self.boxes_changed.emit(image_id)
        self.selection_changed.emit()

    def open_first(self) -> None:
        """The image the person left, else the first of the list."""
        remembered = self.store.get_meta("current_image")
        ids = self.rows.ids
        if remembered and remembered.isdigit() and self.rows.has(int(remembered)):
            self.set_current(int(remembered))
        elif len(ids):
            self.set_current(int(ids[0]))

    def remember_place(self) -> None:
        if self.current_id is not None and not self.read_only:
            self.store.set_meta("current_image", str(self.current_id))

    def close(self) -> None:
        """The store is closed: what its threads still had to say is not heard any more."""
        self._closed = True

    def set_selection(self, box_ids: Iterable[int]) -> None:
        known = {box.id for box in self.boxes}
        wanted = frozenset(box_ids) & known
        if wanted != self.selection:
            self.selection = wanted
            self.selection_changed.emit()

    def set_active_category(self, category_id: int) -> None:
        if self.category(category_id) is not None and category_id != self.active_category_id:
            self.active_category_id = category_id
            self.active_category_changed.emit(category_id)

    # --- edits ----------------------------------------------------------------------------------

    def push(self, edit: Edit, *, onto: Edit | None = None) -> None:
        """Apply an edit and make it undoable. A read-only project says so and changes nothing.

        onto: an edit that this one goes on with; where that is the latest one, undo takes back both together.
        """
        if self.read_only:
            self.message.emit(self.tr("This project is open read-only: {0}").format(self.store.owner))
            return
        both = joined(onto, edit) if onto is not None and onto is self.latest_edit else None
        replaced, edit = (None, edit) if both is None else (onto, both)
        self._latest = (self.undo_stack.index() + (replaced is None), edit)
        self.undo_stack.push(EditCommand(NewStep(edit), self.apply_edit, self.message.emit, replaces=replaced))
        self.edited.emit(edit)

    @property
    def latest_edit(self) -> Edit | None:
        """The edit that was made last, for as long as nothing was undone since."""
        index, edit = self._latest
        return edit if index == self.undo_stack.index() == self.undo_stack.count() else None

    def apply_edit(self, edit: Edit, *, show: bool) -> None:
        """Apply in memory and queue for the disk. show: go to the image the edit is about."""
        if edit.is_symbolic:
            self._symbolic += 1
            self.store.submit(edit, on_done=self._symbolic_done.emit, on_error=partial(self._edit_refused.emit, edit))
            return
        if edit.categories is not None:
            self._apply_categories(*edit.categories)
        for change in edit.images:
            self._apply_change(change)
        self.store.submit(edit, on_done=self._on_committed, on_error=partial(self._edit_refused.emit, edit))
        self._announce(edit, show=show)

    def _apply_categories(self, before: tuple[Category, ...], after: tuple[Category, ...]) -> None:
        self.categories = after
        highest = max((c.id for c in (*before, *after)), default=0)
        if highest > self._highest_category_id:
            self._highest_category_id = highest
            self.store.set_meta(HIGHEST_CATEGORY_KEY, str(highest))

    def _apply_change(self, change: ImageChange) -> None:
        self.rows.apply(change)
        self.category_counts.subtract(b.category_id for b in change.removed)
        self.category_counts.update(b.category_id for b in change.added)
        if change.image_id == self.current_id and self._record is not None:
            self.boxes = apply_to_boxes(self.boxes, change)
            split = self._record.split if change.split is None else change.split[1]
            self._record = replace(self._record, state=change.state[1], split=split, boxes=self.boxes)
            self.selection &= {box.id for box in self.boxes}

    def _announce(self, edit: Edit, *, show: bool) -> None:
        if edit.categories is not None:
            self.categories_changed.emit()
            if self.category(self.active_category_id) is None and self.categories:
                self.set_active_category(self.categories[0].id)
        touched = [change.image_id for change in edit.images]
        if not touched:
            return
        self.images_updated.emit(touched)
        if show and len(touched) == 1 and touched[0] != self.current_id:
            self.set_current(touched[0])
        for image_id in touched:
            if image_id == self.current_id:
                self.boxes_changed.emit(image_id)
                self.selection_changed.emit()
        for change in edit.images:
            if change.rejections_added or change.rejections_removed:
                self.rejections_changed.emit(change.image_id)
        if show:
            self._select_returned(edit)
            self._announce_returned(edit)

    def _select_returned(self, edit: Edit) -> None:
        """Boxes that an undo or redo has brought back are in hand again, so that they are seen and can be worked on."""
        for change in edit.images:
            known = {box.id for box in change.removed}
            back = [box.id for box in change.added if box.id not in known]
            if back and change.image_id == self.current_id:
                self.set_selection(back)

    def _announce_returned(self, edit: Edit) -> None:
        """Say where detections are open again because an undo took back what was decided about them."""
        for change in edit.images:
            kept = {box.id for box in change.added}
            boxes = [b.xyxy for b in change.removed if b.source == BoxSource.RUN and b.id not in kept]
            corners = [*boxes, *((r.x1, r.y1, r.x2, r.y2) for r in change.rejections_removed)]
            if corners:
                self.detections_returned.emit(change.image_id, corners)

    # --- what the store says ------------------------------------------------------------------------

    def settle_conflict(self, path: str | Path, keep: Literal["mine", "theirs"]) -> None:
        """Settle a linked file that another program has changed, and show what is stored then.

        Raises ProjectError, FormatError.
        """
        changed = self.store.resolve_conflict(path, keep)
        if changed:
            self.reload_images(changed)

    def reload_images(self, image_ids: Collection[int]) -> None:
        """Read these images and the undo steps from the store again: it has changed them by itself."""
        known = [i for i in image_ids if self.rows.has(i)]
        if len(known) > RELOAD_ONE_BY_ONE:
            self._reload_all()
            return
        self._reload_categories()
        for image_id in known:
            self.rows.replace(self.store.image(image_id))
        self.category_counts = Counter(self.store.category_counts())
        self._reload_current(known)
        self._recall_steps()
        if known:
            self.images_updated.emit(known)
        for image_id in known:
            self.rejections_changed.emit(image_id)
        self._announce_current(known)

    def _reload_all(self) -> None:
        """Read everything that is shown from the store again."""
        with self._waiting():
            self._reload_categories()
            self.rows = ImageRows(self.store.image_table())
            self.category_counts = Counter(self.store.category_counts())
            ids = self.rows.ids.tolist()
            self._reload_current(ids)
            self._recall_steps()
        self.table_changed.emit()
        if self.current_id is not None:
            self.rejections_changed.emit(self.current_id)
        self._announce_current(ids)

    def _recall_steps(self) -> None:
        """The undo steps as they are stored, those of earlier sessions too."""
        if not self.read_only:
            self._latest = (-1, None)
            limit = max(UNDO_STEPS, self.undo_stack.count() + 1)
            refill(self.undo_stack, self.store.undoable(limit), self.apply_edit, self.message.emit)

    def _reload_current(self, image_ids: Collection[int]) -> None:
        if self.current_id is not None and self.current_id in image_ids:
            self._record = self.store.image(self.current_id)
            self.boxes = self._record.boxes
            self.selection &= {box.id for box in self.boxes}

    def _announce_current(self, image_ids: Collection[int]) -> None:
        if self.current_id is not None and self.current_id in image_ids:
            self.boxes_changed.emit(self.current_id)
            self.selection_changed.emit()

    def _reload_categories(self) -> None:
        stored = self.store.categories()
        if stored == self.categories:
            return
        self._apply_categories(self.categories, stored)
        self.categories_changed.emit()
        if self.category(self.active_category_id) is None and stored:
            self.set_active_category(stored[0].id)

    def catch_up(self) -> None:
        """Wait for edits over all images that are on their way, and show what they have done."""
        if self._symbolic:
            with self._waiting():
                self.store.flush()
            self._reload_all()

    def _on_symbolic_done(self, sequence: int) -> None:
        self._symbolic = max(0, self._symbolic - 1)
        if not self._closed:
            self._on_committed(sequence)
            self._reload_all()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """The store answers only after an edit over all images: the pointer says so."""
        if not self._symbolic:
            yield
            return
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            yield
        finally:
            QGuiApplication.restoreOverrideCursor()

    def _on_edit_refused(self, edit: Edit, error: StudioError) -> None:
        """The store could not take an edit that is shown already: show what is stored instead."""
        if edit.is_symbolic:
            self._symbolic = max(0, self._symbolic - 1)
        if self._closed:
            return
        if edit.is_symbolic:
            self._reload_all()
        else:
            self.reload_images([change.image_id for change in edit.images])
        self.message.emit(self.tr("{0} was not stored and is taken back: {1}").format(edit.text, error))

    def _on_committed(self, sequence: int) -> None:
        self._acknowledged = sequence
