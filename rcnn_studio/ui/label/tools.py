"""What the mouse does: a tool turns a press into a gesture; a gesture commits once, when it ends.

Tools and gestures speak to the canvas through `Surface` and to nothing else: they paint nothing and know no undo.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PySide6.QtCore import Qt

from rcnn_studio.domain.geometry import ordered
from rcnn_studio.ui.label import drag, group
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.snapping import Lines

CLICK_PX = 4.0
"""Logical pixels of movement up to which a press and release are a click, not a drag."""

RESIZE_PX = 2.0
"""A handle follows the hand from here on: a click that trembles resizes nothing, and one pixel can still be set."""

Modifier = Qt.KeyboardModifier


Point = tuple[float, float]
Grip = tuple[tuple[int, ...], Handle]
"""Ids of the boxes that a handle resizes: one, or several in a common frame."""
Axes = tuple[bool, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The mouse at one moment: x, y in image pixels, wx, wy in logical widget pixels."""

    x: float
    y: float
    wx: float
    wy: float
    modifiers: Qt.KeyboardModifier = Modifier.NoModifier

    def far_from(self, other: Pointer, px: float = CLICK_PX) -> bool:
        """Further than a click trembles."""
        return math.hypot(self.wx - other.wx, self.wy - other.wy) > px

    def holds(self, modifier: Qt.KeyboardModifier) -> bool:
        return bool(self.modifiers & modifier)


class Surface(Protocol):
    """The canvas as tools see it."""

    @property
    def image_size(self) -> tuple[int, int]: ...
    @property
    def selection(self) -> frozenset[int]: ...
    def stack_at(self, p: Pointer) -> list[int]: ...
    def ghost_at(self, p: Pointer, *, smaller_than: int | None) -> int | None: ...
    def grip_at(self, p: Pointer) -> Grip | None: ...
    def boxes_within(self, band: Corners) -> list[int]: ...
    def corners(self, box_id: int) -> Corners: ...
    def select(self, box_ids: Sequence[int]) -> None: ...
    def focus_ghost(self, index: int) -> None: ...
    def show_draft(self, draft: Corners | None) -> None: ...
    def show_band(self, band: Corners | None) -> None: ...
    def show_moved(self, moved: dict[int, Corners]) -> None: ...
    def pan_by(self, dx: float, dy: float) -> None: ...
    def lines(self, p: Pointer, moving: Collection[int]) -> Lines: ...
    def show_guides(self, x: float | None, y: float | None) -> None: ...
    def commit_drawn(self, corners: Corners, *, exact: bool) -> None: ...
    def commit_moved(self, moved: dict[int, Corners], *, resized: bool) -> None: ...


class Gesture(Protocol):
    """Something begun with a press. press and release answer True when it is over."""

    def move(self, p: Pointer) -> None: ...
    def press(self, p: Pointer) -> bool: ...
    def release(self, p: Pointer) -> bool: ...
    def cancel(self) -> None: ...


class Tool(Protocol):
    name: str

    def press(self, p: Pointer) -> Gesture | None: ...


def _stuck(surface: Surface, p: Pointer, x: float, y: float, moving: Collection[int], *, both: Axes) -> Point:
    """The point moved to the lines that its edges stick to, which are shown; both: whether x and y may move."""
    lines = surface.lines(p, moving)
    to_x = lines.snap_x(x) if both[0] else None
    to_y = lines.snap_y(y) if both[1] else None
    surface.show_guides(*lines.inner(to_x, to_y))
    return (x if to_x is None else to_x), (y if to_y is None else to_y)


