"""When a training scores its validation images: every so many epochs, and with a time limit within a share of the time.

Scores nothing itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHARE = 0.06  # at most this share of a limited time goes into scores on the way


@dataclass(slots=True)
class ScoringPace:
    """every: epochs. limited: whether the time is. spent_s, last_s: what scoring has cost so far, and the last time."""

    every: int
    limited: bool
    spent_s: float = 0.0
    last_s: float = 0.0

    def due(self, epoch: int, elapsed_s: float) -> bool:
        """Whether to score now that this epoch has ended."""
        if epoch % self.every:
            return False
        return not self.limited or not self.last_s or self.spent_s + self.last_s <= SHARE * elapsed_s

    def note(self, cost_s: float) -> None:
        self.last_s = cost_s
        self.spent_s += cost_s

    def next_s(self, epoch: int, elapsed_s: float) -> float:
        """Seconds of the run at which an epoch ends that is to be scored, at the pace so far; after note()."""
        wait = self.every * max(0.0, elapsed_s - self.spent_s) / max(1, epoch)
        if self.limited and wait > 0:
            affordable = (self.spent_s + self.last_s) / SHARE
            wait *= max(1, math.ceil((affordable - elapsed_s) / wait))
        return elapsed_s + wait
