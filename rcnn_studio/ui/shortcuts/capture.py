"""A field that takes one key, with its modifiers. Does not know what the key is for."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QWidget

_ALONE = {
    Qt.Key.Key_Control,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_CapsLock,
    Qt.Key.Key_NumLock,
    Qt.Key.Key_unknown,
}
_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.MetaModifier,
)


class KeyCapture(QLineEdit):
    """key_pressed: a portable key text. Tab and Esc keep their meaning: they leave the field."""

    key_pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAccessibleName(self.tr("New key"))
        self._show_waiting(False)

    def _show_waiting(self, waiting: bool) -> None:
        self.setPlaceholderText(self.tr("Press a key …") if waiting else self.tr("Click here to add a key"))

    # --- Qt ---------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # the key is to be shown here, not to do what it does now
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Escape:
            self.clearFocus()
        elif key not in _ALONE:
            self.key_pressed.emit(key_of(event))
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show_waiting(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show_waiting(False)


def key_of(event: QKeyEvent) -> str:
    """The portable text of a key press, without the keypad, and without Shift where it only makes the sign ("?")."""
    held = event.modifiers()
    key, text = Qt.Key(event.key()), event.text()
    sign = len(text) == 1 and text.isprintable() and not text.isalnum() and text != " "
    modifiers = Qt.KeyboardModifier.NoModifier
    for modifier in _MODIFIERS:
        if held & modifier and not (sign and modifier == Qt.KeyboardModifier.ShiftModifier):
            modifiers |= modifier
    return QKeySequence(QKeyCombination(modifiers, key)).toString(QKeySequence.SequenceFormat.PortableText)
