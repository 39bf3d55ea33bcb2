"""What the status bar may say about saving, put together from several threads. Draws nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rcnn_studio.store.durability import Durability

StatusKind = Literal["saving", "saved", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """kind: "saving" (an edit is not on disk yet), "saved" (all are) or "error" (message says what, where and what
    to do). pending_files: linked files that do not show the latest edits yet; batch_files: how many there were at
    most since there were none, so that batch_files - pending_files of them are done. paused: nothing is written to
    linked files until it is resumed. durability: "weaker" where a save can promise less; durability_reason says why.
    """

    kind: StatusKind
    pending_files: int
    message: str = ""
    batch_files: int = 0
    paused: bool = False
    durability: Durability = "full"
    durability_reason: str = ""


StatusListener = Callable[[StoreStatus], None]


class StatusBoard:
    """Collects the facts and tells the listeners when what follows from them has changed.

    Listeners are called on whichever thread brought the news (the store's own threads, or the one that
    submits an edit), one at a time and in order; they must return at once and not call the store.
    """

    def __init__(self, *, durability: Durability = "full", durability_reason: str = "") -> None:
        self._lock = threading.RLock()
        self._listeners: list[StatusListener] = []
        self._waiting = 0
        self._pending = 0
        self._trouble = ""
        self._file_errors: dict[str, str] = {}
        self._batch = 0
        self._paused = False
        self._durability: Durability = durability
        self._durability_reason = durability_reason
        self._last = self._derive()

    def add_listener(self, listener: StatusListener) -> None:
        with self._lock:
            self._listeners.append(listener)

    def remove_listener(self, listener: StatusListener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def current(self) -> StoreStatus:
        with self._lock:
            return self._last

    def file_errors(self) -> dict[str, str]:
        """Path of a linked file -> why it could not be written."""
        with self._lock:
            return dict(self._file_errors)

    def add_waiting(self, edits: int) -> None:
        """So many more edits (fewer, if negative) wait to be committed. Counted, because a flag set by two threads
        could say "saved" over an edit that has just come in."""
        with self._lock:
            self._waiting += edits
            self._publish()

    def set_pending(self, pending_files: int) -> None:
        with self._lock:
            self._pending = pending_files
            self._batch = max(self._batch, pending_files) if pending_files else 0
            self._publish()

    def set_paused(self, paused: bool) -> None:
        with self._lock:
            self._paused = paused
            self._publish()

    def set_trouble(self, message: str) -> None:
        """Why the database cannot take edits at the moment; "" when it can."""
        with self._lock:
            self._trouble = message
            self._publish()

    def set_file_error(self, path: str, message: str) -> None:
        """Why this linked file is not written; "" when it is well again."""
        with self._lock:
            if message:
                self._file_errors[path] = message
            else:
                self._file_errors.pop(path, None)
            self._publish()

    def _publish(self) -> None:
        status = self._derive()
        if status != self._last:
            self._last = status
            for listener in tuple(self._listeners):
                listener(status)

    def _derive(self) -> StoreStatus:
        kind, message = self._kind()
        return StoreStatus(
            kind=kind,
            message=message,
            pending_files=self._pending,
            batch_files=self._batch,
            paused=self._paused,
            durability=self._durability,
            durability_reason=self._durability_reason,
        )

    def _kind(self) -> tuple[StatusKind, str]:
        if self._trouble:
            return "error", self._trouble
        if self._waiting:
            return "saving", ""
        if self._file_errors:
            first = next(iter(self._file_errors.values()))
            more = len(self._file_errors) - 1
            text = f"{first} ({more} more file{'s' if more > 1 else ''} like it)" if more else first
            return "error", text
        return "saved", ""
