"""The one door for messages: a strip over the canvas that never blocks, moves nothing, and can be dismissed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

INFO_MS = 8_000
Way = tuple[str, Callable[[], object]]
"""A button beside a message: its text, and what it does."""

INFO, WARNING, ERROR = "info", "warning", "error"


class MessageBar(QFrame):
    """Shows one message at a time; notes fade after 8 seconds, warnings and errors stay until dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_bar")
        self.setAccessibleName(self.tr("Message"))
        self.label = QLabel(wordWrap=True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.button = QPushButton(objectName="message_bar.button", flat=True)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setProperty("role", "quiet")
        self.button.clicked.connect(self._on_button)
        self._way: Way | None = None
        close = QToolButton(text="✕", autoRaise=True)
        close.setToolTip(self.tr("Dismiss"))
        close.setAccessibleName(self.tr("Dismiss message"))
        close.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self, singleShot=True, interval=INFO_MS)
        self._timer.timeout.connect(self.dismiss)
        self.hide()

    @property
    def text(self) -> str:
        return self.label.text() if not self.isHidden() else ""

    def lie_over(self, host: QWidget) -> None:
        """Lie over the upper edge of another widget, as wide as it is: a picture must not move under the pen."""
        self.setParent(host)
        host.installEventFilter(self)

    def show_info(self, text: str) -> None:
        if self.isHidden() or self.property("level") == INFO:
            self._show(text, INFO)
            self._timer.start()

    def show_note(self, text: str) -> None:
        """As show_info, but it stays until dismissed."""
        self._show(text, INFO)

    def show_warning(self, text: str, way: Way | None = None) -> None:
        """way: a button that leads to what is warned of."""
        self._show(text, WARNING, way)

    def show_error(self, text: str) -> None:
        self._show(text, ERROR)

    def dismiss(self) -> None:
        self._timer.stop()
        self.hide()

    def _on_button(self) -> None:
        way = self._way
        self.dismiss()
        if way is not None:
            way[1]()

    def _show(self, text: str, level: str, way: Way | None = None) -> None:
        self._timer.stop()
        self.label.setText(text)
        self._way = way
        self.button.setText(way[0] if way is not None else "")
        self.button.setVisible(way is not None)
        if self.property("level") != level:
            self.setProperty("level", level)
            self.style().unpolish(self)
            self.style().polish(self)
        self._place()
        self.show()
        self.raise_()

    def _place(self) -> None:
        host = self.parentWidget()
        if host is not None:
            self.setGeometry(0, 0, host.width(), self.heightForWidth(host.width()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)
