"""What an object says by signal, kept in order."""

from __future__ import annotations

import threading
from typing import Any

from PySide6.QtCore import QObject, QThread, SignalInstance


class Heard(QObject):
    """Collects (signal's name, value) on the main thread, and whether it was the main thread."""

    def __init__(self, **signals: SignalInstance) -> None:
        super().__init__()
        self.all: list[tuple[str, Any]] = []
        self.off_thread: list[str] = []
        self._names = {name: _Ear(self, name) for name in signals}
        for name, signal in signals.items():
            signal.connect(self._names[name].hear)

    def of(self, name: str) -> list[Any]:
        return [value for heard, value in self.all if heard == name]

    @property
    def names(self) -> list[str]:
        return [name for name, _value in self.all]


class _Ear(QObject):
    def __init__(self, owner: Heard, name: str) -> None:
        super().__init__(owner)
        self._owner, self._name = owner, name

    def hear(self, *values: Any) -> None:
        if threading.current_thread() is not threading.main_thread() or QThread.currentThread() != self.thread():
            self._owner.off_thread.append(self._name)
        self._owner.all.append((self._name, values[0] if len(values) == 1 else values))
