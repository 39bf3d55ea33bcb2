"""A project's or a dataset's numbers, counted without keeping a commit waiting. Prints and draws nothing."""

from __future__ import annotations

from rcnn_studio.domain import statistics
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.domain.statistics import Statistics, TrainingSize
from rcnn_studio.store.project import ProjectStore


def count_project(
    store: ProjectStore,
    *,
    training_size: TrainingSize | None = None,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Statistics:
    """The numbers of everything submitted so far; about 3 s for a million boxes, so not on the window's thread.

    Reads one snapshot over a connection of its own; the database is free while the numbers are made from it. Raises
    ProjectError, Cancelled.
    """
    check(should_stop)
    report(Progress("Reading the labels", 0, 2))
    dataset = store.snapshot()
    check(should_stop)
    report(Progress("Counting", 1, 2))
    counted = statistics.count(dataset, training_size)
    check(should_stop)
    report(Progress("Counting", 2, 2))
    return counted
