"""What mouse and keys do now, in one line, with the keys as they are bound. Shows nothing itself."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction

from rcnn_studio.ui.actions import shown_keys

DOT = "  ·  "


def tr(text: str) -> str:
    return QCoreApplication.translate("hints", text)


def hint_text(activity: str, tool: str, actions: Mapping[str, QAction], *, found: bool = True) -> str:
    """activity: label or review; tool: select or draw, of the canvas; found: there is a run whose detections can be
    reviewed. What has no key is left out."""
    if activity == "label" and tool == "draw":
        parts = [tr("Drag, or click two corners"), _classes(actions), _key("tool.select", tr("back"), actions)]
    elif activity == "review" and not found:
        parts = [
            tr("Nothing to review before a model is trained"),
            _key("activity.label", tr("labels some boxes"), actions),
            _key("activity.train", tr("trains on them"), actions),
        ]
    elif activity == "review":
        parts = [
            _key("detection.accept", tr("takes a detection"), actions),
            _key("detection.reject", tr("rejects it"), actions),
            _key("detection.edit", tr("takes and edits it"), actions),
        ]
    else:
        parts = [tr("Drag to move"), _key("tool.draw", tr("draws a box"), actions), _classes(actions)]
    parts += [
        _key("image.next", tr("next image"), actions),
        _verified(actions) if activity == "label" else "",
        _key("help.palette", tr("any command"), actions),
        _key("help.keys", tr("all keys"), actions),
    ]
    return DOT.join(part for part in parts if part)


def _key(name: str, text: str, actions: Mapping[str, QAction]) -> str:
    keys = shown_keys(actions[f"action.{name}"])
    return tr("{0} {1}").format(keys[0], text) if keys else ""


def _verified(actions: Mapping[str, QAction]) -> str:
    """One of the two ways to say that an image is right: the one with a key, else none."""
    onward = _key("image.verify", tr("verified, next image"), actions)
    return onward or _key("image.verify_stay", tr("verified"), actions)


def _classes(actions: Mapping[str, QAction]) -> str:
    first, last = (shown_keys(actions[f"action.category.{n}"]) for n in (1, 9))
    return tr("{0}–{1} class").format(first[0], last[0]) if first and last else ""
