"""How far a training is and how fast it learns there: warm-up, then cosine or steps, by steps or by the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

CLOSING_SHARE = 0.9  # strong augmentation ends here


@dataclass(slots=True)
class Schedule:
    """Progress in 0..1 as the larger of steps done and time spent; the rate follows progress.

    With budget_s (0: none) a training ends with its schedule done whatever the machine's speed: on a slow one the
    cosine is simply walked in fewer steps. reserve_s: kept back for the last evaluation, set as it is measured.
    reached: the progress so far.
    """

    kind: str
    total_steps: int
    warmup_steps: int
    budget_s: float = 0.0
    reserve_s: float = 0.0
    reached: float = 0.0

    def advance(self, step: int, elapsed_s: float) -> float:
        """Progress after `step` steps and elapsed_s seconds; never falls."""
        by_time = elapsed_s / max(1.0, self.budget_s - self.reserve_s) if self.budget_s > 0 else 0.0
        self.reached = min(1.0, max(self.reached, step / self.total_steps, by_time))
        return self.reached

    @property
    def done(self) -> bool:
        return self.reached >= 1.0

    def closing_at(self, step: int) -> bool:
        """Whether the batch that is prepared now for `step` belongs to the last tenth."""
        return max(self.reached, step / self.total_steps) >= CLOSING_SHARE

    def factor(self, step: int) -> float:
        """What the peak rate is multiplied with at `step`."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps > 0 else 1.0
        return warm * self._decay()

    def left_s(self, step: int, elapsed_s: float) -> float:
        """Seconds to go, from the speed so far."""
        if self.reached <= 0.0:
            return self.budget_s
        return elapsed_s * (1.0 - self.reached) / self.reached + self.reserve_s

    def _decay(self) -> float:
        if self.kind == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * self.reached))
        if self.kind == "multistep":
            return 0.01 if self.reached >= 0.9 else 0.1 if self.reached >= 0.7 else 1.0
        return 1.0
