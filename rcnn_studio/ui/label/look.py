"""Brightness, contrast, gamma and inversion of what is seen, as one table of 256 values. Changes no image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """brightness, contrast: -100 to 100, 0 leaves things as they are; gamma: 0.2 to 5, above 1 lightens the shadows."""

    brightness: int = 0
    contrast: int = 0
    gamma: float = 1.0
    invert: bool = False

    def table(self) -> NDArray[np.uint8]:
        """(256,) what each value is shown as: contrast about the middle, then brightness, gamma, inversion."""
        values = np.linspace(0.0, 1.0, 256)
        slope = np.tan((self.contrast / 100 + 1) * np.pi / 4 * 0.998)
        values = np.clip((values - 0.5) * slope + 0.5 + self.brightness / 100, 0, 1) ** (1 / self.gamma)
        if self.invert:
            values = 1 - values
        return np.asarray((values * 255).round(), dtype=np.uint8)


NEUTRAL = Look()
