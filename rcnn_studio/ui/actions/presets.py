"""Keys for people who come from another tool, as data: what differs from the table of actions. Binds nothing.

The other tools' keys are those of their own manuals and default settings; an action that they do not have keeps the
key of the table, unless the preset gives that key to another action.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtGui import QKeySequence

from rcnn_studio.ui.actions.spec import mark
from rcnn_studio.ui.actions.table import ACTIONS

Wheel = Literal["zoom", "scroll"]
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """keys: by action without its "action."; wheel: what the wheel does over the image without a key held;
    asks: the class is asked for after each box."""

    name: str
    title: str
    hint: str
    wheel: Wheel = "zoom"
    asks: bool = False
    keys: Mapping[str, Keys] = field(default_factory=dict)


STUDIO = Preset(name="studio", title="RCNN Studio", hint=mark("Keys under the left hand, the mouse in the right"))

LABELIMG = Preset(
    name="labelimg",
    title="labelImg",
    hint=mark("W, A, D and Space as you know them; a box asks for its class; Ctrl+T trains"),
    wheel="scroll",
    asks=True,
    keys={
        "project.open": ("Ctrl+U",),
        "project.import": ("Ctrl+O",),
        "project.export": ("Ctrl+Shift+E",),
        "tool.draw": ("W",),
        "tool.select": ("Ctrl+J", "V"),
        "category.pick": ("Ctrl+E", "L"),
        "edit.paste": ("Ctrl+Shift+V",),
        "box.paste_previous": ("Ctrl+V",),
        "box.duplicate": ("Ctrl+D",),
        "box.delete": ("Del", "Backspace"),
        "image.next": ("D",),
        "image.previous": ("A",),
        "image.verify": (),
        "image.verify_stay": ("Space",),
        "train.start": ("Ctrl+T",),
        "image.find": ("F3",),
        "view.boxes": ("Ctrl+H", "Shift+H"),
        "view.fit": ("Ctrl+F", "F"),
        "view.actual_size": ("Ctrl+=", "Shift+F"),
        "view.zoom_in": ("Ctrl++", "+", "="),
        "view.zoom_out": ("Ctrl+-", "-"),
    },
)

LABELME = Preset(
    name="labelme",
    title="labelme",
    hint=mark("Ctrl+R draws a rectangle, Ctrl+J edits, Ctrl+E gives a class, D and A turn the page"),
    wheel="scroll",
    keys={
        "project.open": ("Ctrl+U",),
        "project.import": ("Ctrl+O",),
        "project.export": ("Ctrl+Shift+E",),
        "tool.draw": ("Ctrl+R", "W", "R"),
        "tool.select": ("Ctrl+J", "V"),
        "category.pick": ("Ctrl+E", "L", "/"),
        "box.paste_previous": ("Ctrl+P", "Ctrl+Shift+V"),
        "box.duplicate": ("Ctrl+D",),
        "box.delete": ("Del", "Backspace"),
        "image.next": ("D", "Ctrl+Shift+D"),
        "image.previous": ("A", "Ctrl+Shift+A"),
        "image.find": ("F3",),
        "train.start": ("Ctrl+T",),
        "view.fit": ("Ctrl+F", "F"),
        "view.actual_size": ("Ctrl+0", "Shift+F"),
        "view.zoom_reset": (),
        "view.zoom_in": ("Ctrl++", "Ctrl+=", "+", "="),
        "view.zoom_out": ("Ctrl+-", "-"),
    },
)

CVAT = Preset(
    name="cvat",
    title="CVAT",
    hint=mark("F and D turn the page, N draws, Q, L, H and K as you know them, Ctrl+1 to Ctrl+0 give the class"),
    keys={
        "tool.draw": ("N",),
        "image.next": ("F",),
        "image.previous": ("D",),
        "view.fit": ("Shift+F",),
        "view.actual_size": ("Shift+D",),
        "box.occluded": ("Q", "/"),
        "category.pick": ("Ctrl+Shift+L",),
        "category.lock": ("L", "Ctrl+Alt+L"),
        "category.hide": ("H", "Ctrl+Alt+H"),
        "view.peek": (),
        "image.verify": ("K", "Space"),
        "train.start": ("Ctrl+T",),
        "box.paste_previous": ("Ctrl+B", "Ctrl+Shift+V"),
        "activity.label": ("Alt+1",),
        "activity.train": ("Alt+2",),
        "activity.review": ("Alt+3",),
        "view.zoom_reset": ("Alt+0",),
        **{f"category.{n}": (f"Ctrl+{n % 10}", f"{n % 10}") for n in range(1, 11)},
    },
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in (STUDIO, LABELIMG, LABELME, CVAT)}

MAC_RESERVED = frozenset(
    {"Ctrl+H", "Ctrl+M", "Ctrl+Space", "Ctrl+Tab", "Ctrl+Shift+Q", "Alt+1", "Alt+2", "Alt+3", "Alt+0"}
)
"""What macOS takes (Qt's Ctrl is its Command key) or what types a letter there: no preset gives these away."""


def portable(key: str) -> str:
    """One way of writing each key."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def locked_keys() -> dict[str, str]:
    """Keys that cannot be given away -> the action that has each: held down, or meaning several things in turn."""
    return {portable(key): spec.id for spec in ACTIONS for key in (*spec.fixed_keys, *spec.held_keys)}


def wished(preset: Preset) -> dict[str, Keys]:
    """The keys of every action by id, as the preset names them or else the table; one key may still stand twice."""
    named = {f"action.{name}": keys for name, keys in preset.keys.items()}
    return {spec.id: tuple(portable(key) for key in named.get(spec.id, spec.keys)) for spec in ACTIONS}


def resolve(preset: Preset, own: Mapping[str, Keys], *, platform: str = sys.platform) -> dict[str, Keys]:
    """The keys of every action by id, each key once: a person's own first, then the preset's, then the table's."""
    taken, result = dict(locked_keys()), dict.fromkeys((spec.id for spec in ACTIONS), ())
    reserved = MAC_RESERVED if platform == "darwin" else frozenset()
    keys_of = wished(preset)
    named = [i for i in keys_of if i not in own and i.removeprefix("action.") in preset.keys]
    others = [i for i in keys_of if i not in own and i not in named]
    layers = (
        [(i, tuple(portable(k) for k in own[i])) for i in keys_of if i in own],
        [(i, tuple(k for k in keys_of[i] if k not in reserved)) for i in (*named, *others)],
    )
    for action_id, keys in (pair for layer in layers for pair in layer):
        free = tuple(dict.fromkeys(key for key in keys if key and key not in taken))
        taken.update(dict.fromkeys(free, action_id))
        result[action_id] = free
    return result
