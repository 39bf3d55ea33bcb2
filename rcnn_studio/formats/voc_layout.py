"""Where a VOC dataset keeps its images, XML files and splits, and which XML belongs to which image.

An image is found by the XML's stem, then by its <filename>; never by its <path>, which is some other machine's.
Reads no XML itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Source
from rcnn_studio.formats.image_names import ImageNames

XML_SUFFIXES = frozenset({".xml"})
MAX_LIST_BYTES = 256 << 20
NO_XML = -1

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

    def xml_path(self, number: int) -> str:
        """The path of XML file number `number`."""
        return str(self.annotations / self.xml_files[number])


@dataclass(frozen=True, slots=True)
class Pairs:
    """xml_of: number of each image's XML, NO_XML for none; used: these XML files, those first that were surest of
    their image; planned: the XML that an image without one would get.

    Images and XML files are known by their numbers in the layout.
    """

    xml_of: Sequence[int]
    used: Sequence[int]
    planned: Mapping[int, str]
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


def pair(layout: Layout, names: ImageNames, filename_of: Callable[[int], str | None]) -> Pairs:
    """Which image has which XML. names: of the layout's images. filename_of: the <filename> of an XML (None: none),
    asked only in doubt."""
    xml_of, used = array("i", [NO_XML]) * len(layout.image_files), array("i")
    problems: list[Problem] = []
    for number in _exact_first(layout.xml_files, names):
        key = layout.xml_files[number][:-4]
        image = names.by_stem(key)
        if image is None:
            image = names.by_filename(key, filename_of(number))
        if image is None:
            message = "no image belongs to this file: none has its name, and none its <filename>."
            problems.append(_left_out(layout.xml_path(number), "missing-image", message, "Put the image back."))
        elif xml_of[image] != NO_XML:
            message = f"{layout.image_files[image]} has its labels in {layout.xml_files[xml_of[image]]} already."
            problems.append(_left_out(layout.xml_path(number), "second-annotation", message, "Remove one of the two."))
        else:
            xml_of[image] = number
            used.append(number)
            rivals = names.rivals(key)
            if len(rivals) > 1 and not names.is_named(image, filename_of(number)):
                problems.append(_ambiguous(layout, number, image, rivals))
    planned = _plan(layout, xml_of, problems)
    return Pairs(xml_of, used, planned, problems)


def _exact_first(xml_files: Sequence[str], names: ImageNames) -> Iterator[int]:
    """The numbers of the XML files, those first that have an image's name to the letter."""
    others: list[int] = []
    for number, xml in enumerate(xml_files):
        if names.is_exact(xml[:-4]):
            yield number
        else:
            others.append(number)
    yield from others


def _ambiguous(layout: Layout, number: int, image: int, rivals: Sequence[int]) -> Problem:
    name = layout.image_files[image]
    others = ", ".join(layout.image_files[rival] for rival in rivals if rival != image)
    return Problem(
        file=layout.xml_path(number),
        where="filename",
        kind="ambiguous-image",
        message=f"could belong to {name} or to {others}, and its <filename> names neither.",
        action=f"Its boxes are shown on {name}. Look whether they fit; if not, correct <filename>.",
        level="warning",
    )


def read_splits(layout: Layout, source: Source, names: ImageNames, pairs: Pairs) -> tuple[list[str], list[Problem]]:
    """Split of each image, empty for none.

    train, val and test lists first; then trainval, whose images are "train" where some image is in val and else
    have no split yet; without lists, folders named train, valid or test.
    """
    if source.split:
        return [source.split] * len(layout.image_files), []
    if layout.sets is None:
        tops = (image.split("/", 1)[0].casefold() if "/" in image else "" for image in layout.image_files)
        return [_FOLDER_SPLITS.get(top, "") for top in tops], []
    problems: list[Problem] = []
    found = [""] * len(layout.image_files)
    image_of = _by_id(layout, names, pairs)
    for split in ("train", "val", "test", "trainval"):
        path = layout.sets / f"{split}.txt"
        if not path.is_file():
            continue
        if paths.is_link_out(path, layout.sets.resolve().parent.parent):
            problems.append(_left_out(str(path), "link-out", "is a link out of the dataset.", "Copy the list here."))
            continue
        listed = _read_list(path, image_of, problems)
        if split == "trainval" and "val" not in found:
            continue
        for image in listed:
            found[image] = found[image] or ("train" if split == "trainval" else split)
    return found, problems


def _by_id(layout: Layout, names: ImageNames, pairs: Pairs) -> Callable[[str], int | None]:
    """Finds the image of an id in a list: the one whose labels are, or would be, in the XML of that name."""
    owner = {layout.xml_files[xml][:-4]: image for image, xml in enumerate(pairs.xml_of) if xml != NO_XML}
    owner |= {name[:-4]: image for image, name in pairs.planned.items()}

    def image_of(key: str) -> int | None:
        image = owner.get(key)
        return names.by_stem(key) if image is None else image

    return image_of


def _plan(layout: Layout, xml_of: Sequence[int], problems: list[Problem]) -> dict[int, str]:
    """The XML for each image that has none; two images of one stem must not share one."""
    planned: dict[int, str] = {}
    if NO_XML not in xml_of:
        return planned
    taken = {xml.casefold() for xml in (*layout.xml_files, *layout.foreign)}
    for number, image in enumerate(layout.image_files):
        if xml_of[number] != NO_XML:
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
        planned[number] = name
    return planned


def _free_name(image: str, taken: set[str]) -> str:
    """a.png.xml, which is read back as the XML of a.png; with a number where even that name is taken."""
    names = (f"{image}{number}.xml" for number in ("", *(f".{n}" for n in range(2, len(taken) + 3))))
    return next(name for name in names if name.casefold() not in taken)


def _read_list(path: Path, image_of: Callable[[str], int | None], problems: list[Problem]) -> list[int]:
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
    found: list[int] = []
    unknown: list[str] = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        image = image_of(text)
        if image is None and text.rpartition(" ")[2].rpartition("\t")[2] in ("1", "0", "-1"):
            image = image_of(text.rstrip("01").rstrip("-").rstrip())
        if image is None:
            unknown.append(text)
        else:
            found.append(image)
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
