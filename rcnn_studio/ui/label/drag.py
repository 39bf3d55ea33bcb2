"""What a drag makes of a rectangle: drawn, resized, moved. Corners that are dragged fall on whole pixels.

Pure arithmetic in image pixels: knows no screen, no boxes and no undo.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from rcnn_studio.domain.geometry import ordered
from rcnn_studio.ui.label.hit import Handle
from rcnn_studio.ui.label.shapes import Corners

Size = tuple[int, int]


def whole(value: float) -> float:
    """The nearest whole pixel edge, halves upward."""
    return float(math.floor(value + 0.5))


def inside(x: float, y: float, size: Size) -> tuple[float, float]:
    """The nearest whole pixel corner within the image."""
    return min(max(whole(x), 0.0), float(size[0])), min(max(whole(y), 0.0), float(size[1]))


def drawn(
    start: tuple[float, float], end: tuple[float, float], size: Size, *, square: bool = False, centred: bool = False
) -> Corners:
    """The rectangle from one corner (or, centred, from the middle) to the other, inside the image."""
    x0, y0 = inside(*start, size)
    x1, y1 = inside(*end, size)
    dx, dy = x1 - x0, y1 - y0
    if centred:
        dx = math.copysign(min(abs(dx), x0, size[0] - x0), dx)
        dy = math.copysign(min(abs(dy), y0, size[1] - y0), dy)
    if square:
        room_x = min(x0, size[0] - x0) if centred else (size[0] - x0 if dx >= 0 else x0)
        room_y = min(y0, size[1] - y0) if centred else (size[1] - y0 if dy >= 0 else y0)
        side = min(max(abs(dx), abs(dy)), room_x, room_y)
        dx, dy = math.copysign(side, dx), math.copysign(side, dy)
    if centred:
        return ordered(x0 - dx, y0 - dy, x0 + dx, y0 + dy)
    return ordered(x0, y0, x0 + dx, y0 + dy)


def placed(middle: tuple[float, float], room: Corners, taken: Collection[Corners]) -> Corners:
    """A square about a point, a fifth of the room's shorter side, on whole pixels inside the room; beside the very same
    one where that is taken. room: whole pixels, at least one each way."""
    x1, y1, x2, y2 = room
    side = max(1.0, whole(min(x2 - x1, y2 - y1) / 5))
    left = min(max(x1, whole(middle[0] - side / 2)), x2 - side)
    top = min(max(y1, whole(middle[1] - side / 2)), y2 - side)
    spot = (left, top)
    for shift in range(0, 200, 10):
        spot = (min(left + shift, x2 - side), min(top + shift, y2 - side))
        if (*spot, spot[0] + side, spot[1] + side) not in taken:
            break
    return (*spot, spot[0] + side, spot[1] + side)


def resized(
    corners: Corners, handle: Handle, x: float, y: float, size: Size, *, aspect: bool = False, centred: bool = False
) -> Corners:
    """The rectangle with the handle pulled to (x, y), inside the image; pulling past the far side turns it over.

    aspect: width to height stays as it was. centred: the opposite side moves by as much.
    """
    x1, y1, x2, y2 = corners
    px, py = inside(x, y, size)
    left, right = (px if handle.moves_left else x1), (px if handle.moves_right else x2)
    top, bottom = (py if handle.moves_top else y1), (py if handle.moves_bottom else y2)
    if centred:
        left, right = _mirrored(left, right, x1, x2, handle.moves_left, handle.moves_right)
        top, bottom = _mirrored(top, bottom, y1, y2, handle.moves_top, handle.moves_bottom)
    if aspect and x2 > x1 and y2 > y1:
        left, top, right, bottom = _with_aspect((left, top, right, bottom), corners, handle, centred=centred)
    left, top, right, bottom = ordered(left, top, right, bottom)
    return max(left, 0.0), max(top, 0.0), min(right, float(size[0])), min(bottom, float(size[1]))


def moved(boxes: Sequence[Corners], dx: float, dy: float, size: Size) -> list[Corners]:
    """The boxes shifted together by whole pixels, stopped where the first of them meets the image's border."""
    dx = _stopped(whole(dx), -min(b[0] for b in boxes), size[0] - max(b[2] for b in boxes))
    dy = _stopped(whole(dy), -min(b[1] for b in boxes), size[1] - max(b[3] for b in boxes))
    return [(b[0] + dx, b[1] + dy, b[2] + dx, b[3] + dy) for b in boxes]


def _stopped(step: float, low: float, high: float) -> float:
    """A step cut to [low, high]; a box that lies outside already is not pushed back."""
    return min(step, max(0.0, high)) if step > 0 else max(step, min(0.0, low))


def _mirrored(
    near: float, far: float, near_was: float, far_was: float, near_moves: bool, far_moves: bool
) -> tuple[float, float]:
    if near_moves:
        return near, far_was + (near_was - near)
    if far_moves:
        return near_was - (far - far_was), far
    return near, far


def _with_aspect(now: Corners, was: Corners, handle: Handle, *, centred: bool) -> Corners:
    """The larger of the two changes decides; an edge handle grows the other direction about its middle."""
    ratio = (was[2] - was[0]) / (was[3] - was[1])
    width, height = abs(now[2] - now[0]), abs(now[3] - now[1])
    if handle in (Handle.N, Handle.S):
        width = whole(height * ratio)
    elif handle in (Handle.E, Handle.W) or width >= height * ratio:
        height = whole(width / ratio)
    else:
        width = whole(height * ratio)
    x1, x2 = _anchored(now[0], now[2], width, handle.moves_left, handle.moves_right, centred)
    y1, y2 = _anchored(now[1], now[3], height, handle.moves_top, handle.moves_bottom, centred)
    return x1, y1, x2, y2


def _anchored(
    near: float, far: float, length: float, near_moves: bool, far_moves: bool, centred: bool
) -> tuple[float, float]:
    if centred or not (near_moves or far_moves):
        middle = (near + far) / 2
        start = whole(middle - length / 2)
        return start, start + length
    if near_moves:
        return (far - length, far) if near <= far else (far + length, far)
    return (near, near + length) if far >= near else (near, near - length)
