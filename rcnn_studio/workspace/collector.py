"""Garbage collection on the GUI thread only.

The cyclic collector runs on whichever thread allocates; on a worker it may destroy a QObject that belongs to
the GUI thread, and its full pass over torch's modules stops everything for a quarter of a second. So automatic
collection is off, and a timer of the GUI thread collects the young generations, the old one when little is in it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
FULL_EVERY = 120


class GuiCollector(QObject):
    """Takes over collection from construction until stop()."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ticks = 0
        gc.disable()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    def settle(self) -> None:
        """Take what lives now (imported modules above all) out of the collector's sight."""
        gc.freeze()

    def stop(self) -> None:
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _on_timeout(self) -> None:
        self._ticks += 1
        young, middle, _old = gc.get_count()
        if self._ticks % FULL_EVERY == 0:
            gc.collect(1)
            gc.freeze()
        elif young > 2000 or middle > 10:
            gc.collect(1 if self._ticks % 8 == 0 else 0)
