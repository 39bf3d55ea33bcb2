"""A training that needs no torch: it sends the trainer's own events, on the job's thread, and obeys stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.domain.progress import Progress, Report, ShouldStop
from rcnn_studio.domain.runs import (
    CategoryScore,
    EpochEvaluated,
    RunEnded,
    RunStarted,
    Scores,
    StepDone,
    TrainConfig,
    Warned,
)

STEPS_PER_EPOCH = 5


def make_scores(AP50: float) -> Scores:
    rest = dict.fromkeys(("AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), 0.5)
    rows = (("bolt", 20, 18, 0.95), ("nut", 10, 4, 0.4))
    per = tuple(CategoryScore(name=n, boxes=b, AP=a * 0.6, AP50=a, found=f) for n, b, f, a in rows)
    return Scores(AP=AP50 * 0.6, AP50=AP50, **rest, per_category=per)


def make_step(step: int, *, steps: int = 100) -> StepDone:
    level = 0.2 + 2 * math.exp(-step / 30)
    losses = (0.4 * level, 0.3 * level, 0.2 * level, 0.1 * level)
    return StepDone(
        step=step,
        epoch=1 + (step - 1) // STEPS_PER_EPOCH,
        loss=level,
        losses=losses,
        lr=7e-4,
        images_per_s=11.2,
        data_wait=0.02,
        elapsed_s=step * 0.5,
        left_s=(steps - step) * 0.5,
    )


def make_evaluation(epoch: int, AP50: float, *, best: bool = True) -> EpochEvaluated:
    step = epoch * STEPS_PER_EPOCH
    return EpochEvaluated(epoch=epoch, step=step, scores=make_scores(AP50), best=best, elapsed_s=step * 0.5)


class FakeTraining:
    """Stands in for tasks.training.run_training. `go` holds it back after the progress, `finish` after the epochs."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.finish = threading.Event()
        self.fail_with: Exception | None = None
        self.configs: list[TrainConfig | None] = []
        self.resumed: list[Path | None] = []
        self.limit_s = 0.0
        self.waits = threading.Event()

    def __call__(
        self,
        _store: object,
        config: TrainConfig | None,
        report: Report,
        should_stop: ShouldStop,
        *,
        should_pause: ShouldStop,
        resume: Path | None,
    ) -> RunEnded:
        self.configs.append(config)
        self.resumed.append(resume)
        report(Progress("Loading PyTorch"))
        self._wait(self.go, should_stop)
        if self.fail_with is not None:
            raise self.fail_with
        if should_stop():
            raise Cancelled()
        report(
            RunStarted(
                run_id="2026-11-21_1432_test", device="CPU, 2 threads", train_images=9, val_images=3,
                epochs=4, steps_per_epoch=STEPS_PER_EPOCH, boxes=40, limit_s=self.limit_s,
            )
        )  # fmt: skip
        report(Warned(message="2 boxes left out."))
        for epoch in range(1, 5):
            for step in range((epoch - 1) * STEPS_PER_EPOCH + 1, epoch * STEPS_PER_EPOCH + 1):
                report(make_step(step, steps=20))
                self._pause(should_pause, should_stop)
            report(make_evaluation(epoch, 0.2 * epoch))
        self._wait(self.finish, should_stop)
        return RunEnded(
            run_id="2026-11-21_1432_test", status="stopped" if should_stop() else "finished", seconds=11.0,
            epochs=4, best_epoch=4, best_AP=0.48, best_AP50=0.8,
        )  # fmt: skip

    def _pause(self, should_pause: Callable[[], bool], should_stop: Callable[[], bool]) -> None:
        while should_pause() and not should_stop():
            self.waits.set()
            time.sleep(0.005)
        self.waits.clear()

    @staticmethod
    def _wait(event: threading.Event, should_stop: Callable[[], bool]) -> None:
        while not event.wait(0.01):
            if should_stop():
                return
