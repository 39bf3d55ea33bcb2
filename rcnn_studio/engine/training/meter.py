"""Measures the steps of a training and reports them; reads losses from the device as seldom as that wants.

Decides nothing, but raises when the losses stay without a finite value.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.domain.runs import StepDone
from rcnn_studio.engine.data.loader import Batch
from rcnn_studio.engine.training.profile import Profile
from rcnn_studio.engine.training.progress import RunProgress

BAD_STEPS = 3  # so many in a row without a finite loss end a training
READ_EVERY = {"cpu": 1}  # steps between readings of the losses; elsewhere each reading makes the device wait
READ_ELSEWHERE = 10


class Meter:
    """One per stage. left_s(elapsed_s): seconds to go; name(index): path of an image."""

    def __init__(
        self,
        progress: RunProgress,
        device: torch.device,
        profile: Profile,
        *,
        left_s: Callable[[float], float],
        name: Callable[[int], str],
    ) -> None:
        self._progress, self._profile = progress, profile
        self._left_s, self._name = left_s, name
        self._every = READ_EVERY.get(device.type, READ_ELSEWHERE)
        self._waiting: list[tuple[StepDone, Tensor, Batch]] = []
        self._marks: deque[tuple[float, int]] = deque(maxlen=20)
        self._data_wait = 0.0
        self._bad = 0

    def timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches; how long each was waited for is remembered."""
        while True:
            start = time.perf_counter()
            with self._profile.part("data wait"):
                batch = next(batches, None)
            self._data_wait = time.perf_counter() - start
            if batch is None:
                return
            yield batch

    def note(self, batch: Batch, losses: Tensor, rate: float) -> None:
        progress = self._progress
        now = progress.elapsed_s
        first_time, _ = self._marks[0] if self._marks else (now, 0)
        images = sum(count for _, count in list(self._marks)[1:]) + len(batch.images)
        self._marks.append((now, len(batch.images)))
        event = StepDone(
            step=progress.step,
            epoch=progress.epoch,
            loss=0.0,
            losses=(0.0, 0.0, 0.0, 0.0),
            lr=rate,
            images_per_s=images / (now - first_time) if now > first_time else 0.0,
            data_wait=self._data_wait,
            elapsed_s=now,
            left_s=self._left_s(now),
        )
        self._waiting.append((event, losses, batch))
        if len(self._waiting) >= self._every:
            self.flush()

    def flush(self) -> None:
        """Reports what is waiting. Raises EngineError when the losses stay without a finite value."""
        if not self._waiting:
            return
        rows = torch.stack([losses for _, losses, _ in self._waiting]).tolist()
        waiting = list(zip(self._waiting, rows, strict=True))
        self._waiting.clear()
        for (event, _, batch), row in waiting:
            total = sum(row)
            self._bad = self._bad + 1 if total - total != 0 else 0  # inf and NaN alone differ from themselves here
            if self._bad:
                self._complain(batch, event.lr)
            else:
                self._progress.log.emit(replace(event, loss=total, losses=tuple(row)))

    def _complain(self, batch: Batch, rate: float) -> None:
        names = ", ".join(self._name(index) for index in batch.indices)
        message = f"The loss is not a finite number on {names}."
        if self._bad < BAD_STEPS:
            self._progress.warn(message)
            return
        raise EngineError(
            f"{message} The best checkpoint so far is kept. Check these boxes, then go on from the last checkpoint at "
            f"a tenth of the rate: train PROJECT --resume {self._progress.run_dir.name} --set lr={rate / 10:.1e}"
        )
