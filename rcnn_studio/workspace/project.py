"""The open project as the window sees it: the image at hand, its boxes, the selection, undo.

A gesture makes one Edit: it is applied in memory, shown, and queued for the store's writer thread. Widgets
hold no truth; they read this object and repaint on its signals. Detections live in review.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QUndoStack

from rcnn_studio.domain import box_edits
from rcnn_studio.domain.dataset import (
    TRAINABLE_STATES,
    Box,
    BoxFlag,
    BoxSource,
    Category,
    ImageRecord,
    ImageState,
    next_color,
    next_hotkey,
)
from rcnn_studio.domain.detections import Detections, Rejection
from rcnn_studio.domain.edits import Edit, ImageChange, apply_to_boxes, state_after
from rcnn_studio.domain.errors import ProjectError, StudioError
from rcnn_studio.domain.geometry import ordered
from rcnn_studio.domain.splits import TRAIN, VAL
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import project_title
from rcnn_studio.workspace.image_rows import ImageRows
from rcnn_studio.workspace.undo import EditCommand, drop_commands

VAL_EVERY = 5
HIGHEST_CATEGORY_KEY = "highest_category_id"
RELOAD_ONE_BY_ONE = 200
"""Up to so many images are read again one by one; of more, the whole list is."""


class ProjectModel(QObject):
    """See the module. All methods belong to the GUI thread."""

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
    message = Signal(str)
    _edit_refused = Signal(object, object)

    def __init__(self, store: ProjectStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.undo_stack = QUndoStack(self)
        self.rows = ImageRows(store.image_table())
        self.categories: tuple[Category, ...] = store.categories()
        self.category_counts: Counter[int] = Counter(store.category_counts())
        self.active_category_id = self.categories[0].id if self.categories else 0
        self.current_id: int | None = None
        self.boxes: tuple[Box, ...] = ()
        self.selection: frozenset[int] = frozenset()
        self.clipboard: tuple[Box, ...] = ()
        self._record: ImageRecord | None = None
        self._acknowledged = 0
        self._highest_category_id = int(store.get_meta(HIGHEST_CATEGORY_KEY) or 0)
        self._closed = False
        self._edit_refused.connect(self._on_edit_refused, Qt.ConnectionType.QueuedConnection)
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

    # --- gestures on the image at hand: one Edit each ----------------------------------------

    def add_box(self, x1: float, y1: float, x2: float, y2: float, category_id: int | None = None) -> Box:
        """Draw a box (corners in any order, pixels of the upright image) and select it."""
        wanted = self.category(category_id if category_id is not None else self.active_category_id)
        category = wanted or self._category_named(self.tr("object"))
        a, b, c, d = ordered(float(x1), float(y1), float(x2), float(y2))
        box = Box(id=self.store.next_box_id(), x1=a, y1=b, x2=c, y2=d, category_id=category.id)
        text = self.tr("Draw {0}").format(category.name)
        self._push_boxes(text, added=(box,), select=[box.id], category=category)
        if wanted is None:
            self.set_active_category(category.id)
        return box

    def add_boxes(self, boxes: Sequence[Box], text: str) -> tuple[Box, ...]:
        """Copies of these boxes on the image at hand, with ids of their own, selected."""
        fresh = tuple(
            replace(
                b,
                id=self.store.next_box_id(),
                place=None,
                source=BoxSource.HUMAN,
                run_id=None,
                score=None,
                edited=False,
            )
            for b in boxes
        )
        if fresh:
            self._push_boxes(text, added=fresh, select=[b.id for b in fresh])
        return fresh

    def change_boxes(self, boxes: Sequence[Box], text: str) -> None:
        """Replace boxes of the image at hand by these values with the same ids; equal ones are left out."""
        now = {box.id: box for box in self.boxes}
        changed = [box for box in boxes if box.id in now and now[box.id] != box]
        if changed:
            self._push_boxes(text, removed=tuple(now[b.id] for b in changed), added=tuple(changed))

    def delete_boxes(self, box_ids: Collection[int]) -> None:
        gone = tuple(self._boxes(box_ids))
        if gone:
            one, many = self.tr("Delete {0}"), self.tr("Delete {0} boxes")
            self._push_boxes(self._counted(gone, one, many), removed=gone)

    def set_category(self, box_ids: Collection[int], category_id: int) -> None:
        category = self.category(category_id)
        if category is not None:
            wanted = self._boxes(box_ids)
            self.change_boxes(
                [replace(b, category_id=category_id, edited=True) for b in wanted if b.category_id != category_id],
                self.tr("Change class to {0}").format(category.name),
            )

    def toggle_flag(self, box_ids: Collection[int], flag: BoxFlag) -> None:
        """Set the flag on all, or clear it where all have it."""
        changed, on = box_edits.with_flag_toggled(self._boxes(box_ids), flag)
        text = self.tr("Set {0}") if on else self.tr("Clear {0}")
        self.change_boxes(changed, text.format((flag.name or "").lower()))

    def nudge(self, box_ids: Collection[int], dx: float, dy: float) -> None:
        """Move boxes by pixels, stopped at the image's border."""
        if self._record is not None:
            size = {"width": self._record.width, "height": self._record.height}
            self.change_boxes(box_edits.nudged(self._boxes(box_ids), dx, dy, **size), self.tr("Nudge"))

    def grow(self, box_ids: Collection[int], dx1: float, dy1: float, dx2: float, dy2: float) -> None:
        """Move single edges by pixels; a box keeps at least one pixel and stays in the image."""
        if self._record is not None:
            size = {"width": self._record.width, "height": self._record.height}
            edges = (dx1, dy1, dx2, dy2)
            self.change_boxes([box_edits.grown(b, edges, **size) for b in self._boxes(box_ids)], self.tr("Resize"))

    def set_state(self, image_id: int, state: ImageState) -> None:
        """Say what an image is; an image without a split joins train, every fifth one val."""
        record = self.image_record(image_id)
        if record.state == state:
            return
        change = ImageChange(image_id=image_id, state=(record.state, state), split=self._split_for(record, state))
        self.push(Edit(text=self._state_text(state), images=(change,)))

    def accept_detections(self, found: Detections, *, run_id: str, select: bool = False) -> tuple[Box, ...]:
        """Turn detections on the image at hand into boxes, on whole pixels inside the image; one Edit.

        Nothing is selected afterwards unless asked for: the next key is about the next detection.
        """
        if self._record is None or not len(found):
            return ()
        record = self._record
        boxes = tuple(
            box_edits.from_detection(
                found, i, box_id=self.store.next_box_id(), run_id=run_id, width=record.width, height=record.height
            )
            for i in range(len(found))
        )
        text = self._counted(boxes, self.tr("Accept {0}"), self.tr("Accept {0} detections"))
        self._push_boxes(text, added=boxes, select=[b.id for b in boxes])
        if not select:
            self.set_selection(())
        return boxes

    def reject_detections(self, found: Detections, *, run_id: str) -> None:
        """Remember that these are wrong, so that like ones of later models stay hidden; one Edit."""
        if self._record is None or not len(found):
            return
        refused = tuple(
            Rejection(
                run_id=run_id,
                category_id=int(c),
                x1=float(b[0]),
                y1=float(b[1]),
                x2=float(b[2]),
                y2=float(b[3]),
                score=float(s),
            )
            for b, c, s in zip(found.xyxy, found.category_ids, found.scores, strict=True)
        )
        record = self._record
        change = ImageChange(image_id=record.id, state=(record.state, record.state), rejections_added=refused)
        self.push(Edit(text=self.tr("Reject {0} detection(s)").format(len(refused)), images=(change,)))

    # --- categories ---------------------------------------------------------------------------

    def add_category(self, name: str) -> Category:
        """A new category (or the one that has this name already), made active."""
        category = self._category_named(box_edits.clean_category_name(name))
        if category not in self.categories:
            self._push_categories(self.tr("Add class {0}").format(category.name), (*self.categories, category))
        self.set_active_category(category.id)
        return category

    def _category_named(self, name: str) -> Category:
        """The category of this name, or a new one, not added yet, with an id that no category has had before: kept
        detections and rejections speak of categories by id."""
        existing = next((c for c in self.categories if c.name == name), None)
        number = max([self._highest_category_id, *(c.id for c in self.categories)]) + 1
        return existing or Category(
            id=number, name=name, color=next_color(self.categories), hotkey=next_hotkey(self.categories)
        )

    def change_category(self, changed: Category) -> None:
        """Rename, recolour or rekey; a hotkey is taken from the category that had it."""
        name = box_edits.clean_category_name(changed.name)
        if any(c.name == name and c.id != changed.id for c in self.categories):
            raise ProjectError(self.tr("There is a class named {0} already.").format(name))
        after = []
        for c in self.categories:
            if c.id == changed.id:
                after.append(replace(changed, name=name))
            elif changed.hotkey is not None and c.hotkey == changed.hotkey:
                after.append(replace(c, hotkey=None))
            else:
                after.append(c)
        self._push_categories(self.tr("Change class {0}").format(name), tuple(after))

    def remove_category(self, category_id: int) -> None:
        """Remove a category without boxes; raises ProjectError where it is in use."""
        category = self.category(category_id)
        if category is None:
            return
        count = self.category_counts[category_id]
        if count:
            one = self.tr("{0} has 1 box. Change its class first, then remove {0}.")
            many = self.tr("{0} has {1} boxes. Change their class first, then remove {0}.")
            raise ProjectError((one if count == 1 else many).format(category.name, count))
        self._push_categories(
            self.tr("Remove class {0}").format(category.name), tuple(c for c in self.categories if c.id != category_id)
        )

    # --- edits ----------------------------------------------------------------------------------

    def push(self, edit: Edit) -> None:
        """Apply an edit and make it undoable. A read-only project says so and changes nothing."""
        if self.read_only:
            self.message.emit(self.tr("This project is open read-only: {0}").format(self.store.owner))
            return
        self.undo_stack.push(EditCommand(edit, self.apply_edit))

    def apply_edit(self, edit: Edit, *, show: bool) -> None:
        """Apply in memory and queue for the disk. show: go to the image the edit is about."""
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
            self._announce_returned(edit)

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
        """Read these images from the store again. Their undo steps are dropped, because they speak of boxes that are
        not there any more; a message says so."""
        known = [i for i in image_ids if self.rows.has(i)]
        others = self._reload_categories()
        if len(known) > RELOAD_ONE_BY_ONE:
            self.rows = ImageRows(self.store.image_table())
        else:
            for image_id in known:
                self.rows.replace(self.store.image(image_id))
        self.category_counts = Counter(self.store.category_counts())
        dropped = drop_commands(self.undo_stack, set(known), categories=others)
        if self.current_id in known:
            self._record = self.store.image(self.current_id)
            self.boxes = self._record.boxes
            self.selection &= {box.id for box in self.boxes}
        self._announce_reloaded(known)
        if dropped:
            one, many = self.tr("1 undo step was dropped"), self.tr("{0} undo steps were dropped")
            text = one if dropped == 1 else many.format(dropped)
            self.message.emit(self.tr("{0}: its image was read anew from the project.").format(text))

    def _reload_categories(self) -> bool:
        """-> whether they are others than those that were shown"""
        stored = self.store.categories()
        if stored == self.categories:
            return False
        self._apply_categories(self.categories, stored)
        self.categories_changed.emit()
        if self.category(self.active_category_id) is None and stored:
            self.set_active_category(stored[0].id)
        return True

    def _announce_reloaded(self, image_ids: list[int]) -> None:
        if len(image_ids) > RELOAD_ONE_BY_ONE:
            self.table_changed.emit()
        elif image_ids:
            self.images_updated.emit(image_ids)
        for image_id in image_ids:
            self.rejections_changed.emit(image_id)
        if self.current_id in image_ids:
            self.boxes_changed.emit(self.current_id)
            self.selection_changed.emit()

    def _on_edit_refused(self, edit: Edit, error: StudioError) -> None:
        """The store could not take an edit that is shown already: show what is stored instead."""
        if self._closed:
            return
        touched = self.rows.ids.tolist() if edit.is_symbolic else [change.image_id for change in edit.images]
        self.reload_images(touched)
        self.message.emit(self.tr("{0} was not stored and is taken back: {1}").format(edit.text, error))

    def _push_boxes(
        self,
        text: str,
        *,
        removed: tuple[Box, ...] = (),
        added: tuple[Box, ...] = (),
        select: Sequence[int] = (),
        category: Category | None = None,
    ) -> None:
        """One Edit of the image at hand; a `category` that the project does not have yet comes with it."""
        record = self._record
        if record is None:
            return
        draft = ImageChange(image_id=record.id, removed=removed, added=added, state=(record.state, record.state))
        after = state_after(apply_to_boxes(self.boxes, draft), record.state)
        keeps = record.state == ImageState.VERIFIED and after == ImageState.LABELLED
        state = record.state if keeps else after
        change = replace(draft, state=(record.state, state), split=self._split_for(record, state))
        new = category is not None and category not in self.categories
        categories = (self.categories, (*self.categories, category)) if category is not None and new else None
        self.push(Edit(text=text, images=(change,), categories=categories))
        if select and not self.read_only:
            self.set_selection(select)

    def _push_categories(self, text: str, after: tuple[Category, ...]) -> None:
        if after != self.categories:
            self.push(Edit(text=text, categories=(self.categories, after)))

    def _split_for(self, record: ImageRecord, state: ImageState) -> tuple[str, str] | None:
        """An image joins a split when it gets its first label, and keeps it."""
        if record.split or state not in TRAINABLE_STATES:
            return None
        val, train = self.rows.split_count(VAL), self.rows.split_count(TRAIN)
        return (record.split, VAL if (val + 1) * VAL_EVERY <= val + train + 1 else TRAIN)

    def _on_committed(self, sequence: int) -> None:
        self._acknowledged = sequence

    # --- small helpers -----------------------------------------------------------------------------

    def _boxes(self, box_ids: Collection[int]) -> list[Box]:
        wanted = set(box_ids)
        return [box for box in self.boxes if box.id in wanted]

    def _category_name(self, box: Box) -> str:
        category = self.category(box.category_id)
        return category.name if category is not None else self.tr("box")

    def _counted(self, boxes: Sequence[Box], one: str, many: str) -> str:
        """`one` with the box's category where there is one box, else `many` with their number."""
        return one.format(self._category_name(boxes[0])) if len(boxes) == 1 else many.format(len(boxes))

    def _state_text(self, state: ImageState) -> str:
        names = {
            ImageState.UNLABELLED: self.tr("Mark unlabelled"),
            ImageState.LABELLED: self.tr("Mark labelled"),
            ImageState.CONFIRMED_EMPTY: self.tr("Nothing here"),
            ImageState.VERIFIED: self.tr("Verify"),
            ImageState.NEEDS_FIX: self.tr("Mark: needs fix"),
        }
        return names[state]
