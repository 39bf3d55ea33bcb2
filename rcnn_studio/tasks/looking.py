"""Looking at every image of a dataset once: is it there, how large, can it be decoded, what does it look like.

What was seen is remembered in the user's cache folder by path, time and size of the file, so that the next time only
new images are decoded. Writes nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import near_duplicates
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.near_duplicates import Signatures
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.formats import images
from rcnn_studio.formats.atomic import file_hash, write_atomic
from rcnn_studio.tasks.places import cache_home

LOOK_SIDE = 128
"""Pixels of the longer side at which pictures are compared."""

_BATCH = 32
_MAX_THREADS = 4
_THUMB = near_duplicates.THUMB_SIDE**2

Signature = tuple[int, NDArray[np.uint8]]
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One image file. size: upright width and height, stored: before EXIF turns it (None: its header cannot be read);
    stamp: modification time in ns and bytes of the file; signature: None where the pixels were not asked for or cannot
    be decoded. error: why something of that failed; missing: there is no such file."""

    size: tuple[int, int] | None = None
    stored: tuple[int, int] | None = None
    stamp: Stamp | None = None
    signature: Signature | None = None
    error: FormatError | None = None
    missing: bool = False


def look_at(
    paths: Sequence[Path],
    *,
    pixels: bool = True,
    whole: bool = False,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> list[Look]:
    """One Look for each path, in order. pixels: decode what the cache does not know; whole: decode every image at its
    full size, cache or not. Raises Cancelled; what was seen until then is remembered."""
    cache = LookCache(cache_home() / "looks")
    looks: list[Look] = []
    text = "Decoding images" if whole else "Looking at images"

    def look(path: Path) -> Look:
        return _look(path, cache, pixels=pixels or whole, whole=whole)

    try:
        with ThreadPoolExecutor(max_workers=min(_MAX_THREADS, os.cpu_count() or 1), thread_name_prefix="look") as pool:
            for batch in _batches(paths):
                check(should_stop)
                report(Progress(text, len(looks), len(paths)))
                looks.extend(pool.map(look, batch))
    finally:
        for path, seen in zip(paths, looks, strict=False):
            cache.remember(path, seen)
        cache.save()
    report(Progress(text, len(paths), len(paths)))
    return looks


def groups_of_images(
    paths: Sequence[Path], report: Report = ignore, should_stop: ShouldStop = never
) -> NDArray[np.int64]:
    """For each image the lowest index of those that look like it: groups that a split must not tear apart.

    -> (N,) int64. An image that cannot be decoded is a group of its own. Raises Cancelled.
    """
    return alike_groups(look_at(paths, report=report, should_stop=should_stop), should_stop)


def alike_groups(looks: Sequence[Look], should_stop: ShouldStop = never) -> NDArray[np.int64]:
    """For each image the lowest index of those that look like it, its own where none does or nothing is known of it.

    -> (N,) int64. Raises Cancelled.
    """
    known = np.array([i for i, look in enumerate(looks) if look.signature is not None], dtype=np.int64)
    labels = np.arange(len(looks), dtype=np.int64)
    if len(known):
        labels[known] = known[near_duplicates.groups(signatures_of(looks, known), should_stop)]
    return labels


def equal_groups(paths: Sequence[Path], looks: Sequence[Look], should_stop: ShouldStop = never) -> NDArray[np.int64]:
    """The same for files equal byte for byte. Only those of one length and one look are read. Raises Cancelled."""
    alike: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    for index, look in enumerate(looks):
        if look.stamp is not None:
            alike[look.stamp[1], look.signature[0] if look.signature else None].append(index)
    labels = np.arange(len(looks), dtype=np.int64)
    for members in alike.values():
        first: dict[str, int] = {}
        for index in members if len(members) > 1 else ():
            check(should_stop)
            with contextlib.suppress(FormatError):  # a file that cannot be read is reported as an image
                if found := file_hash(paths[index]):
                    labels[index] = first.setdefault(found, index)
    return labels


def signatures_of(looks: Sequence[Look], which: NDArray[np.int64]) -> Signatures:
    """The columns of these images, which must have one."""
    found = [looks[i].signature for i in which.tolist()]
    return near_duplicates.collect([signature for signature in found if signature is not None])


class LookCache:
    """What images looked like, one file for each folder of images. Damaged or absent files count as empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, tuple[Stamp, Signature]]] = {}
        self._changed: set[str] = set()

    def find(self, path: Path, stamp: Stamp) -> Signature | None:
        """The signature of the file as it was at this time and size."""
        known = self._of(str(path.parent)).get(path.name)
        return known[1] if known is not None and known[0] == stamp else None

    def remember(self, path: Path, look: Look) -> None:
        if look.stamp is None or look.signature is None or self.find(path, look.stamp) is not None:
            return
        self._of(str(path.parent))[path.name] = look.stamp, look.signature
        self._changed.add(str(path.parent))

    def save(self) -> None:
        """Writes what is new; a cache that cannot be written is done without."""
        with contextlib.suppress(OSError, FormatError, UnicodeError):
            if self._changed:
                self._folder.mkdir(parents=True, exist_ok=True)
            for parent in sorted(self._changed):
                write_atomic(self._file(parent), _packed(self._known[parent]))
        self._changed.clear()

    def _of(self, parent: str) -> dict[str, tuple[Stamp, Signature]]:
        if parent not in self._known:
            self._known[parent] = _unpacked(self._file(parent))
        return self._known[parent]

    def _file(self, parent: str) -> Path:
        digest = hashlib.sha256(parent.encode("utf-8", "surrogateescape")).hexdigest()[:24]
        return self._folder / f"{digest}.npz"


def _look(path: Path, cache: LookCache, *, pixels: bool, whole: bool) -> Look:
    """See Look; raises nothing that a damaged or absent file can cause."""
    try:
        status = path.stat()
    except OSError:
        return Look(missing=True, error=FormatError(path, "", "the image file is gone."))
    stamp = status.st_mtime_ns, status.st_size
    try:
        size, stored = images.read_size(path), images.stored_size(path)
    except FormatError as error:
        return Look(stamp=stamp, error=error)
    signature = None if whole or not pixels else cache.find(path, stamp)
    if not pixels or signature is not None:
        return Look(size=size, stored=stored, stamp=stamp, signature=signature)
    try:
        picture = images.decode(path, max_side=None if whole else LOOK_SIDE)
    except FormatError as error:
        return Look(size=size, stored=stored, stamp=stamp, error=error)
    return Look(size=size, stored=stored, stamp=stamp, signature=near_duplicates.signature(picture))


def _packed(known: dict[str, tuple[Stamp, Signature]]) -> bytes:
    names = np.frombuffer(json.dumps(list(known)).encode("ascii"), dtype=np.uint8)
    stamps = np.array([stamp for stamp, _ in known.values()], dtype=np.int64).reshape(-1, 2)
    columns = near_duplicates.collect([signature for _, signature in known.values()])
    buffer = io.BytesIO()
    np.savez(buffer, names=names, stamps=stamps, hashes=columns.hashes, thumbs=columns.thumbs)
    return buffer.getvalue()


def _unpacked(path: Path) -> dict[str, tuple[Stamp, Signature]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            names: Any = json.loads(stored["names"].tobytes())
            stamps, hashes, thumbs = stored["stamps"], stored["hashes"], stored["thumbs"]
        if hashes.dtype != np.uint64 or thumbs.dtype != np.uint8 or thumbs.shape[1:] != (_THUMB,):
            return {}
        rows = zip(names, stamps.tolist(), hashes.tolist(), thumbs, strict=True)
        return {str(name): ((int(time), int(size)), (value, thumb)) for name, (time, size), value, thumb in rows}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    rest = iter(paths)
    while batch := list(islice(rest, _BATCH)):
        yield batch
