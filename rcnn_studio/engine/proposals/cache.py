"""Proposals on disk: memory-mapped columns by the hash of an image's bytes. Nothing is ever unpickled.

A cache grows by segments: folders that are written under another name and renamed when they are whole, so that a crash
costs only what was not written yet. Finds no boxes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.errors import EngineError
from rcnn_studio.engine.proposals.table import Boxes
from rcnn_studio.formats.atomic import sync_folder

KEY_BYTES = 32
FORMAT = 1
MANY_SEGMENTS = 8
ABANDONED_S = 3600.0
_TMP, _SEGMENT = ".tmp-", "segment-"
_FILES = ("boxes.npy", "offsets.npy", "keys.npy")


def key_of(data: bytes) -> bytes:
    """SHA-256 of an image file's bytes."""
    return hashlib.sha256(data).digest()


class ProposalCache:
    """The proposals made by one method with one set of parameters. Use from one thread at a time.

    Each segment: boxes (N, 4) float32 xyxy in original pixels, offsets (K + 1,) int64, keys (K, 32) uint8.
    """

    def __init__(self, folder: Path, recipe: str) -> None:
        """recipe: all that the boxes depend on besides the image; another one is another cache."""
        name = hashlib.sha256(f"{recipe} format={FORMAT}".encode()).hexdigest()[:16]
        self.folder = folder / name
        self.columns: list[Boxes] = []
        self._rows: dict[bytes, tuple[int, int, int]] = {}
        self._segments: list[Path] = []
        for path in sorted(self.folder.glob(f"{_SEGMENT}*")):
            self._open(path)

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, key: bytes) -> tuple[int, int, int]:
        """(column, first row, row behind the last). Raises KeyError for an image that is not there."""
        return self._rows[key]

    def add(self, found: Mapping[bytes, Boxes]) -> None:
        """Keeps the boxes of these images, all or none. Raises EngineError where the disk refuses."""
        fresh = self.folder / f"{_TMP}{uuid.uuid4().hex}"
        target = self.folder / f"{_SEGMENT}{uuid.uuid4().hex}"
        offsets = np.cumsum([0, *(len(boxes) for boxes in found.values())]).astype("<i8")
        keys = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, KEY_BYTES)
        try:
            fresh.mkdir(parents=True)
            _write(fresh / "boxes.npy", (int(offsets[-1]), 4), "<f4", found.values())
            _write(fresh / "offsets.npy", offsets.shape, "<i8", [offsets])
            _write(fresh / "keys.npy", keys.shape, "|u1", [keys])
            sync_folder(fresh)
            fresh.rename(target)
            sync_folder(self.folder)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            reason = error.strerror or error
            raise EngineError(f"{self.folder}: proposals cannot be kept ({reason}). Make room on the disk.") from error
        self._open(target)

    def compact(self) -> None:
        """Many small segments become one; what a crash left goes. Columns that are open stay readable."""
        for left in self.folder.glob(f"{_TMP}*"):
            if time.time() - left.stat().st_mtime > ABANDONED_S:  # another program may be writing here as well
                shutil.rmtree(left, ignore_errors=True)
        old, self._segments = self._segments, []
        if len(old) <= MANY_SEGMENTS:
            self._segments = old
            return
        self.add({key: self.columns[column][start:stop] for key, (column, start, stop) in self._rows.items()})
        for segment in old:
            shutil.rmtree(segment, ignore_errors=True)

    def _open(self, path: Path) -> None:
        """A segment that is not whole is as if it were not there: its images are made again."""
        try:
            boxes, offsets, keys = (_map(path / name) for name in _FILES)
        except (OSError, ValueError, EOFError):
            return
        whole = boxes.shape[1:] == (4,) and keys.shape[1:] == (KEY_BYTES,) and offsets.shape == (len(keys) + 1,)
        types = [column.dtype.name for column in (boxes, offsets, keys)] == ["float32", "int64", "uint8"]
        if not whole or not types or offsets[0] != 0 or offsets[-1] != len(boxes) or (np.diff(offsets) < 0).any():
            return
        self._segments.append(path)
        column = len(self.columns)
        self.columns.append(boxes)
        bounds = offsets.tolist()
        for number, key in enumerate(keys):
            self._rows[key.tobytes()] = (column, bounds[number], bounds[number + 1])


def _map(path: Path) -> NDArray[Any]:
    if path.stat().st_size and (column := np.load(path, mmap_mode="r", allow_pickle=False)).size:
        return np.asarray(column)
    return np.asarray(np.load(path, allow_pickle=False))


def _write(path: Path, shape: tuple[int, ...], kind: str, pieces: Iterable[NDArray[Any]]) -> None:
    """An .npy file piece by piece, so that a large column needs no memory of its own."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())
        file.flush()
        os.fsync(file.fileno())
