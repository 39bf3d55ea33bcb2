"""Layout and rendering of one photograph in supersampled linear light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .clutter import litter
from .lighting import (
    FINISH_LOOKS,
    Lights,
    cast_shadows,
    falloff,
    metal_colours,
    openness,
    random_lights,
    room,
    view_directions,
)
from .noise import Array, Mask, Size, blur, normals, smoothstep, spectral_noise
from .parts import CLASSES, FINISHES, PartSpec, Placed, draw
from .textures import TEXTURE_WEIGHTS, TEXTURES, Surface

Owner = NDArray[np.int16]

OVERSAMPLE = 2
NOTHING, UNLABELLED = -1, -2
LEAST_VISIBLE = 0.65
SHORTEST_SIDE = 15
CLASS_SHARES = (0.37, 0.21, 0.21, 0.21)  # bolts look different from every side, so there are more of them


@dataclass
class Layout:
    """The parts from bottom to top and, per canvas pixel, the index of the topmost one."""

    coins: list[Placed]
    parts: list[Placed]
    owner: Owner


def _clip(part: Placed, shape: Size) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Slices of the canvas and of the part's window where the two overlap."""
    rows, cols = part.relief.mask.shape
    y0, y1 = max(part.top, 0), min(part.top + rows, shape[0])
    x0, x1 = max(part.left, 0), min(part.left + cols, shape[1])
    if y0 >= y1 or x0 >= x1:
        return None
    window = (slice(y0 - part.top, y1 - part.top), slice(x0 - part.left, x1 - part.left))
    return (slice(y0, y1), slice(x0, x1)), window


def pixel_share(owner: Owner, index: int) -> tuple[Mask, int]:
    """Final-resolution pixels at least half covered by part ``index``, and its canvas pixel count."""
    mine = owner == index
    blocks = mine[0::2, 0::2].astype(np.int8) + mine[1::2, 0::2] + mine[0::2, 1::2] + mine[1::2, 1::2]
    return blocks >= 2, int(mine.sum())


def _acceptable(parts: list[Placed], owner: Owner) -> bool:
    """Whether every part so far is visible enough to be labelled and not too small."""
    for index, part in enumerate(parts):
        pixels, count = pixel_share(owner, index)
        if count < LEAST_VISIBLE * int(part.relief.mask.sum()):
            return False
        rows, cols = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if min(rows[-1] - rows[0], cols[-1] - cols[0]) + 1 < SHORTEST_SIDE:
            return False
    return True


def _random_part(rng: np.random.Generator, shape: Size, zoom: float, near: list[Placed]) -> PartSpec:
    kind = str(rng.choice(CLASSES, p=CLASS_SHARES))
    size = float(rng.choice([27, 30, 34])) * zoom * (1.15 if kind == "bolt" else 1.0)
    length = size * float(rng.uniform(2.3, 3.1))
    margin = float(rng.choice([0.5, 1.6, 2.2])) * size
    x, y = float(rng.uniform(margin, shape[1] - margin)), float(rng.uniform(margin, shape[0] - margin))
    if near and rng.random() < 0.2:
        other = near[int(rng.integers(len(near)))].spec
        turn, gap = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(1.0, 2.4)) * size
        x, y = other.x + gap * float(np.cos(turn)), other.y + gap * float(np.sin(turn))
        x, y = float(np.clip(x, margin, shape[1] - margin)), float(np.clip(y, margin, shape[0] - margin))
    angle = float(rng.uniform(0, 2 * np.pi))
    lean = ((shape[1] / 2 - x) / (1.6 * shape[1]), (shape[0] / 2 - y) / (1.6 * shape[1]))
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return PartSpec(
        kind=kind,
        x=x,
        y=y,
        angle=angle,
        size=size,
        length=length,
        finish=str(rng.choice(FINISHES)),
        detail=tuple(float(value) for value in rng.random(4)),
        lean=(lean[0] * cos + lean[1] * sin, -lean[0] * sin + lean[1] * cos),
    )


def _coins(rng: np.random.Generator, shape: Size, zoom: float) -> list[Placed]:
    coins = []
    for _ in range(int(rng.choice([0, 0, 0, 0, 1, 1, 2]))):
        spec = _random_part(rng, shape, zoom, [])
        spec = replace(
            spec,
            kind="coin",
            size=30 * zoom * float(rng.uniform(0.8, 1.15)),
            finish=str(rng.choice(["copper", "zinc", "brass"])),
        )
        coins.append(draw(spec))
    return coins


def arrange(rng: np.random.Generator, shape: Size, zoom: float, wanted: int) -> Layout:
    """Drop parts one after another, taking back any that would hide an earlier one too much."""
    coins = _coins(rng, shape, zoom)
    owner = np.full(shape, NOTHING, dtype=np.int16)
    parts: list[Placed] = []
    for _ in range(wanted * 12):
        if len(parts) == wanted:
            break
        part = draw(_random_part(rng, shape, zoom, parts))
        where = _clip(part, shape)
        if where is None:
            continue
        trial = owner.copy()
        trial[where[0]][part.relief.mask[where[1]]] = len(parts)
        if _acceptable([*parts, part], trial):
            owner = trial
            parts.append(part)
    return Layout(coins, parts, owner)


