"""A pair of hands for the window: mouse and key events in image pixels, waiting without blocking, pictures taken.

Knows nothing of what is shown; the script decides.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.main_window import MainWindow

log = logging.getLogger(__name__)

POLL_MS = 5
DRAG_MOVES = 8

Condition = Callable[[], bool]
Script = Generator["Wait", None, None]

NO_BUTTON, LEFT, MIDDLE = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


class Wait:
    """Yielded by a script: go on when the condition holds; TimeoutError where it does not within timeout_s."""

    def __init__(self, condition: Condition, *, timeout_s: float, what: str) -> None:
        self.condition = condition
        self.what = what
        self.deadline = time.monotonic() + timeout_s
        self.timeout_s = timeout_s


def pause(seconds: float) -> Wait:
    """Go on after this many seconds."""
    end = time.monotonic() + seconds
    return Wait(lambda: time.monotonic() >= end, timeout_s=seconds + 60, what="a pause")


class Driver(QObject):
    """Plays a script inside the event loop, so that the window lives as it does under a person's hands."""

    def __init__(self, window: MainWindow, out: Path) -> None:
        super().__init__(window)
        self.window = window
        self._out = out
        self._script: Script | None = None
        self._waiting: Wait | None = None
        self._error: BaseException | None = None
        self._loop = QEventLoop(self)
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._advance)
        self._savers: list[threading.Thread] = []

    @property
    def canvas(self) -> Canvas:
        """The open project's canvas. Raises RuntimeError where none is open."""
        if self.window.room is None:
            raise RuntimeError("no project is open")
        return self.window.room.canvas

    def play(self, script: Script) -> None:
        """Run the script to its end. Raises what it raises."""
        self._script = script
        self._timer.start()
        self._loop.exec()
        self._timer.stop()
        for saver in self._savers:
            saver.join()
        if self._error is not None:
            raise self._error

    def _advance(self) -> None:
        if self._script is None:
            return
        waiting = self._waiting
        try:
            if waiting is not None and not waiting.condition():
                if time.monotonic() > waiting.deadline:
                    self._waiting = None
                    self._waiting = self._script.throw(
                        TimeoutError(f"waited {waiting.timeout_s:.0f} s for {waiting.what}")
                    )
                return
            self._waiting = next(self._script)
        except StopIteration:
            self._end(None)
        except Exception as error:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._error = error
        self._script = None
        self._loop.quit()

    # --- hands ------------------------------------------------------------------------------------

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key press with the canvas in focus."""
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, key, modifiers)

    def click(self, widget: QWidget) -> None:
        """A click in the middle of a widget."""
        QTest.mouseClick(widget, LEFT, Qt.KeyboardModifier.NoModifier, widget.rect().center())

    def drag(self, start: QPointF, end: QPointF, *, button: Qt.MouseButton = LEFT) -> Script:
        """Press, move in steps, release on the canvas; positions in widget pixels."""
        self._mouse(QEvent.Type.MouseMove, start, NO_BUTTON, NO_BUTTON)
        self._mouse(QEvent.Type.MouseButtonPress, start, button, button)
        for step in range(1, DRAG_MOVES + 1):
            share = step / DRAG_MOVES
            self._mouse(QEvent.Type.MouseMove, start + (end - start) * share, NO_BUTTON, button)
            yield pause(0.015)
        self._mouse(QEvent.Type.MouseButtonRelease, end, button, NO_BUTTON)

    def drag_image(self, x1: float, y1: float, x2: float, y2: float) -> Script:
        """The same with the left button, in image pixels."""
        yield from self.drag(self.canvas.image_to_widget(x1, y1), self.canvas.image_to_widget(x2, y2))

    def wheel(self, at: QPointF, notches: int) -> None:
        """Turn the wheel over the canvas."""
        globally = QPointF(self.canvas.mapToGlobal(at.toPoint()))
        event = QWheelEvent(
            at,
            globally,
            QPoint(0, 0),
            QPoint(0, 120 * notches),
            NO_BUTTON,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)

    def _mouse(self, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        globally = QPointF(self.canvas.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, globally, button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.canvas, event)

    # --- pictures ---------------------------------------------------------------------------------

    def take_picture(self, name: str) -> None:
        """Grab the window now; the PNG is written on a thread of its own."""
        image = self.window.grab().toImage()
        self._out.mkdir(parents=True, exist_ok=True)
        saver = threading.Thread(target=_save, args=(image, self._out / f"{name}.png"), name="picture")
        saver.start()
        self._savers.append(saver)


def _save(image: QImage, path: Path) -> None:
    if not image.save(str(path)):
        log.error("picture not written: %s", path)
