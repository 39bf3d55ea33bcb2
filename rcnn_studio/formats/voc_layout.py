"""Where a VOC dataset keeps its images, XML files and splits, and which XML belongs to which image.

An image is found by the XML's stem, then by its <filename>; never by its <path>, which is some other machine's.
Reads no XML itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Source

XML_SUFFIXES = frozenset({".xml"})

_MARKED_LINE = re.compile(r"(.+?)\s+(?:-?1|0)")
_FOLDER_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """annotations, images: resolved folders; xml_files, image_files: relative to them; sets: ImageSets/Main or None."""

    annotations: Path
    images: Path
    xml_files: list[str]
    image_files: list[str]
    sets: Path | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """xml_of: image -> XML, both relative; planned: image without XML -> the XML it would get."""

    xml_of: dict[str, str]
    planned: dict[str, str]
    problems: list[Problem]


def find_layout(source: Source) -> Layout:
    """Raises FormatError, with a remedy, if there is no folder or no image in it."""
    path = source.path
    if not path.is_dir():
        reason = "does not exist" if not path.exists() else "is not a folder"
        raise FormatError(path, "", f"{reason}. Point at the folder that holds Annotations and JPEGImages.")
    if path.name.casefold() == "annotations" and _child(path.parent, "JPEGImages"):
        path = path.parent
    root = path.resolve()
    annotations = _child(root, "Annotations") or root
    image_root = source.images or _child(root, "JPEGImages") or _child(root, "images") or root
    if not image_root.is_dir():
        raise FormatError(image_root, "", "is not a folder. Name the folder that holds the images.")
    image_files = images.list_images(image_root)
    if not image_files:
        suffixes = ", ".join(sorted(images.IMAGE_SUFFIXES))
        remedy = "Put the images there, or name their folder (--images DIR)."
        raise FormatError(image_root, "", f"holds no image ({suffixes}). {remedy}")
    xml_files = paths.list_files(annotations, XML_SUFFIXES)
    if annotations == root and not xml_files:
        raise FormatError(
            root, "", "holds no Annotations folder and no XML file. Import it as plain images (--images)."
        )
    sets = root / "ImageSets" / "Main"
    return Layout(
        annotations=annotations.resolve(),
        images=image_root.resolve(),
        xml_files=xml_files,
        image_files=image_files,
        sets=sets if sets.is_dir() and not paths.is_link_out(sets, root) else None,
    )


def pair(layout: Layout, filename_of: Callable[[str], str | None]) -> Pairs:
    """Which image has which XML. filename_of: the <filename> of an XML (None: none), asked only in doubt."""
    names = _Names(layout.image_files)
    xml_of: dict[str, str] = {}
    problems: list[Problem] = []
    for xml in sorted(layout.xml_files, key=lambda x: not names.is_exact(x[:-4])):
        file = str(layout.annotations / xml)
        image = names.by_stem(xml[:-4]) or names.by_filename(xml[:-4], filename_of(xml))
        if image is None:
            message = "no image belongs to this file: none has its name, and none its <filename>."
            problems.append(_left_out(file, "missing-image", message, "Put the image back."))
        elif image in xml_of:
            message = f"{image} has its labels in {xml_of[image]} already."
            problems.append(_left_out(file, "second-annotation", message, "Remove one of the two."))
        else:
            xml_of[image] = xml
    planned = _plan(layout, xml_of, problems)
    return Pairs(xml_of, planned, problems)


def read_splits(layout: Layout, source: Source, pairs: Pairs) -> tuple[dict[str, str], list[Problem]]:
    """Split of each image that has one, by relative path.

    train, val and test lists first; then trainval, whose images are "train" where some image is in val and else
    have no split yet; without lists, folders named train, valid or test.
    """
    if source.split:
        return dict.fromkeys(layout.image_files, source.split), []
    problems: list[Problem] = []
    found: dict[str, str] = {}
    names = _Names(layout.image_files)
    owner = {xml[:-4]: image for image, xml in (pairs.xml_of | pairs.planned).items()}

    def image_of(key: str) -> str | None:
        return owner.get(key) or names.by_stem(key)

    for split in ("train", "val", "test", "trainval"):
        path = layout.sets / f"{split}.txt" if layout.sets else None
        if path is None or not path.is_file():
            continue
        listed = _read_list(path, image_of, problems)
        if split == "trainval" and "val" not in found.values():
            continue
        for image in listed:
            found.setdefault(image, "train" if split == "trainval" else split)
    if not layout.sets:
        for image in layout.image_files:
            top = image.split("/", 1)[0].casefold() if "/" in image else ""
            if top in _FOLDER_SPLITS:
                found[image] = _FOLDER_SPLITS[top]
    return found, problems


class _Names:
    """Image files by full name, by path without suffix and by bare stem."""

    def __init__(self, image_files: list[str]) -> None:
        self._full = set(image_files)
        self._relative: dict[str, list[str]] = defaultdict(list)
        self._stem: dict[str, list[str]] = defaultdict(list)
        self._base: dict[str, list[str]] = defaultdict(list)
        for image in image_files:
            without = image.rpartition(".")[0]
            self._relative[without].append(image)
            self._stem[without.rpartition("/")[2]].append(image)
            self._base[image.rpartition("/")[2]].append(image)

    def is_exact(self, key: str) -> bool:
        return key in self._full or key in self._relative

    def by_stem(self, key: str) -> str | None:
        """The one image of this stem (`a`, or `a.png` for a.png.xml); None if there is none or there are several."""
        if key in self._full:
            return key
        candidates = self._relative.get(key) or self._stem.get(key.rpartition("/")[2], [])
        return candidates[0] if len(candidates) == 1 else None

    def by_filename(self, key: str, filename: str | None) -> str | None:
        """The image that <filename> names, among those of the stem if there are any."""
        rivals = self._relative.get(key, [])
        if filename:
            name = filename.replace("\\", "/").strip()
            base = name.rpartition("/")[2]
            if name in self._full and (not rivals or name in rivals):
                return name
            if rivals:
                return next((image for image in rivals if image.rpartition("/")[2] == base), rivals[0])
            candidates = self._base.get(base) or self._stem.get(base) or self._stem.get(base.rpartition(".")[0], [])
            return candidates[0] if len(candidates) == 1 else None
        return rivals[0] if rivals else None


def _plan(layout: Layout, xml_of: dict[str, str], problems: list[Problem]) -> dict[str, str]:
    """The XML for each image that has none; two images of one stem must not share one."""
    taken = set(layout.xml_files)
    planned: dict[str, str] = {}
    for image in layout.image_files:
        if image in xml_of:
            continue
        name = image.rpartition(".")[0] + ".xml"
        if name in taken:
            problems.append(
                Problem(
                    file=str(layout.images / image),
                    where="",
                    kind="shared-stem",
                    message=f"another image has the name {name} for its labels already.",
                    action=f"This one's labels go to {image}.xml.",
                    level="warning",
                )
            )
            name = f"{image}.xml"
        taken.add(name)
        planned[image] = name
    return planned


def _read_list(path: Path, image_of: Callable[[str], str | None], problems: list[Problem]) -> list[str]:
    """The images of an ImageSets file; its lines are "id" or "id 1", and an id may hold spaces."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        action = "Its split is ignored. Save it as UTF-8 text."
        message = f"cannot be read ({error})."
        problems.append(
            Problem(
                file=str(path), where="", kind="unreadable-split", message=f"cannot be read ({error}).", action=action
            )
        )
        return []
    found: list[str] = []
    unknown: list[str] = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        image = image_of(text)
        if image is None and (match := _MARKED_LINE.fullmatch(text)):
            image = image_of(match.group(1))
        (found if image else unknown).append(image or text)
    if unknown:
        shown = ", ".join(unknown[:3]) + (" ..." if len(unknown) > 3 else "")
        message = f"{len(unknown)} of its ids name no image: {shown}."
        action = "They are ignored; the file is left as it is."
        problems.append(
            Problem(file=str(path), where="", kind="unknown-id", message=message, action=action, level="warning")
        )
    return found


def _left_out(file: str, kind: str, message: str, remedy: str) -> Problem:
    return Problem(file=file, where="", kind=kind, message=message, action=f"The file is left alone. {remedy}")


def _child(folder: Path, name: str) -> Path | None:
    """The sub-folder of this name, in any case. A link out of the dataset is not followed: it is to be named."""
    for child in sorted(folder.iterdir()):
        if child.name.casefold() == name.casefold() and child.is_dir():
            if paths.is_link_out(child, folder.resolve()):
                raise FormatError(child, "", "is a link out of the dataset. Name its target (--images DIR).")
            return child
    return None
