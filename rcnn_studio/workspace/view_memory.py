"""How a person looks at a project (filter, order, threshold), remembered with it. Labels are not its matter."""

from __future__ import annotations

from typing import Any

import orjson
from PySide6.QtCore import QObject, QTimer

from rcnn_studio.store.project import ProjectStore

KEY = "view"
DELAY_MS = 1000


class ViewMemory(QObject):
    """Small JSON values by name. Written a second after the last change, and at the latest when the project closes."""

    def __init__(self, store: ProjectStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._values = _parsed(store.get_meta(KEY))
        self._changed = False
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self.write)

    def number(self, name: str, default: float) -> float:
        value = self._values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name)
        return value if isinstance(value, str) else default

    def set(self, name: str, value: float | str) -> None:
        if self._values.get(name) != value:
            self._values[name] = value
            self._changed = True
            self._timer.start()

    def write(self) -> None:
        """Store what has changed; nothing happens where nothing has."""
        self._timer.stop()
        if self._changed and not self._store.read_only:
            self._changed = False
            self._store.set_meta(KEY, orjson.dumps(self._values).decode())


def _parsed(stored: str | None) -> dict[str, Any]:
    try:
        values = orjson.loads(stored or "{}")
    except orjson.JSONDecodeError:
        return {}
    return values if isinstance(values, dict) else {}
