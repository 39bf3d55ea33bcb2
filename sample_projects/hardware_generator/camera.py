"""The camera: focus, flare, exposure, colour balance, sensor noise and the tone curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .noise import Array, blur, halve, plane_axes, smoothstep


def _focus(rng: np.random.Generator, picture: Array) -> Array:
    """A blur that grows from a line of sharp focus towards one side."""
    near = blur(picture, float(rng.uniform(0.35, 0.75)))
    if rng.random() < 0.45:
        return near
    far = blur(picture, float(rng.uniform(1.2, 2.2)))
    _, across = plane_axes(picture.shape[:2], float(rng.uniform(0, np.pi)))
    sharp = float(rng.uniform(-0.3, 0.3)) * picture.shape[1]
    weight = smoothstep(0.12, 0.75, np.abs(across - sharp) / picture.shape[1])[..., None]
    return near * (1 - weight) + far * weight


def _expose(rng: np.random.Generator, picture: Array) -> Array:
    """Scale so that the picture is neither dark nor washed out, as an automatic exposure would."""
    level = float(np.exp(np.log(picture.mean(axis=-1) + 0.02).mean()))
    target = float(rng.uniform(0.15, 0.27))
    balance = 1 + np.array([0.06, 0.0, -0.06]) * rng.normal(0, 1.0)
    return (picture * (target / level**0.75 * 0.25**-0.25 * 0.84) * balance).astype(np.float32)


def develop(rng: np.random.Generator, canvas: Array) -> NDArray[np.uint8]:
    """Turn supersampled linear light into an eight-bit sRGB photograph."""
    picture = halve(canvas)
    glow = np.maximum(picture - 1.1, 0).clip(0, 6)
    picture = np.minimum(picture, 3) + 0.10 * blur(glow, 3) + 0.05 * blur(glow, 12)
    picture = _expose(rng, _focus(rng, picture))
    along, across = plane_axes(picture.shape[:2], 0.0)
    corner = (along**2 + across**2) / (picture.shape[0] ** 2 + picture.shape[1] ** 2) * 4
    picture *= (1 - float(rng.uniform(0.12, 0.4)) * corner)[..., None]
    gain = float(rng.uniform(0.3, 1.0))
    shot = rng.standard_normal(picture.shape, dtype=np.float32)
    noise = (
        0.55 * blur(shot, 0.5) + 0.45 * blur(rng.standard_normal(picture.shape[:2], dtype=np.float32), 0.55)[..., None]
    )
    picture = picture + noise * (0.0035 + 0.022 * np.sqrt(np.maximum(picture, 0))) * gain
    picture = np.maximum(picture, 0)
    toned = picture * (1 + picture / 4.0) / (1 + 0.55 * picture)
    encoded = np.where(toned <= 0.0031308, 12.92 * toned, 1.055 * np.maximum(toned, 1e-6) ** (1 / 2.4) - 0.055)
    encoded = encoded + 0.10 * encoded * (1 - encoded) * (2 * encoded - 1)
    return (np.clip(encoded, 0, 1) * 255 + 0.5).astype(np.uint8)
