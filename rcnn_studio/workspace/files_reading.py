"""Questions whose answer takes a moment, asked off the GUI thread: only the newest of a kind is answered.

Knows nothing of files; for long work with progress see job.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from rcnn_studio.domain.errors import Cancelled, StudioError
from rcnn_studio.domain.progress import ShouldStop
from rcnn_studio.workspace.background import NewestFirst

Question = Callable[[ShouldStop], Any]


class Latest(QObject):
    """answered(kind, result) or failed(kind, message) follows a question, unless a newer one of its kind came in."""

    answered = Signal(object, object)
    failed = Signal(object, str)
    _came = Signal(object, int, object, str)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = NewestFirst(name=f"loader-{name}", threads=1, limit=16)
        self._tickets: dict[Hashable, int] = {}
        self._numbers = itertools.count(1)
        self._closed = False
        self._came.connect(self._on_came, Qt.ConnectionType.QueuedConnection)

    def ask(self, kind: Hashable, question: Question) -> None:
        """question(should_stop) runs on a thread of its own; it may raise StudioError or OSError."""
        ticket = next(self._numbers)
        self._tickets[kind] = ticket
        self._pool.put(kind, partial(self._answer, kind, ticket, question))

    def waits_for(self, kind: Hashable) -> bool:
        """True while a question of this kind has not been answered."""
        return kind in self._tickets

    def forget(self, kind: Hashable) -> None:
        """The answer is not wanted any more."""
        self._tickets.pop(kind, None)

    def close(self) -> None:
        """Forget what waits and wait for what runs. Safe to call twice."""
        self._closed = True
        self._tickets.clear()
        self._pool.close()

    def _answer(self, kind: Hashable, ticket: int, question: Question) -> None:
        try:
            result, message = question(lambda: self._tickets.get(kind) != ticket), ""
        except Cancelled:
            return
        except StudioError as error:
            result, message = None, str(error) or type(error).__name__
        except OSError as error:
            result, message = None, f"{error.filename or ''}: {error.strerror or error}".lstrip(": ")
        if not self._closed:
            self._came.emit(kind, ticket, result, message)

    def _on_came(self, kind: Hashable, ticket: int, result: object, message: str) -> None:
        if self._closed or self._tickets.get(kind) != ticket:
            return
        del self._tickets[kind]
        if message:
            self.failed.emit(kind, message)
        else:
            self.answered.emit(kind, result)
