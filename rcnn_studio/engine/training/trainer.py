"""Trains a detector on a snapshot: one loop, whose events go to whoever listens and to the run folder.

Knows no window, no project and no threads but its loader's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import Cancelled, EngineError, FormatError
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.domain.runs import (
    LOSS_NAMES,
    CheckpointSaved,
    EpochEvaluated,
    RunEnded,
    RunStarted,
    StepDone,
    TrainConfig,
    Warned,
)
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.augment import Recipe, recipe
from rcnn_studio.engine.data.loader import Batch, ImageSource, TrainLoader
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import build_detector, freeze
from rcnn_studio.engine.models.weights import load_weights, resolve_config
from rcnn_studio.engine.threads import quiet_worker
from rcnn_studio.engine.training.checkpoints import Manifest, save_checkpoint
from rcnn_studio.engine.training.ema import Ema
from rcnn_studio.engine.training.events import EventLog
from rcnn_studio.engine.training.optim import build_optimizer, set_rate
from rcnn_studio.engine.training.precision import choose_precision
from rcnn_studio.engine.training.schedule import Schedule
from rcnn_studio.engine.training.setup import plan_images, write_json, write_run_files
from rcnn_studio.engine.training.validation import Validator

EVALUATION_SHARE = 0.06  # at most this share of a limited time goes into scores on the way
LAST_EVERY_S = 300.0
SETTLE_AT = 0.5  # of the schedule: jittered boxes are for the start
BAD_STEPS = 3  # so many in a row without a finite loss end a training
READ_EVERY = {"cpu": 1}  # steps between readings of the losses; elsewhere each reading makes the device wait


def train(config: TrainConfig, snapshot: Dataset, run_dir: Path, report: Report, should_stop: ShouldStop) -> RunEnded:
    """Trains until the schedule is done or should_stop() says so; the best checkpoint is kept either way.

    Writes config.json, environment.json, events.jsonl, scores.json and checkpoints/ into run_dir (made if absent).
    Raises StudioError for what a person can mend, after a RunEnded event that says the run failed and why.
    """
    quiet_worker()
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"{run_dir}: cannot be made ({error.strerror}). Check the disk.") from error
    with EventLog(run_dir, report) as log:
        progress = _Progress(run_dir, log)
        try:
            status = _Training(config, snapshot, progress, should_stop).run()
        except Exception as error:  # told to the run's readers, then raised on
            progress.end("failed", str(error) or type(error).__name__)
            raise
        return progress.end(status)


class _Progress:
    """How far the run is, and how it says so."""

    def __init__(self, run_dir: Path, log: EventLog) -> None:
        self.run_dir = run_dir
        self.log = log
        self.step = 0
        self.epoch = 0
        self.best: EpochEvaluated | None = None
        self._started = time.perf_counter()
        self._skipped: set[str] = set()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started

    def warn(self, message: str) -> None:
        self.log.emit(Warned(message=message))

    def skip(self, error: FormatError) -> None:
        """Says once for each file that it cannot be used."""
        if str(error) not in self._skipped:
            self._skipped.add(str(error))
            self.warn(f"{error} The image takes no part.")

    def end(self, status: str, message: str = "") -> RunEnded:
        best = self.best
        ended = RunEnded(
            run_id=self.run_dir.name,
            status=status,
            seconds=self.elapsed_s,
            epochs=self.epoch,
            best_epoch=best.epoch if best else 0,
            best_AP=best.scores.AP if best else -1.0,
            best_AP50=best.scores.AP50 if best else -1.0,
            message=message,
        )
        self.log.emit(ended)
        return ended


class _Training:
    """The parts of one training, and the loop that turns them."""

    def __init__(self, config: TrainConfig, dataset: Dataset, progress: _Progress, should_stop: ShouldStop) -> None:
        runs_dir = progress.run_dir.parent
        config = resolve_config(config, runs_dir, exclude=progress.run_dir.name)
        plan = plan_images(dataset, config)
        torch.manual_seed(config.seed)
        self.config, self.progress, self.should_stop = config, progress, should_stop
        self.device = devices.pick(config.device)
        self.table = CategoryTable(dataset.categories)
        self.detector = build_detector(config, len(self.table))
        load_weights(self.detector, config, self.table, runs_dir)
        self.detector.to(self.device)
        source = ImageSource(dataset, short=config.image_size, longest=config.image_max_size)
        self.loader = TrainLoader(
            source,
            dataset,
            plan.train,
            self.table,
            batch_size=config.batch_size,
            seed=config.seed,
            multi_scale=config.multi_scale,
            with_difficult=config.train_on_difficult,
            pin=self.device.type == "cuda",
            on_skipped=progress.skip,
        )
        self.validator = Validator(source, dataset, plan.val, self.table, self.loader.pool, progress.skip)
        self._train_mode()
        self.optimizer = build_optimizer(self.detector, config)
        self.ema = Ema(self.detector, config.ema_decay)
        per_epoch = self.loader.steps_per_epoch
        total = max(config.epochs * per_epoch, config.min_steps)
        warmup = min(config.warmup_steps, total // 4)
        self.schedule = Schedule(config.schedule, total, warmup, config.max_minutes * 60.0)
        self.recipe: Recipe = recipe(config.augmentation, any_direction=config.any_direction)
        self.spent_on_scores = self.last_score_cost = self.last_saved = 0.0
        self.without_gain = 0
        progress.log.emit(
            RunStarted(
                run_id=progress.run_dir.name,
                device=devices.describe(str(self.device)),
                train_images=len(plan.train),
                val_images=len(plan.val),
                epochs=-(-total // per_epoch),
                steps_per_epoch=per_epoch,
                boxes=self.loader.box_count,
            )
        )
        for remark in plan.remarks:
            progress.warn(remark)

    def run(self) -> str:
        """-> "finished" or "stopped"."""
        try:
            return self._loop()
        except Cancelled:
            return "stopped"
        finally:
            self.loader.close()
            self._keep_something()

    def _loop(self) -> str:
        progress, schedule = self.progress, self.schedule
        self.precision = choose_precision(self.config.amp, self.device, self.detector, self.loader.sample_batch())
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision.name == "fp16")
        write_run_files(progress.run_dir, self.config, self.device, self.precision.name)
        meter = _Meter(self)
        while not schedule.done:
            progress.epoch += 1
            for batch in meter.timed(self.loader.epoch(progress.epoch, self._recipe_now)):
                if self.should_stop():
                    return "stopped"
                rate = self.config.lr * schedule.factor(progress.step)
                losses = self._step(batch, rate)
                progress.step += 1
                if schedule.advance(progress.step, progress.elapsed_s) >= SETTLE_AT:
                    self.detector.roi_heads.settle()
                meter.note(batch, losses, rate)
                if schedule.done:
                    break
            meter.flush()
            if self._scores_due() and not self._evaluate():
                break
        return "finished"

    def _step(self, batch: Batch, rate: float) -> Tensor:
        """One optimiser step. -> the losses (4,) on the device, in the order of LOSS_NAMES."""
        set_rate(self.optimizer, rate)
        with self.precision.autocast():
            by_name, _ = self.detector(batch.images, batch.targets)
        losses = torch.stack([by_name[name].float() for name in LOSS_NAMES])
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(losses.sum()).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.detector.parameters(), self.config.clip_norm or float("inf"))
        if self.device.type != "cpu" or bool(norm.isfinite()):
            self.scaler.step(self.optimizer)
            self.ema.update(self.detector)
        self.scaler.update()
        return losses.detach()

    def _recipe_now(self) -> Recipe:
        return self.recipe.closed() if self.schedule.closing else self.recipe

    def _scores_due(self) -> bool:
        if self.schedule.done:
            return True
        if self.progress.epoch % max(1, self.config.evaluate_every):
            return False
        if self.schedule.budget_s <= 0 or self.last_score_cost == 0:
            return True
        return self.spent_on_scores + self.last_score_cost <= EVALUATION_SHARE * self.progress.elapsed_s

    def _evaluate(self) -> bool:
        """Scores the averaged weights and keeps them if they are the best. -> False when patience has run out."""
        progress = self.progress
        start = time.perf_counter()
        scores = self.validator.evaluate(self.ema.model, self.precision, self.should_stop)
        better = progress.best is None or scores.AP > progress.best.scores.AP
        event = EpochEvaluated(
            epoch=progress.epoch, step=progress.step, scores=scores, best=better, elapsed_s=progress.elapsed_s
        )
        if better:
            progress.best = event
            self._save("best")
            write_json(progress.run_dir / "scores.json", asdict(scores))
        progress.log.emit(event)
        if progress.elapsed_s - self.last_saved > LAST_EVERY_S:
            self._save("last")
        self.last_score_cost = time.perf_counter() - start
        self.spent_on_scores += self.last_score_cost
        self.schedule.reserve_s = 1.5 * self.last_score_cost + 1.0
        self.without_gain = 0 if better else self.without_gain + 1
        return not self.config.patience or self.without_gain < self.config.patience

    def _save(self, name: str) -> None:
        progress = self.progress
        scores = progress.best.scores if name == "best" and progress.best else None
        manifest = Manifest(
            epoch=progress.epoch,
            step=progress.step,
            config=self.config,
            table=self.table,
            amp=self.precision.name,
            scores=scores,
        )
        path = save_checkpoint(progress.run_dir, name, self.ema.model.state_dict(), manifest)
        self.last_saved = progress.elapsed_s
        progress.log.emit(CheckpointSaved(name=name, epoch=progress.epoch, path=str(path)))

    def _keep_something(self) -> None:
        """At the end, however it came: the last weights, and as the best ones if none were scored."""
        if self.progress.step:
            self._save("last")
            if self.progress.best is None:
                self._save("best")

    def _train_mode(self) -> None:
        self.detector.train()
        freeze(self.detector, self.config.trainable_layers)


class _Meter:
    """Measures steps and reports them; reads losses from the device as seldom as that wants."""

    def __init__(self, training: _Training) -> None:
        self._training = training
        self._every = READ_EVERY.get(training.device.type, 10)
        self._waiting: list[tuple[StepDone, Tensor, Batch]] = []
        self._marks: deque[tuple[float, int]] = deque(maxlen=20)
        self._data_wait = 0.0
        self._bad = 0

    def timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches; how long each was waited for is remembered."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self._data_wait = time.perf_counter() - start
            if batch is None:
                return
            yield batch

    def note(self, batch: Batch, losses: Tensor, rate: float) -> None:
        progress, schedule = self._training.progress, self._training.schedule
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
            left_s=schedule.left_s(progress.step, now),
        )
        self._waiting.append((event, losses, batch))
        if len(self._waiting) >= self._every:
            self.flush()

    def flush(self) -> None:
        """Reports what is waiting. Raises EngineError when the losses stay without a finite value."""
        if not self._waiting:
            return
        rows = torch.stack([losses for _, losses, _ in self._waiting]).tolist()
        for (event, _, batch), row in zip(self._waiting, rows, strict=True):
            total = sum(row)
            self._bad = self._bad + 1 if total - total != 0 else 0  # inf and NaN alone differ from themselves here
            if self._bad:
                self._complain(batch)
            else:
                self._training.progress.log.emit(replace(event, loss=total, losses=tuple(row)))
        self._waiting.clear()

    def _complain(self, batch: Batch) -> None:
        names = ", ".join(self._training.loader.name(index) for index in batch.indices)
        message = f"The loss is not a finite number on {names}."
        if self._bad >= BAD_STEPS:
            raise EngineError(f"{message} The best checkpoint so far is kept. Lower lr, and check these boxes.")
        self._training.progress.warn(message)
