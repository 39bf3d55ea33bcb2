"""Thumbnails kept on disk between starts, in the user's cache folder. Decodes no image and knows no project.

A thumbnail belongs to a file as it is now: its key is made of path, modification time and size. An empty file says
that the image cannot be read, so that it is not tried again at every start. Any thread may call.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage

log = logging.getLogger(__name__)

CAP_BYTES = 256 * 1024 * 1024
BLOCK = 4096
JPEG_QUALITY = 85


class ThumbnailFiles:
    """One JPEG a thumbnail, in 256 folders. A full or unwritable disk costs the cache, never the window."""

    def __init__(self, folder: Path, *, cap_bytes: int = CAP_BYTES) -> None:
        self._folder = folder
        self._cap = cap_bytes

    def has(self, image: Path) -> bool:
        """Whether there is a thumbnail of the file as it is now; True for a file that is not there at all."""
        place = self._place(image)
        return place is None or place.is_file()

    def get(self, image: Path) -> QImage | None:
        """The thumbnail; a null QImage for a file known to be unreadable; None where there is none."""
        place = self._place(image)
        if place is None:
            return None
        try:
            data = place.read_bytes()
            os.utime(place)  # used lately: the last to be thrown away
        except OSError:
            return None
        return QImage.fromData(QByteArray(data)) if data else QImage()

    def put(self, image: Path, thumbnail: QImage) -> None:
        """Keep a thumbnail (null: the file is unreadable)."""
        place = self._place(image)
        if place is None:
            return
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        if not thumbnail.isNull():
            thumbnail.save(buffer, "JPEG", JPEG_QUALITY)  # type: ignore[call-overload]
        half_written = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            half_written.write_bytes(buffer.data().data())
            half_written.replace(place)
        except OSError as error:
            log.info("thumbnail not kept: %s", error)
            with contextlib.suppress(OSError):
                half_written.unlink()

    def trim(self) -> int:
        """Throw the least recently used away until the cache is well below its cap. -> how many went"""
        kept = [(entry.stat(), Path(entry.path)) for entry in self._entries()]
        total = sum(_on_disk(stat.st_size) for stat, _path in kept)
        if total <= self._cap:
            return 0
        gone = 0
        for stat, path in sorted(kept, key=lambda pair: pair[0].st_mtime_ns):
            if total <= 0.8 * self._cap:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= _on_disk(stat.st_size)
            gone += 1
        return gone

    def _entries(self) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        with contextlib.suppress(OSError):
            for folder in os.scandir(self._folder):
                if folder.is_dir(follow_symlinks=False):
                    found += [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
        return found

    def _place(self, image: Path) -> Path | None:
        """Where the thumbnail of this file lies; None where there is no such file."""
        try:
            stat = image.stat()
        except OSError:
            return None
        key = f"{image}\0{stat.st_mtime_ns}\0{stat.st_size}".encode("utf-8", "surrogateescape")
        name = hashlib.sha1(key, usedforsecurity=False).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.jpg"


def _on_disk(size: int) -> int:
    """Bytes a file takes on a disk of 4 KiB blocks."""
    return max(BLOCK, -(-size // BLOCK) * BLOCK)
