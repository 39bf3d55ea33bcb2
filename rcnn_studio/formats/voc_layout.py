"""Where a VOC dataset keeps its images, XML files and splits, and which XML belongs to which image.

An image is found by the XML's stem, then by its <filename>; never by its <path>, which is some other machine's.
Reads no XML itself.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Source

XML_SUFFIXES = frozenset({".xml"})
MAX_LIST_BYTES = 256 << 20

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
    """annotations, images: resolved folders; xml_files, image_files: relative to them; sets: ImageSets/Main or None.

    problems: files that are there and are not read, for their names or because they are links out. foreign: XML files
    that are no annotations, whose names are not to be taken.
    """

    annotations: Path
    images: Path
    xml_files: list[str]
    image_files: list[str]
    sets: Path | None
    problems: tuple[Problem, ...] = ()
    foreign: frozenset[str] = frozenset()


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
    listed = paths.scan(image_root, images.IMAGE_SUFFIXES)
    if not listed.names:
        suffixes = ", ".join(sorted(images.IMAGE_SUFFIXES))
        remedy = "Put the images there, or name their folder (--images DIR)."
        raise FormatError(image_root, "", f"holds no image ({suffixes}). {remedy}")
    xmls = paths.scan(annotations, XML_SUFFIXES)
    if annotations == root and not xmls.names:
        raise FormatError(
            root, "", "holds no Annotations folder and no XML file. Import it as plain images (--images)."
        )
    sets = root / "ImageSets" / "Main"
    return make_layout(
        annotations, xmls, image_root, listed, sets if sets.is_dir() and not paths.is_link_out(sets, root) else None
    )


def make_layout(
    annotations: Path, xmls: paths.Listing, image_root: Path, listed: paths.Listing, sets: Path | None
) -> Layout:
    """The layout of these listings, without the files whose names no database could hold; those are its problems."""
    problems: dict[str, Problem] = {}
    for folder, listing in ((image_root, listed), (annotations, xmls)):
        for name in listing.skipped:
            path = paths.below(str(folder), name)
            message = "is a link out of the dataset, to a folder or to nothing, or no plain file: it is not opened."
            problems.setdefault(path, _left_out(path, "link-out", message, "Replace it by a file of its own."))
        for name in listing.names:
            if not paths.is_storable(name):
                path = ascii(paths.below(str(folder), name))
                message = "the file's name is not valid UTF-8."
                problems[path] = _left_out(path, "bad-name", message, "Rename it, and import again.")
    return Layout(
        annotations=annotations.resolve(),
        images=image_root.resolve(),
        xml_files=[name for name in xmls.names if paths.is_storable(name)],
        image_files=[name for name in listed.names if paths.is_storable(name)],
        sets=sets,
        problems=tuple(problems.values()),
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
            rivals = names.rivals(xml[:-4])
            if len(rivals) > 1 and not names.is_named(image, filename_of(xml)):
                others = ", ".join(rival for rival in rivals if rival != image)
                message = f"could belong to {image} or to {others}, and its <filename> names neither."
                action = f"Its boxes are shown on {image}. Look whether they fit; if not, correct <filename>."
                problems.append(
                    Problem(
                        file=file,
                        where="filename",
                        kind="ambiguous-image",
                        message=message,
                        action=action,
                        level="warning",
                    )
                )
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
        if layout.sets is not None and paths.is_link_out(path, layout.sets.resolve().parent.parent):
            problems.append(_left_out(str(path), "link-out", "is a link out of the dataset.", "Copy the list here."))
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
    """Image files by full name, by path without suffix and by bare stem.

    Names are compared composed (NFC): macOS used to store accents decomposed, and archives carry both.
    """

    def __init__(self, image_files: list[str]) -> None:
        self._full: dict[str, str] = {}
        self._relative: dict[str, list[str]] = defaultdict(list)
        self._stem: dict[str, list[str]] = defaultdict(list)
        self._base: dict[str, list[str]] = defaultdict(list)
        for image in image_files:
            name = _composed(image)
            without = name.rpartition(".")[0]
            self._full.setdefault(name, image)
            self._full[image] = image
            self._relative[without].append(image)
            self._stem[without.rpartition("/")[2]].append(image)
            self._base[name.rpartition("/")[2]].append(image)

    def is_exact(self, key: str) -> bool:
        return key in self._full or _composed(key) in self._relative

    def rivals(self, key: str) -> list[str]:
        """The images of this path but for their suffix."""
        return self._relative.get(_composed(key), [])

    def is_named(self, image: str, filename: str | None) -> bool:
        """True if <filename> is this image's, with or without its folder."""
        name = _composed((filename or "").replace("\\", "/").strip())
        return _composed(image) == name or _composed(image).rpartition("/")[2] == name.rpartition("/")[2]

    def by_stem(self, key: str) -> str | None:
        """The one image of this stem (`a`, or `a.png` for a.png.xml); None if there is none or there are several."""
        name = _composed(key)
        if key in self._full or name in self._full:
            return self._full.get(key) or self._full[name]
        candidates = self._relative.get(name) or self._stem.get(name.rpartition("/")[2], [])
        return _only(candidates, key)

    def by_filename(self, key: str, filename: str | None) -> str | None:
        """The image that <filename> names, among those of the stem if there are any."""
        rivals = self.rivals(key)
        if filename:
            name = _composed(filename.replace("\\", "/").strip())
            base = name.rpartition("/")[2]
            if name in self._full and (not rivals or self._full[name] in rivals):
                return self._full[name]
            if rivals:
                return next((image for image in rivals if _composed(image).rpartition("/")[2] == base), rivals[0])
            candidates = self._base.get(base) or self._stem.get(base) or self._stem.get(base.rpartition(".")[0], [])
            return candidates[0] if len(candidates) == 1 else None
        return rivals[0] if rivals else None


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _only(candidates: list[str], key: str) -> str | None:
    """The one candidate; among several that differ in their accents' coding alone, the one written as the key is."""
    if len(candidates) > 1:
        candidates = [image for image in candidates if image.rpartition(".")[0] == key]
    return candidates[0] if len(candidates) == 1 else None


