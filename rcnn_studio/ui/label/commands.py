"""What the box, class, clipboard and detection actions do on the canvas. Each gesture is one undo step.

Every box key acts on the selection, else on the box under the pointer. Knows no painting and no mouse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.dataset import Box, BoxFlag, Category
from rcnn_studio.domain.geometry import iou_matrix
from rcnn_studio.ui.label.category_palette import CategoryPalette
from rcnn_studio.ui.label.shapes import Corners, Shapes
from rcnn_studio.ui.label.tools import Pointer
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

SNAP_IOU = 0.6
"""A box drawn over a detection of the class in hand takes the detection's corners from this overlap on."""

DUPLICATE_SHIFT = 10.0

_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class Host(Protocol):
    """The canvas as the commands see it."""

    @property
    def tool(self) -> str: ...
    @property
    def hovered(self) -> int | None: ...
    @property
    def pointer(self) -> Pointer | None: ...
    def set_tool(self, name: str) -> None: ...
    def show_hint(self, text: str, *, of_category: bool = False) -> None: ...
    def reveal(self, corners: Corners) -> None: ...


class BoxCommands(QObject):
    """See the module. `canvas` is both the Host and the parent of popups."""

    def __init__(self, canvas: QWidget, project: ProjectModel, review: ReviewModel) -> None:
        super().__init__(canvas)
        self._widget = canvas
        self._host: Host = canvas  # type: ignore[assignment]
        self._project = project
        self._review = review

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect box.*, category.*, edit.copy / cut / paste / select_all and detection.*."""
        for name, slot in self._slots().items():
            actions[f"action.{name}"].triggered.connect(slot)
        for action_id, action in actions.items():
            if action_id.startswith(("action.box.nudge_", "action.box.grow_")):
                action.triggered.connect(self._on_arrow)
            elif action_id.removeprefix("action.category.").isdigit():
                action.triggered.connect(self._on_category_key)

    def _slots(self) -> dict[str, Callable[[], None]]:
        return {
            "category.pick": self.pick_category,
            "box.next": self._on_next,
            "box.previous": self._on_previous,
            "box.delete": self.delete,
            "box.duplicate": self.duplicate,
            "box.paste_previous": self.paste_previous,
            "box.occluded": self._on_occluded,
            "box.truncated": self._on_truncated,
            "box.difficult": self._on_difficult,
            "box.crowd": self._on_crowd,
            "edit.copy": self.copy,
            "edit.cut": self.cut,
            "edit.paste": self.paste,
            "edit.select_all": self.select_all,
            "detection.accept": self.accept_detection,
            "detection.reject": self.reject_detection,
            "detection.accept_all": self.accept_all_detections,
            "detection.edit": self.edit_detection,
        }

    # --- boxes ---------------------------------------------------------------------------------------

    def targets(self) -> tuple[int, ...]:
        """Ids of the boxes a key acts on: the selection, else the box under the pointer, else none."""
        if self._project.selection:
            return tuple(sorted(self._project.selection))
        return () if self._host.hovered is None else (self._host.hovered,)

    def target_boxes(self) -> tuple[Box, ...]:
        wanted = set(self.targets())
        return tuple(box for box in self._project.boxes if box.id in wanted)

    def add_drawn(self, corners: Corners, *, exact: bool) -> None:
        """A new box of the class in hand; over a like detection it becomes that one, unless `exact`."""
        index = None if exact else self._detection_under(corners)
        if index is None:
            nameless = not self._project.categories
            self._project.add_box(*corners)
            if nameless:
                self.pick_category()  # the first box of a new project: say what it is, or go on drawing
            return
        score = float(self._review.detections.scores[index])
        self._review.accept([index], select=True)
        self._host.show_hint(self.tr("Snapped to the detection ({0:.2f}); hold Ctrl to draw exactly").format(score))

    def change_corners(self, moved: Mapping[int, Corners], text: str) -> None:
        self._project.change_boxes([b.moved_to(*moved[b.id]) for b in self._project.boxes if b.id in moved], text)

    def delete(self) -> None:
        self._project.delete_boxes(self.targets())

    def duplicate(self) -> None:
        self._paste(self.target_boxes(), self.tr("Duplicate"), DUPLICATE_SHIFT)

    def step(self, by: int) -> None:
        """Select the next or previous box, what lies inside a box before the box, and bring it into view."""
        order = Shapes.of_boxes(self._project.boxes).walk()
        if not order:
            return
        held = [i for i, box_id in enumerate(order) if box_id in self._project.selection]
        place = (held[0] if by < 0 else held[-1]) + by if held else (0 if by > 0 else -1)
        chosen = order[place % len(order)]
        self._project.set_selection([chosen])
        box = next(b for b in self._project.boxes if b.id == chosen)
        self._host.reveal(box.xyxy)

    def select_all(self) -> None:
        self._project.set_selection([box.id for box in self._project.boxes])

    # --- clipboard -------------------------------------------------------------------------------------

    def copy(self) -> None:
        boxes = self.target_boxes()
        if boxes:
            self._project.clipboard = boxes
            self._host.show_hint(self.tr("{0} box(es) copied").format(len(boxes)))

    def cut(self) -> None:
        boxes = self.target_boxes()
        if boxes:
            self._project.clipboard = boxes
            self._project.delete_boxes([box.id for box in boxes])

    def paste(self) -> None:
        """The copied boxes at their place; shifted where one of them would cover a box of this very size."""
        boxes = self._project.clipboard
        there = {box.xyxy for box in self._project.boxes}
        shift = 0.0
        while boxes and any(self._shifted(box, shift).xyxy in there for box in boxes) and shift < 200:
            shift += DUPLICATE_SHIFT
        self._paste(boxes, self.tr("Paste"), shift)

    def paste_previous(self) -> None:
        """All boxes of the image before this one in the project's order; adds, never overwrites."""
        rows, current = self._project.rows, self._project.current_id
        if current is None:
            return
        row = rows.row(current)
        boxes = self._project.image_record(int(rows.ids[row - 1])).boxes if row > 0 else ()
        if not boxes:
            self._host.show_hint(self.tr("The previous image has no boxes"))
            return
        self._paste(boxes, self.tr("Paste boxes of the previous image"), 0.0)

    def _paste(self, boxes: Sequence[Box], text: str, shift: float) -> None:
        known = {category.id for category in self._project.categories}
        fitting = [self._shifted(box, shift) for box in boxes if box.category_id in known]
        self._project.add_boxes([box for box in fitting if box.width >= 1 and box.height >= 1], text)

    def _shifted(self, box: Box, by: float) -> Box:
        """The box moved right and down, cut to the image at hand."""
        record = self._project.record
        if record is None:
            return box
        dx = min(by, max(0.0, record.width - box.x2))
        dy = min(by, max(0.0, record.height - box.y2))
        return replace(
            box,
            x1=min(max(0.0, box.x1 + dx), record.width),
            y1=min(max(0.0, box.y1 + dy), record.height),
            x2=min(max(0.0, box.x2 + dx), record.width),
            y2=min(max(0.0, box.y2 + dy), record.height),
        )

    # --- classes and flags ---------------------------------------------------------------------------------

    def choose_category(self, category_id: int) -> None:
        """A class key. Select tool: class of the selection, else of the box under the pointer, else of the next box.

        Draw tool: class of the box just drawn (it is the selected one) and of the next; never of a neighbour.
        """
        drawing = self._host.tool == "draw"
        targets = tuple(self._project.selection) if drawing else self.targets()
        if targets:
            self._project.set_category(targets, category_id)
        if drawing or not targets:
            self._project.set_active_category(category_id)
            category = self._project.category(category_id)
            if category is not None:
                text = self.tr("This box and the next: {0}") if targets else self.tr("Next boxes: {0}")
                self._host.show_hint(text.format(category.name), of_category=True)

    def pick_category(self) -> None:
        """The type-ahead palette at the pointer."""
        palette = CategoryPalette(self._project, self._widget)
        palette.category_chosen.connect(self.choose_category)
        pointer = self._host.pointer
        palette.open_at(None if pointer is None else (pointer.wx, pointer.wy))

    def category_on_key(self, key: str) -> Category | None:
        return next((c for c in self._project.categories if c.hotkey == key), None)

    def toggle_flag(self, flag: BoxFlag) -> None:
        targets = self.targets()
        if targets:
            self._project.toggle_flag(targets, flag)

    # --- detections --------------------------------------------------------------------------------------------

    def accept_detection(self) -> None:
        if self._focus_one():
            self._review.accept_focused()

    def reject_detection(self) -> None:
        if self._focus_one():
            self._review.reject_focused()

    def accept_all_detections(self) -> None:
        if self._focus_one():
            self._review.accept_all()

    def edit_detection(self) -> None:
        """Accept and go on with the new box in hand."""
        if self._focus_one():
            self._review.accept_focused(select=True)
            self._host.set_tool("select")

    def _focus_one(self) -> bool:
        """True with a detection in focus; the best one gets it where none has."""
        if self._review.focused is None:
            self._review.focus_next()
        if self._review.focused is None:
            self._host.show_hint(self.tr("No detection is shown here"))
            return False
        return True

    def _detection_under(self, corners: Corners) -> int | None:
        """The visible detection of the class in hand that overlaps most, from SNAP_IOU on."""
        found = self._review.detections
        same = [i for i in self._review.visible() if int(found.category_ids[i]) == self._project.active_category_id]
        if not same:
            return None
        overlaps = iou_matrix([corners], found.xyxy[same])[0]
        best = int(overlaps.argmax())
        return same[best] if overlaps[best] >= SNAP_IOU else None

    # --- slots ---------------------------------------------------------------------------------------------------

    def _sender_id(self) -> str:
        sender = self.sender()
        return sender.objectName() if sender is not None else ""

    def _on_arrow(self) -> None:
        """action.box.nudge_left, action.box.grow_far_up_10, ..."""
        words = self._sender_id().rpartition(".")[2].split("_")
        pixels = 10 if words[-1] == "10" else 1
        x, y = (pixels * step for step in _DIRECTIONS[words[1] if words[0] == "nudge" else words[2]])
        targets = self.targets()
        if not targets:
            return
        if words[0] == "nudge":
            self._project.nudge(targets, x, y)
        elif words[1] == "far":
            self._project.grow(targets, 0, 0, x, y)
        else:
            self._project.grow(targets, x, y, 0, 0)

    def _on_category_key(self) -> None:
        key = str(int(self._sender_id().rpartition(".")[2]) % 10)
        category = self.category_on_key(key)
        if category is not None:
            self.choose_category(category.id)
        else:
            self._host.show_hint(self.tr("No class has the key {0}").format(key))

    def on_class_entry(self, entry: QAction) -> None:
        """A class of the right-click menu."""
        self._project.set_category(self.targets(), int(entry.data()))

    def _on_next(self) -> None:
        self.step(1)

    def _on_previous(self) -> None:
        self.step(-1)

    def _on_occluded(self) -> None:
        self.toggle_flag(BoxFlag.OCCLUDED)

    def _on_truncated(self) -> None:
        self.toggle_flag(BoxFlag.TRUNCATED)

    def _on_difficult(self) -> None:
        self.toggle_flag(BoxFlag.DIFFICULT)

    def _on_crowd(self) -> None:
        self.toggle_flag(BoxFlag.CROWD)
