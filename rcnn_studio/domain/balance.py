"""How right a model is from each score on, counted on validation images; and the score that balances best.

Knows neither images nor boxes: the counting is done in engine/evaluation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LOWEST, HIGHEST = 10, 90
"""Hundredths between which the best score is looked for: outside, a handful of detections would decide."""

NEIGHBOURS = 2
"""So many hundredths on each side are averaged: a few images give a curve of steps, and its highest is luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Detections of the validation images. boxes: that are to be found. shown[k], right[k], k = 0..100: detections with
    score >= k / 100, and those of them that find a box of their category (IoU >= 0.5)."""

    boxes: int
    shown: tuple[int, ...]
    right: tuple[int, ...]

    def precision(self, score: float) -> float | None:
        """Share of the detections from this score on that are right; None where there are none."""
        shown, right = self.counts(score)
        return right / shown if shown else None

    def counts(self, score: float) -> tuple[int, int]:
        """(shown, right) of the detections from this score on."""
        place = min(100, max(0, math.floor(score * 100 + 1e-6)))
        return self.shown[place], self.right[place]

    def best_score(self) -> float | None:
        """The score, in hundredths, with the highest F1 (harmonic mean of precision and recall).

        None where nothing was found or there was nothing to find. Of equals the highest: fewer false alarms.
        """
        places = range(LOWEST, HIGHEST + 1)
        best = max(places, key=lambda k: (round(self._smooth_f1(k), 9), k))
        return best / 100 if self._f1(best) > 0 else None

    def _smooth_f1(self, place: int) -> float:
        near = range(place - NEIGHBOURS, place + NEIGHBOURS + 1)
        return sum(self._f1(k) for k in near) / len(near)

    def _f1(self, place: int) -> float:
        both = self.shown[place] + self.boxes
        return 2 * self.right[place] / both if self.boxes and both else 0.0
