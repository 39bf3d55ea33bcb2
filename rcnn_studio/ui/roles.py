"""What a widget is for, as the style sheet asks for it: muted, title, good, warning, bad, primary and the like.

The looks themselves are in theme.py. A role that never changes is a plain setProperty.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

ROLE = "role"


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget that may be on screen another role; "" is none."""
    if (widget.property(ROLE) or "") != role:
        widget.setProperty(ROLE, role)
        restyle(widget)


def restyle(widget: QWidget) -> None:
    """Ask the style sheet again, after a property has changed that its selectors name."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
