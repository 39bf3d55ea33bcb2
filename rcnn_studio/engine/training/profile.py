"""Where the time of a training goes: waiting for data, forward, backward, optimiser, evaluation, saving.

Off unless asked for, because on a GPU each measurement makes Python wait for the device.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Profile:
    """Seconds by part. Parts do not nest; on=False measures nothing and costs nothing."""

    def __init__(self, device: torch.device, *, on: bool) -> None:
        self._device, self.on = device, on
        self._seconds: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        if not self.on:
            yield
            return
        start = time.perf_counter()
        try:
            yield
            synchronize(self._device)
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start
            self._counts[name] = self._counts.get(name, 0) + 1

    def to_json(self, total_s: float) -> dict[str, object]:
        """{"seconds": total, "parts": [{name, seconds, share, times}]}, the largest first, what is left as "other"."""
        rows = [(name, seconds, self._counts[name]) for name, seconds in self._seconds.items()]
        rows.append(("other", max(0.0, total_s - sum(self._seconds.values())), 1))
        return {
            "seconds": total_s,
            "parts": [
                {"name": name, "seconds": seconds, "share": seconds / max(total_s, 1e-9), "times": times}
                for name, seconds, times in sorted(rows, key=lambda row: -row[1])
            ],
        }


def synchronize(device: torch.device) -> None:
    """Waits until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
