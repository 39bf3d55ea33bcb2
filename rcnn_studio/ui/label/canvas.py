"""The canvas: the board under a hand. Mouse and keys become gestures through tools.py and commands.py.

It neither paints (board.py, layers.py), nor finds what lies under the pointer (surface.py), nor shows what a press
would do (pointing.py), nor decides what an edit is (the workspace).
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
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
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.label.adjust_panel import bind_view_only
from rcnn_studio.ui.label.commands import BoxCommands
from rcnn_studio.ui.label.context_menu import make_context_menu
from rcnn_studio.ui.label.pointing import PointingSurface
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.tools import DrawTool, PanGesture, Pointer, SelectTool, Tool
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.settings import Settings

TAP_MS = 500
PEEK_MS = 1000
ZOOM_STEP = 1.25
WHEEL_BASE = 1.0016

CROSSHAIR, SNAP, WHEEL = "canvas.crosshair", "canvas.snap", "keys.wheel"
"""Settings: two switches, and "zoom" or "scroll" for what the wheel does without Ctrl."""

_MODIFIERS = {
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
}


class Canvas(PointingSurface):
    """See the module."""

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
        self._actions: Mapping[str, QAction] = {}
        self._settings: Settings | None = None
        self._space_panned = False
        self._escaped = False
        self._menu_held_back = False
        self._peek_timer = QTimer(self, singleShot=True, interval=PEEK_MS)
        self._peek_timer.timeout.connect(self._on_peek_over)
        project.image_changed.connect(self._on_other_image)
        project.boxes_changed.connect(self._on_boxes_replaced)
        self.show_workspace()

    def bind(self, actions: Mapping[str, QAction], settings: Settings | None = None) -> None:
        """Connect the actions of tools, boxes, classes, detections and the view, and take the canvas's keys.

        settings: where the switches are remembered, and what the wheel does is read. Not connected here: image.*,
        edit.undo, edit.redo, project.*, activity.*, train.*, predict.*, app.*, help.*.
        """
        self._actions, self._settings = actions, settings
        attach_canvas_actions(self, actions)
        self.commands.bind(actions)
        self.name_open_key(actions["action.project.open"])
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
            "order.front": self._on_front,
            "order.back": self._on_back,
        }.items():
            actions[f"action.{name}"].triggered.connect(slot)
        actions["action.view.boxes"].toggled.connect(self.set_boxes_shown)
        actions["action.view.detections"].toggled.connect(self.review.set_shown)
        for name, key, slot in (
            ("action.view.crosshair", CROSSHAIR, self._on_crosshair),
            ("action.view.snap", SNAP, self._on_snap),
        ):
            if settings is not None:
                actions[name].setChecked(bool(settings.get(key, actions[name].isChecked())))
            actions[name].toggled.connect(slot)
            slot(actions[name].isChecked())
        bind_view_only(self, actions, settings)
        self.set_boxes_shown(actions["action.view.boxes"].isChecked())
        self.review.set_shown(actions["action.view.detections"].isChecked())
        self._check_tool_actions()

    # --- tools ---------------------------------------------------------------------------------------

    @property
    def tool(self) -> str:
        return self._tool.name

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
        self.show_guides(None, None)
        self._edge_pan.follow()
        self._show_pointer()

    # --- what tools bring about --------------------------------------------------------------------------------

    def commit_drawn(self, corners: Corners, *, exact: bool) -> None:
        self.commands.add_drawn(corners, exact=exact)

    def commit_moved(self, moved: dict[int, Corners], *, resized: bool) -> None:
        self.commands.change_corners(moved, resized=resized)

    # --- signals and actions ----------------------------------------------------------------------------------------

    def _on_other_image(self, _image_id: int) -> None:
        self.cancel()
        self.stacking.clear()
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

    def _on_front(self) -> None:
        self._reorder(front=True)

    def _on_back(self) -> None:
        self._reorder(front=False)

    def _reorder(self, *, front: bool) -> None:
        targets = self.commands.targets()
        if targets:
            (self.stacking.to_front if front else self.stacking.to_back)(targets)
            text = self.tr("A click takes it first here") if front else self.tr("A click takes the others first here")
            self.show_hint(text, at_pointer=True)
            self._show_pointer()

    def _on_crosshair(self, on: bool) -> None:
        self._crosshair_on = on
        self._remember(CROSSHAIR, on)
        self._show_pointer()

    def _on_snap(self, on: bool) -> None:
        self._snap_on = on
        self._remember(SNAP, on)

    def _remember(self, key: str, on: bool) -> None:
        if self._settings is not None:
            self._settings.set(key, on)

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

    def _verify_meant(self, event: QKeyEvent) -> str | None:
        """The action of the two that verify which has this key; held down, the key drags the view."""
        names = ("action.image.verify", "action.image.verify_stay")
        return next((name for name in names if self._means(event, name)), None)

    def _is_held_key(self, event: QKeyEvent) -> bool:
        """Keys the canvas answers itself: their release counts, or Esc, which means several things in turn."""
        held = self._verify_meant(event) is not None or self._means(event, "action.view.peek")
        return held or event.key() == Qt.Key.Key_Escape

    def _hold_modifier(self, event: QKeyEvent, *, down: bool) -> None:
        """Shift, Alt and Ctrl change what a press or a drag does: show it without waiting for the mouse."""
        p, modifier = self._pointer, _MODIFIERS.get(Qt.Key(event.key()))
        if p is None or modifier is None:
            return
        held = p.modifiers | modifier if down else p.modifiers & ~modifier
        there = Pointer(x=p.x, y=p.y, wx=p.wx, wy=p.wy, modifiers=held)
        if self._gesture is not None and self._pan is None:
            self._gesture.move(there)
        self._follow(there)

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
        if self.scene.hint_at is not None:
            self.end_hint()
        button = event.button()
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._space.isValid()):
            self._pan, self._space_panned = PanGesture(self, p), True
            self._show_pointer()
        elif button == Qt.MouseButton.RightButton:
            self._menu_held_back = self.cancel()
        elif button == Qt.MouseButton.LeftButton:
            self.commands.class_keys.forget()
            self._press(p)

    def _press(self, p: Pointer) -> None:
        if self._gesture is not None:
            if self._gesture.press(p):
                self._end_gesture()
        elif self.project.current_id is not None:
            self._gesture = self._tool.press(p)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On a box: say what it is. Elsewhere, with a key held, and in the draw tool it is one more press."""
        plain = event.button() == Qt.MouseButton.LeftButton and not event.modifiers() and not self._space.isValid()
        stack = self.stack_at(self._at(event)) if plain and self.tool == "select" and self._gesture is None else []
        taken = next((box_id for box_id in stack if box_id in self.project.selection), None)
        if taken is None:
            self.mousePressEvent(event)
        else:
            self.commands.class_keys.pick()

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
        delta, held = event.angleDelta(), event.modifiers()
        scrolls = self._settings is not None and self._settings.get(WHEEL, "zoom") == "scroll"
        if held & Qt.KeyboardModifier.ShiftModifier:
            self.pan_by(float(delta.x() or delta.y()) / 2, 0.0)
        elif scrolls and not held & Qt.KeyboardModifier.ControlModifier:
            self.pan_by(delta.x() / 2, delta.y() / 2)
        elif delta.y():
            self.zoom_by(WHEEL_BASE ** delta.y(), event.position())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._menu_held_back:
            self._menu_held_back = False  # that click has dropped a draft, and is done
        elif self._actions and self.project.current_id is not None:
            make_context_menu(self, self._actions, self._pointer).popup(event.globalPos())

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        position = event.position()
        x, y = self.widget_to_image(position)
        self._follow(Pointer(x=x, y=y, wx=position.x(), wy=position.y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if QApplication.activePopupWidget() is not None:
            return  # a menu or the palette that was opened here: what it does is still about this place
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
        self._hold_modifier(event, down=True)
        if self._verify_meant(event) is not None:
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
        self._hold_modifier(event, down=False)
        verify = self._verify_meant(event)
        if verify is not None and self._space.isValid():
            tapped = not self._space_panned and self._space.elapsed() < TAP_MS
            self._space.invalidate()
            self._show_pointer()
            if tapped:
                self._actions[verify].trigger()
        elif self._means(event, "action.view.peek"):
            self.set_peeking(False)
        else:
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        if not self.hasFocus() or not self.project.boxes:
            return super().focusNextPrevChild(forward)
        self.commands.step(1 if forward else -1)
        return True
