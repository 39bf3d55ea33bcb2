"""Table tops: wood, felt, woven cloth, brushed metal, concrete, paper and a cutting mat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .noise import Array, Size, blur, linear, mix, plane_axes, smoothstep, spectral_noise


@dataclass
class Surface:
    """A table top: linear-light colour, height in pixels for the relief, and how much it shines."""

    colour: Array
    height: Array
    gloss: float


def _pick(rng: np.random.Generator, codes: str) -> list[Array]:
    """One of several space-separated palettes, each a comma-separated list of hex colours."""
    return [linear(code) for code in str(rng.choice(codes.split())).split(",")]


def wood(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """Boards with growth rings, pores and (often) a joint between two boards."""
    light, dark = _pick(rng, "c99a63,8f5a2c b07a45,6d4120 d9b98a,a87b48 7d5335,452a18 bfa586,846a4c 99714f,5d3e28")
    angle = float(rng.choice([0.0, np.pi / 2])) + float(rng.normal(0, 0.12))
    along, across = plane_axes(shape, angle)
    width = float(rng.uniform(260, 520)) * zoom
    position = across / width + rng.uniform(0, 1)
    board = np.floor(position).astype(int)
    board -= board.min()
    offsets = rng.uniform(-4, 4, board.max() + 1).astype(np.float32)
    tones = rng.normal(0, 0.09, board.max() + 1).astype(np.float32)
    bow = spectral_noise(rng, shape, 2.4, 7, angle, 500) * float(rng.uniform(14, 46)) * zoom
    knot = along * along / (float(rng.uniform(500, 1600)) * zoom) * float(rng.choice([0, 0, 0.35]))
    rings = (across + bow + knot) / (float(rng.uniform(16, 34)) * zoom) + offsets[board]
    saw = rings - np.floor(rings)
    late = saw**2.2 * (1 - smoothstep(0.9, 1.0, saw))
    streak = spectral_noise(rng, shape, 0.8, 26, angle, 60)
    weight = np.clip(0.2 + 0.5 * late + 0.13 * streak + tones[board], 0, 1.15)
    colour = mix(light, dark, weight)
    pores = smoothstep(1.5, 2.3, spectral_noise(rng, shape, 0.5, 34, angle, 30))
    joint = np.exp(-(((position - np.round(position)) * width / 1.7) ** 2)).astype(np.float32)
    colour *= (1 - 0.5 * pores)[..., None] * (1 - 0.85 * joint)[..., None]
    height = 0.14 * streak - 0.5 * pores - 2.4 * joint
    return Surface(colour, blur(height, 0.5), float(rng.uniform(0.02, 0.16)))


def felt(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """Pressed fibres in every direction with some lint."""
    base, tint = _pick(
        rng, "2f5a3c,4d7a55 27364f,43587c 4a4a4c,6d6d70 5f2431,80424c 8c8378,aba297 6b5a43,8f7a5d 77797d,97999c"
    )
    fibres = np.zeros(shape, dtype=np.float32)
    for angle in rng.uniform(0, np.pi, 4):
        fibres += spectral_noise(rng, shape, 0.9, 7, float(angle), 16 * zoom)
    fibres /= 2
    cloud = spectral_noise(rng, shape, 1.5, 1, 0, 200)
    colour = mix(base, tint, np.clip(0.4 + 0.3 * fibres + 0.12 * cloud, 0, 1.5))
    lint = smoothstep(3.0, 3.8, spectral_noise(rng, shape, 0.7, 12, float(rng.uniform(0, 3)), 14))
    return Surface(mix(colour, linear("c9c7c2"), 0.5 * lint), 0.85 * fibres, 0.0)


def cloth(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """A plain or twill weave of uneven yarns."""
    warp_colour, weft_colour = _pick(
        rng, "8d8474,a39a88 33496b,8b98a8 b3a587,c4b89d 55585c,77797b 6f3c34,8b574c 4c5a45,707d66"
    )
    along, across = plane_axes(shape, float(rng.uniform(-0.5, 0.5)))
    period = float(rng.uniform(9, 13)) * max(zoom, 0.9)
    wobble = spectral_noise(rng, shape, 2.6, 1, 0, 200) * 0.4
    bend = spectral_noise(rng, shape, 2.6, 1, 0, 200) * 0.4
    jitter = spectral_noise(rng, shape, 1.2, 1, 0, 12) * 0.05
    u, v = along / period + wobble + jitter, across / period + bend - jitter
    repeat = int(rng.choice([2, 2, 3]))
    over = (np.floor(u) + np.floor(v)) % repeat == 0
    if repeat == 3:
        over = ~over
    yarn_u = np.abs(np.sin(np.pi * u))
    yarn_v = np.abs(np.sin(np.pi * v))
    height = np.where(over, yarn_u * (0.45 + 0.55 * yarn_v), yarn_v * (0.45 + 0.55 * yarn_u)).astype(np.float32)
    uneven = spectral_noise(rng, shape, 0.6, 10, 0, 40) + spectral_noise(rng, shape, 0.6, 10, np.pi / 2, 40)
    shade = (0.62 + 0.38 * height) * (1 + 0.09 * uneven)
    colour = np.where(over[..., None], warp_colour, weft_colour) * shade[..., None]
    return Surface(colour.astype(np.float32), 1.5 * blur(height, 0.7), 0.0)


def brushed(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """A brushed or worn metal plate."""
    (base,) = _pick(rng, "8f9092 a3a19c 7a7d80 96928b 5d6063")
    angle = float(rng.uniform(0, np.pi))
    fine = spectral_noise(rng, shape, 0.55, 60, angle, 120)
    band = spectral_noise(rng, shape, 1.2, 18, angle, 300)
    along, _ = plane_axes(shape, angle)
    sheen = np.exp(-(((along - rng.uniform(-0.4, 0.4) * shape[1]) / (shape[1] * 0.4)) ** 2))
    blotch = spectral_noise(rng, shape, 1.7, 1, 0, 180)
    shade = (0.72 + 0.55 * sheen) * (1 + 0.075 * fine + 0.05 * band - 0.05 * np.clip(blotch, 0, 3))
    return Surface(base * shade[..., None].astype(np.float32), 0.16 * fine, float(rng.uniform(0.15, 0.4)))


def concrete(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """Cast concrete or stone with pits, sand grains and sometimes a crack."""
    base, stain = _pick(rng, "9a968e,75716a 85868a,63656a a89d8d,84776a 70706e,525250")
    cloud = spectral_noise(rng, shape, 1.5, 1, 0, 260)
    grain = spectral_noise(rng, shape, 0.35, 1, 0, 8)
    medium = spectral_noise(rng, shape, 1.1, 1, 0, 26 * zoom)
    pits = smoothstep(2.1, 2.6, spectral_noise(rng, shape, 1.5, 1, 0, 9 * zoom))
    colour = mix(base, stain, np.clip(0.4 + 0.25 * cloud + 0.13 * medium + 0.14 * grain, 0, 1.4))
    height = 0.22 * grain + 0.5 * medium - 3.0 * pits
    if rng.random() < 0.3:
        crack = np.exp(-((spectral_noise(rng, shape, 2.0, 1, 0, 400) / 0.012) ** 2)).astype(np.float32)
        keep = smoothstep(0.2, 0.8, spectral_noise(rng, shape, 2.2, 1, 0, 500))
        colour *= (1 - 0.6 * crack * keep)[..., None]
        height -= 2 * crack * keep
    return Surface(colour * (1 - 0.45 * pits)[..., None], blur(height, 0.6), 0.0)


def _lines(position: Array, spacing: float, width: float) -> Array:
    """Soft ruled lines at every multiple of ``spacing``."""
    offset = (position / spacing - np.round(position / spacing)) * spacing
    return np.exp(-((offset / width) ** 2)).astype(np.float32)


def paper(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """Kraft, drawing or squared paper with fibres and a crease."""
    base, ink = _pick(rng, "c8a679,8a6844 d9d5ca,7f93ad cfc8b4,9aa08f b9b6b0,6f7780 d8cfa9,a3905f b58f62,6f5335")
    fibre = spectral_noise(rng, shape, 0.7, 6, float(rng.uniform(0, 3)), 20) + spectral_noise(
        rng, shape, 0.7, 6, 1.1, 20
    )
    cloud = spectral_noise(rng, shape, 1.6, 1, 0, 300)
    angle = float(rng.normal(0, 0.25))
    along, across = plane_axes(shape, angle)
    colour = base * (1 + 0.035 * fibre + 0.03 * cloud)[..., None]
    if rng.random() < 0.55:
        spacing = float(rng.uniform(26, 44)) * zoom
        ruled = _lines(across, spacing, 1.1)
        if rng.random() < 0.6:
            ruled = np.maximum(ruled, _lines(along, spacing, 1.1))
        colour = mix(colour, ink, 0.4 * ruled * (1 + 0.15 * fibre))
    crease = float(rng.uniform(-0.35, 0.35)) * shape[1]
    fold = np.abs(along - crease) * float(rng.choice([0.0, 0.05, 0.08]))
    height = 0.16 * fibre + 1.3 * cloud - np.clip(fold, 0, 8)
    return Surface(colour.astype(np.float32), height.astype(np.float32), 0.01)


def mat(rng: np.random.Generator, shape: Size, zoom: float) -> Surface:
    """A self-healing cutting mat with a printed grid and old cuts."""
    base, ink = _pick(rng, "2c5a4b,a8c2a0 2d4a6b,a9bccf 3d3f42,9b9c9c 4a5a60,b5bcb6")
    along, across = plane_axes(shape, float(rng.uniform(-0.5, 0.5)))
    spacing = float(rng.uniform(52, 84)) * zoom
    major = np.maximum(_lines(along, spacing, 1.3), _lines(across, spacing, 1.3))
    minor = np.maximum(_lines(along, spacing / 5, 0.8), _lines(across, spacing / 5, 0.8))
    worn = np.clip(0.75 + 0.25 * spectral_noise(rng, shape, 1.2, 1, 0, 60), 0, 1)
    grain = spectral_noise(rng, shape, 0.3, 1, 0, 6)
    ticks = minor * (np.maximum(_lines(along, spacing, 6), _lines(across, spacing, 6)) > 0.4)
    colour = mix(base * (1 + 0.06 * grain)[..., None], ink, (0.55 * major + 0.25 * ticks).clip(0, 0.7) * worn)
    return Surface(colour.astype(np.float32), 0.22 * grain, float(rng.uniform(0.03, 0.1)))


TEXTURES: dict[str, Callable[[np.random.Generator, Size, float], Surface]] = {
    "wood": wood,
    "felt": felt,
    "cloth": cloth,
    "brushed": brushed,
    "concrete": concrete,
    "paper": paper,
    "mat": mat,
}
TEXTURE_WEIGHTS = (0.3, 0.13, 0.13, 0.13, 0.13, 0.11, 0.07)
