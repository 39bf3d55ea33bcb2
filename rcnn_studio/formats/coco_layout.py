"""Which COCO files a source means, where their images are, and which image a file_name names.

Looks at folders and at the first bytes of JSON files; parses none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Source

_HEAD_BYTES = 1 << 16
_WORDS = re.compile(r"[^A-Za-z]+")
_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


def looks_like_coco(path: Path) -> bool:
    """True for a JSON file that names images or annotations near its start. Raises OSError if it cannot be read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b'"annotations"' in head or (b'"images"' in head and b'"file_name"' in head)


def coco_files(folder: Path) -> list[Path]:
    """The COCO files of a folder, its sub-folders and those of `annotations`; instances_* alone if there are such."""
    found = [path for path in sorted(folder.glob("*.json")) if looks_like_coco(path)]
    for child in sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink()):
        found += [path for path in sorted(child.glob("*.json")) if looks_like_coco(path)]
    return [path for path in found if path.name.startswith("instances_")] or found


def split_of(path: Path) -> str:
    """The split a file's name, or else its folder's, speaks of; empty for none."""
    for text in (path.stem, path.parent.name):
        for word in _WORDS.split(text.casefold()):
            if word in _SPLIT_WORDS:
                return _SPLIT_WORDS[word]
    return ""


def source_files(source: Source) -> list[tuple[str, Path]]:
    """(split, absolute path) of each COCO file. Raises FormatError if there is none."""
    listed = list(source.files)
    if not listed and source.path.is_dir():
        try:
            listed = [(split_of(path), path) for path in coco_files(source.path)]
        except OSError as error:
            raise FormatError(source.path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
        if not listed:
            raise FormatError(source.path, "", "holds no COCO file. Name the JSON file that holds the annotations.")
    listed = listed or [("", source.path)]
    for _, path in listed:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise FormatError(path, "", f"{reason}. Name the JSON file that holds the annotations.")
    return [(split or source.split, path.resolve()) for split, path in listed]


class ImageFinder:
    """Finds the files that file_names mean, below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._known = set(images.list_images(self.root))
        self._by_base: dict[str, list[str]] = defaultdict(list)
        for name in self._known:
            self._by_base[name.rpartition("/")[2]].append(name)

    def __len__(self) -> int:
        return len(self._known)

    def find(self, file_name: str, hints: Iterable[str]) -> str:
        """The image's path relative to the root: as named, below one of the hinted folders, or by its unique name.

        Raises FormatError for a name that leads out of the root, or that no image or several images have.
        """
        name = paths.clean_relative(self.root, file_name)
        for candidate in (name, *(f"{hint}/{name}" for hint in hints)):
            if candidate in self._known:
                return candidate
        same = self._by_base.get(name.rpartition("/")[2], [])
        if len(same) == 1:
            return same[0]
        if same:
            raise FormatError(self.root, "", f"{name!r} may be any of {', '.join(sorted(same)[:3])}. Name its folder.")
        raise FormatError(self.root, "", f"the image {name!r} is not there. Put it back, or name another folder.")


def hints_for(split: str, path: Path) -> tuple[str, ...]:
    """Folders that the images of this file may be in: train2017 for instances_train2017.json, its own, its split."""
    tail = path.stem.rpartition("_")[2]
    names = dict.fromkeys(name for name in (tail, split, path.parent.name, "images") if name)
    return (*names, *(f"images/{name}" for name in names))


def find_root(source: Source, files: Sequence[tuple[str, Path]], file_names: Sequence[str]) -> ImageFinder:
    """The folder of the images: the one named, or the first likely one that holds one of these file names.

    Raises FormatError, with the remedy to name the folder, if there is none.
    """
    if source.images is not None:
        if not source.images.is_dir():
            raise FormatError(source.images, "", "is not a folder. Name the folder that holds the images.")
        return ImageFinder(source.images)
    split, first = files[0]
    parent = first.parent
    likely = [source.path / "images", source.path] if source.path.is_dir() else []
    if len(files) > 1:
        likely += [parent.parent / "images", parent.parent] if parent.name == "annotations" else [parent.parent]
    likely += [parent / "images", parent]
    if parent.name == "annotations":
        likely += [parent.parent / "images", parent.parent]
    for folder in dict.fromkeys(likely):
        if not folder.is_dir():
            continue
        finder = ImageFinder(folder)
        if any(_is_found(finder, name, hints_for(split, first)) for name in file_names[:20]):
            return finder
    raise FormatError(first, "images", "its images are not beside it. Name their folder (--images DIR).")


def _is_found(finder: ImageFinder, name: str, hints: Sequence[str]) -> bool:
    try:
        finder.find(name, hints)
    except FormatError:
        return False
    return True
