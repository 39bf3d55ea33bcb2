"""One Edit as a step of Qt's undo stack. Knows how to be applied and taken back, not what it changes."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtGui import QUndoCommand

from rcnn_studio.domain.edits import Edit


class Apply(Protocol):
    """Applies an edit; show: go to the image it is about."""

    def __call__(self, edit: Edit, *, show: bool) -> None: ...


class EditCommand(QUndoCommand):
    """Applied when it is pushed; undo and redo also show the image that changes."""

    def __init__(self, edit: Edit, apply: Apply) -> None:
        super().__init__(edit.text)
        self._edit = edit
        self._apply = apply
        self._first = True

    def redo(self) -> None:
        self._apply(self._edit, show=not self._first)
        self._first = False

    def undo(self) -> None:
        self._apply(self._edit.inverse(), show=True)
