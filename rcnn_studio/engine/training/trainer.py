"""Trains a detector on a snapshot: one loop, whose events go to whoever listens and to the run folder.

Knows no window, no project and no threads but its loader's. A run is a list of stages, most often of one.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from torch import Tensor

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.errors import Cancelled, EngineError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, never
from rcnn_studio.domain.runs import (
    CheckpointSaved,
    EpochEvaluated,
    RunEnded,
    RunStarted,
    TrainConfig,
    event_from_json,
    event_to_json,
)
from rcnn_studio.domain.stages import OWN, SELECTIVE_SEARCH, STAGE, Stage, stages_of
from rcnn_studio.engine import device as devices
from rcnn_studio.engine.data.augment import Recipe, recipe
from rcnn_studio.engine.data.loader import ImageSource, TrainLoader
from rcnn_studio.engine.data.targets import CategoryTable
from rcnn_studio.engine.models.detector import Detector, build_detector
from rcnn_studio.engine.models.staging import enter_stage, take_parts
from rcnn_studio.engine.models.weights import load_weights, resolve_config
from rcnn_studio.engine.proposals import ProposalTable, dump, prepare, recall
from rcnn_studio.engine.threads import quiet_worker
from rcnn_studio.engine.training.checkpoints import FOLDER, Manifest, load_checkpoint, steps_of
from rcnn_studio.engine.training.deterministic import deterministic
from rcnn_studio.engine.training.events import EventLog
from rcnn_studio.engine.training.keeping import Keeper, Saved, load_last, nothing_left
from rcnn_studio.engine.training.learner import Learner
from rcnn_studio.engine.training.meter import Meter
from rcnn_studio.engine.training.precision import Precision, choose_precision
from rcnn_studio.engine.training.profile import Profile
from rcnn_studio.engine.training.progress import RunProgress
from rcnn_studio.engine.training.schedule import Schedule
from rcnn_studio.engine.training.scoring import ScoringPace
from rcnn_studio.engine.training.setup import Plan, plan_images, write_json, write_run_files
from rcnn_studio.engine.training.validation import Validator

SETTLE_AT = 0.5  # of the schedule: jittered boxes are for the start
PAUSE_POLL_S = 0.05
PROFILE_FILE = "profile.json"


def train(
    config: TrainConfig,
    snapshot: Dataset,
    run_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    *,
    should_pause: ShouldStop = never,
    resume: bool = False,
    profile: bool = False,
    cache_dir: Path | None = None,
) -> RunEnded:
    """Trains until the schedule is done or should_stop() says so; the best checkpoint is kept either way.

    Writes config.json, environment.json, events.jsonl, scores.json and checkpoints/ into run_dir (made if absent).
    should_pause: while it says so the training waits, saved. resume: go on from the run's last checkpoint, on a CPU bit
    for bit as if it had never ended. profile: measure where the time goes, into profile.json. cache_dir: where
    proposals are kept for all runs (None: the user's cache folder). Raises StudioError for what a person can mend,
    after a RunEnded event that says the run failed and why.
    """
    quiet_worker()
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"{run_dir}: cannot be made ({error.strerror}). Check the disk.") from error
    if resume and not steps_of(run_dir):
        raise nothing_left(run_dir)  # before a word is written: a finished run stays a finished one
    with EventLog(run_dir, report) as log:
        progress = RunProgress(run_dir, log)
        try:
            with deterministic(config.deterministic, progress.warn):
                saved = load_last(run_dir, progress.warn) if resume else None
                if saved is not None:
                    log.rewind(saved.manifest.step, saved.scored_epoch)
                place = cache_dir or platformdirs.user_cache_path("rcnn-studio") / "proposals"
                training = _Training(config, snapshot, progress, should_stop, should_pause, place, profile=profile)
                status = training.run(saved)
        except Exception as error:  # told to the run's readers, then raised on
            progress.end("failed", str(error) or type(error).__name__)
            raise
        return progress.end(status)


class _Training:
    """The parts of one training, and the loop that turns them."""

    learner: Learner
    loader: TrainLoader
    schedule: Schedule
    meter: Meter
    validator: Validator

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        progress: RunProgress,
        should_stop: ShouldStop,
        should_pause: ShouldStop,
        cache_dir: Path,
        *,
        profile: bool,
    ) -> None:
        self.runs_dir = progress.run_dir.parent
        self.config = resolve_config(config, self.runs_dir, exclude=progress.run_dir.name)
        self.plan: Plan = plan_images(dataset, self.config)
        self.stages = stages_of(self.config)
        self.dataset, self.progress, self.cache_dir = dataset, progress, cache_dir
        self.should_stop, self.should_pause = should_stop, should_pause
        self.device = devices.pick(config.device)
        self.profile = Profile(self.device, on=profile)
        self.table = CategoryTable(dataset.categories)
        self.source = ImageSource(dataset, short=self.config.image_size, longest=self.config.image_max_size)
        self.keeper = Keeper(progress.run_dir, progress.warn)
        self.recipe: Recipe = recipe(config.augmentation, any_direction=config.any_direction)
        self.precision: Precision | None = None
        self.number = 1  # of the stage
        self.stage_step = self.epoch_step = 0  # the steps at which the stage and the epoch began
        self.place = 0  # the epoch's next batch
        self.stage_began_s = self.last_saved = 0.0
        self.in_epoch = False
        self.pace = ScoringPace(every=max(1, config.evaluate_every), limited=config.max_minutes > 0)
        self.without_gain = 0

    def run(self, saved: Saved | None) -> str:
        """-> "finished" or "stopped"."""
        if saved is not None:
            self.precision = Precision(saved.manifest.amp, self.device.type)
            self.number = int(saved.manifest.training["stage"])
        try:
            for number in range(self.number, len(self.stages) + 1):
                self._begin(number, saved)
                saved = None
                try:
                    self._loop()
                finally:
                    self.loader.close()
                self._end_stage()
        except Cancelled:
            self._keep_for_resuming()
            return "stopped"
        except Exception:
            self._keep_something()
            raise
        finally:
            self._write_profile()
        self._keep_something()
        self.keeper.drop_steps()
        return "finished"

    # --- stages ---------------------------------------------------------------------------------------

    @property
    def stage(self) -> Stage:
        return self.stages[self.number - 1]

    def _begin(self, number: int, saved: Saved | None) -> None:
        """A stage's detector, loader, schedule and learner; where it was saved, from there."""
        config, progress = self.config, self.progress
        self.number, self.in_epoch = number, False
        self.stage_step, self.stage_began_s = progress.step, progress.elapsed_s
        proposals = self._proposals()
        self.stage_began_s = progress.elapsed_s  # a time limit is for the training; the boxes are found first
        detector = self._detector()
        self.loader = TrainLoader(
            self.source,
            self.dataset,
            self.plan.train,
            self.table,
            batch_size=config.batch_size,
            seed=config.seed,
            multi_scale=config.multi_scale,
            with_difficult=config.train_on_difficult,
            pin=self.device.type == "cuda",
            on_skipped=progress.skip,
            proposals=proposals.at_most(config.proposals_train) if proposals is not None else None,
            repeat_threshold=config.repeat_threshold,
        )
        given = proposals.at_most(config.proposals_test) if proposals is not None and detector.rpn is None else None
        self.validator = Validator(
            self.source, self.dataset, self.plan.val, self.table, self.loader.pool, progress.skip, given
        )
        per_epoch = self.loader.steps_per_epoch
        total = max(config.epochs * per_epoch, config.min_steps)
        share = self.stage.iterations
        steps = total if share == 1 else max(1, round(total * share))
        warmup = min(config.warmup_steps, steps // 4)
        self.schedule = Schedule(config.schedule, steps, warmup, config.max_minutes * 60.0 * share)
        if number == 1 or saved is not None:
            self._say_started(-(-total // per_epoch), per_epoch, resumed=saved is not None)
        enter_stage(detector, self.stage, config.trainable_layers)
        if self.precision is None:
            self.precision = choose_precision(config.amp, self.device, detector, self.loader.sample_batch())
        if number == 1 or saved is not None:
            write_run_files(progress.run_dir, config, self.device, self.precision.name)
        self.learner = Learner(detector, config, self.precision, self.profile, progress.warn)
        if saved is not None:
            self._take_up(saved)
        if self._heads_first:
            hold_backbone(detector)
        self.meter = Meter(progress, self.device, self.profile, left_s=self._left_s, name=self.loader.name)

    def _detector(self) -> Detector:
        torch.manual_seed(self.config.seed)
        detector = build_detector(self.config, len(self.table))
        load_weights(detector, self.config, self.table, self.runs_dir)
        take_parts(detector, self.stage, self._results())
        return detector.to(self.device)

    def _proposals(self) -> ProposalTable | None:
        """The boxes that are given to the stage's detector; None where it finds its own."""
        kind, report, stop = self.stage.proposals, self.progress.log.pass_on, self.should_stop
        if kind == OWN:
            return None
        if kind == SELECTIVE_SEARCH:
            indices = np.union1d(self.plan.train, self.plan.val)
            table = prepare(self.dataset, indices, self.config, self.cache_dir, report, stop)
            self.progress.warn(recall(self.dataset, indices, table).text())
            return table
        detector = build_detector(self.config, len(self.table))
        detector.load_state_dict(self._ended_with(int(kind.removeprefix(STAGE))))
        precision = self.precision or Precision("off", self.device.type)
        count = self.config.proposals_train
        return dump(
            detector.to(self.device), self.source, self.dataset, self.plan.train, precision, report, stop, count=count
        )

    def _ended_with(self, number: int) -> dict[str, Tensor]:
        return load_checkpoint(self.progress.run_dir / FOLDER / _stage(number))[0]

    def _results(self) -> dict[int, dict[str, Tensor]]:
        """What the earlier stages ended with that this one begins with."""
        wanted = {int(source.removeprefix(STAGE)) for _, source in self.stage.init}
        return {number: self._ended_with(number) for number in wanted}

    def _say_started(self, epochs: int, per_epoch: int, *, resumed: bool) -> None:
        self.progress.log.emit(
            RunStarted(
                run_id=self.progress.run_dir.name,
                device=devices.describe(str(self.device)),
                train_images=len(self.plan.train),
                val_images=len(self.plan.val),
                epochs=epochs,
                steps_per_epoch=per_epoch,
                boxes=self.loader.box_count,
                limit_s=self._limit_s(),
            )
        )
        for remark in () if resumed else self.plan.remarks:
            self.progress.warn(remark)

    def _limit_s(self) -> float:
        """Seconds of the run after which the time limit ends it; 0 without one."""
        if self.config.max_minutes <= 0:
            return 0.0
        ahead = sum(stage.iterations for stage in self.stages[self.number - 1 :])
        return self.stage_began_s + self.config.max_minutes * 60.0 * ahead

    def _end_stage(self) -> None:
        if self.number < len(self.stages):
            self._save_step()
            self.keeper.save(_stage(self.number), self.learner.ema.model.state_dict(), self._manifest())

    # --- the loop -------------------------------------------------------------------------------------

    def _loop(self) -> None:
        """Raises Cancelled when asked to stop."""
        progress, schedule = self.progress, self.schedule
        while self.in_epoch or not schedule.done:
            if not self.in_epoch:
                progress.epoch += 1
                self.in_epoch, self.place, self.epoch_step = True, 0, progress.step
            for batch in self.meter.timed(self.loader.epoch(progress.epoch, self._recipe_at, skip=self.place)):
                if schedule.done:
                    break
                self._wait_or_stop()
                rate = self.config.lr * self.stage.lr * schedule.factor(progress.step - self.stage_step)
                losses = self.learner.step(batch, rate)
                progress.step += 1
                self.place = batch.place + 1
                self._advance()
                self.meter.note(batch, losses, rate)
                self._save_if_due(epoch_ends=False)
            self.meter.flush()
            if self.stage.scored and self._scores_due() and not self._evaluate():
                return
            self.in_epoch = False
            if not schedule.done:
                self._save_if_due(epoch_ends=True)

    def _advance(self) -> None:
        """What changes with the schedule's progress besides the rate."""
        progress = self.progress
        step = progress.step - self.stage_step
        if self.schedule.advance(step, progress.elapsed_s - self.stage_began_s) >= SETTLE_AT:
            self.learner.detector.roi_heads.settle()
        if step == self.config.heads_first_steps:
            enter_stage(self.learner.detector, self.stage, self.config.trainable_layers)

    @property
    def _heads_first(self) -> bool:
        return self.progress.step - self.stage_step < self.config.heads_first_steps

    def _recipe_at(self, place: int) -> Recipe:
        closing = self.schedule.closing_at(self.epoch_step + place - self.stage_step)
        return self.recipe.closed() if closing else self.recipe

    def _left_s(self, elapsed_s: float) -> float:
        """Seconds to go, of this stage and of those behind it."""
        left = self.schedule.left_s(self.progress.step - self.stage_step, elapsed_s - self.stage_began_s)
        behind = sum(stage.iterations for stage in self.stages[self.number :])
        whole = left + elapsed_s - self.stage_began_s
        return left + whole * behind / self.stage.iterations

    def _wait_or_stop(self) -> None:
        if self.should_stop():
            raise Cancelled()
        if not self.should_pause():
            return
        before = self.progress.elapsed_s
        self._save_step()
        while self.should_pause() and not self.should_stop():
            time.sleep(PAUSE_POLL_S)
        self.progress.set_elapsed(before)
        self._wait_or_stop()

    # --- scores ---------------------------------------------------------------------------------------

    def _scores_due(self) -> bool:
        return self.schedule.done or self.pace.due(self.progress.epoch, self.progress.elapsed_s)

    def _next_scoring_s(self) -> float:
        """Seconds of the run at which the next scoring is about due, at its end at the latest; 0 where this was it."""
        now = self.progress.elapsed_s
        if self.schedule.done:
            return 0.0
        ends = now + max(0.0, self._left_s(now) - self.schedule.reserve_s)
        return min(self.pace.next_s(self.progress.epoch, now), ends)

    def _evaluate(self) -> bool:
        """Scores the averaged weights and keeps them if they are the best. -> False when patience has run out."""
        progress, model, precision = self.progress, self.learner.ema.model, self.learner.precision
        start = time.perf_counter()
        progress.log.pass_on(Progress("Scoring the validation images"))
        with self.profile.part("evaluation"):
            scores = self.validator.evaluate(model, precision, self.should_stop)
            loss = self.validator.loss(model, precision, self.should_stop) if self.config.validation_loss else -1.0
        self.pace.note(time.perf_counter() - start)
        self.schedule.reserve_s = 1.5 * self.pace.last_s + 1.0
        better = progress.best is None or scores.AP > progress.best.scores.AP
        event = EpochEvaluated(
            epoch=progress.epoch,
            step=progress.step,
            scores=scores,
            best=better,
            elapsed_s=progress.elapsed_s,
            val_loss=loss,
            cost_s=self.pace.last_s,
            next_s=self._next_scoring_s(),
        )
        if better:
            progress.best = event
            self._save("best")
            try:
                write_json(progress.run_dir / "scores.json", asdict(scores))
            except EngineError as error:
                progress.warn(str(error))
        progress.log.emit(event)
        self.without_gain = 0 if better else self.without_gain + 1
        return not self.config.patience or self.without_gain < self.config.patience

    # --- what is kept ---------------------------------------------------------------------------------

    def _manifest(self) -> Manifest:
        return Manifest(
            epoch=self.progress.epoch,
            step=self.progress.step,
            config=self.config,
            table=self.table,
            amp=self.learner.precision.name,
        )

    def _save(self, name: str) -> None:
        """The averaged weights."""
        progress = self.progress
        scores = progress.best.scores if name == "best" and progress.best else None
        manifest = replace(self._manifest(), scores=scores)
        with self.profile.part("saving"):
            path = self.keeper.save(name, self.learner.ema.model.state_dict(), manifest)
        if path is not None:
            progress.log.emit(CheckpointSaved(name=name, epoch=progress.epoch, path=str(path)))

    def _save_if_due(self, *, epoch_ends: bool) -> None:
        since = self.progress.elapsed_s - self.last_saved
        if self.keeper.due(since, epoch_ends=epoch_ends, every_s=self.config.save_minutes * 60.0):
            self._save_step()

    def _save_step(self) -> None:
        """All that is needed to go on from here."""
        if not self.progress.step:
            return
        learner = self.learner
        manifest = replace(self._manifest(), training={**self._notes(), **learner.notes()})
        with self.profile.part("saving"):
            path = self.keeper.save_step(learner.ema.model.state_dict(), learner.tensors(), manifest)
        self.last_saved = self.progress.elapsed_s
        if path is not None:
            self.progress.log.emit(CheckpointSaved(name="last", epoch=self.progress.epoch, path=str(path)))

    def _notes(self) -> dict[str, Any]:
        best = self.progress.best
        return {
            "stage": self.number,
            "stage_step": self.stage_step,
            "stage_began_s": self.stage_began_s,
            "epoch_step": self.epoch_step,
            "in_epoch": self.in_epoch,
            "place": self.place,
            "elapsed_s": self.progress.elapsed_s,
            "reached": self.schedule.reached,
            "reserve_s": self.schedule.reserve_s,
            "spent_on_scores": self.pace.spent_s,
            "last_score_cost": self.pace.last_s,
            "without_gain": self.without_gain,
            "best": event_to_json(best) if best is not None else None,
        }

    def _take_up(self, saved: Saved) -> None:
        """Back to where _notes() were taken."""
        notes, progress = saved.manifest.training, self.progress
        self.learner.restore(saved.average, saved.tensors, notes)
        progress.step, progress.epoch = saved.manifest.step, saved.manifest.epoch
        progress.set_elapsed(float(notes["elapsed_s"]))
        best = event_from_json(notes["best"]) if notes["best"] else None
        progress.best = best if isinstance(best, EpochEvaluated) else None
        self.stage_step, self.stage_began_s = int(notes["stage_step"]), float(notes["stage_began_s"])
        self.in_epoch, self.place = bool(notes["in_epoch"]), int(notes["place"])
        self.epoch_step = int(notes["epoch_step"])
        self.pace.spent_s, self.pace.last_s = float(notes["spent_on_scores"]), float(notes["last_score_cost"])
        self.without_gain, self.last_saved = int(notes["without_gain"]), progress.elapsed_s
        self.schedule.reached, self.schedule.reserve_s = float(notes["reached"]), float(notes["reserve_s"])
        if self.schedule.reached >= SETTLE_AT:
            self.learner.detector.roi_heads.settle()

    def _keep_for_resuming(self) -> None:
        if self.progress.step and hasattr(self, "learner"):
            self._save_step()
            if self.progress.best is None:
                self._save("best")

    def _keep_something(self) -> None:
        """At the end, however it came: the last weights, and as the best ones if none were scored."""
        if not self.progress.step:
            return
        self._save("last")
        if self.progress.best is None:
            self._save("best")

    def _write_profile(self) -> None:
        if self.profile.on:
            path = self.progress.run_dir / PROFILE_FILE
            write_json(path, self.profile.to_json(self.progress.elapsed_s))


def _stage(number: int) -> str:
    """Name of the checkpoint with which stage `number`, from 1, ended."""
    return f"stage-{number}"


def hold_backbone(detector: Detector) -> None:
    """Keeps body and pyramid as they are until the stage is entered again: new heads then do not shake them."""
    detector.backbone.requires_grad_(False)
    detector.backbone.eval()
