"""Tooltips that name the key of an action as it is now, also after it was given another. Sets no key."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from rcnn_studio.ui.actions import first_key

KEY = " ({0})"


class KeyHint(QObject):
    """The tooltip of one widget. Until it is bound to an action, the text stands without a key."""

    def __init__(self, widget: QWidget, text: str = "") -> None:
        super().__init__(widget)
        self._widget = widget
        self._text = text
        self._action: QAction | None = None
        self._show()

    def bind(self, action: QAction) -> None:
        self._action = action
        action.changed.connect(self._show)
        self._show()

    def set_text(self, text: str) -> None:
        """KEY in it is where the key stands."""
        self._text = text
        self._show()

    def _show(self) -> None:
        key = KEY.format(first_key(self._action)) if self._action is not None else ""
        self._widget.setToolTip(self._text.replace(KEY, key))
