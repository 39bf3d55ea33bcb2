"""Changes an image, its boxes and its proposals at random, together.

Pixels on Pillow images, so that decode threads run free of the GIL; every random number comes from the generator given,
so that threads and resumed runs see the same variants; torchvision's v2 kernels clamp and sanitise the boxes at the
end. Does not resize to the network's input size; that is the loader's work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms.v2.functional import clamp_bounding_boxes, sanitize_bounding_boxes
from torchvision.tv_tensors import BoundingBoxes

from rcnn_studio.domain import geometry
from rcnn_studio.domain.errors import EngineError

MIN_VISIBLE = 0.3  # a box of which less than this is left after a crop is dropped
MIN_SIDE = 0.5  # pixels of the resized image; what is smaller cannot be learnt
CROP_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
CROP_TRIES = 20
FILL = (124, 116, 104)  # ImageNet's mean colour, which the network sees as zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Which changes, how strong. Chances in 0..1; color: largest relative change; zoom: (least, most) scale factor.

    iou_crop: chance of a cut-out that overlaps a box by a random share at least (SSD's), scaled back to the canvas.
    """

    flip_h: float = 0.0
    flip_v: float = 0.0
    quarter_turn: float = 0.0
    color: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    iou_crop: float = 0.0

    def closed(self) -> Recipe:
        """What stays on in the last tenth of a training: flips and turns, which leave the pixels as they are."""
        return replace(self, color=0.0, zoom=(1.0, 1.0), iou_crop=0.0)


RECIPES = {
    "none": Recipe(),
    "light": Recipe(flip_h=0.5, color=0.1),
    "standard": Recipe(flip_h=0.5, color=0.2, zoom=(0.8, 1.25)),
    "strong": Recipe(flip_h=0.5, color=0.4, zoom=(0.5, 1.6), iou_crop=0.3),
    "aerial-microscopy": Recipe(flip_h=0.5, flip_v=0.5, quarter_turn=0.5, color=0.3, zoom=(0.7, 1.4)),
}


def recipe(name: str, *, any_direction: bool = False) -> Recipe:
    """The recipe of that name; any_direction adds vertical flips and quarter turns. Raises EngineError for others."""
    if name not in RECIPES:
        raise EngineError(f"augmentation: {name!r} is not known. Use one of {', '.join(RECIPES)}.")
    chosen = RECIPES[name]
    return replace(chosen, flip_v=0.5, quarter_turn=0.5) if any_direction else chosen


def _no_boxes() -> NDArray[np.float64]:
    return np.zeros((0, 4))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image with its boxes: xyxy (B, 4) float64 in its pixels, labels (B,) in 1..K; proposals (P, 4) as xyxy."""

    image: Image.Image
    xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]
    proposals: NDArray[np.float64] = field(default_factory=_no_boxes)


def augment(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """One random variant of the sample; the same rng state gives the same variant. Boxes end inside the image."""
    if recipe.iou_crop and rng.random() < recipe.iou_crop:
        sample = _cropped(sample, rng)
    if recipe.zoom != (1.0, 1.0):
        sample = _zoomed(sample, recipe.zoom, rng)
    if rng.random() < recipe.flip_h:
        sample = _flipped_h(sample)
    if rng.random() < recipe.flip_v:
        sample = _flipped_v(sample)
    if rng.random() < recipe.quarter_turn:
        sample = _turned(sample)
    if recipe.color:
        sample = replace(sample, image=_recolored(sample.image, recipe.color, rng))
    return _sanitised(sample)


def _moved(sample: Sample, image: Image.Image, move: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Sample:
    return Sample(image, move(sample.xyxy), sample.labels, move(sample.proposals))


def _flipped_h(sample: Sample) -> Sample:
    width = sample.image.width
    image = sample.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _moved(sample, image, lambda b: np.stack([width - b[:, 2], b[:, 1], width - b[:, 0], b[:, 3]], axis=1))


def _flipped_v(sample: Sample) -> Sample:
    height = sample.image.height
    image = sample.image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return _moved(sample, image, lambda b: np.stack([b[:, 0], height - b[:, 3], b[:, 2], height - b[:, 1]], axis=1))


def _turned(sample: Sample) -> Sample:
    """A quarter turn to the left; with the flips, all eight positions can come up."""
    width = sample.image.width
    image = sample.image.transpose(Image.Transpose.ROTATE_90)
    return _moved(sample, image, lambda b: np.stack([b[:, 1], width - b[:, 2], b[:, 3], width - b[:, 0]], axis=1))


def _cropped(sample: Sample, rng: np.random.Generator) -> Sample:
    """SSD's cut-out (Liu et al., 2.2): it overlaps some box by a random IoU at least; boxes stay whose centre does."""
    least = CROP_IOUS[rng.integers(len(CROP_IOUS))]
    width, height = sample.image.size
    centres = (sample.xyxy[:, :2] + sample.xyxy[:, 2:]) / 2
    for _ in range(CROP_TRIES if len(centres) else 0):
        w, h = rng.uniform(0.3, 1.0, 2) * (width, height)
        if not 0.5 < w / h < 2.0:
            continue
        x, y = rng.random(2) * (width - w, height - h)
        window = np.array([x, y, x + w, y + h])
        inside: NDArray[np.bool_] = np.all((centres > window[:2]) & (centres < window[2:]), axis=1)
        if inside.any() and geometry.iou_matrix(window[None], sample.xyxy[inside]).max() >= least:
            return _cut(sample, window, inside)
    return sample


