"""The one door for messages: a line below the image with a place of its own, so that it covers and moves nothing.

While nothing is to be said it shows what mouse and keys do now; what that is, others tell (hints.py).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolBar, QWidget

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.ui.roles import restyle

INFO_MS = 8_000
LEAST_HEIGHT = 32
Way = tuple[str, Callable[[], object]]
"""A button beside a message: its text, and what it does."""

HINT, INFO, WARNING, ERROR = "hint", "info", "warning", "error"


class MessageBar(QFrame):
    """Shows one message at a time; notes fade after 8 seconds, warnings and errors stay until dismissed.

    hints_dismissed: the person has closed a hint, and wants none. shown_changed: there is something to show, or not.
    """

    hints_dismissed = Signal()
    shown_changed = Signal(bool)
    fitted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self.setAccessibleName(self.tr("Message"))
        self.label = QLabel(wordWrap=True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton(objectName="message_bar.button")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setProperty("role", "quiet")
        self.button.clicked.connect(self._on_button)
        self.close_button = IconButton("close", self.tr("Dismiss"))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self._on_close)
        self._way: Way | None = None
        self._hint, self._hints_on, self._level = "", True, ""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 3, 6, 3)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.button)
        layout.addWidget(self.close_button)
        self._timer = QTimer(self, singleShot=True, interval=INFO_MS)
        self._timer.timeout.connect(self.dismiss)
        self._show_idle()

    @property
    def text(self) -> str:
        """The message that is shown; empty where there is none, also beside a hint."""
        return self.label.text() if self._level not in ("", HINT) else ""

    @property
    def hint(self) -> str:
        """The hint that is shown; empty while a message is, or where hints are off."""
        return self.label.text() if self._level == HINT else ""

    def set_hint(self, text: str) -> None:
        """What mouse and keys do now; seen while there is no message."""
        self._hint = text
        if not self.text:
            self._show_idle()

    def set_hints_shown(self, on: bool) -> None:
        self._hints_on = on
        if not self.text:
            self._show_idle()

    def show_info(self, text: str, way: Way | None = None) -> None:
        if self._level in ("", HINT, INFO):
            self._show(text, INFO, way)
            self._timer.start()

    def show_note(self, text: str) -> None:
        """As show_info, but it stays until dismissed."""
        self._show(text, INFO)

    def show_warning(self, text: str, way: Way | None = None) -> None:
        """way: a button that leads to what is warned of."""
        self._show(text, WARNING, way)

    def show_error(self, text: str) -> None:
        self._show(text, ERROR)

    @Slot(object)
    def show_problem(self, error: StudioError) -> None:
        """What a job has ended with."""
        self.show_error(str(error))

    def dismiss(self) -> None:
        self._timer.stop()
        self._show_idle()

    def _on_close(self) -> None:
        if self._level == HINT:
            self.hints_dismissed.emit()
        else:
            self.dismiss()

    def _on_button(self) -> None:
        way = self._way
        self.dismiss()
        if way is not None:
            way[1]()

    def _show_idle(self) -> None:
        on = self._hints_on and bool(self._hint)
        self._show(self._hint if on else "", HINT if on else "")

    def _show(self, text: str, level: str, way: Way | None = None) -> None:
        self._timer.stop()
        self.label.setText(text)
        self._way = way
        self.button.setText(way[0] if way is not None else "")
        self.button.setVisible(way is not None)
        self.close_button.setToolTip(self.tr("No more hints") if level == HINT else self.tr("Dismiss"))
        self.close_button.setAccessibleName(self.close_button.toolTip())
        if self._level != level:
            self._level = level
            self.setProperty("level", level)
            for widget in (self, self.label):
                restyle(widget)
        self._fit()
        self.shown_changed.emit(bool(level))

    def _fit(self) -> None:
        """As high as the text needs: a tool bar does not ask."""
        height = max(LEAST_HEIGHT, self.heightForWidth(self.width())) if self._level else 0
        self.setFixedHeight(height)
        self.fitted.emit(height)

    # --- Qt ---------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()


class MessageLine(QToolBar):
    """The place of the messages: a line over the whole width above the status bar, there while something is shown."""

    def __init__(self, messages: MessageBar, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("message_line")
        self.setWindowTitle(self.tr("Messages"))
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setVisible(False)
        self._entry = self.addWidget(messages)
        self.layout().setContentsMargins(0, 0, 0, 0)
        messages.shown_changed.connect(self._on_shown_changed)
        messages.fitted.connect(self.setFixedHeight)
        self._on_shown_changed(False)

    def _on_shown_changed(self, shown: bool) -> None:
        self._entry.setVisible(shown)
        self.setVisible(shown)