class Canvas:
    """The picture while it is rendered: heights first, then light, then the parts one by one."""

    def __init__(self, rng: np.random.Generator, shape: Size, zoom: float, layout: Layout) -> None:
        self.rng, self.shape, self.layout = rng, shape, layout
        name = str(rng.choice(list(TEXTURES), p=TEXTURE_WEIGHTS))
        self.table: Surface = TEXTURES[name](rng, shape, zoom)
        litter(rng, self.table, shape, zoom)
        self.lights: Lights = random_lights(rng)
        self.height = self.table.height.copy()
        self.lifts = [self._stack(part) for part in (*layout.coins, *layout.parts)]
        self.grain = [spectral_noise(rng, shape, beta, 1, 0, size) for beta, size in ((0.5, 10), (1.3, 60))]
        self.view = view_directions(shape, float(rng.uniform(1.4, 2.4)))
        self.lamp = falloff(self.lights, shape) * self._gobo()

    def _stack(self, part: Placed) -> float:
        """Raise the height field by a part that rests on what is already there."""
        where = _clip(part, self.shape)
        if where is None:
            return 0.0
        canvas, window = where
        mask = part.relief.mask[window]
        below = self.height[canvas][mask]
        lift = 0.8 * float(np.percentile(below, 92)) if below.size else 0.0
        lift = max(lift, 0.0)
        view = self.height[canvas]
        view[mask] = np.maximum(view[mask], part.relief.height[window][mask] + lift)
        return lift

    def _gobo(self) -> Array:
        """The soft shadow of something outside the picture, in some photographs."""
        rng, (rows, cols) = self.rng, self.shape
        if rng.random() > 0.4:
            return np.ones(self.shape, dtype=np.float32)
        y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
        turn, wide = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(20, 150))
        wobble = spectral_noise(rng, self.shape, 2.2, 1, 0, 500) * 25
        distance = (x - cols / 2) * np.cos(turn) + (y - rows / 2) * np.sin(turn) + wobble
        edge = float(rng.uniform(0.12, 0.42)) * cols
        return 1 - float(rng.uniform(0.35, 0.8)) * smoothstep(edge - wide, edge + wide, distance)

    def render(self) -> Array:
        """The finished picture in linear light."""
        lit = cast_shadows(self.lights, self.height) * self.lamp
        open_sky = openness(self.height)
        picture = self._shade_table(lit, open_sky)
        bounce = blur(picture, 24)
        for part, lift in zip((*self.layout.coins, *self.layout.parts), self.lifts, strict=True):
            self._shade_part(picture, part, lift, lit, open_sky, bounce)
        return picture

    def _shade_table(self, lit: Array, open_sky: Array) -> Array:
        facing = normals(self.table.height)
        lamp = np.clip(facing @ self.lights.lamp, 0, 1) * lit
        light = lamp[..., None] * self.lights.lamp_colour + open_sky[..., None] * self.lights.sky
        picture = self.table.colour * light
        if self.table.gloss > 0:
            mirror = 2 * (facing * self.view).sum(axis=-1, keepdims=True) * facing - self.view
            seen, glint = room(self.lights, mirror, 0.5, np.float32(0.1))
            picture = picture + self.table.gloss * 0.35 * (seen * open_sky[..., None] + glint * lit[..., None])
        return picture.astype(np.float32)

    def _shade_part(
        self, picture: Array, part: Placed, lift: float, lit: Array, open_sky: Array, bounce: Array
    ) -> None:
        where = _clip(part, self.shape)
        if where is None:
            return
        canvas, window = where
        mask = part.relief.mask[window]
        look = FINISH_LOOKS[part.spec.finish]
        mirror_colour, matt_colour = metal_colours(part.spec.finish)
        shift = int(self.rng.integers(0, min(self.shape)))
        fine, coarse = (np.roll(field, (shift, shift // 2), (0, 1))[canvas] for field in self.grain)
        facing = normals(part.relief.height)[window].copy()
        tilt = self.rng.normal(0, 0.045, 2)
        streak = np.gradient(fine)
        facing[..., 0] += (tilt[0] + look.bump * 0.6 * streak[1] + 0.02 * coarse).astype(np.float32)
        facing[..., 1] += (tilt[1] + look.bump * 0.6 * streak[0] - 0.02 * coarse).astype(np.float32)
        facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
        view = self.view[canvas]
        cosine = np.clip((facing * view).sum(axis=-1, keepdims=True), 0.02, 1)
        roughness = float(np.clip(look.roughness + self.rng.normal(0, 0.04), 0.08, 0.6))
        seen, glint = room(self.lights, 2 * cosine * facing - view, roughness, bounce[canvas])
        fresnel = mirror_colour + (1 - mirror_colour) * 0.6 * (1 - cosine) ** 5
        shine = fresnel * (seen * open_sky[canvas][..., None] + glint * lit[canvas][..., None])
        lamp = np.clip(facing @ self.lights.lamp, 0, 1) * lit[canvas]
        matt = matt_colour * (lamp[..., None] * self.lights.lamp_colour + open_sky[canvas][..., None] * self.lights.sky)
        age = float(self.rng.uniform(0.03, 0.16))
        wear = np.clip(1 - age * np.maximum(coarse, 0) - 0.5 * age * np.maximum(fine - 1, 0), 0.3, 1)
        colour = (shine + matt) * (part.relief.tone[window] * wear)[..., None]
        picture[canvas][mask] = colour[mask].astype(np.float32)
