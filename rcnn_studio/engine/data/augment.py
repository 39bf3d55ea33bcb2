"""Changes an image and its boxes at random, together; on Pillow images, so that decode threads run free of the GIL.

Does not resize to the network's input size; that is the loader's work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rcnn_studio.domain.errors import EngineError

MIN_VISIBLE = 0.3  # a box of which less than this is left after a crop is dropped
FILL = (124, 116, 104)  # ImageNet's mean colour, which the network sees as zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Which changes, how strong. Chances in 0..1; color: largest relative change; zoom: (least, most) scale factor."""

    flip_h: float = 0.0
    flip_v: float = 0.0
    quarter_turn: float = 0.0
    color: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)

    def closed(self) -> Recipe:
        """What stays on in the last tenth of a training: flips and turns, which leave the pixels as they are."""
        return replace(self, color=0.0, zoom=(1.0, 1.0))


RECIPES = {
    "none": Recipe(),
    "light": Recipe(flip_h=0.5, color=0.1),
    "standard": Recipe(flip_h=0.5, color=0.2, zoom=(0.8, 1.25)),
    "strong": Recipe(flip_h=0.5, color=0.4, zoom=(0.5, 1.6)),
}


def recipe(name: str, *, any_direction: bool = False) -> Recipe:
    """The recipe of that name; any_direction adds vertical flips and quarter turns. Raises EngineError for others."""
    if name not in RECIPES:
        raise EngineError(f"augmentation: {name!r} is not known. Use one of {', '.join(RECIPES)}.")
    chosen = RECIPES[name]
    return replace(chosen, flip_v=0.5, quarter_turn=0.5) if any_direction else chosen


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image with its boxes: xyxy (B, 4) float64 in its pixels, labels (B,) in 1..K."""

    image: Image.Image
    xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]


def augment(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """One random variant of the sample; the same rng state gives the same variant."""
    if recipe.zoom != (1.0, 1.0):
        sample = _zoomed(sample, recipe.zoom, rng)
    if rng.random() < recipe.flip_h:
        sample = _flipped_h(sample)
    if rng.random() < recipe.flip_v:
        sample = _flipped_v(sample)
    if rng.random() < recipe.quarter_turn:
        sample = _turned(sample)
    if recipe.color:
        sample = Sample(_recolored(sample.image, recipe.color, rng), sample.xyxy, sample.labels)
    return sample


def _flipped_h(sample: Sample) -> Sample:
    x1, y1, x2, y2 = sample.xyxy.T
    xyxy = np.stack([sample.image.width - x2, y1, sample.image.width - x1, y2], axis=1)
    return Sample(sample.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), xyxy, sample.labels)


def _flipped_v(sample: Sample) -> Sample:
    x1, y1, x2, y2 = sample.xyxy.T
    xyxy = np.stack([x1, sample.image.height - y2, x2, sample.image.height - y1], axis=1)
    return Sample(sample.image.transpose(Image.Transpose.FLIP_TOP_BOTTOM), xyxy, sample.labels)


def _turned(sample: Sample) -> Sample:
    """A quarter turn to the left; with the flips, all eight positions can come up."""
    x1, y1, x2, y2 = sample.xyxy.T
    xyxy = np.stack([y1, sample.image.width - x2, y2, sample.image.width - x1], axis=1)
    return Sample(sample.image.transpose(Image.Transpose.ROTATE_90), xyxy, sample.labels)


def _zoomed(sample: Sample, zoom: tuple[float, float], rng: np.random.Generator) -> Sample:
    """Scaled by a random factor on a canvas of the same size: cropped if larger, on a plain ground if smaller."""
    width, height = sample.image.size
    factor = float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
    place = rng.random(2)
    if factor >= 1.0:
        x0, y0 = place * (width - width / factor, height - height / factor)
        box = (float(x0), float(y0), float(x0 + width / factor), float(y0 + height / factor))
        image = sample.image.resize((width, height), Image.Resampling.BILINEAR, box=box)
        moved = (sample.xyxy - (x0, y0, x0, y0)) * factor
    else:
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        x0, y0 = (int(v) for v in place * (width - small[0], height - small[1]))
        image = Image.new("RGB", (width, height), FILL)
        image.paste(sample.image.resize(small, Image.Resampling.BILINEAR), (x0, y0))
        ratio = (small[0] / width, small[1] / height)
        moved = sample.xyxy * (ratio + ratio) + (x0, y0, x0, y0)
    xyxy = np.clip(moved, 0.0, (width, height, width, height))
    seen, whole = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (xyxy, moved))
    keep = seen > np.maximum(MIN_VISIBLE * whole, 1.0)
    return Sample(image, xyxy[keep], sample.labels[keep])


def _recolored(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation and white balance as one 3 x 4 colour matrix."""
    brightness, contrast, saturation = 1.0 + rng.uniform(-strength, strength, 3)
    balance = 1.0 + rng.uniform(-strength, strength, 3) / 4
    grey = np.array([0.299, 0.587, 0.114])
    matrix = saturation * np.eye(3) + (1 - saturation) * grey[None, :]
    matrix = contrast * brightness * balance[:, None] * matrix
    offset = np.full((3, 1), 128.0 * (1 - contrast) * brightness)
    return image.convert("RGB", tuple(float(v) for v in np.hstack([matrix, offset]).ravel()))
