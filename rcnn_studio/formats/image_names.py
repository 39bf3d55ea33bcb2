"""Finding the image that a label file belongs to by its name, among a hundred thousand.

Names are compared composed (NFC): macOS used to store accents decomposed, and archives carry both. Reads no files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property

from rcnn_studio.formats.images import IMAGE_SUFFIXES

_Index = dict[str, int | list[int]]


class ImageNames:
    """Image files by full name, by path without suffix and by bare stem; images are known by their number.

    A number stands alone where it is the only one of its key, which nearly all are, and only the paths without suffix
    are gone through at once: the rest is for files that are named otherwise.
    """

    def __init__(self, image_files: Sequence[str]) -> None:
        self._files = image_files
        self._relative: _Index = {}
        for number, image in enumerate(image_files):
            _put(self._relative, _composed(image).rpartition(".")[0], number)

    def is_exact(self, key: str) -> bool:
        """True for the path of an image, with or without its suffix."""
        return self._named(key) is not None or _composed(key) in self._relative

    def rivals(self, key: str) -> Sequence[int]:
        """The images of this path but for their suffix."""
        return _all(self._relative, _composed(key))

    def is_named(self, image: int, filename: str | None) -> bool:
        """True if <filename> is this image's, with or without its folder."""
        own, name = _composed(self._files[image]), _composed((filename or "").replace("\\", "/").strip())
        return own == name or _base(own) == _base(name)

    def by_stem(self, key: str) -> int | None:
        """The one image of this stem (`a`, or `a.png` for a.png.xml); None if there is none or there are several."""
        named = self._named(key)
        if named is not None:
            return named
        name = _composed(key)
        candidates = _all(self._relative, name) or _all(self._stem, _base(name))
        if len(candidates) > 1:  # of several that differ in their accents' coding alone, the one written as the key is
            candidates = [image for image in candidates if self._files[image].rpartition(".")[0] == key]
        return candidates[0] if len(candidates) == 1 else None

    def by_filename(self, key: str, filename: str | None) -> int | None:
        """The image that <filename> names, among those of the stem if there are any."""
        rivals = self.rivals(key)
        if not filename:
            return rivals[0] if rivals else None
        name = _composed(filename.replace("\\", "/").strip())
        base = _base(name)
        full = self._full.get(name)
        if full is not None and (not rivals or full in rivals):
            return full
        if rivals:
            return next((image for image in rivals if _base(_composed(self._files[image])) == base), rivals[0])
        candidates = _all(self._by_base, base) or _all(self._stem, base) or _all(self._stem, base.rpartition(".")[0])
        return candidates[0] if len(candidates) == 1 else None

    def _named(self, key: str) -> int | None:
        """The image of just this path."""
        dot = key.rfind(".")
        if dot < 0 or key[dot:].lower() not in IMAGE_SUFFIXES:
            return None
        image = self._full.get(key)
        return self._full.get(_composed(key)) if image is None else image

    @cached_property
    def _full(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for number, image in enumerate(self._files):
            found.setdefault(_composed(image), number)
            found[image] = number
        return found

    @cached_property
    def _stem(self) -> _Index:
        found: _Index = {}
        for number, image in enumerate(self._files):
            _put(found, _base(_composed(image).rpartition(".")[0]), number)
        return found

    @cached_property
    def _by_base(self) -> _Index:
        found: _Index = {}
        for number, image in enumerate(self._files):
            _put(found, _base(_composed(image)), number)
        return found


def _put(index: _Index, key: str, number: int) -> None:
    held = index.setdefault(key, number)
    if isinstance(held, list):
        held.append(number)
    elif held != number:
        index[key] = [held, number]


def _all(index: _Index, key: str) -> Sequence[int]:
    held = index.get(key, ())
    return (held,) if isinstance(held, int) else held


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)
