"""What a screen wants to know before it decodes an image, and parts of images that must be decoded as a whole.

Same rules and same pixels as formats.images. Keeps nothing on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.formats import images


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenInfo:
    """width, height: of the upright image. orientation: EXIF's, 1 to 8, between the stored pixels and those.

    reducible: smaller copies and parts of it can be decoded without the rest (grey and colour JPEG).
    """

    width: int
    height: int
    orientation: int
    reducible: bool


def screen_info(path: Path) -> ScreenInfo:
    """From the header alone. Raises FormatError if it is no image we open."""
    with images.opened(path, max_side=1) as image:
        orientation, (width, height) = images.orientation_of(image), image.size
        return ScreenInfo(
            width=height if orientation >= 5 else width,
            height=width if orientation >= 5 else height,
            orientation=orientation,
            reducible=images.is_reducible(image),
        )


class WholeImage:
    """An image decoded once, four bytes a pixel, of which parts are cut. Raises FormatError as decode does."""

    def __init__(self, path: Path) -> None:
        with images.opened(path) as image:
            self._pixels = images.upright_rgb(image)  # loaded: it needs its file no more

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)"""
        return self._pixels.size

    @property
    def bytes_held(self) -> int:
        return 4 * self._pixels.width * self._pixels.height

    def part(self, box: tuple[int, int, int, int], *, factor: int) -> NDArray[np.uint8]:
        """A box (x1, y1, x2, y2 in upright pixels), each side divided by `factor`. -> (h, w, 3) uint8 RGB"""
        cut = self._pixels.reduce(factor, box) if factor > 1 else self._pixels.crop(box)
        return np.array(cut, dtype=np.uint8, order="C")
