"""The keys of one action: taken away, added, or taken from another action that has them. Lists no other actions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.ui.actions import SPECS, key_text
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.actions.spec import ActionSpec
from rcnn_studio.ui.actions.subjects import subject_of, table_text
from rcnn_studio.ui.roles import set_role
from rcnn_studio.ui.shortcuts.capture import KeyCapture


class ActionKeys(QFrame):
    """`show_action` says whose keys; every change is made at once."""

    def __init__(self, keymap: Keymap, menus: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._keymap, self._menus = keymap, menus
        self._spec: ActionSpec | None = None
        self._wanted = ""
        self._make_parts()
        self._lay_out()
        keymap.changed.connect(self.refresh)
        self.refresh()

    def _make_parts(self) -> None:
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.capture = KeyCapture()
        self.capture.setObjectName("shortcuts.capture")
        self.capture.key_pressed.connect(self._on_key)
        self.word = QLabel(wordWrap=True, objectName="shortcuts.word")
        self.take = QPushButton(self.tr("Use it here instead"), objectName="shortcuts.take", autoDefault=False)
        self.take.clicked.connect(self._on_take)
        self.reset = QPushButton(self.tr("Reset"), objectName="shortcuts.reset", autoDefault=False)
        self.reset.setToolTip(self.tr("Back to the keys of the preset"))
        self.reset.clicked.connect(self._on_reset)
        self._caps = QHBoxLayout()
        self._caps.setSpacing(6)

    def _lay_out(self) -> None:
        keys, words = QHBoxLayout(), QHBoxLayout()
        keys.addLayout(self._caps)
        keys.addWidget(self.capture, 1)
        keys.addWidget(self.reset)
        words.addWidget(self.word, 1)
        words.addWidget(self.take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.addWidget(self.title)
        layout.addLayout(keys)
        layout.addLayout(words)

    def show_action(self, action_id: str | None) -> None:
        """Whose keys are shown; None for those of none."""
        self._spec = SPECS.get(action_id) if action_id is not None else None
        self._say("")
        self.refresh()

    def refresh(self) -> None:
        """Show the keys as they are now."""
        while (item := self._caps.takeAt(0)) is not None:
            item.widget().deleteLater()
        spec = self._spec
        self.setEnabled(spec is not None)
        if spec is None:
            self.title.setText(self.tr("Choose an action to change its keys"))
            self.reset.setEnabled(False)
            return
        self.title.setText(self.tr("{0} — {1}").format(table_text(spec), subject_of(spec)))
        for key in self._keymap.keys(spec.id):
            self._caps.addWidget(self._cap(key))
        for key in (*spec.fixed_keys, *spec.held_keys):
            fixed = QLabel(key_text(key))
            fixed.setProperty("role", "key")
            fixed.setToolTip(self.tr("This key cannot be changed"))
            self._caps.addWidget(fixed)
        self.reset.setEnabled(self._keymap.is_own(spec.id))

    def _cap(self, key: str) -> QPushButton:
        cap = QPushButton(f"{key_text(key)}  ✕".replace("&", "&&"), autoDefault=False)
        cap.setProperty("role", "cap")
        cap.setProperty("key", key)
        cap.setToolTip(self.tr("Take {0} away").format(key_text(key)))
        cap.setAccessibleName(self.tr("Take {0} away").format(key_text(key)))
        cap.clicked.connect(self._on_take_away)
        return cap

    # --- a key is pressed ---------------------------------------------------------------------------

    def _on_key(self, key: str) -> None:
        spec = self._spec
        if spec is None:
            return
        self.capture.setText(key_text(key))
        refusal = self._refusal(key, spec)
        owner = self._keymap.owner(key, besides=spec.id)
        if refusal:
            self._say(refusal, "bad")
        elif key in self._keymap.keys(spec.id):
            self._say(self.tr("{0} does this already.").format(key_text(key)))
        elif owner is not None:
            self._wanted = key
            text = self.tr("{0} belongs to “{1}” ({2}).")
            self._say(text.format(key_text(key), table_text(SPECS[owner]), subject_of(SPECS[owner])), "warning")
            self.take.show()
        else:
            self._give(key)

    def _refusal(self, key: str, spec: ActionSpec) -> str:
        """Why this key can be given to no action, or not to this one; empty where it can."""
        shown = key_text(key)
        if key in self._menus:
            return self.tr("{0} opens the menu {1}.").format(shown, self._menus[key])
        if self._keymap.is_locked(key):
            owner = self._keymap.owner(key, besides="") or ""
            return self.tr("{0} belongs to “{1}” and cannot be changed.").format(shown, table_text(SPECS[owner]))
        if spec.scope == "window" and types_text(key):
            return self.tr("{0} alone types text in fields: hold Ctrl or Alt with it.").format(shown)
        return ""

    def _give(self, key: str) -> None:
        spec = self._spec
        if spec is not None:
            self._keymap.set_keys(spec.id, (*self._keymap.keys(spec.id), key))
            text = self.tr("{0} is a key of “{1}” now.")
            self._say(text.format(key_text(key), table_text(spec)), "good")

    def _on_take(self) -> None:
        self._give(self._wanted)
        self.capture.setFocus()

    def _on_take_away(self) -> None:
        spec, key = self._spec, self.sender().property("key")
        if spec is not None:
            self._keymap.set_keys(spec.id, [other for other in self._keymap.keys(spec.id) if other != key])
            self._say(self.tr("{0} does nothing now.").format(key_text(str(key))))

    def _on_reset(self) -> None:
        if self._spec is not None:
            self._keymap.reset(self._spec.id)
            self._say("")

    def _say(self, text: str, role: str = "muted") -> None:
        """Below the field; the key that was wanted before is forgotten."""
        if role != "warning":
            self._wanted = ""
            if not text:
                self.capture.clear()
        self.take.hide()
        self.word.setText(text)
        set_role(self.word, role)


def types_text(key: str) -> bool:
    """The key writes a sign, moves or deletes in a text field."""
    combination = QKeySequence(key)[0]
    held = combination.keyboardModifiers() & ~Qt.KeyboardModifier.ShiftModifier
    function_key = Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35
    return held == Qt.KeyboardModifier.NoModifier and not function_key


def key_names(keymap: Keymap, spec: ActionSpec) -> str:
    """The action's keys in one line, as the list shows them."""
    keys = (key_text(key) for key in (*keymap.keys(spec.id), *spec.fixed_keys, *spec.held_keys))
    return ",  ".join(dict.fromkeys(keys))
