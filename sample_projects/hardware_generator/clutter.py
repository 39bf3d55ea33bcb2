"""Things on the table that are not labelled: crumbs, swarf, scratches, pencil lines and stains."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .noise import Array, Size, linear, mix, spectral_noise
from .textures import Surface

Point = tuple[float, float]


def _stroke_mask(shape: Size, lines: list[list[Point]], width: float, softness: float) -> Array:
    """Polylines drawn as a soft mask from 0 to 1."""
    picture = Image.new("L", (shape[1], shape[0]), 0)
    pen = ImageDraw.Draw(picture)
    for line in lines:
        pen.line(line, fill=255, width=max(1, round(width)), joint="curve")
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(softness)), dtype=np.float32) / 255


def _wander(rng: np.random.Generator, shape: Size, length: float, curl: float) -> list[Point]:
    """A random smooth path whose direction drifts by ``curl`` per step."""
    x, y = float(rng.uniform(0, shape[1])), float(rng.uniform(0, shape[0]))
    heading, turn = float(rng.uniform(0, 2 * np.pi)), float(rng.normal(0, curl))
    path = [(x, y)]
    for _ in range(24):
        turn += float(rng.normal(0, curl * 0.3))
        heading += turn
        x, y = x + np.cos(heading) * length / 24, y + np.sin(heading) * length / 24
        path.append((x, y))
    return path


def _scratches(rng: np.random.Generator, table: Surface, shape: Size) -> None:
    lines = [_wander(rng, shape, float(rng.uniform(60, 420)), 0.012) for _ in range(int(rng.integers(3, 14)))]
    mask = _stroke_mask(shape, lines, 1, 0.7)
    tone = float(rng.choice([0.55, 1.5]))
    table.colour = table.colour * (1 + (tone - 1) * mask)[..., None]
    table.height = table.height - 1.3 * mask


def _pencil(rng: np.random.Generator, table: Surface, shape: Size) -> None:
    lines = [_wander(rng, shape, float(rng.uniform(250, 900)), 0.002) for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.6:
        x, y = float(rng.uniform(0, shape[1])), float(rng.uniform(0, shape[0]))
        radius = float(rng.uniform(25, 90))
        turns = np.linspace(0, float(rng.uniform(2.5, 6.4)), 40)
        lines.append([(x + radius * float(np.cos(t)), y + radius * float(np.sin(t))) for t in turns])
    grain = np.clip(0.75 + 0.3 * spectral_noise(rng, shape, 0.4, 1, 0, 10), 0, 1)
    table.colour = mix(table.colour, linear("3a3a3d"), 0.7 * _stroke_mask(shape, lines, 2, 0.8) * grain)


def _stains(rng: np.random.Generator, table: Surface, shape: Size, zoom: float) -> None:
    """Dried rings and drops; a ring may be about as large as a washer."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    ragged = spectral_noise(rng, shape, 1.5, 1, 0, 80)
    tint = linear(str(rng.choice(["3b2a1a", "1f1d1b", "4a3c2c"])))
    for _ in range(int(rng.integers(1, 4))):
        radius = float(rng.choice([rng.uniform(22, 50), rng.uniform(80, 150)])) * zoom
        distance = np.hypot(x - rng.uniform(0, shape[1]), y - rng.uniform(0, shape[0])) + 1.6 * ragged
        ring = np.exp(-(((distance - radius) / (0.07 * radius + 2)) ** 2))
        inner = 1 / (1 + np.exp(np.clip((distance - radius) / 2, -30, 30)))
        weight = (0.35 * ring + float(rng.choice([0.08, 0.3])) * inner) * np.clip(0.8 + 0.25 * ragged, 0, 1.3)
        table.colour = mix(table.colour, tint, np.clip(weight, 0, 0.8).astype(np.float32))


def _crumbs(rng: np.random.Generator, table: Surface, shape: Size, zoom: float) -> None:
    """Small lumps of wood, rust or dirt, thicker in a few places."""
    colours = [linear(code) for code in ("b08a58", "6b4a2c", "3a3632", "cbb48a", "8a5134", "a9a7a2")]
    centre_x, centre_y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
    for _ in range(int(rng.integers(10, 55))):
        size = float(rng.uniform(1.5, 3.2) if rng.random() < 0.85 else rng.uniform(4, 8)) * zoom
        spread = float(rng.choice([0.12, 0.5]))
        x = float(np.clip(rng.normal(centre_x, spread * shape[1]), 0, shape[1] - 1))
        y = float(np.clip(rng.normal(centre_y, spread * shape[0]), 0, shape[0] - 1))
        angle, squash = float(rng.uniform(0, np.pi)), float(rng.uniform(0.4, 0.9))
        colour = colours[int(rng.integers(len(colours)))] * float(rng.uniform(0.7, 1.2))
        r = int(np.ceil(size)) + 1
        y0, y1, x0, x1 = max(int(y) - r, 0), int(y) + r + 1, max(int(x) - r, 0), int(x) + r + 1
        colour_view, height_view = table.colour[y0:y1, x0:x1], table.height[y0:y1, x0:x1]
        v, u = np.mgrid[y0 : y0 + height_view.shape[0], x0 : x0 + height_view.shape[1]].astype(np.float32)
        u, v = u - x, v - y
        along, across = u * np.cos(angle) + v * np.sin(angle), (v * np.cos(angle) - u * np.sin(angle)) / squash
        dome = np.clip(1 - (along**2 + across**2) / size**2, 0, 1)
        colour_view[dome > 0] = colour
        height_view += (np.sqrt(dome) * size * squash).astype(np.float32)


def _swarf(rng: np.random.Generator, table: Surface, shape: Size, zoom: float) -> None:
    """Curled metal chips."""
    for _ in range(int(rng.integers(2, 7))):
        path = _wander(rng, shape, float(rng.uniform(25, 80)) * zoom, 0.22)
        mask = _stroke_mask(shape, [path], 2.4 * zoom, 0.6)
        flicker = np.clip(0.75 + 0.6 * spectral_noise(rng, shape, 0.9, 1, 0, 12), 0.15, 1.8)
        colour = linear(str(rng.choice(["b9bbbd", "8d8f92", "c7a55f"])))
        table.colour = table.colour * (1 - mask)[..., None] + colour * (mask * flicker)[..., None]
        table.height = table.height + 3.5 * mask


def litter(rng: np.random.Generator, table: Surface, shape: Size, zoom: float) -> None:
    """Put a random, moderate choice of clutter on the table top."""
    if rng.random() < 0.35:
        _stains(rng, table, shape, zoom)
    if rng.random() < 0.4:
        _pencil(rng, table, shape)
    if rng.random() < 0.5:
        _scratches(rng, table, shape)
    if rng.random() < 0.6:
        _crumbs(rng, table, shape, zoom)
    if rng.random() < 0.25:
        _swarf(rng, table, shape, zoom)
