"""Random fields, blurs and small helpers shared by the other modules of the generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Size = tuple[int, int]


def spectral_noise(
    rng: np.random.Generator, shape: Size, beta: float, stretch: float = 1.0, angle: float = 0.0, scale: float = 400.0
) -> Array:
    """Noise of mean 0 and deviation 1 whose spectrum falls as frequency ** -beta.

    ``stretch`` draws the features out along ``angle``; ``scale`` is the size in pixels of the largest features.
    """
    rows, cols = shape
    fy = np.fft.fftfreq(rows).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(cols).astype(np.float32)[None, :]
    along = (fx * np.cos(angle) + fy * np.sin(angle)) * stretch
    across = -fx * np.sin(angle) + fy * np.cos(angle)
    power = along * along + across * across + (1.0 / scale) ** 2
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) * power ** (-beta / 2)
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=shape).astype(np.float32)
    return field / max(float(field.std()), 1e-6)


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur over the first two axes, with the border repeated."""
    if sigma < 0.15:
        return image
    if sigma > 5:
        factor = int(sigma // 2)
        rows, cols = image.shape[:2]
        small = resize(image, (max(rows // factor, 2), max(cols // factor, 2)), Image.Resampling.BOX)
        return resize(blur(small, sigma / factor), (rows, cols), Image.Resampling.BICUBIC)
    radius = max(1, int(np.ceil(2.6 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (radius, radius)
        padded = np.pad(image, pad, mode="edge")
        length = image.shape[axis]
        total = np.zeros_like(image)
        for index, weight in enumerate(taps):
            window = padded[index : index + length] if axis == 0 else padded[:, index : index + length]
            total += np.float32(weight) * window
        image = total
    return image


def resize(image: Array, shape: Size, how: Image.Resampling = Image.Resampling.BILINEAR) -> Array:
    """Resample a one- or three-channel float image to ``shape`` (rows, columns)."""
    if image.ndim == 3:
        return np.stack([resize(image[..., band], shape, how) for band in range(image.shape[2])], axis=-1)
    plane = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    return np.asarray(plane.resize((shape[1], shape[0]), how), dtype=np.float32)


def halve(image: Array) -> Array:
    """Average every block of two by two pixels."""
    return (image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]) * np.float32(0.25)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Zero below ``low``, one above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1).astype(np.float32)
    return t * t * (3 - 2 * t)


def linear(code: str) -> Array:
    """The linear-light colour of an sRGB hex code such as ``8a5a2b``."""
    values = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], dtype=np.float32) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def mix(first: Array, second: Array, weight: Array) -> Array:
    """Blend two colours (or colour images) by a weight image."""
    return first + (second - first) * weight[..., None]


def plane_axes(shape: Size, angle: float) -> tuple[Array, Array]:
    """Coordinates along and across a direction, in pixels from the centre of the image."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    x -= shape[1] / 2
    y -= shape[0] / 2
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, -x * sin + y * cos


def normals(height: Array) -> Array:
    """Unit surface normals of a height field (x right, y down, z to the camera)."""
    gy, gx = np.gradient(height)
    length = np.sqrt(gx * gx + gy * gy + 1)
    return np.stack([-gx / length, -gy / length, 1 / length], axis=-1).astype(np.float32)
