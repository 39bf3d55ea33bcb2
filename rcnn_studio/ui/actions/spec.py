"""What one row of the table of actions holds. Makes no QActions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QT_TRANSLATE_NOOP

Scope = Literal["window", "canvas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One row. keys: portable QKeySequence texts, the first one is shown in menus.

    scope "canvas": the keys act only while the canvas or (in_list) the image list has the focus, so that text
    fields and tables keep their letters. held_keys: keys that the canvas itself listens for because they are
    held down or move the focus elsewhere; shown, never a shortcut. fixed_keys: shortcuts that cannot be changed.
    family: one line for all of these on the sheet of keys. words: what else a person may call it, for the palette.
    """

    id: str
    text: str
    keys: tuple[str, ...] = ()
    held_keys: tuple[str, ...] = ()
    fixed_keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    scope: Scope = "window"
    menu: str = ""
    family: str = ""
    words: str = ""
    in_list: bool = True
    checkable: bool = False
    checked: bool = False
    repeats: bool = False


def row(name: str, text: str, *keys: str, **options: object) -> ActionSpec:
    return ActionSpec(id=f"action.{name}", text=text, keys=keys, **options)  # type: ignore[arg-type]


def canvas_row(name: str, text: str, *keys: str, **options: object) -> ActionSpec:
    return row(name, text, *keys, scope="canvas", **options)


def mark(text: str) -> str:
    """Marks a text of the table for translation (lupdate: -tr-function-alias QT_TRANSLATE_NOOP=mark)."""
    return str(QT_TRANSLATE_NOOP("actions", text))
