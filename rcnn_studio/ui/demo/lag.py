"""How long the GUI thread keeps a person waiting, measured by a 16 ms timer."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 16


class LagMeter(QObject):
    """Records how much later than 16 ms after the last one each tick comes, from start() to stop()."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gaps_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        if self._timer.isActive():
            self._on_tick()
            self._timer.stop()

    def summary(self) -> dict[str, float]:
        """{p50, p99, max} of the lag in ms, weighted by time: p99 is exceeded during 1 % of the time."""
        return weighted_lag(self._gaps_ms)

    def _on_tick(self) -> None:
        now = time.perf_counter()
        self._gaps_ms.append((now - self._last) * 1000)
        self._last = now


def weighted_lag(gaps_ms: list[float], tick_ms: float = TICK_MS) -> dict[str, float]:
    """Quantiles of the lag (gap between ticks less the tick), each gap weighted by its own length.

    Weighted by count, one freeze of a second among a thousand ticks would vanish below p99; weighted by time
    it counts as the second that the person waited.
    """
    if not gaps_ms:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    gaps = np.sort(np.array(gaps_ms))
    share = np.cumsum(gaps) / gaps.sum()
    lag = np.clip(gaps - tick_ms, 0, None)

    def quantile(q: float) -> float:
        return round(float(lag[min(int(np.searchsorted(share, q)), len(lag) - 1)]), 1)

    return {"p50": quantile(0.5), "p99": quantile(0.99), "max": round(float(lag[-1]), 1)}
