"""A running average of a model's weights, which scores better than the last step's. Trains nothing."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class Ema(Generic[Model]):
    """Exponential moving average of parameters; buffers are copied. `model` is the averaged one, in eval mode.

    The decay grows from 0.1 to its full value over the first steps, so that the random start is soon forgotten.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        self._averaged: list[Tensor] = list(self.model.parameters())  # listing them anew costs as much as the average
        self._current: list[Tensor] = list(model.parameters())
        self._buffers = list(zip(self.model.buffers(), model.buffers(), strict=True))
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self._averaged, self._current, 1.0 - decay)
        for mine, theirs in self._buffers:
            mine.copy_(theirs)