def _plan(layout: Layout, xml_of: dict[str, str], problems: list[Problem]) -> dict[str, str]:
    """The XML for each image that has none; two images of one stem must not share one."""
    taken = {xml.casefold() for xml in (*layout.xml_files, *layout.foreign)}
    planned: dict[str, str] = {}
    for image in layout.image_files:
        if image in xml_of:
            continue
        name = image.rpartition(".")[0] + ".xml"
        if name.casefold() in taken:
            wanted, name = name, _free_name(image, taken)
            problems.append(
                Problem(
                    file=str(layout.images / image),
                    where="",
                    kind="shared-stem",
                    message=f"another image or file has the name {wanted} already, so it cannot hold its labels.",
                    action=f"This one's labels go to {name}.",
                    level="warning",
                )
            )
        taken.add(name.casefold())
        planned[image] = name
    return planned


def _free_name(image: str, taken: set[str]) -> str:
    """a.png.xml, which is read back as the XML of a.png; with a number where even that name is taken."""
    names = (f"{image}{number}.xml" for number in ("", *(f".{n}" for n in range(2, len(taken) + 3))))
    return next(name for name in names if name.casefold() not in taken)


def _read_list(path: Path, image_of: Callable[[str], str | None], problems: list[Problem]) -> list[str]:
    """The images of an ImageSets file; its lines are "id" or "id 1", and an id may hold spaces."""
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise ValueError(f"it has more than {MAX_LIST_BYTES >> 20} MiB")
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        action = "Its split is ignored. Save it as UTF-8 text."
        message = f"cannot be read ({error})."
        problems.append(Problem(file=str(path), where="", kind="unreadable-split", message=message, action=action))
        return []
    found: list[str] = []
    unknown: list[str] = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        image = image_of(text)
        if image is None and text.rpartition(" ")[2].rpartition("\t")[2] in ("1", "0", "-1"):
            image = image_of(text.rstrip("01").rstrip("-").rstrip())
        (found if image else unknown).append(image or text)
    if unknown:
        shown = ", ".join(repr(name[:60]) for name in unknown[:3]) + (" ..." if len(unknown) > 3 else "")
        message = f"{len(unknown)} of its ids name no image: {shown}."
        action = "They are ignored; the file is left as it is."
        problems.append(
            Problem(file=str(path), where="", kind="unknown-id", message=message, action=action, level="warning")
        )
    return found


def _left_out(file: str, kind: str, message: str, remedy: str) -> Problem:
    return Problem(file=file, where="", kind=kind, message=message, action=f"The file is left alone. {remedy}")


def _child(folder: Path, name: str) -> Path | None:
    """The sub-folder of this name, in any case. A link out of the dataset is not followed: it is to be named. Raises
    FormatError for that, and for a folder that cannot be listed."""
    try:
        named = (child for child in sorted(folder.iterdir()) if child.name.casefold() == name.casefold())
        child = next((child for child in named if child.is_dir()), None)
    except OSError as error:
        raise FormatError(
            folder, "", f"the folder cannot be listed ({error.strerror}). Allow reading it, and check the drive."
        ) from error
    if child is not None and paths.is_link_out(child, folder.resolve()):
        raise FormatError(child, "", "is a link out of the dataset. Name its target (--images DIR).")
    return child
