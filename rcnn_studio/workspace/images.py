"""Pictures for the screen, decoded off the GUI thread: the open image with its neighbours, and thumbnails.

Uses the one decoder of formats.images, so that what is seen is what is trained on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import ShouldStop, check
from rcnn_studio.formats.images import decode
from rcnn_studio.workspace.background import NewestFirst
from rcnn_studio.workspace.thumbnail_files import ThumbnailFiles

CACHE_BYTES = 512 * 1024 * 1024
THUMBNAIL_SIDE = 96
THUMBNAIL_CACHE = 3000
POLITE_S = 2.0
"""So long at most a thumbnail made ahead waits for the rows in view."""

PathOf = Callable[[int], Path]
"""Called on the decoding thread; may raise StudioError."""


def to_qimage(rgb: NDArray[np.uint8]) -> QImage:
    """(H, W, 3) uint8 RGB -> a QImage with pixels of its own, in the format that paints fastest."""
    height, width = rgb.shape[:2]
    packed = np.ascontiguousarray(rgb)
    view = QImage(packed.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)


class ImageCache(QObject):
    """Decoded pictures by image id, least recently used ones dropped beyond 512 MiB."""

    image_ready = Signal(int, QImage)
    image_failed = Signal(int, str)
    _decoded = Signal(int, object)

    def __init__(self, path_of: PathOf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path_of = path_of
        self._images: OrderedDict[int, QImage] = OrderedDict()
        self._failed: dict[int, str] = {}
        self._wanted: int | None = None
        self._pool = NewestFirst(name="decode", threads=1, limit=8)
        self._decoded.connect(self._on_decoded, Qt.ConnectionType.QueuedConnection)

    def get(self, image_id: int) -> QImage | None:
        return self._images.get(image_id)

    def request(self, image_id: int) -> None:
        """Answer with image_ready or image_failed; at once where the picture is in the cache."""
        self._wanted = image_id
        image = self._images.get(image_id)
        if image is not None:
            self._images.move_to_end(image_id)
            self.image_ready.emit(image_id, image)
        elif image_id in self._failed:
            self.image_failed.emit(image_id, self._failed[image_id])
        else:
            self._pool.put(image_id, partial(self._decode, image_id))

    def prefetch(self, image_ids: list[int]) -> None:
        """Decode neighbours when nothing more urgent waits."""
        for image_id in image_ids:
            if image_id not in self._images and image_id not in self._failed:
                self._pool.put(image_id, partial(self._decode, image_id), urgent=False)

    def close(self) -> None:
        self._pool.close()

    def _decode(self, image_id: int) -> None:
        try:
            result: QImage | str = to_qimage(decode(self._path_of(image_id)))
        except (StudioError, OSError) as error:
            result = str(error)
        self._decoded.emit(image_id, result)

    def _on_decoded(self, image_id: int, result: object) -> None:
        if isinstance(result, QImage):
            self._images[image_id] = result
            while len(self._images) > 1 and sum(i.sizeInBytes() for i in self._images.values()) > CACHE_BYTES:
                self._images.popitem(last=False)
            if image_id == self._wanted:
                self.image_ready.emit(image_id, result)
        else:
            self._failed[image_id] = str(result)
            if image_id == self._wanted:
                self.image_failed.emit(image_id, str(result))


class Thumbnails(QObject):
    """Small pictures by image id (long side 96 px), made when a row is first painted, kept on disk where `files` is."""

    thumbnail_ready = Signal(int)
    _made = Signal(int, object)

    def __init__(self, path_of: PathOf, parent: QObject | None = None, *, files: ThumbnailFiles | None = None) -> None:
        super().__init__(parent)
        self._path_of = path_of
        self._files = files
        self._images: OrderedDict[int, QImage] = OrderedDict()
        self._pool = NewestFirst(name="thumbnails", threads=1, limit=120)
        self._made.connect(self._on_made, Qt.ConnectionType.QueuedConnection)

    def request(self, image_id: int) -> QImage | None:
        """The thumbnail if it is there (a null QImage for an unreadable file), else None and a signal later."""
        image = self._images.get(image_id)
        if image is None:
            self._pool.put(image_id, partial(self._make, image_id))
        return image

    def missing(self, image_ids: Sequence[int], should_stop: ShouldStop) -> list[int]:
        """Those of which nothing is kept on disk. Takes about 20 us an image; not on the GUI thread."""
        found: list[int] = []
        for image_id in image_ids:
            check(should_stop)
            with suppress(StudioError, OSError):
                if self._files is not None and not self._files.has(self._path_of(image_id)):
                    found.append(image_id)
        return found

    def keep(self, image_id: int) -> None:
        """Make one and keep it on disk, not in memory; waits while rows in view want theirs. Not on the GUI thread."""
        self._pool.wait_idle(timeout_s=POLITE_S)
        if self._files is not None:
            with suppress(StudioError, OSError):
                path = self._path_of(image_id)
                if not self._files.has(path):  # a row in view may have asked for it meanwhile
                    self._files.put(path, _thumbnail(path))

    def trim(self) -> None:
        """Keep the disk's part below its cap."""
        if self._files is not None:
            self._files.trim()

    def close(self) -> None:
        self._pool.close()

    def _make(self, image_id: int) -> None:
        try:
            path = self._path_of(image_id)
        except (StudioError, OSError):
            self._made.emit(image_id, QImage())
            return
        image = self._files.get(path) if self._files is not None else None
        if image is None:
            image = _thumbnail(path)
            if self._files is not None:
                self._files.put(path, image)
        self._made.emit(image_id, image)

    def _on_made(self, image_id: int, image: object) -> None:
        if isinstance(image, QImage):
            self._images[image_id] = image
            while len(self._images) > THUMBNAIL_CACHE:
                self._images.popitem(last=False)
            self.thumbnail_ready.emit(image_id)


def _thumbnail(path: Path) -> QImage:
    """A small copy of an image file; a null QImage where it cannot be read."""
    try:
        small = to_qimage(decode(path, max_side=2 * THUMBNAIL_SIDE))
    except (StudioError, OSError):
        return QImage()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return small.scaled(THUMBNAIL_SIDE, THUMBNAIL_SIDE, keep, smooth)
