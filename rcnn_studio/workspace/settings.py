"""What the studio remembers between starts: one JSON file in the user's configuration folder.

A damaged file is set aside and replaced by the defaults, one that cannot be read stays; nothing is unpickled.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.tasks.places import home

log = logging.getLogger(__name__)

MAX_RECENT = 12


class Settings:
    """Values by dotted key, saved at once and atomically. Jobs may set values too."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if path is not None else home() / "settings.json"
        self._values: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._unread = False
        if self._path.is_file():
            self._read()

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Store a JSON value; an unwritable folder is logged and the value holds for this session."""
        with self._lock:
            if self._values.get(key) == value:
                return
            self._values[key] = value
            if self._unread:
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(self._path, orjson.dumps(self._values, option=orjson.OPT_INDENT_2))
            except (OSError, FormatError) as error:
                log.info("settings not saved: %s", error)

    def recent(self) -> list[str]:
        """Folders of projects opened lately, newest first, those that still exist."""
        return [folder for folder in self.all_recent() if Path(folder).exists()]

    def all_recent(self) -> list[str]:
        """As recent(), with those that are not there now: a drive may come back."""
        known = self.get("recent")
        return [p for p in known if isinstance(p, str)] if isinstance(known, list) else []

    def add_recent(self, folder: Path) -> None:
        text = str(folder)
        folders = [text, *[p for p in self.all_recent() if p != text]][:MAX_RECENT]
        self.set("recent_at", {p: self.opened_at(p) for p in folders} | {text: round(time.time())})
        self.set("recent", folders)

    def opened_at(self, folder: str) -> float:
        """When a recent project was opened last, in seconds since 1970; 0 where that is not known."""
        known = self.get("recent_at")
        value = known.get(folder) if isinstance(known, dict) else None
        return float(value) if isinstance(value, int | float) else 0.0

    def clear_recent(self) -> None:
        self.set("recent", [])

    def _read(self) -> None:
        try:
            content = self._path.read_bytes()
        except OSError as error:  # it may be a good one: a disk that answers again brings it back
            self._unread = True
            log.info("settings cannot be read (%s); defaults in use, and nothing is saved", error)
            return
        try:
            loaded = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            self._set_aside(str(error))
            return
        if isinstance(loaded, dict):
            self._values = loaded
        else:
            self._set_aside("not a JSON object")

    def _set_aside(self, reason: str) -> None:
        broken = self._path.with_suffix(".broken.json")
        try:
            self._path.replace(broken)
        except OSError as error:
            log.info("settings are unreadable (%s) and stay where they are (%s); defaults in use", reason, error)
        else:
            log.info("settings were unreadable (%s); kept as %s, defaults in use", reason, broken)
