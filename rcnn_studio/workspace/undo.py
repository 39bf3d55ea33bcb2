"""One Edit as a step of Qt's undo stack. Knows how to be applied and taken back, not what it changes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from PySide6.QtGui import QUndoCommand, QUndoStack

from rcnn_studio.domain.edits import Edit


class Apply(Protocol):
    """Applies an edit; show: go to the image it is about."""

    def __call__(self, edit: Edit, *, show: bool) -> None: ...


class EditCommand(QUndoCommand):
    """Applied when it is pushed; undo and redo also show the image that changes. quiet: does nothing meanwhile."""

    def __init__(self, edit: Edit, apply: Apply, *, quiet: bool = False) -> None:
        super().__init__(edit.text)
        self.edit = edit
        self.apply = apply
        self.quiet = quiet
        self._first = not quiet

    def redo(self) -> None:
        if self.quiet:
            return
        self.apply(self.edit, show=not self._first)
        self._first = False

    def undo(self) -> None:
        if not self.quiet:
            self.apply(self.edit.inverse(), show=True)


def drop_commands(stack: QUndoStack, image_ids: Collection[int], *, categories: bool) -> int:
    """Take the steps out of the stack that change one of these images (and those that change the categories). -> how
    many

    Qt's stack cannot lose a step from its middle: it is emptied and filled again with the others, which do nothing
    while that happens.
    """
    steps = [command for n in range(stack.count()) if isinstance(command := stack.command(n), EditCommand)]
    kept = [(place, s.edit, s.apply) for place, s in enumerate(steps) if not _touches(s.edit, image_ids, categories)]
    dropped = len(steps) - len(kept)
    if not dropped:
        return 0
    done = stack.index()
    stack.clear()
    fresh = [EditCommand(edit, apply, quiet=True) for _place, edit, apply in kept]
    for command in fresh:
        stack.push(command)
    for place, _edit, _apply in reversed(kept):
        if place >= done:
            stack.undo()
    for command in fresh:
        command.quiet = False
    return dropped


def _touches(edit: Edit, image_ids: Collection[int], categories: bool) -> bool:
    return (categories and edit.categories is not None) or any(change.image_id in image_ids for change in edit.images)
