"""What a fuzzed number does to the boxes of an image, the same for every format that is patched."""

from __future__ import annotations

from dataclasses import replace

from rcnn_studio.domain.dataset import Box, BoxFlag


def edited(boxes: tuple[Box, ...], draw: int, spare: int, *, flags: BoxFlag) -> tuple[Box, ...]:
    """Some boxes deleted, moved, given another category or other flags, and one added, as the bits of `draw` say.

    spare: id of the category that is given; flags: those that are toggled, which the format must hold.
    """
    kept: list[Box] = []
    for number, box in enumerate(boxes):
        action = (draw >> (3 * (number % 9))) & 7
        if action == 1:
            continue
        if action in (2, 3):
            box = replace(box, x1=box.x1 - 1.0, y2=box.y2 + 2.25)
        if action in (3, 4):
            box = replace(box, flags=box.flags ^ flags)
        if action == 5:
            box = replace(box, category_id=spare)
        kept.append(box)
    if draw & 6:
        kept.append(Box(id=90_001, x1=1.0, y1=2.0, x2=30.5, y2=40.25, category_id=spare, flags=BoxFlag.TRUNCATED))
    return tuple(kept)
