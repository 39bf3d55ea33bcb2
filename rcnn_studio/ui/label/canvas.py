"""The canvas: the board under a hand. Mouse and keys become gestures through tools.py and commands.py.

It neither paints (board.py, layers.py), nor finds what lies under the pointer (surface.py), nor decides what an edit
is (the workspace).
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QNativeGestureEvent,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.label.commands import BoxCommands
from rcnn_studio.ui.label.context_menu import make_context_menu
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.surface import ToolSurface
from rcnn_studio.ui.label.tools import DrawTool, Gesture, PanGesture, Pointer, SelectTool, Tool
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

TAP_MS = 500
PEEK_MS = 1000
ZOOM_STEP = 1.25
WHEEL_BASE = 1.0016

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


class Canvas(ToolSurface):
    """See the module. pointer_moved: image pixels, (-1, -1) once the mouse has left."""

    pointer_moved = Signal(float, float)
    tool_changed = Signal(str)

    def __init__(
        self, project: ProjectModel, images: ImageCache, review: ReviewModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(project, images, review, parent)
        self.setObjectName("canvas")
        self.setAccessibleName(self.tr("Image"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.commands = BoxCommands(self, project, review)
        self._tools: dict[str, Tool] = {"select": SelectTool(self), "draw": DrawTool(self)}
        self._tool: Tool = self._tools["select"]
        self._gesture: Gesture | None = None
        self._pan: PanGesture | None = None
        self._pointer: Pointer | None = None
        self._actions: Mapping[str, QAction] = {}
        self._space = QElapsedTimer()
        self._space_panned = False
        self._escaped = False
        self._peek_timer = QTimer(self, singleShot=True, interval=PEEK_MS)
        self._peek_timer.timeout.connect(self._on_peek_over)
        project.image_changed.connect(self._on_other_image)
        project.boxes_changed.connect(self._on_boxes_replaced)
        self.show_workspace()

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the actions of tools, boxes, classes, detections and the view, and take the canvas's keys.

        Not connected here: image.*, edit.undo, edit.redo, project.*, activity.*, train.*, predict.*, app.*, help.*.
        """
        self._actions = actions
        attach_canvas_actions(self, actions)
        self.commands.bind(actions)
        for name, slot in {
            "tool.select": self._on_select_tool,
            "tool.draw": self._on_draw_tool,
            "view.fit": self.fit,
            "view.zoom_reset": self.fit,
            "view.actual_size": self.actual_size,
            "view.zoom_in": self._on_zoom_in,
            "view.zoom_out": self._on_zoom_out,
            "view.zoom_box": self._on_zoom_box,
            "view.peek": self._on_peek,
        }.items():
            actions[f"action.{name}"].triggered.connect(slot)
        actions["action.view.boxes"].toggled.connect(self.set_boxes_shown)
        actions["action.view.detections"].toggled.connect(self.review.set_shown)
        self.set_boxes_shown(actions["action.view.boxes"].isChecked())
        self.review.set_shown(actions["action.view.detections"].isChecked())
        self._check_tool_actions()

    # --- tools ---------------------------------------------------------------------------------------

    @property
    def tool(self) -> str:
        return self._tool.name

    @property
    def hovered(self) -> int | None:
        """Id of the smallest box under the pointer."""
        return self.scene.hovered

    @property
    def pointer(self) -> Pointer | None:
        """Where the mouse is; None outside the canvas."""
        return self._pointer

    def set_tool(self, name: str) -> None:
        """select or draw; a draft is dropped."""
        self.cancel()
        if name != self._tool.name:
            self._tool = self._tools[name]
            self._show_pointer()
            self.tool_changed.emit(name)
        self._check_tool_actions()

    def cancel(self) -> bool:
        """Drop the gesture in progress; False where there was none."""
        if self._gesture is None:
            return False
        self._gesture.cancel()
        self._end_gesture()
        return True

    def escape(self) -> None:
        """What Esc does: draft, then tool, then selection; once more with nothing left gives the focus away."""
        if self.cancel():
            return
        if self._tool.name != "select":
            self.set_tool("select")
        elif self.project.selection:
            self.project.set_selection(())
        elif self._escaped:
            super().focusNextPrevChild(True)
        self._escaped = True

    def _check_tool_actions(self) -> None:
        for name in self._tools:
            action = self._actions.get(f"action.tool.{name}")
            if action is not None:
                action.setChecked(name == self._tool.name)

    def _end_gesture(self) -> None:
        self._gesture = None
        self._show_pointer()

    # --- what tools bring about --------------------------------------------------------------------------------

    def commit_drawn(self, corners: Corners, *, exact: bool) -> None:
        self.commands.add_drawn(corners, exact=exact)

    def commit_moved(self, moved: dict[int, Corners], *, resized: bool) -> None:
        self.commands.change_corners(moved, self.tr("Resize") if resized else self.tr("Move"))

    # --- following the pointer -----------------------------------------------------------------------------------

    def _at(self, event: QMouseEvent) -> Pointer:
        position = event.position()
        x, y = self.widget_to_image(position)
        return Pointer(x=x, y=y, wx=position.x(), wy=position.y(), modifiers=event.modifiers())

    def _follow(self, p: Pointer) -> None:
        self._pointer = p
        self._show_pointer()
        self.pointer_moved.emit(p.x, p.y)

    def _show_pointer(self) -> None:
        """Hover, crosshair and cursor for where the pointer is."""
        p, drawing, busy = self._pointer, self._tool.name == "draw", self._gesture is not None
        panning = self._pan is not None or self._space.isValid()
        stack = self.stack_at(p) if p is not None and not busy else []
        self.scene.hover_shown = not drawing
        self._set_hovered(stack[0] if stack else None)
        self._set_crosshair((p.x, p.y) if p is not None and drawing and not panning else None)
        if busy and not panning:
            return
        grip = self.handle_at(p) if p is not None else None
        if panning:
            self.setCursor(Qt.CursorShape.ClosedHandCursor if self._pan else Qt.CursorShape.OpenHandCursor)
        elif grip is not None:
            self.setCursor(_CURSORS[grip[1]])
        elif drawing:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            held = not self.project.selection.isdisjoint(stack)
            self.setCursor(Qt.CursorShape.SizeAllCursor if held else Qt.CursorShape.ArrowCursor)

    def _set_hovered(self, box_id: int | None) -> None:
        before = self.scene.hovered
        if box_id != before:
            self.scene.hovered = box_id
            self.update_boxes([i for i in (before, box_id) if i is not None])

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
        p = self._pointer
        if p is not None:
            x, y = self.widget_to_image(QPointF(p.wx, p.wy))
            self._follow(Pointer(x=x, y=y, wx=p.wx, wy=p.wy, modifiers=p.modifiers))

    # --- signals and actions ----------------------------------------------------------------------------------------

    def _on_other_image(self, _image_id: int) -> None:
        self.cancel()
        self._show_pointer()

    def _on_boxes_replaced(self, _image_id: int) -> None:
        if self._gesture is None:
            self._show_pointer()

    def _on_select_tool(self) -> None:
        self.set_tool("select")

    def _on_draw_tool(self) -> None:
        self.set_tool("draw")

    def _on_zoom_in(self) -> None:
        self.zoom_by(ZOOM_STEP)

    def _on_zoom_out(self) -> None:
        self.zoom_by(1 / ZOOM_STEP)

    def _on_zoom_box(self) -> None:
        self.zoom_to(self.commands.targets())

    def _on_peek(self) -> None:
        """Chosen from a menu there is no key to hold: peek for a second."""
        self.set_peeking(True)
        self._peek_timer.start()

    def _on_peek_over(self) -> None:
        self.set_peeking(False)

    def _means(self, event: QKeyEvent, action_id: str) -> bool:
        """The key belongs to this action, however it is bound."""
        action = self._actions.get(action_id)
        return action is not None and QKeySequence(event.keyCombination()) in action.shortcuts()

    def _is_held_key(self, event: QKeyEvent) -> bool:
        """Keys the canvas answers itself: their release counts, or Esc, which means several things in turn."""
        held = self._means(event, "action.image.verify") or self._means(event, "action.view.peek")
        return held or event.key() == Qt.Key.Key_Escape

    # --- Qt's events -----------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_held_key(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(1 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.plate_text(QPointF(event.pos()))
            if text:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
                event.ignore()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        p = self._at(event)
        self._pointer = p
        self._escaped = False
        button = event.button()
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._space.isValid()):
            self._pan, self._space_panned = PanGesture(self, p), True
            self._show_pointer()
        elif button == Qt.MouseButton.RightButton:
            self.cancel()
        elif button == Qt.MouseButton.LeftButton and self._gesture is not None:
            if self._gesture.press(p):
                self._end_gesture()
        elif button == Qt.MouseButton.LeftButton and self.project.current_id is not None:
            self._gesture = self._tool.press(p)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan is not None:
            self._pan.move(self._at(event))
        p = self._at(event)
        if self._gesture is not None and self._pan is None:
            self._gesture.move(p)
        self._follow(p)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        if self._pan is not None:
            self._pan = None
            self._show_pointer()
        elif self._gesture is not None and self._gesture.release(self._at(event)):
            self._end_gesture()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan_by(float(delta.x() or delta.y()) / 2, 0.0)
        elif delta.y():
            self.zoom_by(WHEEL_BASE ** delta.y(), event.position())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._actions and self.project.current_id is not None:
            make_context_menu(self, self._actions, self._pointer).popup(event.globalPos())

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        position = event.position()
        x, y = self.widget_to_image(position)
        self._follow(Pointer(x=x, y=y, wx=position.x(), wy=position.y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer = None
        self._show_pointer()
        self.pointer_moved.emit(-1.0, -1.0)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._space.invalidate()
        self._escaped = False
        if self._peeking:
            self.set_peeking(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escape()
            return
        self._escaped = False
        if self._means(event, "action.image.verify"):
            if not event.isAutoRepeat():
                self._space.start()
                self._space_panned = False
                self._show_pointer()
        elif self._means(event, "action.view.peek"):
            self.set_peeking(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat():
            return
        if self._means(event, "action.image.verify") and self._space.isValid():
            tapped = not self._space_panned and self._space.elapsed() < TAP_MS
            self._space.invalidate()
            self._show_pointer()
            if tapped:
                self._actions["action.image.verify"].trigger()
        elif self._means(event, "action.view.peek"):
            self.set_peeking(False)
        else:
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        if not self.hasFocus() or not self.project.boxes:
            return super().focusNextPrevChild(forward)
        self.commands.step(1 if forward else -1)
        return True
