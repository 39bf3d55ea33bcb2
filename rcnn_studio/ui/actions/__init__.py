"""Actions: the table of rows (table.py), QActions made from it (build.py), and their keys as text (keys.py)."""

from rcnn_studio.ui.actions.build import attach_canvas_actions, build_actions, enable, fill_menu, tint_actions
from rcnn_studio.ui.actions.keys import first_key, key_text, plain_text, shown_keys
from rcnn_studio.ui.actions.spec import ActionSpec, mark
from rcnn_studio.ui.actions.table import ACTIONS, SPECS

__all__ = [
    "ACTIONS",
    "SPECS",
    "ActionSpec",
    "attach_canvas_actions",
    "build_actions",
    "enable",
    "fill_menu",
    "first_key",
    "key_text",
    "mark",
    "plain_text",
    "shown_keys",
    "tint_actions",
]
