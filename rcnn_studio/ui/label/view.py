"""Where the image lies on the screen: scale and offset in device pixels. Pure arithmetic, no widget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_SCALE = 64.0
FIT_MARGIN = 12
OVERSCROLL = 0.35
"""Share of the window by which an image larger than it may be pushed past its border."""


@dataclass(frozen=True, slots=True)
class View:
    """device = image * scale + (dx, dy); scale is device pixels per image pixel, dx and dy are whole pixels."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_device(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.dx, y * self.scale + self.dy

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.dx) / self.scale, (y - self.dy) / self.scale

    def rects(self, xyxy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Boxes in whole device pixels. (N, 4) -> (N, 4)"""
        offset = np.array([self.dx, self.dy, self.dx, self.dy])
        return np.asarray(np.rint(xyxy * self.scale + offset), dtype=np.int64)

    def seen(self, width: int, height: int) -> tuple[float, float, float, float]:
        """What a window of this size shows, in image pixels: x1, y1, x2, y2."""
        return (*self.to_image(0, 0), *self.to_image(width, height))


@dataclass(frozen=True, slots=True)
class Frame:
    """A window of `width` x `height` device pixels on an image of image_width x image_height pixels."""

    width: int
    height: int
    image_width: int
    image_height: int

    @property
    def fit_scale(self) -> float:
        """Scale at which the whole image is seen, at most 8 so that an icon does not fill the window."""
        room_x, room_y = max(1, self.width - 2 * FIT_MARGIN), max(1, self.height - 2 * FIT_MARGIN)
        return min(room_x / max(1, self.image_width), room_y / max(1, self.image_height), 8.0)

    def fitted(self) -> View:
        return self.clamped(View(self.fit_scale))

    def zoomed(self, view: View, factor: float, x: float, y: float) -> View:
        """The view scaled so that the image point under device pixel (x, y) stays where it is."""
        lowest = min(self.fit_scale, 1.0) / 4
        scale = min(MAX_SCALE, max(lowest, view.scale * factor))
        image_x, image_y = view.to_image(x, y)
        return self.clamped(View(scale, x - image_x * scale, y - image_y * scale))

    def centred_on(self, x: float, y: float, scale: float) -> View:
        """The view with image point (x, y) in the middle of the window."""
        scale = min(MAX_SCALE, scale)
        return self.clamped(View(scale, self.width / 2 - x * scale, self.height / 2 - y * scale))

    def panned(self, view: View, dx: float, dy: float) -> View:
        return self.clamped(View(view.scale, view.dx + dx, view.dy + dy))

    def showing(self, xyxy: tuple[float, float, float, float], *, share: float) -> View:
        """The view in which a box, in the middle, takes `share` of the window."""
        x1, y1, x2, y2 = xyxy
        scale = min(self.width * share / max(1.0, x2 - x1), self.height * share / max(1.0, y2 - y1))
        return self.centred_on((x1 + x2) / 2, (y1 + y2) / 2, min(scale, MAX_SCALE / 2))

    def revealed(self, view: View, xyxy: tuple[float, float, float, float]) -> View:
        """The same view where the box is seen already, else the view centred on it."""
        x1, y1, x2, y2 = xyxy
        left, top, right, bottom = view.seen(self.width, self.height)
        if x1 >= left and y1 >= top and x2 <= right and y2 <= bottom:
            return view
        return self.centred_on((x1 + x2) / 2, (y1 + y2) / 2, view.scale)

    def clamped(self, view: View) -> View:
        """An image that fits stays in the middle; a larger one cannot be lost. Offsets become whole pixels."""
        dx = self._limited(view.dx, self.image_width * view.scale, self.width, view.scale)
        dy = self._limited(view.dy, self.image_height * view.scale, self.height, view.scale)
        return View(view.scale, float(round(dx)), float(round(dy)))

    def _limited(self, offset: float, size: float, room: int, scale: float) -> float:
        if scale <= self.fit_scale * 1.0001:
            return (room - size) / 2
        slack = room * OVERSCROLL
        return min(max(offset, min(0.0, room - size) - slack), max(0.0, room - size) + slack)
