"""Pictures for the screen, decoded off the GUI thread: the open image with its neighbours, and thumbnails.

Uses the one decoder of formats.images, so that what is seen is what is trained on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import ShouldStop, check
from rcnn_studio.formats.images import decode
from rcnn_studio.workspace.background import NewestFirst
from rcnn_studio.workspace.image_tiles import ImageTiles
from rcnn_studio.workspace.pictures import Picture, read_pictures, to_qimage
from rcnn_studio.workspace.thumbnail_files import ThumbnailFiles

CACHE_BYTES = 384 * 1024 * 1024
THUMBNAIL_SIDE = 96
THUMBNAIL_CACHE = 3000
QUIET_S = 0.5
"""So long after the last step from image to image, or edit, the thumbnails of all images go on being made."""
POLITE_S = 2.0
"""So long at most waits what is made ahead: thumbnails for the rows in view, neighbours for the open image."""

PathOf = Callable[[int], Path]
"""Called on the decoding thread; may raise StudioError."""


class ImageCache(QObject):
    """Pictures by image id, least recently used ones dropped beyond 384 MiB, and the tiles of the one at hand.

    image_ready may come twice for an image: with what can be seen soon, then with the picture as it stays.
    """

    image_ready = Signal(int, object)
    image_failed = Signal(int, str)
    _decoded = Signal(int, object)

    def __init__(self, path_of: PathOf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path_of = path_of
        self._images: OrderedDict[int, Picture] = OrderedDict()
        self._held = 0
        self._failed: set[int] = set()
        self._wanted: int | None = None
        self._pool = NewestFirst(name="decode", threads=1, limit=8)
        self._ahead = NewestFirst(name="decode-ahead", threads=1, limit=8)
        self.tiles = ImageTiles(self)
        self._decoded.connect(self._on_decoded, Qt.ConnectionType.QueuedConnection)

    def get(self, image_id: int) -> Picture | None:
        return self._images.get(image_id)

    def request(self, image_id: int) -> None:
        """Answer with image_ready or image_failed; at once where the picture is in the cache."""
        self._wanted = image_id
        picture = self._images.get(image_id)
        if picture is not None:
            self._images.move_to_end(image_id)
            self.image_ready.emit(image_id, picture)
        if picture is None or not picture.final:  # also where it failed before: the file may have been put right
            self._pool.put(image_id, partial(self._decode, image_id))

    def prefetch(self, image_ids: list[int]) -> None:
        """Decode neighbours while nothing more urgent waits."""
        for image_id in image_ids:
            if image_id not in self._images and image_id not in self._failed:
                self._ahead.put(image_id, partial(self._decode, image_id, ahead=True), urgent=False)

    def close(self) -> None:
        self._pool.close()
        self._ahead.close()
        self.tiles.close()

    def _decode(self, image_id: int, *, ahead: bool = False) -> None:
        known = self._images.get(image_id)
        if known is not None and known.final:
            return
        if ahead:
            self._pool.wait_idle(timeout_s=POLITE_S)
        try:
            for picture in read_pictures(self._path_of(image_id), ahead=ahead):
                self._decoded.emit(image_id, picture)
                if not picture.final and self._wanted != image_id:
                    return  # another image is shown by now: the rest of this one would keep it waiting
        except (StudioError, OSError) as error:
            self._decoded.emit(image_id, str(error))

    def _on_decoded(self, image_id: int, result: object) -> None:
        if isinstance(result, Picture):
            self._failed.discard(image_id)
            if self._keep(image_id, result) and image_id == self._wanted:
                self.image_ready.emit(image_id, result)
        else:
            self._failed.add(image_id)
            if image_id == self._wanted:
                self.image_failed.emit(image_id, str(result))

    def _keep(self, image_id: int, picture: Picture) -> bool:
        """False where one as good is there already: it was asked for while it was fetched ahead."""
        known = self._images.get(image_id)
        if known is not None and (known.final or not picture.final):
            return False
        self._held += picture.bytes_held - (known.bytes_held if known is not None else 0)
        self._images[image_id] = picture
        self._images.move_to_end(image_id)
        if self._held > CACHE_BYTES:
            for other in [i for i in self._images if i not in (self._wanted, image_id)]:
                self._held -= self._images.pop(other).bytes_held
                if self._held <= CACHE_BYTES:
                    break
        return True


class Thumbnails(QObject):
    """Small pictures by image id (long side 96 px), made when a row is first painted, kept on disk where `files` is."""

    thumbnail_ready = Signal(int)
    _made = Signal(int, object)

    def __init__(self, path_of: PathOf, parent: QObject | None = None, *, files: ThumbnailFiles | None = None) -> None:
        super().__init__(parent)
        self._path_of = path_of
        self._files = files
        self._busy_until = 0.0
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
            self._wait_for_rest(should_stop)
            with suppress(StudioError, OSError):
                if self._files is not None and not self._files.has(self._path_of(image_id)):
                    found.append(image_id)
        return found

    def make_way(self) -> None:
        """The person goes from image to image, or draws: what is made ahead waits until that is over."""
        self._busy_until = time.monotonic() + QUIET_S

    def keep(self, image_id: int, should_stop: ShouldStop) -> None:
        """Make one and keep it on disk, not in memory; waits while rows in view want theirs, and while the person is
        at work. Raises Cancelled. Not on the GUI thread."""
        self._wait_for_rest(should_stop)
        self._pool.wait_idle(timeout_s=POLITE_S)
        if self._files is not None:
            with suppress(StudioError, OSError):
                path = self._path_of(image_id)
                if not self._files.has(path):  # a row in view may have asked for it meanwhile
                    self._files.put(path, _thumbnail(path))

    def _wait_for_rest(self, should_stop: ShouldStop) -> None:
        check(should_stop)
        while time.monotonic() < self._busy_until:
            time.sleep(QUIET_S / 10)
            check(should_stop)

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
