"""The errors a user may meet: each message says what happened, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class StudioError(Exception):
    """Base of every error that is shown to the user as one message instead of a traceback."""


class FormatError(StudioError):
    """A dataset file or image that cannot be read or written as it is.

    path: the file; where: the place in it (`object[3]/bndbox/xmax`, empty for the whole file);
    reason: what is wrong and, where there is one, the remedy.
    """

    def __init__(self, path: Path | str, where: str, reason: str) -> None:
        self.path = Path(path)
        self.where = where
        self.reason = reason
        place = f"{path}: {where}" if where else f"{path}"
        super().__init__(f"{place}: {reason}")


class ProjectError(StudioError):
    """The project cannot be opened, locked, migrated or written."""


class EngineError(StudioError):
    """Training, prediction or evaluation cannot start or go on."""


class Cancelled(StudioError):
    """The person stopped the work; nothing is wrong."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)
