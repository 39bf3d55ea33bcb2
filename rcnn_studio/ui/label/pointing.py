"""What the canvas shows about the pointer before anything is pressed: hover, handle, crosshair and cursor.

In the draw tool the crosshair means "a press begins a box"; over a handle it goes, the handle lights up and the cursor
is the handle's. Hears no mouse and no key (canvas.py) and changes no label.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from PySide6.QtCore import QElapsedTimer, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QRegion
from PySide6.QtWidgets import QWidget

from rcnn_studio.ui.label.edge_pan import EdgePan
from rcnn_studio.ui.label.group import OUT_PX, corner_handle_at, frame_area, grown, scene_frame
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.snapping import Lines
from rcnn_studio.ui.label.stacking import Stacking
from rcnn_studio.ui.label.surface import HANDLE_REACH_PX, ToolSurface
from rcnn_studio.ui.label.tools import Gesture, Grip, Modifier, PanGesture, Pointer
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

BORDER_REACH_PX = 3.0
SNAP_REACH_PX = 6.0

_CURSORS = {
    Handle.NW: Qt.CursorShape.SizeFDiagCursor,
    Handle.SE: Qt.CursorShape.SizeFDiagCursor,
    Handle.NE: Qt.CursorShape.SizeBDiagCursor,
    Handle.SW: Qt.CursorShape.SizeBDiagCursor,
    Handle.N: Qt.CursorShape.SizeVerCursor,
    Handle.S: Qt.CursorShape.SizeVerCursor,
    Handle.E: Qt.CursorShape.SizeHorCursor,
    Handle.W: Qt.CursorShape.SizeHorCursor,
}


class PointingSurface(ToolSurface):
    """pointer_moved: image pixels, (-1, -1) once the mouse has left. view_changed: the image lies elsewhere now."""

    pointer_moved = Signal(float, float)
    view_changed = Signal()

    def __init__(
        self, project: ProjectModel, images: ImageCache, review: ReviewModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(project, images, review, parent)
        self.stacking = Stacking()
        self._gesture: Gesture | None = None
        self._pan: PanGesture | None = None
        self._pointer: Pointer | None = None
        self._space = QElapsedTimer()
        self._crosshair_on = True
        self._snap_on = False
        project.selection_changed.connect(self._on_other_selection)
        self._edge_pan = EdgePan(self._dragged_to, self._logical_size, self._hidden_sides, self.pan_by, self)

    @property
    def pointer(self) -> Pointer | None:
        """Where the mouse is; None outside the canvas."""
        return self._pointer

    @property
    def hovered(self) -> int | None:
        """Id of the box under the pointer that a click would take."""
        return self.scene.hovered

    @property
    def seen_part(self) -> Corners:
        """The whole image pixels that the window shows; all of the image where it shows none."""
        width, height = self.image_size
        x1, y1, x2, y2 = self.scene.view.seen(self.scene.frame.width, self.scene.frame.height)
        left, top = max(0, math.ceil(x1)), max(0, math.ceil(y1))
        right, bottom = min(width, math.floor(x2)), min(height, math.floor(y2))
        return (left, top, right, bottom) if right > left and bottom > top else (0, 0, width, height)

    @property
    def boxes_seen(self) -> bool:
        """False while the boxes are hidden."""
        return self.scene.boxes_shown

    # --- for the tools ------------------------------------------------------------------------------

    def stack_at(self, p: Pointer) -> list[int]:
        """Smallest first, but for what a person has brought to the front or sent to the back."""
        return self.stacking.ordered(super().stack_at(p))

    def grip_at(self, p: Pointer) -> Grip | None:
        """The handle that a press here would take: of the one selected box, in the select tool also of the frame around
        several; Ctrl takes none."""
        one = self.handle_at(p)
        if one is not None or self.tool == "draw" or p.holds(Modifier.ControlModifier):
            return None if one is None else ((one[0],), one[1])
        frame = scene_frame(self.scene)
        if frame is None:
            return None
        around = grown(frame, self.reach(OUT_PX))
        handle = corner_handle_at(around, p.x, p.y, reach=self.reach(HANDLE_REACH_PX))
        return None if handle is None else (tuple(sorted(self.selection)), handle)

    def show_moved(self, moved: dict[int, Corners]) -> None:
        self._update_frame()
        super().show_moved(moved)
        self._update_frame()

    def _update_frame(self) -> None:
        """Paint the frame around several boxes again."""
        frame = scene_frame(self.scene)
        if frame is not None:
            self.update_device(frame_area(self.scene, frame))

    def lines(self, p: Pointer, moving: Collection[int]) -> Lines:
        """What edges of a draft or of the boxes `moving` stick to; with Ctrl nothing."""
        if p.holds(Modifier.ControlModifier):
            return Lines(size=self.image_size, border_reach=-1.0)
        border = self.reach(BORDER_REACH_PX)
        if not self._snap_on or not self.scene.boxes_shown:
            return Lines(size=self.image_size, border_reach=border)
        shapes = self.scene.shapes
        others = shapes.xyxy[~np.isin(shapes.ids, list(moving))]
        xs, ys = others[:, [0, 2]].ravel(), others[:, [1, 3]].ravel()
        return Lines(size=self.image_size, border_reach=border, reach=self.reach(SNAP_REACH_PX), xs=xs, ys=ys)

    def show_guides(self, x: float | None, y: float | None) -> None:
        """Lines along which the dragged edges lie now."""
        if (x, y) != self.scene.guides:
            self.scene.guides = (x, y)
            self.update()

    def hint_place(self) -> tuple[float, float] | None:
        p = self._pointer
        return None if p is None or not self.rect().contains(int(p.wx), int(p.wy)) else (p.wx, p.wy)

    # --- following the pointer ----------------------------------------------------------------------

    def _at(self, event: QMouseEvent) -> Pointer:
        position = event.position()
        x, y = self.widget_to_image(position)
        return Pointer(x=x, y=y, wx=position.x(), wy=position.y(), modifiers=event.modifiers())

    def _follow(self, p: Pointer) -> None:
        self._pointer = p
        self._show_pointer()
        self._edge_pan.follow()
        self.pointer_moved.emit(p.x, p.y)

    def _show_pointer(self) -> None:
        """Hover, handle, crosshair and cursor for where the pointer is."""
        p, drawing, busy = self._pointer, self.tool == "draw", self._gesture is not None
        panning = self._pan is not None or self._space.isValid()
        stack = self.stack_at(p) if p is not None and not busy else []
        grip = self.grip_at(p) if p is not None and not busy and not panning else None
        if self.scene.handles_inside != drawing:
            self.scene.handles_inside = drawing
            self.update_boxes(self.project.selection)
            self._update_frame()
        self._show_as_target(faintly=drawing)
        self._set_hovered(stack[0] if stack else None)
        if not busy:
            self._set_grip(None if grip is None else grip[1])
        aiming = p is not None and drawing and self._crosshair_on and self.scene.grip is None and not panning
        self._set_crosshair((p.x, p.y) if p is not None and aiming else None)
        if not busy or panning:
            self.setCursor(self._cursor(grip, stack))

    def _cursor(self, grip: Grip | None, stack: list[int]) -> Qt.CursorShape:
        if self._pan is not None:
            return Qt.CursorShape.ClosedHandCursor
        if self._space.isValid():
            return Qt.CursorShape.OpenHandCursor
        if grip is not None:
            return _CURSORS[grip[1]]
        if self.tool == "draw":
            return Qt.CursorShape.CrossCursor
        held = not self.project.selection.isdisjoint(stack)
        return Qt.CursorShape.SizeAllCursor if held else Qt.CursorShape.ArrowCursor

    def _on_other_selection(self) -> None:
        self._show_as_target(faintly=self.tool == "draw")

    def _show_as_target(self, *, faintly: bool) -> None:
        """In the draw tool the box under the pointer is the target of keys only while none is selected: then it is
        rimmed, without a fill that would look like the draft's."""
        shown = not faintly or not self.project.selection
        scene = self.scene
        if (shown, faintly) != (scene.hover_shown, scene.hover_faint):
            scene.hover_shown, scene.hover_faint = shown, faintly
            if scene.hovered is not None:
                self.update_boxes([scene.hovered])

    def _set_hovered(self, box_id: int | None) -> None:
        before = self.scene.hovered
        if box_id != before:
            self.scene.hovered = box_id
            self.update_boxes([i for i in (before, box_id) if i is not None])

    def _set_grip(self, handle: Handle | None) -> None:
        if handle != self.scene.grip:
            self.scene.grip = handle
            self.update_boxes(self.project.selection)
            self._update_frame()

    def _set_crosshair(self, point: tuple[float, float] | None) -> None:
        if point == self.scene.crosshair:
            return
        lines = QRegion()
        for end in (self.scene.crosshair, point):
            if end is not None:
                at = self.image_to_widget(*end)
                lines += QRect(0, int(at.y()) - 2, self.width(), 5)
                lines += QRect(int(at.x()) - 2, 0, 5, self.height())
        self.scene.crosshair = point
        self.update(lines)

    def view_moved(self) -> None:
        """The pointer points at something else now; what is being drawn or dragged goes with it."""
        self.view_changed.emit()
        p = self._pointer
        if p is None:
            return
        x, y = self.widget_to_image(QPointF(p.wx, p.wy))
        there = Pointer(x=x, y=y, wx=p.wx, wy=p.wy, modifiers=p.modifiers)
        if self._gesture is not None and self._pan is None:
            self._gesture.move(there)
        self._follow(there)

    # --- moving on at the border ---------------------------------------------------------------------

    def _dragged_to(self) -> tuple[float, float] | None:
        """Where the pointer drags something to; None while it does not."""
        dragging = self.scene.draft is not None or self.scene.band is not None or bool(self.scene.moved)
        p = self._pointer
        if p is None or not dragging or self._gesture is None or self._pan is not None:
            return None
        return p.wx, p.wy

    def _logical_size(self) -> tuple[float, float]:
        return float(self.width()), float(self.height())

    def _hidden_sides(self) -> Corners:
        """How much of the image lies beyond each side of the window, in logical pixels; negative where none."""
        width, height = self.image_size
        start, end = self.image_to_widget(0, 0), self.image_to_widget(width, height)
        return -start.x(), -start.y(), end.x() - self.width(), end.y() - self.height()
