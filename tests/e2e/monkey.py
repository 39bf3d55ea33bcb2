"""A monkey at the window: seeded random mouse and keys over everything that is seen. Trains nothing, opens no dialog of
the system, leaves the window open."""

from __future__ import annotations

import random
import traceback
from collections import deque
from collections.abc import Callable

import pytest
from PySide6.QtCore import (
    QEvent,
    QMessageLogContext,
    QObject,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QColor, QDesktopServices, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QColorDialog,
    QComboBox,
    QDialog,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMessageBox,
    QTabBar,
    QWidget,
)
from shiboken6 import isValid

from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.start.new_project import NewProjectDialog
from rcnn_studio.workspace.review import ReviewModel
from rcnn_studio.workspace.training import TrainingModel
from tests.e2e.hands import Hands

KEYS = (
    *(getattr(Qt.Key, f"Key_{letter}") for letter in "ABDEFGHIKLNPQRSTVWXZ1234567890"),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Delete, Qt.Key.Key_Escape),
    *(Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Tab, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight),
    *(Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Plus, Qt.Key.Key_Minus),
)
MODIFIERS = (
    *(Qt.KeyboardModifier.NoModifier,) * 5,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
)
LEAVE_ALONE = ("app.quit", "project.new", "project.open", "project.import", "project.show_folder", "train.", "predict.")
"""Actions that leave the project or the machine."""

CLOSE_MS = 15


def tie_hands(patch: pytest.MonkeyPatch, rng: random.Random) -> None:
    """What would leave the window, train, or wait for a person of flesh is answered at once."""
    patch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_a, **_k: ""))
    patch.setattr(QFileDialog, "getOpenFileName", staticmethod(lambda *_a, **_k: ("", "")))
    patch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *_a, **_k: ("", "")))
    patch.setattr(QInputDialog, "getText", staticmethod(lambda *_a, **_k: (rng.choice(("", "bolt", "7")), True)))
    patch.setattr(QColorDialog, "getColor", staticmethod(lambda *_a, **_k: QColor(rng.choice(("", "#336699")))))
    patch.setattr(QDesktopServices, "openUrl", staticmethod(lambda *_a: True))
    patch.setattr(QMessageBox, "question", staticmethod(lambda *_a, **_k: QMessageBox.StandardButton.Cancel))
    patch.setattr(NewProjectDialog, "exec", lambda *_a: QDialog.DialogCode.Rejected)
    patch.setattr(MainWindow, "may_close", lambda *_a: False)
    patch.setattr(TrainingModel, "start", lambda *_a, **_k: None)
    patch.setattr(ReviewModel, "predict", lambda *_a, **_k: None)


