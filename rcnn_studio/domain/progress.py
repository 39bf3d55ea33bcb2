"""How long work speaks: a frozen report of what is done and what is left, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rcnn_studio.domain.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units (total 0: unknown yet) of the work named by `text`."""

    text: str
    done: int = 0
    total: int = 0


Report = Callable[[Any], None]
"""Receives frozen events (Progress, TrainEvent, ...) on the worker's thread."""

ShouldStop = Callable[[], bool]
"""True once the person has asked the work to stop; asked for often, so it must be cheap."""


def ignore(_event: Any) -> None:
    """A Report for callers that do not listen."""


def never() -> bool:
    """A ShouldStop for work that nobody can stop."""
    return False


def check(should_stop: ShouldStop) -> None:
    """Raises Cancelled if the person has asked to stop."""
    if should_stop():
        raise Cancelled()
