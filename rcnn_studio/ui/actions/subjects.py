"""Actions by subject, most used subject first, as the key sheet and the shortcut editor show them. Makes no widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction

from rcnn_studio.ui.actions.keys import shown_keys, translated
from rcnn_studio.ui.actions.spec import ActionSpec, mark
from rcnn_studio.ui.actions.table import ACTIONS

SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (mark("Draw and choose a class"), ("tool", "category")),
    (mark("Images"), ("image", "queue")),
    (mark("Boxes"), ("box",)),
    (mark("Detections and review"), ("detection", "finding", "review", "predict")),
    (mark("View"), ("view",)),
    (mark("Edit"), ("edit",)),
    (mark("Arrange boxes"), ("align", "same", "order")),
    (mark("Training"), ("train", "run")),
    (mark("Project and files"), ("project", "files")),
    (mark("Window and help"), ("activity", "app", "help", "keys")),
)
"""Heading, and the second part of the ids below it; what is named nowhere goes below the last one."""

ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
MOST_CAPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One line: what it does, its keys as they are written, and the actions behind it (several for a family)."""

    text: str
    tip: str
    keys: tuple[str, ...]
    ids: tuple[str, ...]


def subject_of(spec: ActionSpec) -> str:
    """The heading an action stands below, in the language of the window."""
    part = spec.id.split(".")[1]
    return translated(next((title for title, parts in SUBJECTS if part in parts), SUBJECTS[-1][0]))


def by_subject() -> list[tuple[str, list[ActionSpec]]]:
    """Every row of the table once, below its heading, in the table's order."""
    groups: dict[str, list[ActionSpec]] = {translated(title): [] for title, _parts in SUBJECTS}
    for spec in ACTIONS:
        groups[subject_of(spec)].append(spec)
    return [(title, specs) for title, specs in groups.items() if specs]


def sheet(actions: Mapping[str, QAction]) -> list[tuple[str, list[SheetRow]]]:
    """The key sheet: rows with a key first, each family as one row."""
    return [(title, _rows(specs, actions)) for title, specs in by_subject()]


def _rows(specs: Sequence[ActionSpec], actions: Mapping[str, QAction]) -> list[SheetRow]:
    families: dict[str, list[ActionSpec]] = {}
    for spec in specs:
        families.setdefault(spec.family or spec.id, []).append(spec)
    rows = [_row(members, actions) for members in families.values()]
    return sorted(rows, key=lambda row: not row.keys)


def _row(members: Sequence[ActionSpec], actions: Mapping[str, QAction]) -> SheetRow:
    first = members[0]
    ids = tuple(spec.id for spec in members)
    if not first.family:
        keys = tuple(shown_keys(actions[first.id]))
        return SheetRow(text=table_text(first), tip=translated(first.tip), keys=keys, ids=ids)
    keys = tuple(key for action_id in ids for key in shown_keys(actions[action_id]))
    return SheetRow(text=translated(first.family), tip="", keys=joined(keys), ids=ids)


def table_text(spec: ActionSpec) -> str:
    """The action as the table names it, also where its text says more now ("Undo Move")."""
    return translated(spec.text).replace("&", "").rstrip(".")


def joined(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Many keys that differ only in their last part as one: Ctrl+← → ↑ ↓, 1 … 0."""
    parts = [key.rpartition("+") if not key.endswith("+") else ("", "", key) for key in keys]
    if len(keys) < 2 or len({prefix for prefix, _plus, _last in parts}) > 1:
        return keys if len(keys) <= MOST_CAPS else (keys[0], "…", keys[-1])
    prefix = f"{parts[0][0]}{parts[0][1]}"
    lasts = [ARROWS.get(last, last) for _prefix, _plus, last in parts]
    shown = " ".join(lasts) if len(lasts) <= MOST_CAPS else f"{lasts[0]} … {lasts[-1]}"
    return (f"{prefix}{shown}",)