class Monkey(QObject):
    """`steps` random gestures; `trail` holds the last ones, for whoever looks for what went wrong."""

    def __init__(self, window: MainWindow, rng: random.Random) -> None:
        super().__init__(window)
        self.window, self.hands, self.rng = window, Hands(window), rng
        self.trail: deque[str] = deque(maxlen=40)
        self._gestures: tuple[tuple[int, Callable[[], None]], ...] = (
            (30, self._drag),
            (10, self._click_canvas),
            (4, self._wheel),
            (30, self._key),
            (12, self._click_widget),
            (6, self._key_in_list),
            (3, self._trigger),
            (2, self._type),
            (1, self._resize),
        )
        self._resting = False
        self._hear = qInstallMessageHandler(self._on_message)
        self._wait()

    def play(self, steps: int) -> None:
        weights = [weight for weight, _gesture in self._gestures]
        for _ in range(steps):
            (gesture,) = self.rng.choices(self._gestures, weights)
            gesture[1]()
            QApplication.processEvents()
            self._close_dialog()

    def rest(self) -> None:
        """Let go of everything: no popup, no dialog, no draft, no editor."""
        for _ in range(20):
            self._close_dialog()
            QApplication.processEvents()
        self._resting = True
        qInstallMessageHandler(self._hear)
        self.hands.key(Qt.Key.Key_Escape)
        self.hands.key(Qt.Key.Key_Escape)
        QApplication.processEvents()

    # --- gestures -----------------------------------------------------------------------------------

    def _point(self) -> QPointF:
        """Mostly on the picture, sometimes beside it, in widget coordinates."""
        record = self.hands.session.project.record
        if record is None or self.rng.random() < 0.1:
            canvas = self.hands.canvas
            return QPointF(self.rng.uniform(-20, canvas.width() + 20), self.rng.uniform(-20, canvas.height() + 20))
        boxes = self.hands.session.project.boxes
        if boxes and self.rng.random() < 0.4:  # where something is to be taken hold of
            box = self.rng.choice(boxes)
            return self.hands.canvas.image_to_widget(
                self.rng.choice((box.x1, (box.x1 + box.x2) / 2, box.x2)),
                self.rng.choice((box.y1, (box.y1 + box.y2) / 2, box.y2)),
            )
        return self.hands.canvas.image_to_widget(
            self.rng.uniform(-5, record.width + 5), self.rng.uniform(-5, record.height + 5)
        )

    def _drag(self) -> None:
        start, end = self._point().toPoint(), self._point().toPoint()
        button = self.rng.choice((Qt.MouseButton.LeftButton,) * 8 + (Qt.MouseButton.MiddleButton,))
        modifiers, canvas = self.rng.choice(MODIFIERS), self.hands.canvas
        self._note("drag", start, end, button, modifiers)
        QTest.mousePress(canvas, button, modifiers, start)
        for share in (0.3, 0.7, 1.0):
            QTest.mouseMove(canvas, start + (end - start) * share)
        if self.rng.random() < 0.95:
            QTest.mouseRelease(canvas, button, modifiers, end)

    def _click_canvas(self) -> None:
        button = self.rng.choice((Qt.MouseButton.LeftButton,) * 5 + (Qt.MouseButton.RightButton,))
        at, modifiers = self._point().toPoint(), self.rng.choice(MODIFIERS)
        self._note("click canvas", at, button, modifiers)
        if self.rng.random() < 0.1:
            QTest.mouseDClick(self.hands.canvas, button, modifiers, at)
        else:
            QTest.mouseClick(self.hands.canvas, button, modifiers, at)

    def _wheel(self) -> None:
        at, turn = self._point(), self.rng.choice((-120, 120, 240))
        self._note("wheel", at, turn)
        canvas, none = self.hands.canvas, Qt.MouseButton.NoButton
        where = QPointF(canvas.mapToGlobal(at.toPoint()))
        modifiers, phase = self.rng.choice(MODIFIERS), Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(at, where, QPoint(), QPoint(0, turn), none, modifiers, phase, False)
        QApplication.sendEvent(canvas, event)

    def _key(self) -> None:
        key, modifiers = self.rng.choice(KEYS), self.rng.choice(MODIFIERS)
        if self._is_left_alone(key, modifiers):
            return
        self._note("key", key, modifiers)
        self.hands.key(key, modifiers)

    def _key_in_list(self) -> None:
        views = self._seen(QAbstractItemView)
        if views:
            view, key = self.rng.choice(views), self.rng.choice(KEYS)
            if not self._is_left_alone(key, Qt.KeyboardModifier.NoModifier):
                self._note("key in", view.objectName(), key)
                view.setFocus()
                QTest.keyClick(view, key)

    def _click_widget(self) -> None:
        kinds = (QAbstractButton, QAbstractItemView, QTabBar, QComboBox, QAbstractSlider, QLineEdit)
        widgets = [widget for kind in kinds for widget in self._seen(kind)]
        if not widgets:
            return
        widget = self.rng.choice(widgets)
        target = widget.viewport() if isinstance(widget, QAbstractItemView) else widget
        at = QPoint(self.rng.randrange(max(1, target.width())), self.rng.randrange(max(1, target.height())))
        self._note("click", widget.objectName() or type(widget).__name__, at)
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, self.rng.choice(MODIFIERS), at)

    def _trigger(self) -> None:
        names = [n for n, a in self.window.studio_actions.items() if a.isEnabled() and not _left_alone(n)]
        name = self.rng.choice(names)
        self._note("trigger", name)
        self.window.studio_actions[name].trigger()

    def _type(self) -> None:
        edits = self._seen(QLineEdit)
        if edits:
            edit = self.rng.choice(edits)
            self._note("type into", edit.objectName())
            for letter in self.rng.choice(("bolt", "0", "-3.5", "x" * 30, "ü", "9" * 12)):
                _press(edit, Qt.Key.Key_unknown, letter)
            _press(edit, self.rng.choice((Qt.Key.Key_Return, Qt.Key.Key_Escape)))

    def _resize(self) -> None:
        self.window.resize(self.rng.randrange(900, 1700), self.rng.randrange(600, 1100))

    # --- inside -------------------------------------------------------------------------------------

    def _seen(self, kind: type[QWidget]) -> list[QWidget]:
        found = self.window.findChildren(kind)
        return [w for w in found if w.isVisible() and w.isEnabled() and not self._leads_out(w)]

    def _leads_out(self, widget: QWidget) -> bool:
        actions = [*widget.actions(), getattr(widget, "defaultAction", lambda: None)()]
        return any(action is not None and _left_alone(action.objectName()) for action in actions)

    def _is_left_alone(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Keys of actions that lead out, and the one that leaves a menu bar open."""
        if modifiers == Qt.KeyboardModifier.AltModifier and Qt.Key.Key_A <= key <= Qt.Key.Key_Z:
            return True
        pressed = (int(modifiers.value) | int(key)) & 0xFFFFFFFF
        for name, action in self.window.studio_actions.items():
            if _left_alone(name) and any(keys[0].toCombined() == pressed for keys in action.shortcuts()):
                return True
        return False

    def _on_message(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        """Say at which gesture a warning of Qt came, and whose code it came from; then pass it on."""
        if kind != QtMsgType.QtDebugMsg and "does not support" not in text:
            print(f"\n{text}\n", *traceback.format_stack(limit=8), *list(self.trail)[-4:], sep="\n")
        self._hear(kind, context, text)

    def _wait(self) -> None:
        """One shot after the other: a repeating timer would be silent inside a dialog that it has opened itself."""
        if not self._resting:
            QTimer.singleShot(CLOSE_MS, self, self._on_time)

    def _on_time(self) -> None:
        self._wait()
        self._close_dialog()

    def _close_dialog(self) -> None:
        """Answers what waits for an answer, the careful way or the other."""
        waiting = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if waiting is not None:
            self._note("answer", type(waiting).__name__)
            keys = (Qt.Key.Key_Escape, Qt.Key.Key_Escape, Qt.Key.Key_Return)
            QTest.keyClick(QApplication.focusWidget() or waiting, self.rng.choice(keys))
            QApplication.processEvents()  # a cell's editor takes Enter in its next turn, and must still be there
            if QApplication.activePopupWidget() is waiting or QApplication.activeModalWidget() is waiting:
                waiting.close()

    def _note(self, *what: object) -> None:
        self.trail.append(" ".join(str(part) for part in what))


def _left_alone(name: str) -> bool:
    return name.removeprefix("action.").startswith(LEAVE_ALONE)


def _press(widget: QWidget, key: Qt.Key, text: str = "") -> None:
    """A key for a widget that may be gone at any moment, as the editor of a table's cell is."""
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        if isValid(widget):
            QApplication.sendEvent(widget, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text))
