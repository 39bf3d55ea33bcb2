"""How far a training is and when it is scored next, in words, by the trainer's own estimates."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.sentences import duration_text
from rcnn_studio.workspace.training import TrainingModel

LATE = 1.02
"""A limit that is missed by less still holds."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainingProgress", text)


def share_done(training: TrainingModel) -> float:
    """How much of the training is over, 0..1."""
    if not training.steps:
        return 0.0
    step = training.steps[-1]
    whole = step.elapsed_s + max(0.0, step.left_s)
    return min(1.0, step.elapsed_s / whole) if whole > 0 else 0.0


def limit_s(training: TrainingModel) -> float:
    """Seconds at which a time limit ends the run, 0 without one; later where it is already sure to be missed."""
    limit = training.started.limit_s if training.started is not None else 0.0
    if limit <= 0 or not training.steps:
        return limit
    step = training.steps[-1]
    whole = step.elapsed_s + max(0.0, step.left_s)
    return whole if step.elapsed_s > limit * LATE else limit


def time_text(training: TrainingModel) -> str:
    """ "02:10 of 04:30" with a time limit, "02:10" without."""
    if not training.steps:
        return ""
    gone, limit = duration_text(training.steps[-1].elapsed_s), limit_s(training)
    return _tr("{0} of {1}").format(gone, duration_text(limit)) if limit > 0 else gone


def epoch_text(training: TrainingModel) -> str:
    """ "3 / 20" where the number of epochs is settled; "3" where a time limit decides how many there will be."""
    if not training.steps:
        return ""
    epoch, started = training.steps[-1].epoch, training.started
    total = started.epochs if started is not None and started.limit_s <= 0 else 0
    return f"{epoch}/{total}" if total >= epoch else str(epoch)


def scoring_text(training: TrainingModel) -> str:
    """When the validation images were scored last, when they will be, and why not after every epoch."""
    if not training.running or not training.steps:
        return ""
    if not training.evaluations:
        return _tr("The first scores come after epoch {0}.").format(_first_scored(training))
    last = training.evaluations[-1]
    if last.next_s <= last.elapsed_s:
        return _tr("Scored after epoch {0}.").format(last.epoch)
    when = _tr("Scored after epoch {0}; next scoring at about {1}.").format(last.epoch, duration_text(last.next_s))
    if training.started is None or training.started.limit_s <= 0:
        return when
    cost = max(1, round(last.cost_s))
    why = _tr("Scoring takes {0} s, so with a time limit it is done seldom: at most 6 % of the time.")
    return f"{when} {why.format(cost)}"


def _first_scored(training: TrainingModel) -> int:
    return max(1, training.config.evaluate_every) if training.config is not None else 1
