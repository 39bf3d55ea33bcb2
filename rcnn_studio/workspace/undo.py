"""Edits as steps of Qt's undo stack, those of earlier sessions included. Knows how to apply them, not what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtGui import QUndoCommand, QUndoStack

from rcnn_studio.domain.edits import Edit
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.project import UndoStack


class Apply(Protocol):
    """Applies an edit; show: go to the image it is about."""

    def __call__(self, edit: Edit, *, show: bool) -> None: ...


class Step(Protocol):
    """An edit as it stands on the stack; `edit` may be read from the disk's form only now, and raise StudioError."""

    @property
    def text(self) -> str: ...

    @property
    def edit(self) -> Edit: ...


@dataclass(frozen=True, slots=True)
class NewStep:
    """The step of an edit that is made now."""

    edit: Edit

    @property
    def text(self) -> str:
        return self.edit.text


class EditCommand(QUndoCommand):
    """Applied when it is pushed; undo and redo also show the image that changes. quiet: does nothing meanwhile.

    refuse(message): the step cannot be read; it leaves the stack then. replaces: the edit at the top of the stack,
    which is taken back before this one is done and whose place this one takes.
    """

    def __init__(
        self,
        step: Step,
        apply: Apply,
        refuse: Callable[[str], object],
        *,
        quiet: bool = False,
        replaces: Edit | None = None,
    ) -> None:
        super().__init__(step.text)
        self._step = step
        self._replaces = replaces
        self._apply = apply
        self._refuse = refuse
        self.quiet = quiet
        self._first = not quiet

    def redo(self) -> None:
        edit = self._read()
        if edit is not None:
            if self._first and self._replaces is not None:
                self._apply(self._replaces.inverse(), show=False)
            self._apply(edit, show=not self._first)
            self._first = False

    def undo(self) -> None:
        edit = self._read()
        if edit is not None:
            self._apply(edit.inverse(), show=True)

    def id(self) -> int:
        """The same for all: whether two become one is said by the later one."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, EditCommand) or other._replaces is None:
            return False
        self._step = other._step
        self.setText(other.text())
        return True

    def _read(self) -> Edit | None:
        if self.quiet:
            return None
        try:
            return self._step.edit
        except StudioError as error:
            self.setObsolete(True)
            self._refuse(str(error))
            return None


def refill(stack: QUndoStack, past: UndoStack, apply: Apply, refuse: Callable[[str], object]) -> None:
    """Make the stack hold the steps as they are stored; nothing is done or undone by the way."""
    steps = (*past.undo, *reversed(past.redo))
    commands = [EditCommand(step, apply, refuse, quiet=True) for step in steps]
    stack.blockSignals(True)
    stack.clear()
    for command in commands:
        stack.push(command)
    stack.setIndex(len(past.undo))
    for command in commands:
        command.quiet = False
    stack.blockSignals(False)
    stack.indexChanged.emit(stack.index())