class DrawGesture:
    """A box from corner to corner, by dragging or by two clicks.

    Shift: a square; Alt: from the centre; Ctrl: exactly these corners, without sticking to lines or to a detection.
    """

    def __init__(self, surface: Surface, p: Pointer) -> None:
        self._surface = surface
        self._start = p
        self._from = _stuck(surface, p, p.x, p.y, (), both=(True, True))
        self._clicked = False

    def move(self, p: Pointer) -> None:
        if self._clicked or p.far_from(self._start):
            self._surface.show_draft(self._rectangle(p))

    def press(self, _p: Pointer) -> bool:
        return False

    def release(self, p: Pointer) -> bool:
        if not self._clicked and not p.far_from(self._start):
            self._clicked = True
            return False
        corners = self._rectangle(p)
        self._surface.show_draft(None)
        if corners[2] - corners[0] >= 1 and corners[3] - corners[1] >= 1:
            self._surface.commit_drawn(corners, exact=p.holds(Modifier.ControlModifier))
        return True

    def cancel(self) -> None:
        self._surface.show_draft(None)

    def _rectangle(self, p: Pointer) -> Corners:
        return drag.drawn(
            self._from,
            _stuck(self._surface, p, p.x, p.y, (), both=(True, True)),
            self._surface.image_size,
            square=p.holds(Modifier.ShiftModifier),
            centred=p.holds(Modifier.AltModifier),
        )


class ResizeGesture:
    """A handle pulled; the grip keeps its distance from the pointer, so that a press alone changes nothing.

    Of several boxes their common frame is pulled, and they are scaled with it.
    clicked: what a press without a drag selects; empty: it leaves the selection alone.
    """

    def __init__(self, surface: Surface, p: Pointer, grip: Grip, clicked: Sequence[int] = ()) -> None:
        self._surface = surface
        self._start = p
        self._ids, self._handle = grip
        self._clicked = list(clicked)
        self._pulled = False
        self._boxes = {box_id: surface.corners(box_id) for box_id in self._ids}
        self._was = group.frame_of(np.array(list(self._boxes.values())))
        x1, y1, x2, y2 = self._was
        self._dx = (x1 if self._handle.moves_left else x2) - p.x
        self._dy = (y1 if self._handle.moves_top else y2) - p.y
        self._now = self._was

    def move(self, p: Pointer) -> None:
        self._pulled = self._pulled or p.far_from(self._start, RESIZE_PX)
        if not self._pulled:
            return
        sideways = self._handle.moves_left or self._handle.moves_right
        upright = self._handle.moves_top or self._handle.moves_bottom
        self._now = drag.resized(
            self._was,
            self._handle,
            *_stuck(self._surface, p, p.x + self._dx, p.y + self._dy, self._ids, both=(sideways, upright)),
            self._surface.image_size,
            aspect=p.holds(Modifier.ShiftModifier),
            centred=p.holds(Modifier.AltModifier),
        )
        self._surface.show_moved(self._made())

    def _made(self) -> dict[int, Corners]:
        if len(self._ids) == 1:
            return {self._ids[0]: self._now}
        return group.scaled(self._boxes, self._was, self._now)

    def press(self, _p: Pointer) -> bool:
        return False

    def release(self, p: Pointer) -> bool:
        self.move(p)
        self._surface.show_moved({})
        x1, y1, x2, y2 = self._now
        if not self._pulled and self._clicked:
            self._surface.select(self._clicked)
        if self._now != self._was and x2 - x1 >= 1 and y2 - y1 >= 1:
            self._surface.commit_moved(self._made(), resized=True)
        return True

    def cancel(self) -> None:
        self._surface.show_moved({})


class MoveGesture:
    """Boxes dragged together; without a drag it was a click, which takes the next box of the stack under it."""

    def __init__(self, surface: Surface, p: Pointer, box_ids: Sequence[int], clicked: Sequence[int]) -> None:
        self._surface = surface
        self._start = p
        self._ids = list(box_ids)
        self._was = [surface.corners(box_id) for box_id in self._ids]
        self._clicked = list(clicked)
        self._now: dict[int, Corners] = {}

    def move(self, p: Pointer) -> None:
        if not self._now and not p.far_from(self._start):
            return
        lines = self._surface.lines(p, self._ids)
        dx, dy, x, y = lines.shift(self._was, p.x - self._start.x, p.y - self._start.y)
        there = drag.moved(self._was, dx, dy, self._surface.image_size)
        self._now = dict(zip(self._ids, there, strict=True))
        self._surface.show_guides(*lines.inner(x, y))
        self._surface.show_moved(self._now)

    def press(self, _p: Pointer) -> bool:
        return False

    def release(self, p: Pointer) -> bool:
        self.move(p)
        self._surface.show_moved({})
        if not self._now:
            self._surface.select(self._clicked)
        elif list(self._now.values()) != self._was:
            self._surface.commit_moved(self._now, resized=False)
        return True

    def cancel(self) -> None:
        self._surface.show_moved({})


