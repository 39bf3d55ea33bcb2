"""The image files that a COCO file speaks of: found below one root, looked at once, and what is wrong with them.

Reads image headers only, and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.coco_layout import ImageFinder
from rcnn_studio.formats.images import ImageInfo

_LEFT_OUT = "The image and its annotations are left out of the project, and kept in the file."


class ImageChecker:
    """Finds the images of one or several COCO files; no image may be that of two records."""

    def __init__(self, finder: ImageFinder) -> None:
        self._finder = finder
        self._root = str(finder.root)
        self._claimed: dict[str, tuple[int, str]] = {}
        self._foreign: dict[Path, list[tuple[int, str]]] = {}
        self.problems: list[Problem] = []

    def find(self, file: Path, index: int, record: Mapping[str, Any], name: str, hints: Sequence[str]) -> str | None:
        """The relative path of images[index] of this file; None, with a problem listed, if it cannot be used."""
        try:
            path = self._finder.find(name, hints)
            self._check_free(path)
        except FormatError as error:
            where = f"images[{index}].{'file_name' if 'file_name' in record else 'coco_url'}"
            self._add(str(file), where, "unusable-image", error.reason, _LEFT_OUT)
            return None
        self._claimed[path] = (index, file.name)
        if self._finder.is_foreign(name):
            self._foreign.setdefault(file, []).append((index, name))
        return path

    def inspect(self, file: Path, index: int, record: Mapping[str, Any], path: str) -> ImageInfo | None:
        """What its header says; None, with a problem listed, if it cannot be opened."""
        full = os.path.join(self._root, path)
        try:
            info = images.inspect(full)
        except FormatError as error:
            self._add(str(error.path), error.where, "unreadable-image", error.reason, _LEFT_OUT)
            return None
        if not info.complete:
            action = "It is set to 'needs fix' and left out of training. Replace it with a sound copy."
            self._add(full, "", "truncated-image", "the image is cut off or damaged.", action)
        said = record.get("width"), record.get("height")
        if said != (info.width, info.height) and None not in said and said != (0, 0):
            self._note_size(file, index, said, info)
        return info

    def note_foreign(self) -> None:
        """One note a file about names that were written for another machine's folders."""
        for file, found in self._foreign.items():
            index, name = found[0]
            message = f"{len(found)} names are no paths below the images' folder, such as {name!r}."
            action = "The images were found by the ends of these names; the names are kept."
            self._add(str(file), f"images[{index}].file_name", "foreign-path", message, action, level="note")

    def _check_free(self, path: str) -> None:
        if path in self._claimed:
            index, name = self._claimed[path]
            raise FormatError(path, "", f"{path} is images[{index}] of {name} already.")
        if not paths.is_storable(path):
            raise FormatError(path, "", "the name is not valid UTF-8.")

    def _note_size(self, file: Path, index: int, said: tuple[object, object], info: ImageInfo) -> None:
        kind, action = "size-mismatch", "The boxes are taken as they are; look whether they fit."
        if said == (info.stored_width, info.stored_height):
            kind = "rotated-image"
            action = "The image is turned by its EXIF data; its boxes may have been drawn before turning. Look at them."
        message = f"says {said[0]!r} x {said[1]!r}, but the image has {info.width} x {info.height} pixels."
        side = "height" if said[0] in (info.width, info.stored_width) else "width"
        self._add(str(file), f"images[{index}].{side}", kind, message, action, level="warning")

    def _add(self, file: str, where: str, kind: str, message: str, action: str, *, level: str = "error") -> None:
        self.problems.append(Problem(file=file, where=where, kind=kind, message=message, action=action, level=level))
