"""How far a training is, by the trainer's own estimate of what is left. Measures nothing itself."""

from __future__ import annotations

from rcnn_studio.workspace.training import TrainingModel

TRUSTED_STEPS = 10


def share_done(training: TrainingModel) -> float:
    """How much of the training is over, 0..1."""
    if not training.steps:
        return 0.0
    step = training.steps[-1]
    whole = step.elapsed_s + max(0.0, step.left_s)
    return min(1.0, step.elapsed_s / whole) if whole > 0 else 0.0


def expected_epochs(training: TrainingModel) -> int:
    """Epochs the run will have: the planned ones, or fewer where its time limit ends it before. 0: not known yet."""
    started = training.started
    if training.ended is not None and training.ended.epochs:
        return training.ended.epochs
    if started is None or started.epochs <= 0:
        return 0
    share = share_done(training)
    if len(training.steps) < TRUSTED_STEPS or started.steps_per_epoch <= 0 or share <= 0:
        return started.epochs
    at_this_pace = training.steps[-1].step / started.steps_per_epoch / share
    return max(training.steps[-1].epoch, min(started.epochs, round(at_this_pace)))
