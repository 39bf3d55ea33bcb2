"""How actions and their keys are written for people. Changes no keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence

from rcnn_studio.ui.actions.spec import ActionSpec
from rcnn_studio.ui.actions.table import SPECS


def tooltip(spec: ActionSpec, keys: Sequence[str]) -> str:
    """Text with the first of these keys, and the hint below it."""
    text = translated(spec.text).rstrip(".")
    if keys:
        text = f"{text} ({key_text(keys[0])})"
    return f"{text}\n{translated(spec.tip)}" if spec.tip else text


def key_text(key: str) -> str:
    """A portable key as the platform writes it; both of the keys that end a line are Enter."""
    return _written(QKeySequence(key))


def _written(key: QKeySequence) -> str:
    text = key.toString(QKeySequence.SequenceFormat.NativeText)
    return f"{text.removesuffix('Return')}Enter" if text.endswith("Return") else text


def plain_text(action: QAction) -> str:
    """What an action is called now, without the mark of its mnemonic and the dots of a dialog."""
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip(".").rstrip()


def shown_keys(action: QAction) -> list[str]:
    """The action's keys as the platform writes them: shortcuts, then those that are held down."""
    keys = [_written(key) for key in action.shortcuts()]
    spec = SPECS.get(action.objectName())
    return list(dict.fromkeys([*keys, *(key_text(key) for key in (spec.held_keys if spec is not None else ()))]))


def first_key(action: QAction) -> str:
    """The key that a sentence names; the menu entry's text where the action has no key."""
    keys = shown_keys(action)
    return keys[0] if keys else plain_text(action)


def translated(text: str) -> str:
    return QCoreApplication.translate("actions", text)