class BandGesture:
    """A rubber band: selects the boxes that lie wholly in it; Ctrl adds to the selection."""

    def __init__(self, surface: Surface, p: Pointer) -> None:
        self._surface = surface
        self._start = p
        self._kept = surface.selection if p.holds(Modifier.ControlModifier) else frozenset[int]()
        self._band: Corners | None = None

    def move(self, p: Pointer) -> None:
        if self._band is not None or p.far_from(self._start):
            self._band = ordered(self._start.x, self._start.y, p.x, p.y)
            self._surface.show_band(self._band)

    def press(self, _p: Pointer) -> bool:
        return False

    def release(self, p: Pointer) -> bool:
        self.move(p)
        self._surface.show_band(None)
        found = self._surface.boxes_within(self._band) if self._band is not None else []
        self._surface.select([*self._kept, *found])
        return True

    def cancel(self) -> None:
        self._surface.show_band(None)


class PanGesture:
    """The picture follows the pointer."""

    def __init__(self, surface: Surface, p: Pointer) -> None:
        self._surface = surface
        self._last = p

    def move(self, p: Pointer) -> None:
        self._surface.pan_by(p.wx - self._last.wx, p.wy - self._last.wy)
        self._last = p

    def press(self, _p: Pointer) -> bool:
        return False

    def release(self, _p: Pointer) -> bool:
        return True

    def cancel(self) -> None:
        pass


class DrawTool:
    """Every press begins a box, but for one on a handle of the selected box, which lies inside of that; Ctrl draws
    there too."""

    name = "draw"

    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    def press(self, p: Pointer) -> Gesture | None:
        grip = self._surface.grip_at(p)
        if grip is not None:
            return ResizeGesture(self._surface, p, grip)
        return DrawGesture(self._surface, p)


class SelectTool:
    """Picks, moves and resizes; a repeated click goes through the boxes that lie on each other.

    Ctrl+click adds and takes away; a drag from an empty place, or with Shift from anywhere, is a rubber band.
    """

    name = "select"

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._last_click: Pointer | None = None

    def press(self, p: Pointer) -> Gesture | None:
        surface = self._surface
        repeated = self._last_click is not None and not p.far_from(self._last_click)
        self._last_click = p
        control = p.holds(Modifier.ControlModifier)
        grip = None if control else surface.grip_at(p)
        stack = surface.stack_at(p)
        if grip is not None:
            return ResizeGesture(surface, p, grip, clicked=self._following(stack, repeated=repeated))
        ghost = surface.ghost_at(p, smaller_than=stack[0] if stack else None)
        if ghost is not None and not control and not p.holds(Modifier.ShiftModifier):
            surface.focus_ghost(ghost)
            return None
        if not stack or p.holds(Modifier.ShiftModifier):
            return BandGesture(surface, p)
        return self._pick(p, stack, repeated=repeated, control=control)

    def _pick(self, p: Pointer, stack: list[int], *, repeated: bool, control: bool) -> Gesture | None:
        surface = self._surface
        if control:
            surface.select(sorted(surface.selection ^ {stack[0]}))
            return None
        clicked = self._following(stack, repeated=repeated)
        if surface.selection.isdisjoint(stack):
            surface.select([stack[0]])
        return MoveGesture(surface, p, sorted(surface.selection), clicked)

    def _following(self, stack: list[int], *, repeated: bool) -> list[int]:
        """What a click takes: the first of the stack, repeated at one place the one after that in hand."""
        held = [i for i, box_id in enumerate(stack) if box_id in self._surface.selection]
        return stack[(held[0] + 1) % len(stack) :][:1] if held and repeated else stack[:1]
