"""What each export format would leave out of an open project, counted before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from rcnn_studio.domain.progress import Report, ShouldStop, check
from rcnn_studio.formats import codec
from rcnn_studio.formats.losses import losses
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.exporting import EXPORT_FORMATS

Losses = Mapping[str, tuple[str, ...]]
"""Format -> a sentence for each thing that it has no place for."""


def count_losses(store: ProjectStore, _report: Report, should_stop: ShouldStop) -> Losses:
    """A task for a job: a second or two for a million boxes. Raises ProjectError, Cancelled."""
    dataset = store.snapshot()
    found: dict[str, tuple[str, ...]] = {}
    for name in EXPORT_FORMATS:
        check(should_stop)
        found[name] = losses(dataset, codec(name).holds)
    return found
