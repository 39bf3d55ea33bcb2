"""Which of the boxes that lie on each other a click takes first, where a person has said so. Changes no label."""

from __future__ import annotations

from collections.abc import Collection, Sequence


class Stacking:
    """For the image at hand: the smallest first, but for the boxes brought to the front or sent to the back."""

    def __init__(self) -> None:
        self._ranks: dict[int, int] = {}
        self._top = 0

    def clear(self) -> None:
        self._ranks.clear()
        self._top = 0

    def to_front(self, box_ids: Collection[int]) -> None:
        self._top += 1
        self._ranks.update(dict.fromkeys(box_ids, self._top))

    def to_back(self, box_ids: Collection[int]) -> None:
        self._top += 1
        self._ranks.update(dict.fromkeys(box_ids, -self._top))

    def ordered(self, box_ids: Sequence[int]) -> list[int]:
        """Those brought to the front, the last one first; the others as they came; those sent to the back."""
        return sorted(box_ids, key=lambda i: -self._ranks.get(i, 0)) if self._ranks else list(box_ids)
