"""The open project as the window sees it: what is in project_state.py, and the gestures that change it.

A gesture makes one Edit, which can be undone. Detections live in review.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

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
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.geometry import ordered
from rcnn_studio.domain.splits import TRAIN, VAL
from rcnn_studio.store.listing import count_images_with
from rcnn_studio.workspace.project_state import ProjectState

VAL_EVERY = 5
STAND_IN_KEY = "stand_in_category"


class ProjectModel(ProjectState):
    """See the module. All methods belong to the GUI thread."""

    # --- gestures on the image at hand: one Edit each ----------------------------------------

    def add_box(self, x1: float, y1: float, x2: float, y2: float, category_id: int | None = None) -> Box:
        """Draw a box (corners in any order, pixels of the upright image) and select it."""
        wanted = self.category(category_id if category_id is not None else self.active_category_id)
        category = wanted or self._category_named(self.tr("object"))
        a, b, c, d = ordered(float(x1), float(y1), float(x2), float(y2))
        box = Box(id=self.store.next_box_id(), x1=a, y1=b, x2=c, y2=d, category_id=category.id)
        text = self.tr("Draw {0}").format(category.name)
        if wanted is None and category not in self.categories and not self.read_only:
            self.store.set_meta(STAND_IN_KEY, str(category.id))
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

    def change_boxes(self, boxes: Sequence[Box], text: str, *, onto: Edit | None = None) -> None:
        """Replace boxes of the image at hand by these values with the same ids; equal ones are left out. onto: see
        push"""
        now = {box.id: box for box in self.boxes}
        changed = [box for box in boxes if box.id in now and now[box.id] != box]
        changed = self._free([now[b.id] for b in changed], changed)
        if changed:
            self._push_boxes(text, removed=tuple(now[b.id] for b in changed), added=tuple(changed), onto=onto)

    def delete_boxes(self, box_ids: Collection[int]) -> None:
        wanted = self._boxes(box_ids)
        gone = tuple(self._free(wanted, wanted))
        if gone:
            one, many = self.tr("Delete {0}"), self.tr("Delete {0} boxes")
            self._push_boxes(self._counted(gone, one, many), removed=gone)

    def move_boxes(self, moved: Mapping[int, tuple[float, float, float, float]], *, resized: bool) -> None:
        """Give boxes of the image at hand other corners: x1, y1, x2, y2 in pixels by box id."""
        wanted = self._boxes(moved.keys())
        text = self._resize_text(wanted) if resized else self._move_text(wanted)
        self.change_boxes([box.moved_to(*moved[box.id]) for box in wanted], text)

    def set_category(self, box_ids: Collection[int], category_id: int) -> None:
        category = self.category(category_id)
        if category is not None:
            changed = [box for box in self._boxes(box_ids) if box.category_id != category_id]
            one, many = self.tr("Change {0} to {1}"), self.tr("Change {0} boxes to {1}")
            text = self._counted(changed, one, many, category.name) if changed else ""
            self.change_boxes([replace(b, category_id=category_id, edited=True) for b in changed], text)

    def toggle_flag(self, box_ids: Collection[int], flag: BoxFlag) -> None:
        """Set the flag on all, or clear it where all have it."""
        wanted = self._boxes(box_ids)
        changed, on = box_edits.with_flag_toggled(wanted, flag)
        if changed:
            one = self.tr("Set {1} on {0}") if on else self.tr("Clear {1} on {0}")
            many = self.tr("Set {1} on {0} boxes") if on else self.tr("Clear {1} on {0} boxes")
            self.change_boxes(changed, self._counted(wanted, one, many, (flag.name or "").lower()))

    def nudge(self, box_ids: Collection[int], dx: float, dy: float, *, onto: Edit | None = None) -> None:
        """Move boxes by pixels, stopped at the image's border. onto: see push"""
        if self._record is not None:
            size = {"width": self._record.width, "height": self._record.height}
            wanted = self._boxes(box_ids)
            self.change_boxes(box_edits.nudged(wanted, dx, dy, **size), self._move_text(wanted), onto=onto)

    def grow(
        self, box_ids: Collection[int], dx1: float, dy1: float, dx2: float, dy2: float, *, onto: Edit | None = None
    ) -> None:
        """Move single edges by pixels; a box keeps at least one pixel and stays in the image. onto: see push"""
        if self._record is not None:
            size = {"width": self._record.width, "height": self._record.height}
            edges, wanted = (dx1, dy1, dx2, dy2), self._boxes(box_ids)
            grown = [box_edits.grown(b, edges, **size) for b in wanted]
            self.change_boxes(grown, self._resize_text(wanted), onto=onto)

    def set_state(self, image_id: int, state: ImageState) -> None:
        """Say what an image is; an image without a split joins train, every fifth one val."""
        record = self.image_record(image_id)
        if record.state == state:
            return
        change = ImageChange(image_id=image_id, state=(record.state, state), split=self._split_for(record, state))
        self.push(Edit(text=self._state_text(state), images=(change,)))

    def accept_detections(
        self, found: Detections, *, run_id: str, select: bool = False, finished: bool = True
    ) -> tuple[Box, ...]:
        """Turn detections on the image at hand into boxes, on whole pixels inside the image; one Edit.

        Nothing is selected afterwards unless asked for: the next key is about the next detection. finished: none is
        left to decide on; an unlabelled image stays unlabelled until then.
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
        self._push_boxes(text, added=boxes, select=[b.id for b in boxes], begun=not finished)
        if not select:
            self.set_selection(())
        return boxes

    def reject_detections(self, found: Detections, *, run_id: str, finished: bool = False) -> None:
        """Remember that these are wrong, so that like ones of later models stay hidden; one Edit.

        finished: none is left to decide on, so an unlabelled image with boxes is labelled now.
        """
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
        done = finished and record.state == ImageState.UNLABELLED and bool(self.boxes)
        state = ImageState.LABELLED if done else record.state
        change = ImageChange(
            image_id=record.id,
            state=(record.state, state),
            split=self._split_for(record, state) if done else None,
            rejections_added=refused,
        )
        category = self.category(refused[0].category_id)
        name = category.name if category is not None else self.tr("detection")
        one, many = self.tr("Reject {0}").format(name), self.tr("Reject {0} detections").format(len(refused))
        self.push(Edit(text=one if len(refused) == 1 else many, images=(change,)))

    # --- categories ---------------------------------------------------------------------------

    def add_category(self, name: str) -> Category:
        """A new category (or the one that has this name already), made active."""
        self.catch_up()
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
        self.catch_up()
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
        self._push_categories(self._change_text(changed.id, name), tuple(after))

    def arrange_categories(self, after: Sequence[Category], text: str) -> None:
        """The same categories in another order or with other colours; one Edit. Others than those are refused."""
        self.catch_up()
        if {c.id: c.name for c in after} == {c.id: c.name for c in self.categories}:
            self._push_categories(text, tuple(after))

    def _change_text(self, category_id: int, name: str) -> str:
        before = self.category(category_id)
        if before is not None and before.name != name:
            return self.tr("Rename {0} to {1}").format(before.name, name)
        return self.tr("Change class {0}").format(name)

    def merge_category(self, from_id: int, into_id: int) -> None:
        """Every box of one category becomes one of the other, and the first is gone; over all images, one Edit."""
        self.catch_up()
        gone, into = self.category(from_id), self.category(into_id)
        if gone is not None and into is not None and gone.id != into.id:
            text = self.tr("Merge class {0} into {1}").format(gone.name, into.name)
            self.push(Edit(text=text, merge=(from_id, into_id)))

    def delete_category(self, category_id: int) -> None:
        """Remove a category and all of its boxes, over all images; one Edit."""
        self.catch_up()
        category = self.category(category_id)
        if category is not None:
            text = self.tr("Delete class {0} with its boxes").format(category.name)
            self.push(Edit(text=text, remove_category=category_id))

    def uses(self, category_id: int) -> tuple[int, int]:
        """(boxes, images with at least one of them) of a category in the whole project. Raises ProjectError."""
        self.catch_up()
        self.store.flush()
        return self.category_counts[category_id], count_images_with(self.store.folder, category_id)

    def remove_category(self, category_id: int) -> None:
        """Remove a category without boxes; raises ProjectError where it is in use."""
        self.catch_up()
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

    def _push_boxes(
        self,
        text: str,
        *,
        removed: tuple[Box, ...] = (),
        added: tuple[Box, ...] = (),
        select: Sequence[int] = (),
        category: Category | None = None,
        begun: bool = False,
        onto: Edit | None = None,
    ) -> None:
        """One Edit of the image at hand; a `category` that the project does not have yet comes with it.

        begun: see state_after. Work on the boxes that a begun image has does not finish it; drawing on it does.
        """
        record = self._record
        if record is None:
            return
        draft = ImageChange(image_id=record.id, removed=removed, added=added, state=(record.state, record.state))
        begun = begun or (bool(self.boxes) and {b.id for b in added} <= {b.id for b in self.boxes})
        after = state_after(apply_to_boxes(self.boxes, draft), record.state, begun=begun)
        keeps = record.state == ImageState.VERIFIED and after == ImageState.LABELLED
        state = record.state if keeps else after
        change = replace(draft, state=(record.state, state), split=self._split_for(record, state))
        new = category is not None and category not in self.categories
        known = (*self.categories, category) if category is not None and new else self.categories
        known = self._without_stand_in(known, removed, added)
        categories = (self.categories, known) if known != self.categories else None
        self.push(Edit(text=text, images=(change,), categories=categories), onto=onto)
        if select and not self.read_only:
            self.set_selection(select)

    def _without_stand_in(
        self, categories: tuple[Category, ...], removed: tuple[Box, ...], added: tuple[Box, ...]
    ) -> tuple[Category, ...]:
        """The categories without the one that was made for boxes drawn before there was any, once the last of its boxes
        gets a real one; the keys after it close up."""
        before = {box.id: box.category_id for box in removed}
        named = [before[b.id] for b in added if b.id in before and b.category_id != before[b.id]]
        gone = next((c for c in categories if c.id in named and c.name == self.tr("object")), None)
        if gone is None or self.category_counts[gone.id] > named.count(gone.id):
            return categories
        if self.store.get_meta(STAND_IN_KEY) != str(gone.id):
            return categories
        return box_edits.without_category(categories, gone)

    def _push_categories(self, text: str, after: tuple[Category, ...]) -> None:
        if after != self.categories:
            self.push(Edit(text=text, categories=(self.categories, after)))

    def _split_for(self, record: ImageRecord, state: ImageState) -> tuple[str, str] | None:
        """An image joins a split when it gets its first label, and keeps it."""
        if record.split or state not in TRAINABLE_STATES:
            return None
        val, train = self.rows.split_count(VAL), self.rows.split_count(TRAIN)
        return (record.split, VAL if (val + 1) * VAL_EVERY <= val + train + 1 else TRAIN)

    # --- small helpers -----------------------------------------------------------------------------

    def _boxes(self, box_ids: Collection[int]) -> list[Box]:
        wanted = set(box_ids)
        return [box for box in self.boxes if box.id in wanted]

    def _free(self, now: Sequence[Box], changed: Sequence[Box]) -> list[Box]:
        """Those of `changed` that are not of a locked category as they stand `now`; what is left alone is said."""
        locked = [box for box in now if self.category_view.is_locked(box.category_id)]
        if locked:
            names = ", ".join(sorted({self._category_name(box) for box in locked}))
            self.message.emit(self.tr("Locked, so left as it is: {0}. Unlock it in the list of classes.").format(names))
        held = {box.id for box in locked}
        return [box for box in changed if box.id not in held]

    def _category_name(self, box: Box) -> str:
        category = self.category(box.category_id)
        return category.name if category is not None else self.tr("box")

    def _counted(self, boxes: Sequence[Box], one: str, many: str, *more: str) -> str:
        """`one` with the box's category where there is one box, else `many` with their number; {1} is `more`."""
        if len(boxes) == 1:
            return one.format(self._category_name(boxes[0]), *more)
        return many.format(len(boxes), *more)

    def _move_text(self, boxes: Sequence[Box]) -> str:
        return self._counted(boxes, self.tr("Move {0}"), self.tr("Move {0} boxes"))

    def _resize_text(self, boxes: Sequence[Box]) -> str:
        return self._counted(boxes, self.tr("Resize {0}"), self.tr("Resize {0} boxes"))

    def _state_text(self, state: ImageState) -> str:
        names = {
            ImageState.UNLABELLED: self.tr("Mark unlabelled"),
            ImageState.LABELLED: self.tr("Mark labelled"),
            ImageState.CONFIRMED_EMPTY: self.tr("Nothing here"),
            ImageState.VERIFIED: self.tr("Verify"),
            ImageState.NEEDS_FIX: self.tr("Mark: needs fix"),
        }
        return names[state]
