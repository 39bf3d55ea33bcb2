"""Which COCO files a source means, where their images are, and which image a file_name names.

Looks at folders and at the first bytes of JSON files; parses none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Source

_HEAD_BYTES = 1 << 16
_UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")
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


def looks_like_results(path: Path) -> bool:
    """True for a JSON file of detections, which is read as one and refused. Raises OSError if it cannot be read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and b'"image_id"' in head and b'"category_id"' in head


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
    """Finds the files that file_names mean, below one root. Only files that are listed there are ever found."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._known = set(images.list_images(self.root))
        self._by_base: dict[str, list[str]] = defaultdict(list)
        for name in self._known:
            self._by_base[name.rpartition("/")[2]].append(name)

    def __len__(self) -> int:
        return len(self._known)

    def has(self, file_name: str) -> bool:
        """True if the name is the very path of an image below the root."""
        return file_name.replace("\\", "/").removeprefix("./") in self._known

    def find(self, file_name: str, hints: Iterable[str]) -> str:
        """The image's path relative to the root: as named, below one of the hinted folders, or by the end of its name.

        Names may be absolute, or URLs, or begin with the mark that Label Studio puts before uploads. Raises
        FormatError for a name that no image or several images have, or that leads out of the root.
        """
        if file_name in self._known and file_name.isprintable():
            return file_name
        try:
            name = paths.clean_relative(self.root, file_name)
        except FormatError:
            found = self._by_end(file_name)
            if len(found) == 1:
                return found[0]
            raise
        for candidate in (name, *(f"{hint}/{name}" for hint in hints)):
            if candidate in self._known:
                return candidate
        same = self._by_end(file_name)
        if len(same) == 1:
            return same[0]
        if same:
            raise FormatError(self.root, "", f"{name!r} may be any of {', '.join(sorted(same)[:3])}. Name its folder.")
        raise FormatError(self.root, "", f"the image {name!r} is not there. Put it back, or name another folder.")

    def is_foreign(self, file_name: str) -> bool:
        """True for a name that is no relative path, such as that of another machine's folder."""
        if file_name in self._known:
            return False
        try:
            paths.clean_relative(self.root, file_name)
        except FormatError:
            return True
        return "://" in file_name

    def _by_end(self, file_name: str) -> list[str]:
        """Images whose path ends as this name does: the whole path below the root if one has it, else the last part."""
        whole = "/" + file_name.replace("\\", "/")
        if "://" in whole:
            whole = unquote(re.split("[?#]", whole)[0])
        base = whole.rpartition("/")[2]
        same = self._by_base.get(base) or self._by_base.get(_UPLOAD_MARK.sub("", base), [])
        whole_paths = [name for name in same if whole.endswith("/" + name)] if len(same) > 1 else same
        longest = max(map(len, whole_paths), default=0)
        return [name for name in whole_paths if len(name) == longest] if whole_paths else same


def hints_for(split: str, path: Path) -> tuple[str, ...]:
    """Folders that the images of this file may be in: train2017 for instances_train2017.json, its own, its split."""
    tail = path.stem.rpartition("_")[2]
    names = dict.fromkeys(name for name in (tail, split, path.parent.name, "images") if name)
    return (*names, *(f"images/{name}" for name in names))


def find_root(source: Source, files: Sequence[tuple[str, Path, Sequence[str]]]) -> ImageFinder:
    """The folder of the images: the one named, or of the likely ones that below which most images are found.

    files: split, path and the first few file_names of each COCO file. Raises FormatError, with the remedy to name the
    folder, if there is none.
    """
    if source.images is not None:
        if not source.images.is_dir():
            raise FormatError(source.images, "", "is not a folder. Name the folder that holds the images.")
        return ImageFinder(source.images)
    first = files[0][1]
    parent = first.parent
    likely = [source.path / "images", source.path] if source.path.is_dir() else []
    if len(files) > 1:
        likely += [parent.parent / "images", parent.parent] if parent.name == "annotations" else [parent.parent]
    likely += [parent / "images", parent]
    if parent.name == "annotations":
        likely += [parent.parent / "images", parent.parent]
    best, best_score = None, 0
    wanted = 2 * sum(len(names) for *_, names in files)
    for folder in dict.fromkeys(likely):
        if not folder.is_dir():
            continue
        finder = ImageFinder(folder)
        score = sum(_score(finder, names, hints_for(split, path)) for split, path, names in files)
        if score > best_score:
            best, best_score = finder, score
        if score == wanted:
            break
    if best is None:
        raise FormatError(first, "images", "its images are not beside it. Name their folder (--images DIR).")
    return best


def _score(finder: ImageFinder, names: Sequence[str], hints: Sequence[str]) -> int:
    """2 for each name that is the very path of an image, 1 for one that is found in another way."""
    return sum(2 if finder.has(name) else _is_found(finder, name, hints) for name in names)


def _is_found(finder: ImageFinder, name: str, hints: Sequence[str]) -> bool:
    try:
        finder.find(name, hints)
    except FormatError:
        return False
    return True
