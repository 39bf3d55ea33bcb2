"""Light: a lamp, a room mirrored in metal, cast shadows and contact darkening."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array, Size, blur, halve, linear, resize

SHARPNESS_OF_LAMP = 90.0


@dataclass
class Lobe:
    """A bright or dark patch of the room, as a spherical Gaussian."""

    direction: Array
    sharpness: float
    colour: Array


@dataclass
class Lights:
    """Where the light of one photograph comes from."""

    lamp: Array
    lamp_colour: Array
    lamp_distance: float
    softness: float
    sky: Array
    lobes: list[Lobe]


def _direction(azimuth: float, elevation: float) -> Array:
    cos = np.cos(elevation)
    return np.array([cos * np.cos(azimuth), cos * np.sin(azimuth), np.sin(elevation)], dtype=np.float32)


def _tint(warmth: float) -> Array:
    """White light shifted to yellow (positive) or blue (negative)."""
    return np.array([1 + 0.24 * warmth, 1 + 0.02 * warmth, 1 - 0.3 * warmth], dtype=np.float32)


def random_lights(rng: np.random.Generator) -> Lights:
    """A lamp or a window, a ceiling, and a handful of patches that metal can mirror."""
    azimuth = float(rng.uniform(0, 2 * np.pi))
    warmth = float(rng.normal(0.15, 0.55))
    hard = float(rng.uniform(0.6, 1.0))
    lobes = [
        Lobe(_direction(azimuth + float(rng.normal(0, 0.4)), float(rng.uniform(0.5, 1.0))), 7.0, 1.1 * _tint(warmth)),
        Lobe(_direction(float(rng.uniform(0, 6.3)), 1.45), float(rng.uniform(12, 50)), -0.75 * _tint(0)),
    ]
    for _ in range(5):
        lobes.append(
            Lobe(
                _direction(float(rng.uniform(0, 6.3)), float(rng.uniform(0.1, 1.3))),
                float(rng.uniform(5, 45)),
                float(rng.choice([-0.4, 0.5, 1.1])) * _tint(float(rng.normal(0, 0.4))),
            )
        )
    return Lights(
        lamp=_direction(azimuth, float(rng.uniform(0.5, 1.0))),
        lamp_colour=_tint(warmth) * 2.3 * hard,
        lamp_distance=float(rng.uniform(0.9, 3.0)),
        softness=float(rng.uniform(0.12, 0.5)),
        sky=_tint(float(rng.normal(-0.1, 0.4))) * (1.25 - 0.75 * hard) * 0.9,
        lobes=lobes,
    )


def room(lights: Lights, mirror: Array, roughness: float, bounce: Array | np.float32) -> tuple[Array, Array]:
    """What a surface mirrors in the directions ``mirror``: the room, and apart from it the lamp."""
    up = mirror[..., 2]
    ceiling = np.clip(0.5 + 0.75 * up, 0, 1.2)[..., None]
    seen = lights.sky * 0.75 * ceiling + 0.22 * ceiling
    low = np.clip((0.22 - up) / 0.35, 0, 1)[..., None]
    spread = 1 + 9 * roughness
    for lobe in lights.lobes:
        sharp = lobe.sharpness / (1 + lobe.sharpness * spread * roughness * 0.12)
        cosine = mirror @ lobe.direction
        seen = seen + np.exp(sharp * (cosine - 1))[..., None] * lobe.colour
    seen = np.maximum(seen, 0.03) * (1 - low) + bounce * low
    sharp = SHARPNESS_OF_LAMP / (1 + 4 * lights.softness) / (1 + 22 * roughness)
    glint = np.exp(sharp * (mirror @ lights.lamp - 1)) * (0.9 + sharp * 0.085)
    return seen.astype(np.float32), (glint[..., None] * lights.lamp_colour).astype(np.float32)


def cast_shadows(lights: Lights, height: Array) -> Array:
    """Share of the lamp that reaches each pixel, found by walking over the height field towards the lamp."""
    field = halve(height)
    rows, cols = field.shape
    slope = float(lights.lamp[2] / np.hypot(lights.lamp[0], lights.lamp[1]))
    heading = lights.lamp[:2] / np.hypot(lights.lamp[0], lights.lamp[1])
    lit = np.ones_like(field)
    # The field is half the canvas in size but its values are canvas pixels, hence the factor 0.5.
    field = field * np.float32(0.5)
    furthest = int(min(float(field.max()) / slope * 1.5 + 4, 70))
    padded = np.pad(field, furthest + 2, mode="edge")
    distance = 1.0
    while distance <= furthest:
        dx, dy = round(float(heading[0]) * distance), round(float(heading[1]) * distance)
        top, left = furthest + 2 + dy, furthest + 2 + dx
        above = padded[top : top + rows, left : left + cols] - field - np.float32(distance * slope)
        np.minimum(lit, np.clip(0.5 - above / np.float32(2 * lights.softness * distance + 0.5), 0, 1), out=lit)
        distance += 1.0 if distance < 12 else 1.5
    return np.clip(resize(blur(lit, 0.7), height.shape[:2]), 0, 1)


def openness(height: Array) -> Array:
    """How much of the sky each pixel sees, from how far its surroundings stand above it."""
    field = halve(height)
    total = np.ones_like(field)
    for sigma, strength in ((2.0, 0.06), (6.0, 0.045), (16.0, 0.03)):
        total *= np.exp(-strength * np.maximum(blur(field, sigma) - field, 0))
    return np.clip(resize(total, height.shape[:2]), 0.12, 1)


def view_directions(shape: Size, distance: float) -> Array:
    """Unit vectors from the table to a camera above the middle of the picture."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    view = np.stack(
        [shape[1] / 2 - x, shape[0] / 2 - y, np.full(shape, distance * shape[1], dtype=np.float32)], axis=-1
    )
    return (view / np.linalg.norm(view, axis=-1, keepdims=True)).astype(np.float32)


def falloff(lights: Lights, shape: Size) -> Array:
    """Relative strength of the lamp over the table; one in the middle."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    reach = lights.lamp_distance * shape[1]
    px, py, pz = lights.lamp * reach
    square = (x - shape[1] / 2 - px) ** 2 + (y - shape[0] / 2 - py) ** 2 + pz**2
    return np.clip((reach * reach / square) ** 1.2, 0, 3).astype(np.float32)


@dataclass(frozen=True)
class Metal:
    """A finish: reflectance head on, matt share, roughness, and the deviation of its micro relief."""

    mirror: str
    matt: str
    roughness: float
    bump: float


FINISH_LOOKS = {
    "steel": Metal("b9babb", "3c3c3d", 0.16, 0.10),
    "zinc": Metal("d6d7d4", "63645f", 0.34, 0.16),
    "brass": Metal("d3b87c", "453820", 0.2, 0.10),
    "black": Metal("4a4a4d", "131314", 0.28, 0.13),
    "copper": Metal("c98c66", "452718", 0.24, 0.12),
}


def metal_colours(name: str) -> tuple[Array, Array]:
    """Mirror and matt colours of a finish in linear light."""
    look = FINISH_LOOKS[name]
    return linear(look.mirror), linear(look.matt)
