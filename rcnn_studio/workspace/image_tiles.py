"""Parts of very large pictures at the resolution that is looked at, decoded off the GUI thread, in bounded memory.

A JPEG is decoded from its start down to the part (the format allows no jump) but keeps only the part; other formats
are cut from the whole image in memory. The tiles lie on a grid in the pixels as stored and are shown upright.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QTransform

from rcnn_studio.workspace.background import NewestFirst
from rcnn_studio.workspace.pictures import Picture, to_qimage

TILE = 1024
"""Side of a tile in its own pixels."""
TILE_BYTES = 256 * 1024 * 1024
FACTORS = (8, 4, 2, 1)
MARGIN = 0.25
"""Share of what is seen that is fetched beyond each of its sides."""

Place = tuple[int, int, int]  # factor, column, row
Area = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """area: where it lies, in upright image pixels. factor: image pixels in one of its pixels."""

    factor: int
    area: QRectF
    image: QImage


class ImageTiles(QObject):
    """The tiles of one picture at a time; another picture drops them."""

    tiles_changed = Signal(int)
    _made = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._image_id: int | None = None
        self._picture: Picture | None = None
        self._tiles: OrderedDict[Place, Tile] = OrderedDict()
        self._pool: NewestFirst | None = None
        self._made.connect(self._on_made, Qt.ConnectionType.QueuedConnection)

    def look(self, image_id: int, picture: Picture, seen: Area, scale: float) -> None:
        """See to it that tiles for what is seen (upright image pixels) at this scale are there soon."""
        if picture is not self._picture:
            self._image_id, self._picture = image_id, picture
            self._tiles.clear()
        factor = factor_for(scale)
        if not picture.tiled or factor >= picture.factor:
            return
        wanted = places(picture, seen, factor)
        for place in wanted:
            if place in self._tiles:
                self._tiles.move_to_end(place)
        missing = [place for place in wanted if place not in self._tiles]
        if missing:
            around = places(picture, _grown(picture, seen), factor)
            missing = [place for place in around if place not in self._tiles]
            if self._pool is None:
                self._pool = NewestFirst(name="tiles", threads=1, limit=1)
            self._pool.put("look", partial(self._make, picture, missing))

    def at(self, image_id: int | None) -> tuple[Tile, ...]:
        """What there is of this image, coarse ones first, as they are to be painted."""
        if image_id != self._image_id:
            return ()
        return tuple(sorted(self._tiles.values(), key=lambda tile: -tile.factor))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()

    def _make(self, picture: Picture, missing: list[Place]) -> None:
        if picture is self._picture:  # else another one is shown by now
            self._made.emit(picture, read_tiles(picture, missing))

    def _on_made(self, picture: Picture, tiles: dict[Place, Tile]) -> None:
        if picture is not self._picture or self._image_id is None:
            return
        self._tiles.update(tiles)
        while len(self._tiles) > 1 and sum(t.image.sizeInBytes() for t in self._tiles.values()) > TILE_BYTES:
            self._tiles.popitem(last=False)
        self.tiles_changed.emit(self._image_id)


def factor_for(scale: float) -> int:
    """The coarsest factor at which no detail is lost on the screen. scale: screen pixels an image pixel"""
    return next((factor for factor in FACTORS if factor * scale <= 1.0), 1)


def places(picture: Picture, seen: Area, factor: int) -> list[Place]:
    """The tiles that cover a part of the image. seen: upright image pixels, may reach beyond it"""
    x1, y1, x2, y2 = _stored(picture, seen)
    width, height = stored_size(picture)
    step = TILE * factor
    columns = range(int(max(0.0, x1) // step), -(-int(min(x2 + 1, width)) // step))
    rows = range(int(max(0.0, y1) // step), -(-int(min(y2 + 1, height)) // step))
    return [(factor, column, row) for row in rows for column in columns]


def stored_size(picture: Picture) -> tuple[int, int]:
    """(width, height) before the picture was turned upright."""
    turned = picture.orientation >= 5
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def read_tiles(picture: Picture, wanted: Iterable[Place]) -> dict[Place, Tile]:
    """Decode tiles of one factor in one go. Empty where the file cannot be read any more."""
    boxes = {place: _box(picture, place) for place in wanted}
    if not boxes:
        return {}
    around = QRect()
    for box in boxes.values():
        around = around.united(box)
    factor = next(iter(boxes))[0]
    image = _read(picture, around, factor)
    if image.isNull():
        return {}
    tiles: dict[Place, Tile] = {}
    for place, box in boxes.items():
        offset, size = box.topLeft() - around.topLeft(), QSize(box.width() // factor, box.height() // factor)
        part = QRect(offset.x() // factor, offset.y() // factor, size.width(), size.height())
        covered = QRect(box.topLeft(), size * factor)
        if part.isValid():
            area = _upright_area(picture, covered)
            tiles[place] = Tile(factor, area, upright(image.copy(part), picture.orientation))
    return tiles


def _box(picture: Picture, place: Place) -> QRect:
    """What a tile covers, in stored pixels."""
    factor, column, row = place
    step = TILE * factor
    return QRect(column * step, row * step, step, step).intersected(QRect(0, 0, *stored_size(picture)))


def _read(picture: Picture, box: QRect, factor: int) -> QImage:
    """A box of stored pixels, each side divided by the factor, as stored."""
    if picture.whole is not None:  # kept upright, so its orientation counts as 1
        edges = (box.left(), box.top(), box.left() + box.width(), box.top() + box.height())
        return to_qimage(picture.whole.part(edges, factor=factor))
    reader = QImageReader(str(picture.path), b"jpeg")
    reader.setAutoTransform(False)
    size = QSize(box.width() // factor, box.height() // factor)
    reader.setClipRect(QRect(box.topLeft(), size * factor))  # a whole share, or the reader stretches it
    if factor > 1:
        reader.setScaledSize(size)
    image = reader.read()
    return image if image.isNull() else image.convertToFormat(QImage.Format.Format_RGB32)


def upright(image: QImage, orientation: int) -> QImage:
    """Turned and mirrored as its EXIF orientation says."""
    across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    if orientation >= 5:
        image = image.transformed(QTransform().rotate(270 if orientation == 8 else 90))
    mirrored = {2: across, 3: across | down, 4: down, 5: across, 7: down}.get(orientation)
    return image if mirrored is None else image.flipped(mirrored)


def _stored(picture: Picture, area: Area) -> Area:
    """An area of the upright image in stored pixels."""
    x1, y1, x2, y2 = area
    if picture.orientation >= 5:
        x1, y1, x2, y2 = y1, x1, y2, x2
    width, height = stored_size(picture)
    if picture.orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if picture.orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return x1, y1, x2, y2


def _upright_area(picture: Picture, box: QRect) -> QRectF:
    """A box of stored pixels in the upright image."""
    x1, y1, x2, y2 = box.left(), box.top(), box.left() + box.width(), box.top() + box.height()
    width, height = stored_size(picture)
    if picture.orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if picture.orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    if picture.orientation >= 5:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return QRectF(x1, y1, x2 - x1, y2 - y1)


def _grown(picture: Picture, seen: Area) -> Area:
    x1, y1, x2, y2 = seen
    wide, high = (x2 - x1) * MARGIN, (y2 - y1) * MARGIN
    return max(0.0, x1 - wide), max(0.0, y1 - high), min(picture.width, x2 + wide), min(picture.height, y2 + high)
