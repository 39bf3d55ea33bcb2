"""Shapes of the labelled parts (and the coin) as height fields in their own coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .noise import Array, Mask

CLASSES = ("bolt", "nut", "washer", "lock_washer")
FINISHES = ("steel", "zinc", "brass", "black")


@dataclass(frozen=True)
class PartSpec:
    """One part on the table; lengths in supersampled pixels, ``size`` the nominal thread diameter."""

    kind: str
    x: float
    y: float
    angle: float
    size: float
    length: float
    finish: str
    detail: tuple[float, ...] = field(default=())
    lean: tuple[float, float] = (0.0, 0.0)

    @property
    def reach(self) -> float:
        """Radius of a circle round the centre that holds the whole part."""
        if self.kind == "bolt":
            return self.length / 2 + 1.2 * self.size
        return 1.45 * self.size + 2


@dataclass
class Relief:
    """What a shape function returns: where the part is, how high, and a factor on its reflectance."""

    mask: Mask
    height: Array
    tone: Array


def _wave(phase: Array, sharp: float) -> Array:
    """A triangular ridge of height one per unit of phase; ``sharp`` is the share of the period it fills."""
    offset = np.abs(phase - np.floor(phase) - 0.5) * 2
    return np.clip(1 - offset / sharp, 0, 1).astype(np.float32)


def _round(radius: Array | float, v: Array) -> Array:
    """Height of a lying cylinder over its axis."""
    return np.sqrt(np.maximum(np.square(radius) - v * v, 1e-3)).astype(np.float32)


def _bolt(u: Array, v: Array, part: PartSpec) -> Relief:
    """Hexagon head, smooth shank, fine thread and a chamfered end; the head lies towards negative u."""
    d, roll, shank, phase = part.size, part.detail[0] * 0.3, part.detail[1], part.detail[2]
    head, flats = 0.66 * d, 1.66 * d
    start = -part.length / 2 + head
    x = u - start
    shaft = part.length - head
    theta = np.arcsin(np.clip(v / (0.5 * d), -1, 1))
    ridge = _wave(x / (0.235 * d) + theta / (2 * np.pi) + phase, 1.0)
    threaded = x > shank * 0.45 * shaft
    radius = np.where(threaded, 0.385 * d + 0.115 * d * ridge, 0.475 * d)
    radius = np.minimum(radius, 0.36 * d + np.maximum(shaft - x, 0) * 1.1)
    on_shaft = (x >= 0) & (x <= shaft) & (np.abs(v) < radius)
    profile = np.full_like(u, np.inf)
    for index in range(6):
        face = (roll - 0.15) + index * np.pi / 3
        if np.cos(face) > 1e-3:
            profile = np.minimum(profile, (flats / 2 - v * np.sin(face)) / np.cos(face))
    half_width = flats / np.sqrt(3) * np.cos(roll - 0.15)
    chamfer = 0.47 * flats + np.maximum(x + head, 0) * 1.5
    profile = np.minimum(profile, _round(chamfer, v))
    on_head = (x < 0) & (x > -head) & (np.abs(v) < np.minimum(half_width, chamfer))
    rest = 0.5 * flats - (0.5 * flats - 0.5 * d) * np.clip(x / shaft, 0, 1)
    height = rest + np.where(x < 0, np.minimum(profile, flats), _round(radius, v))
    tone = np.where(on_shaft & threaded, 0.62 + 0.38 * ridge, 1.0) * (1 - 0.35 * np.exp(-((x / (0.1 * d)) ** 2)))
    return Relief(on_head | on_shaft, height.astype(np.float32), tone.astype(np.float32))


def _nut(u: Array, v: Array, part: PartSpec) -> Relief:
    """Chamfered hexagon with a threaded bore; the sides seen depend on where the camera stands."""
    d = part.size
    flats, thick = 1.72 * d, 0.72 * d
    ox, oy = part.lean[0] * thick, part.lean[1] * thick
    radius = np.hypot(u, v)
    depth = np.zeros_like(u)
    edges = []
    for index in range(6):
        nx, ny = np.cos(index * np.pi / 3), np.sin(index * np.pi / 3)
        edge, slide = u * nx + v * ny - flats / 2, nx * ox + ny * oy
        edges.append((edge, slide))
        depth = np.maximum(depth, np.where(edge > 0, edge / max(slide, 1e-3), 0))
    mask = depth <= 1
    for edge, slide in edges:
        mask &= edge - depth * slide <= 0.01
    top = thick - np.maximum(radius - 0.49 * flats, 0) * 0.7 - np.maximum(0.57 * d - radius, 0) * 0.9
    spiral = _wave((0.5 * d - radius) / (0.045 * d) + np.arctan2(v, u) / (2 * np.pi) + part.detail[2], 1.0)
    wall = 0.5 * d - radius
    top = np.where(wall > 0, top - 1.6 * wall + 0.05 * d * spiral, top)
    bore = (radius < 0.425 * d) & (np.hypot(u - ox, v - oy) < 0.425 * d)
    height = np.where(depth > 0, thick * (1 - np.minimum(depth, 1)), top)
    inside = np.clip(1 - wall / (0.16 * d), 0.35, 1)
    tone = np.where(wall > 0, (0.5 + 0.5 * spiral) * inside, 1.0) * np.where(depth > 0, 0.8, 1.0)
    return Relief(mask & ~bore, height.astype(np.float32), tone.astype(np.float32))


def _washer(u: Array, v: Array, part: PartSpec) -> Relief:
    """A smooth flat ring with rounded edges."""
    d = part.size
    outer, inner, thick, soft = (1.06 + 0.12 * part.detail[0]) * d, 0.54 * d, 0.17 * d, 0.09 * d
    radius = np.hypot(u, v)
    edge = np.minimum(outer - radius, radius - inner)
    height = thick - soft * np.square(np.clip(1 - edge / soft, 0, 2)) * 0.8
    machined = 1 + 0.05 * np.sin(radius * 5.1 / (0.05 * d) + part.detail[2] * 6)
    return Relief((edge > 0).astype(np.bool_), height.astype(np.float32), machined.astype(np.float32))


def _lock_washer(u: Array, v: Array, part: PartSpec) -> Relief:
    """An external-tooth lock washer: a narrow ring with a crown of twisted teeth."""
    d = part.size
    outer, root, inner, thick = (1.1 + 0.1 * part.detail[0]) * d, 0.8 * d, 0.54 * d, 0.14 * d
    teeth = 9 + int(part.detail[1] * 2.99)
    radius = np.hypot(u, v)
    turn = np.arctan2(v, u) / (2 * np.pi) * teeth + part.detail[2]
    offset = turn - np.floor(turn) - 0.5
    reach = np.clip((radius - root) / (outer - root), 0, 1)
    tooth = (radius < outer) & (np.abs(offset) < 0.37 - 0.13 * reach)
    mask = (radius > inner) & ((radius < root) | tooth)
    soft = 0.06 * d
    height = thick - soft * np.square(np.clip(1 - (radius - inner) / soft, 0, 2)) * 0.8
    height = height + offset * reach * 0.34 * d + 0.1 * d * reach
    gap = (radius > root) & ~tooth
    tone = np.where(gap, 0.7, 1.0) * (
        1 - 0.25 * np.exp(-(((radius - root) / (0.05 * d)) ** 2)) * (np.abs(offset) < 0.4)
    )
    return Relief(mask, height.astype(np.float32), tone.astype(np.float32))


def _coin(u: Array, v: Array, part: PartSpec) -> Relief:
    """A coin with a raised rim, a beaded circle and a worn relief; never labelled."""
    d = part.size
    outer, thick = 1.25 * d, 0.16 * d
    radius, turn = np.hypot(u, v), np.arctan2(v, u)
    rim = np.exp(-(((radius - 0.93 * outer) / (0.05 * outer)) ** 2))
    beads = np.exp(-(((radius - 0.8 * outer) / (0.05 * outer)) ** 2)) * (0.5 + 0.5 * np.cos(turn * 36))
    points = 5 + int(part.detail[0] * 2.99)
    star = np.clip((0.5 * outer * (1 + 0.32 * np.cos(turn * points)) - radius) / (0.12 * d), 0, 1)
    relief = star * (1 + 0.5 * np.cos(turn * points * 2)) - 0.5 * (radius < 0.2 * outer)
    height = thick + d * (0.05 * rim + 0.03 * beads + 0.05 * relief)
    return Relief((radius < outer).astype(np.bool_), height.astype(np.float32), (0.85 + 0.15 * rim).astype(np.float32))


SHAPES: dict[str, Callable[[Array, Array, PartSpec], Relief]] = {
    "bolt": _bolt,
    "nut": _nut,
    "washer": _washer,
    "lock_washer": _lock_washer,
    "coin": _coin,
}


@dataclass
class Placed:
    """A part drawn in its window of the canvas; the window may hang over the border."""

    spec: PartSpec
    top: int
    left: int
    relief: Relief


def draw(part: PartSpec) -> Placed:
    """Evaluate a part's shape on the pixels of the smallest square window that holds it."""
    reach = int(np.ceil(part.reach)) + 2
    left, top = int(np.floor(part.x)) - reach, int(np.floor(part.y)) - reach
    span = 2 * reach + 1
    y, x = np.mgrid[top : top + span, left : left + span].astype(np.float32)
    x -= np.float32(part.x)
    y -= np.float32(part.y)
    cos, sin = np.float32(np.cos(part.angle)), np.float32(np.sin(part.angle))
    return Placed(part, top, left, SHAPES[part.kind](x * cos + y * sin, -x * sin + y * cos, part))
