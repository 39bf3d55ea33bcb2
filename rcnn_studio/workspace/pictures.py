"""One image as the screen needs it: smaller and smaller copies, from the whole file or from a reduced decode of it.

Made on the decoding thread, read on the GUI thread. Shows nothing and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from rcnn_studio.formats.image_parts import ScreenInfo, WholeImage, screen_info
from rcnn_studio.formats.images import decode

WHOLE_PIXELS = 32_000_000
"""Larger images are kept as a reduced copy, and what is looked at closely comes in tiles."""
QUICK_PIXELS = 3_000_000
"""A JPEG larger than this is shown from a reduced decode first."""
FIRST_SIDE = 900
"""The first view has at least this many pixels along its longer side."""
OVERVIEW_PIXELS = 16_000_000
SMALLEST_LEVEL = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """width, height: of the upright image. levels: copies of it, the largest first, each half of the one before.

    factor: image pixels in one pixel of levels[0]; 1 where it has them all. tiled: it stays at that factor, and
    parts at full resolution are to be asked for. whole: where those parts are cut from, if not from the file.
    """

    path: Path
    width: int
    height: int
    orientation: int
    levels: tuple[QImage, ...]
    factor: int = 1
    tiled: bool = False
    whole: WholeImage | None = None

    @property
    def key(self) -> int:
        """Another number for other pixels."""
        return self.levels[0].cacheKey()

    @property
    def final(self) -> bool:
        """Nothing better follows by itself."""
        return self.tiled or self.factor == 1

    @property
    def bytes_held(self) -> int:
        return sum(level.sizeInBytes() for level in self.levels) + (self.whole.bytes_held if self.whole else 0)

    def level_at(self, scale: float) -> QImage:
        """The smallest copy that is still at least as large as it is shown; scale: screen pixels an image pixel."""
        wanted = self.width * scale
        return next((level for level in reversed(self.levels) if level.width() >= wanted), self.levels[0])


def to_qimage(rgb: NDArray[np.uint8]) -> QImage:
    """(H, W, 3) uint8 RGB -> a QImage with pixels of its own, in the format that paints fastest."""
    height, width = rgb.shape[:2]
    packed = np.ascontiguousarray(rgb)
    view = QImage(packed.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)


def read_pictures(path: Path, *, ahead: bool = False) -> Iterator[Picture]:
    """The picture as soon as something can be seen, then as it stays. Raises FormatError, OSError.

    ahead: nobody waits for it: only as it stays, and nothing at all where that would take very long.
    """
    info = screen_info(path)
    pixels = info.width * info.height
    if pixels > WHOLE_PIXELS:
        if info.reducible:
            yield _overview(path, info)
        elif not ahead:
            yield _from_whole(path, info)
        return
    if info.reducible and not ahead and pixels > QUICK_PIXELS:
        yield _reduced(path, info, _first_factor(info))
    yield _picture(path, info, to_qimage(decode(path)), factor=1)


def _first_factor(info: ScreenInfo) -> int:
    side = max(info.width, info.height)
    return next((factor for factor in (8, 4) if side >= factor * FIRST_SIDE), 2)


def _overview(path: Path, info: ScreenInfo) -> Picture:
    factor = 4
    while factor < 8 and info.width * info.height > OVERVIEW_PIXELS * factor * factor:
        factor *= 2
    return _reduced(path, info, factor, tiled=True)


def _reduced(path: Path, info: ScreenInfo, factor: int, *, tiled: bool = False) -> Picture:
    side = -(-max(info.width, info.height) // factor)
    return _picture(path, info, to_qimage(decode(path, max_side=side)), factor=factor, tiled=tiled)


def _from_whole(path: Path, info: ScreenInfo) -> Picture:
    """Decoded as a whole, since its format allows nothing else, and shown from a smaller copy."""
    whole = WholeImage(path)
    factor = 2
    while info.width * info.height > OVERVIEW_PIXELS * factor * factor:
        factor *= 2
    first = to_qimage(whole.part((0, 0, *whole.size), factor=factor))
    return _picture(path, replace(info, orientation=1), first, factor=factor, tiled=True, whole=whole)


def _picture(
    path: Path, info: ScreenInfo, first: QImage, *, factor: int, tiled: bool = False, whole: WholeImage | None = None
) -> Picture:
    return Picture(
        path=path,
        width=info.width,
        height=info.height,
        orientation=info.orientation,
        levels=_halved(first),
        factor=factor,
        tiled=tiled,
        whole=whole,
    )


def _halved(first: QImage) -> tuple[QImage, ...]:
    levels = [first]
    while max(levels[-1].width(), levels[-1].height()) > 2 * SMALLEST_LEVEL:
        last = levels[-1]
        half = ((last.width() + 1) // 2, (last.height() + 1) // 2)
        keep, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        levels.append(last.scaled(*half, keep, smooth))
    return tuple(levels)
