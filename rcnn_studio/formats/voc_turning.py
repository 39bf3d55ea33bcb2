"""Boxes that were drawn on an image as it is stored, while its EXIF data says that it is to be turned.

Old labelling tools showed such pictures unturned; their files then give the stored width and height as <size>. Boxes
are turned with the picture on the way in, and back on the way out. Never touches an image.
"""

from __future__ import annotations

from dataclasses import dataclass

Corners = tuple[float, float, float, float]

_BACK = {6: 8, 8: 6}


@dataclass(frozen=True, slots=True)
class Turn:
    """orientation: EXIF's, 1 to 8; width, height: of the image as it is stored."""

    orientation: int
    width: int
    height: int

    def upright(self, box: Corners) -> Corners:
        """A box of the stored image (x1, y1, x2, y2; pixels, half-open) on the upright one."""
        return _turned(box, self.orientation, self.width, self.height)

    def stored(self, box: Corners) -> Corners:
        """A box of the upright image on the stored one."""
        width, height = (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)
        return _turned(box, _BACK.get(self.orientation, self.orientation), width, height)


def _turned(box: Corners, orientation: int, width: int, height: int) -> Corners:
    x1, y1, x2, y2 = box
    if orientation in (2, 3, 7, 8):  # these mirror left and right before anything else
        x1, x2 = width - x2, width - x1
    if orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if orientation >= 5 else (x1, y1, x2, y2)
