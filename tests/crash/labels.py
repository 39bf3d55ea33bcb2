"""What a project must say, kept beside it: plain states, and which of them a database or a file may hold after a cut.

Knows nothing of how the store works; it compares what was asked for with what is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = tuple[int, float, float, float, float, int]
"""A box: id, x1, y1, x2, y2, category id."""

Shown = tuple[tuple[str, float, float, float, float], ...]
"""What a file says of one image: category names and 0-based half-open corners, sorted."""


class Fault(AssertionError):
    """The promise is broken. kind: "lost", "unreadable", "file", "conflict", "crash" or "stuck"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True, slots=True, eq=True)
class Labels:
    """Everything a person could see: {image id: (state, its boxes by id)} and the categories as (id, name).

    NO_LABELS: there is no project.
    """

    images: Mapping[int, tuple[int, tuple[Row, ...]]]
    categories: tuple[tuple[int, str], ...]

    def after(self, plan: Mapping[str, Any]) -> Labels:
        """The labels once the announced edit (see editor.announce) is done."""
        images = dict(self.images)
        for image_id, state, rows in plan["images"]:
            images[int(image_id)] = (int(state), rows_of(rows))
        categories = self.categories if plan["categories"] is None else named(plan["categories"])
        return Labels(images=images, categories=categories)

    def shown(self, image_id: int, *, by_index: bool = False) -> Shown:
        """What a dataset file must say of this image; by_index: it holds YOLO's indexes and no names."""
        names = {number: str(number - 1) if by_index else name for number, name in self.categories}
        return tuple(sorted((names[row[5]], *row[1:5]) for row in self.images[image_id][1]))


NO_LABELS = Labels(images={}, categories=())


def rows_of(rows: Iterable[Sequence[Any]]) -> tuple[Row, ...]:
    """Boxes as they come through JSON."""
    return tuple(sorted((int(r[0]), float(r[1]), float(r[2]), float(r[3]), float(r[4]), int(r[5])) for r in rows))


def named(pairs: Iterable[Sequence[Any]]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted((int(number), str(name)) for number, name in pairs))


def from_dump(dump: Mapping[str, Any]) -> Labels:
    images = {int(i): (int(state), rows_of(rows)) for i, state, rows in dump["images"]}
    return Labels(images=images, categories=named(dump["categories"]))


@dataclass(slots=True)
class Expected:
    """The labels after each announced edit, since the database was last known, and how many were acknowledged.

    states[0] is what is known to be in the database; older: the versions that a file may still show.
    """

    states: list[Labels]
    acknowledged: int = 0
    older: list[Labels] = field(default_factory=list)

    def announce(self, plan: Mapping[str, Any]) -> None:
        self.states.append(self.states[-1].after(plan))

    def acknowledge(self, number: int) -> None:
        """The edit announced as number `number` (from 1) is said to be saved, and with it all before it."""
        if not 0 < number < len(self.states):
            raise Fault("crash", f"edit {number} was acknowledged, {len(self.states) - 1} were made")
        self.acknowledged = max(self.acknowledged, number)

    def match(self, found: Labels) -> int:
        """How many of the announced edits are in the database. Raises Fault if an acknowledged one is not, or if
        what is there is no state the project ever had."""
        for number in range(len(self.states) - 1, -1, -1):
            if self.states[number] == found:
                if number < self.acknowledged:
                    lost = self.acknowledged - number
                    raise Fault("lost", f"{lost} acknowledged edits are gone (of {self.acknowledged})")
                return number
        raise Fault("lost", self._difference(found))

    def versions(self, upto: int | None = None) -> list[Labels]:
        """What a file may show: every state since all files were last seen up to date, to edit `upto`."""
        last = len(self.states) - 1 if upto is None else upto
        return [*self.older, *self.states[: last + 1]]

    def settle(self, number: int) -> None:
        """The database holds exactly the first `number` edits; the rest never happened."""
        self.older += self.states[:number]
        self.states = [self.states[number]]
        self.acknowledged = 0

    def files_are_current(self) -> None:
        self.older.clear()

    def _difference(self, found: Labels) -> str:
        nearest = self.states[self.acknowledged]
        ids = sorted(i for i in nearest.images if nearest.images[i] != found.images.get(i))
        return (
            f"the database is in no state it ever had: images {ids[:5]} differ from the last acknowledged edit"
            f" ({self.acknowledged}); e.g. found {found.images.get(ids[0]) if ids else found.categories}"
        )


def brief(text: str) -> str:
    """Both ends of a long text: a traceback says at its end what went wrong."""
    return text if len(text) <= 1200 else f"{text[:300]} [...] {text[-900:]}"