def _cut(sample: Sample, window: NDArray[np.float64], keep: NDArray[np.bool_]) -> Sample:
    """The window, scaled to fit the canvas it came from."""
    w, h = window[2:] - window[:2]
    factor = min(sample.image.width / w, sample.image.height / h)
    size = (max(1, round(w * factor)), max(1, round(h * factor)))
    x1, y1, x2, y2 = (float(v) for v in window)
    image = sample.image.resize(size, Image.Resampling.BILINEAR, box=(x1, y1, x2, y2))
    ratio = np.array([size[0] / w, size[1] / h] * 2)
    kept = replace(sample, xyxy=sample.xyxy[keep], labels=sample.labels[keep])
    return _moved(kept, image, lambda b: (b - (x1, y1, x1, y1)) * ratio)


def _zoomed(sample: Sample, zoom: tuple[float, float], rng: np.random.Generator) -> Sample:
    """Scaled by a random factor on a canvas of the same size: cropped if larger, on a plain ground if smaller."""
    width, height = sample.image.size
    factor = float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
    place = rng.random(2)
    if factor >= 1.0:
        x0, y0 = place * (width - width / factor, height - height / factor)
        box = (float(x0), float(y0), float(x0 + width / factor), float(y0 + height / factor))
        image = sample.image.resize((width, height), Image.Resampling.BILINEAR, box=box)
        moved = _moved(sample, image, lambda b: (b - (x0, y0, x0, y0)) * factor)
    else:
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        x0, y0 = (int(v) for v in place * (width - small[0], height - small[1]))
        image = Image.new("RGB", (width, height), FILL)
        image.paste(sample.image.resize(small, Image.Resampling.BILINEAR), (x0, y0))
        ratio = (small[0] / width, small[1] / height)
        moved = _moved(sample, image, lambda b: b * (ratio + ratio) + (x0, y0, x0, y0))
    keep = _seen_share(moved.xyxy, width, height)
    return replace(moved, xyxy=moved.xyxy[keep], labels=moved.labels[keep])


def _seen_share(xyxy: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """True for the boxes of which enough is left inside the canvas."""
    inside = np.clip(xyxy, 0.0, (width, height, width, height))
    seen, whole = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (inside, xyxy))
    enough: NDArray[np.bool_] = seen > np.maximum(MIN_VISIBLE * whole, 1.0)
    return enough


def _sanitised(sample: Sample) -> Sample:
    """Boxes cut to the image, then those without a side worth learning dropped; proposals too."""
    (xyxy, keep), (proposals, useful) = (_clamped(b, sample.image) for b in (sample.xyxy, sample.proposals))
    return Sample(sample.image, xyxy[keep], sample.labels[keep], proposals[useful])


def _clamped(xyxy: NDArray[np.float64], image: Image.Image) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if not len(xyxy):
        return xyxy, np.zeros(0, dtype=np.bool_)
    boxes = BoundingBoxes(torch.from_numpy(xyxy), format="XYXY", canvas_size=(image.height, image.width))
    clamped = clamp_bounding_boxes(boxes)
    _, keep = sanitize_bounding_boxes(clamped, min_size=MIN_SIDE)
    return torch.Tensor(clamped).numpy(), keep.numpy()


def _recolored(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation and white balance as one 3 x 4 colour matrix."""
    brightness, contrast, saturation = 1.0 + rng.uniform(-strength, strength, 3)
    balance = 1.0 + rng.uniform(-strength, strength, 3) / 4
    grey = np.array([0.299, 0.587, 0.114])
    matrix = saturation * np.eye(3) + (1 - saturation) * grey[None, :]
    matrix = contrast * brightness * balance[:, None] * matrix
    offset = np.full((3, 1), 128.0 * (1 - contrast) * brightness)
    return image.convert("RGB", tuple(float(v) for v in np.hstack([matrix, offset]).ravel()))
