"""What the box and detection actions do on the canvas. Each gesture is one undo step.

Every box key acts on the selection, else on the box under the pointer. Class keys are in class_keys.py, copies in
clipboard.py, lining up in arrange.py. Knows no painting and no mouse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QElapsedTimer, QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from rcnn_studio.domain.dataset import Box, BoxFlag
from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.geometry import iou_matrix
from rcnn_studio.ui.label.arrange import Arranger
from rcnn_studio.ui.label.class_keys import ClassKeys
from rcnn_studio.ui.label.clipboard import BoxClipboard
from rcnn_studio.ui.label.drag import placed
from rcnn_studio.ui.label.shapes import Corners, Shapes
from rcnn_studio.ui.label.tools import Pointer
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

SNAP_IOU = 0.6
"""A box drawn over a detection of the class in hand takes the detection's corners from this overlap on."""

SERIES_MS = 800
"""Arrows that come no further apart than this, on the same boxes and with the same keys held, are one undo step."""

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
    @property
    def boxes_seen(self) -> bool: ...
    @property
    def seen_part(self) -> Corners: ...
    def show_hint(self, text: str, *, of_category: bool = False, at_pointer: bool = False) -> None: ...
    def reveal(self, corners: Corners) -> None: ...


class BoxCommands(QObject):
    """See the module. `canvas` is both the Host and the parent of popups."""

    def __init__(self, canvas: QWidget, project: ProjectModel, review: ReviewModel) -> None:
        super().__init__(canvas)
        self._widget = canvas
        self._host: Host = canvas  # type: ignore[assignment]
        self._project = project
        self._review = review
        self._ask: QAction | None = None
        self.class_keys = ClassKeys(canvas, project, self.targets)
        self.clipboard = BoxClipboard(project, self.target_boxes, self._hint, self)
        self.arranger = Arranger(project, self._hovered, self._hint, self)
        self._since_arrow = QElapsedTimer()
        self._series: tuple[object, Edit | None] = (None, None)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect box.*, category.*, edit.copy / cut / paste / select_all, align.*, same.* and detection.*."""
        for part in (self.class_keys, self.clipboard, self.arranger):
            part.bind(actions)
        self._ask = actions["action.category.ask"]
        for name, slot in self._slots().items():
            actions[f"action.{name}"].triggered.connect(slot)
        for action_id, action in actions.items():
            if action_id.startswith(("action.box.nudge_", "action.box.grow_")):
                action.triggered.connect(self._on_arrow)

    def _slots(self) -> dict[str, Callable[[], None]]:
        return {
            "box.new": self.new_box,
            "box.next": self._on_next,
            "box.previous": self._on_previous,
            "box.delete": self.delete,
            "box.occluded": self._on_occluded,
            "box.truncated": self._on_truncated,
            "box.difficult": self._on_difficult,
            "box.crowd": self._on_crowd,
            "edit.select_all": self.select_all,
            "detection.accept": self.accept_detection,
            "detection.reject": self.reject_detection,
            "detection.accept_all": self.accept_all_detections,
            "detection.edit": self.edit_detection,
        }

    # --- boxes ---------------------------------------------------------------------------------------

    def targets(self) -> tuple[int, ...]:
        """Ids of the boxes a key acts on: the selection, else the box under the pointer, else none; never one that is
        hidden."""
        if not self._host.boxes_seen:
            if self._project.boxes:
                self._hint(self.tr("The boxes are hidden: Shift+H shows them"))
            return ()
        if self._project.selection:
            chosen = self._project.selected_boxes()
            shown = self._project.category_view.shown(chosen)
            if not shown:
                self._say_hidden(chosen)
            return tuple(sorted(box.id for box in shown))
        return () if self._host.hovered is None else (self._host.hovered,)

    def _say_hidden(self, boxes: Sequence[Box]) -> None:
        found = (self._project.category(i) for i in sorted({box.category_id for box in boxes}))
        names = ", ".join(category.name for category in found if category is not None)
        self._hint(self.tr("Left as it is, its class is hidden: {0}. Show it in the list of classes").format(names))

    def target_boxes(self) -> tuple[Box, ...]:
        wanted = set(self.targets())
        return tuple(box for box in self._project.boxes if box.id in wanted)

    def add_drawn(self, corners: Corners, *, exact: bool) -> None:
        """A new box of the class in hand; over a like detection it becomes that one, unless `exact`."""
        index = None if exact else self._detection_under(corners)
        if index is None:
            nameless = not self._project.categories
            self._project.add_box(*corners)
        else:
            nameless = False
            score = float(self._review.detections.scores[index])
            self._review.accept([index], select=True)
            self._hint(self.tr("Snapped to the detection ({0:.2f}); hold Ctrl to draw exactly").format(score))
        self._note_made()
        asks = nameless or (self._ask is not None and self._ask.isChecked())
        if asks and self.class_keys.fresh is not None:  # say what it is, or go on drawing
            self.class_keys.pick_for(self.class_keys.fresh)

    def new_box(self) -> None:
        """A box without a drag: about the pointer where that is over the picture, else in the middle of the view."""
        room, p = self._host.seen_part, self._host.pointer
        over = p is not None and room[0] <= p.x <= room[2] and room[1] <= p.y <= room[3]
        middle = (p.x, p.y) if p is not None and over else ((room[0] + room[2]) / 2, (room[1] + room[3]) / 2)
        self.add_drawn(placed(middle, room, {box.xyxy for box in self._project.boxes}), exact=True)

    def change_corners(self, moved: Mapping[int, Corners], *, resized: bool) -> None:
        """End of a drag. In the draw tool, where a press might have been meant for a new box, it is said."""
        self._project.move_boxes(moved, resized=resized)
        if resized and self._host.tool == "draw":
            self._hint(self.tr("Resized. With Ctrl a press on a handle draws a new box"))

    def _note_made(self) -> None:
        for box_id in self._project.selection:
            self.class_keys.made(box_id)

    def delete(self) -> None:
        """A box that only lay under the pointer is named, as nothing was selected that could be seen going."""
        pointed, count = not self._project.selection, len(self._project.boxes)
        self._project.delete_boxes(self.targets())
        if pointed and len(self._project.boxes) < count:
            self._hint(self.tr("Done: {0}").format(self._project.undo_stack.undoText()))

    def step(self, by: int) -> None:
        """Select the next or previous box, what lies inside a box before the box, and bring it into view."""
        order = Shapes.of_boxes(self._project.category_view.reachable(self._project.boxes)).walk()
        if not order:
            return
        held = [i for i, box_id in enumerate(order) if box_id in self._project.selection]
        place = (held[0] if by < 0 else held[-1]) + by if held else (0 if by > 0 else -1)
        chosen = order[place % len(order)]
        self._project.set_selection([chosen])
        box = next(b for b in self._project.boxes if b.id == chosen)
        self._host.reveal(box.xyxy)

    def select_all(self) -> None:
        free = self._project.category_view.reachable(self._project.boxes)
        self._project.set_selection([box.id for box in free])

    # --- flags -------------------------------------------------------------------------------------------

    def toggle_flag(self, flag: BoxFlag) -> None:
        targets = self.targets()
        if targets:
            self._project.toggle_flag(targets, flag)

    # --- detections --------------------------------------------------------------------------------------------

    def accept_detection(self) -> None:
        """While labelling it takes only what is seen to be in focus, and nothing right after a box was drawn: Enter may
        have been meant for a name typed for that box."""
        if not self._review.reviewing and not self._is_meant():
            return
        if self._focus_one():
            self._review.accept_focused()

    def _is_meant(self) -> bool:
        if self.class_keys.fresh is not None:
            self._hint(self.tr("Enter takes no detection right after a box was drawn: Esc first"))
            return False
        index = self._review.focused
        if index is None or index not in self._review.visible():
            self._review.focus(None)
            if self._focus_one():
                self._show_focused()
            return False
        return self._in_sight(index) or self._show_focused()

    def _in_sight(self, index: int) -> bool:
        """Some of the detection lies in the part of the image that the window shows."""
        x1, y1, x2, y2 = self._review.detections.xyxy[index].tolist()
        room = self._host.seen_part
        return bool(x1 < room[2] and x2 > room[0] and y1 < room[3] and y2 > room[1])

    def _show_focused(self) -> bool:
        """Bring the detection in focus into sight. -> False: the next key is about it"""
        x1, y1, x2, y2 = self._review.detections.xyxy[self._review.focused].tolist()
        self._host.reveal((x1, y1, x2, y2))
        self._host.show_hint(self.tr("Enter again takes it"))
        return False

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

    def _hint(self, text: str) -> None:
        self._host.show_hint(text, at_pointer=True)

    def _hovered(self) -> int | None:
        return self._host.hovered

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
        kind = (words[0], words[1] if words[0] == "grow" else "", targets)
        onto = self._edit_to_go_on_with(kind)
        if words[0] == "nudge":
            self._project.nudge(targets, x, y, onto=onto)
        elif words[1] == "far":
            self._project.grow(targets, 0, 0, x, y, onto=onto)
        else:
            self._project.grow(targets, x, y, 0, 0, onto=onto)
        self._series = (kind, self._project.latest_edit)
        self._since_arrow.start()

    def _edit_to_go_on_with(self, kind: object) -> Edit | None:
        """The edit of the last arrow, where this one follows soon, on the same boxes and of the same kind."""
        before, edit = self._series
        soon = self._since_arrow.isValid() and self._since_arrow.elapsed() <= SERIES_MS
        return edit if soon and before == kind and edit is self._project.latest_edit else None

    def on_class_entry(self, entry: QAction) -> None:
        """A class of the right-click menu."""
        self.class_keys.choose(int(entry.data()), self.targets())

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
