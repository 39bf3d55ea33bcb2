"""What is wrong in a dataset, as values: one problem names its file, the place in it and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One bad record or file. kind: a stable word (`zero-area`, `not-a-number`, `unreadable-image`, ...).

    where: place in the file (`object[3]/bndbox/xmax`), empty for the whole file. action: what was done about
    it and what the person can do. level: "error" (left out), "warning" (used, but look) or "note".
    """

    file: str
    where: str
    kind: str
    message: str
    action: str
    level: str = "error"

    def __str__(self) -> str:
        place = f"{self.file}: {self.where}" if self.where else self.file
        return f"{place}: {self.message} {self.action}".strip()
