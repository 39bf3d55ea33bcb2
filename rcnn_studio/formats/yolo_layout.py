"""Where a YOLO dataset keeps its images, text files, class names and splits.

What data.yaml and list files name is only compared with the files that lie in the dataset's folder: no path in them is
ever opened. Reads lists of names and of images; no labels.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import LinkedFile, Source
from rcnn_studio.formats.gathering import Fault, read_bytes, split_of_folders
from rcnn_studio.formats.known_files import KnownFiles, split, stem_of
from rcnn_studio.formats.yolo_names import (
    FORMAT,
    Config,
    category_names,
    looks_like_yaml,
    name_faults,
    read_list,
    read_yaml,
)
from rcnn_studio.formats.yolo_record import has_rows

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
LIST_SUFFIXES = frozenset({".txt", ".names", ".labels", ".data", *YAML_SUFFIXES})
NEW_LIST = "classes.txt"

_LIST_NAMES = frozenset({"classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt"})
_CONFIG_NAMES = frozenset({"data.yaml", "data.yml", "dataset.yaml"})
_OUTPUT_FOLDERS = ("runs/",)
_LIST_LIMIT = 64 << 20
_HEAD_BYTES = 1 << 20
_IGNORED = "It is ignored; the file is left as it is."


@dataclass(slots=True)
class Layout:
    """root: resolved folder; image_files, text_files: relative to it. names: None where there is no list of them.

    linked: the lists of names, as they are linked; skipped, unstorable:
    files that are not opened; config: of data.yaml, empty without one; splits: by image.
    """

    root: Path
    images: KnownFiles
    texts: KnownFiles
    names: tuple[str, ...] | None
    linked: list[LinkedFile]
    config: Config
    splits: dict[str, str]
    lists: set[str] = field(default_factory=set)
    text_folders: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    unstorable: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def looks_like_yolo(path: Path) -> bool:
    """True for a data.yaml, or a folder with one, with a darknet list of names, or with YOLO's lines in a text file
    beside an image or in a folder `labels`. Looks at a few files. Raises OSError if it cannot be read."""
    if path.is_file():
        return path.suffix.lower() in YAML_SUFFIXES and _is_config(path)
    children = sorted(path.iterdir())[:2000] if path.is_dir() else []
    if any(child.suffix.lower() in YAML_SUFFIXES and _is_config(child) for child in children if child.is_file()):
        return True
    folders = [path, *(child for child in children if child.is_dir() and not child.name.startswith("."))]
    folders += [grandchild for child in folders[1:20] for grandchild in sorted(child.iterdir())[:50]]
    return any(_has_labels(folder) for folder in folders[:200] if folder.is_dir() and not folder.is_symlink())


def find_layout(source: Source) -> Layout:
    """Raises FormatError, with a remedy, if there is no folder, no image, or no sound list of names."""
    if not source.path.exists():
        raise FormatError(source.path, "", "does not exist. Point at the folder that holds images and labels.")
    root = _root_of(source).resolve()
    pictures, listing = paths.scan(root, images.IMAGE_SUFFIXES), paths.scan(root, LIST_SUFFIXES)
    found = [name for name in pictures.names if not name.startswith(_OUTPUT_FOLDERS) and paths.is_storable(name)]
    if not found:
        suffixes = ", ".join(sorted(images.IMAGE_SUFFIXES))
        remedy = "Point at the folder that holds images and labels, or name the images' folder too (--images DIR)."
        raise FormatError(root, "", f"holds no image ({suffixes}). {remedy}")
    lists = [name for name in listing.names if not name.startswith(_OUTPUT_FOLDERS) and paths.is_storable(name)]
    chosen = source.path.resolve().relative_to(root).as_posix() if source.path.is_file() else None
    layout = Layout(
        root=root,
        images=KnownFiles(found),
        texts=KnownFiles(name for name in lists if name.casefold().endswith(".txt")),
        names=None,
        linked=[],
        config=Config(()),
        splits={},
        skipped=sorted({*pictures.skipped, *listing.skipped}),
        unstorable=[name for name in (*pictures.names, *listing.names) if not paths.is_storable(name)],
    )
    config_folder = _read_config(layout, lists, chosen)
    _read_lists(layout, lists)
    darknet = _read_darknet(layout, lists)
    entries = [(config_folder[0], config_folder[1], *entry) for entry in layout.config.splits] if config_folder else []
    layout.splits = _read_splits(layout, source, [*entries, *darknet])
    pictured = _folders(found)
    layout.text_folders = {
        posixpath.dirname(name)
        for name in layout.texts.names
        if name not in layout.lists and (posixpath.dirname(name) in pictured or "labels" in name.casefold().split("/"))
    }
    return layout


def text_of(layout: Layout, image: str) -> str:
    """The text file of an image: below `labels` in place of `images`, else beside it. One that does not exist yet is
    planned where its neighbours have theirs, else below `labels`."""
    stem = stem_of(image)
    candidates = [f"{moved}.txt" for moved in _moved(stem)] + [f"{stem}.txt"]
    for candidate in candidates:
        if candidate in layout.texts and candidate not in layout.lists:
            return candidate
    return next((c for c in candidates if posixpath.dirname(c) in layout.text_folders), candidates[0])


def _moved(stem: str) -> list[str]:
    """The path with its last folder `images` called `labels`, in the case it is written in."""
    parts = stem.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place].casefold() == "images":
            label = "labels" if parts[place].islower() else "LABELS" if parts[place].isupper() else "Labels"
            return ["/".join((*parts[:place], label, *parts[place + 1 :]))]
    return []


def _root_of(source: Source) -> Path:
    """The folder that holds everything: the one named, that around `images` and `labels` where one of these was named,
    or the one that labels and images have in common."""
    folder = source.path if source.path.is_dir() else source.path.parent
    if folder.name.casefold() in ("images", "labels") and source.path.is_dir():
        names = {child.name.casefold() for child in folder.parent.iterdir() if child.is_dir()}
        folder = folder.parent if {"images", "labels"} <= names else folder
    if source.images is None:
        return folder
    if not source.images.is_dir():
        raise FormatError(source.images, "", "is not a folder. Name the folder that holds the images.")
    return Path(posixpath.commonpath((folder.resolve().as_posix(), source.images.resolve().as_posix())))


# --- names ---------------------------------------------------------------------------------------------


def _read_config(layout: Layout, lists: Sequence[str], chosen: str | None) -> tuple[str, str] | None:
    """Reads data.yaml: the one named, else the one nearest to the root. -> (file, its folder), None without one"""
    found = [name for name in lists if posixpath.splitext(name)[1].lower() in YAML_SUFFIXES]
    if chosen is not None:
        found = [name for name in found if name == chosen] or found
    own = {chosen, *(name for name in found if posixpath.basename(name).casefold() in _CONFIG_NAMES)}
    found = [name for name in found if name in own or looks_like_yaml(_head(layout.root / name))]
    if not found:
        return None
    name = min(found, key=lambda n: (n.count("/"), posixpath.basename(n) != "data.yaml", n))
    path = layout.root / name
    layout.config = read_yaml(_read(path), path)
    layout.names = layout.config.names
    layout.problems += [fault.in_file(path) for fault in layout.config.faults]
    layout.linked.append(LinkedFile(path=str(path), format=FORMAT, options={"kind": "yaml"}))
    return name, posixpath.dirname(name)


def _read_lists(layout: Layout, lists: Sequence[str]) -> None:
    """Reads classes.txt and the like. Those that agree are all linked; data.yaml counts before them."""
    named = [name for name in lists if _is_list_name(name)]
    layout.lists = set(named)
    for name in sorted(named, key=lambda n: (n.count("/"), n)):
        path = layout.root / name
        names = read_list(_read(path), path)
        if layout.names is None:
            layout.names = names
            layout.problems += [fault.in_file(path) for fault in name_faults(names, "line {}")]
        elif category_names(names) != category_names(layout.names):
            _disagree(layout, path)
            continue
        layout.linked.append(LinkedFile(path=str(path), format=FORMAT, options={"kind": "lines"}))
    if layout.names is None:
        path = layout.root / NEW_LIST
        layout.linked.append(LinkedFile(path=str(path), format=FORMAT, options={"kind": "lines"}, exists=False))


def _disagree(layout: Layout, path: Path) -> None:
    first = layout.linked[0]
    if first.options["kind"] != "yaml":
        raise FormatError(path, "", f"and {first.path} hold different names. Make them equal, or remove one.")
    message = f"its names are not those of {first.path}."
    action = "Those of the YAML file are used; this file is left as it is. Make them equal, or remove one."
    layout.problems.append(Fault("", "different-names", message, action, "warning").in_file(path))


def _is_list_name(name: str) -> bool:
    base = posixpath.basename(name).casefold()
    return base in _LIST_NAMES or base.endswith(".names")


# --- splits --------------------------------------------------------------------------------------------


_Entry = tuple[str, str, str, str, str]
"""File, its folder, split, place in the file, what it says."""


def _read_darknet(layout: Layout, lists: Sequence[str]) -> list[_Entry]:
    """train and valid of obj.data."""
    entries: list[_Entry] = []
    for name in lists:
        if not name.casefold().endswith(".data") or layout.config.splits:
            continue
        for line in _read(layout.root / name).decode("utf-8", "replace").splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            split_name = {"train": "train", "valid": "val", "test": "test"}.get(key)
            if equals and split_name and value:
                entries.append((name, posixpath.dirname(name), split_name, key, value))
    return entries


def _read_splits(layout: Layout, source: Source, entries: Sequence[_Entry]) -> dict[str, str]:
    """Split of each image that has one: as chosen at import, as the lists say, or else by folders called train, val
    and test. Where train and val are the same images, as in tutorials, they say nothing."""
    if source.split:
        return dict.fromkeys(layout.images.names, source.split)
    members: dict[str, list[str]] = defaultdict(list)
    folders = _folders(layout.images.names)
    for file, folder, split_name, place, entry in entries:
        found = _members(layout, folders, file, folder, entry)
        if found is None:
            message = f"{entry[:120]!r} is no folder and no list of images in {layout.root}."
            action = "It is ignored. Correct the path, or import the folder that holds both."
            layout.problems.append(Fault(place, "unknown-path", message, action, "warning").in_file(layout.root / file))
            continue
        members[split_name] += found
    if members.get("train") and set(members["train"]) == set(members.get("val", ())):
        message, action = "train and val are the same images.", "They count as having no split yet."
        fault = Fault("val", "same-split", message, action, "warning")
        layout.problems.append(fault.in_file(layout.root / entries[0][0]))
        members.pop("train")
        members.pop("val")
        return {image: name for name, found in members.items() for image in found}
    if not any(members.values()):
        by_folder = {image: split_of_folders(image) for image in layout.images.names}
        return {image: name for image, name in by_folder.items() if name}
    splits: dict[str, str] = {}
    double: list[str] = []
    for name in ("train", "val", "test"):
        for image in members.get(name, ()):
            if splits.setdefault(image, name) != name:
                double.append(image)
    if double:
        message = f"{len(double)} images are in several splits, such as {double[0]}."
        fault = Fault("", "double-split", message, "They count for the first one: train, val, test.", "warning")
        layout.problems.append(fault.in_file(layout.root / entries[0][0]))
    return splits


def _members(layout: Layout, folders: dict[str, list[str]], file: str, folder: str, entry: str) -> list[str] | None:
    """The images that an entry means: those below a folder, or those of a list file; None for neither."""
    base = layout.config.folder
    for candidate in _candidates(entry, base, folder):
        if candidate in folders:
            return folders[candidate]
        if candidate in layout.texts and candidate not in layout.lists:
            layout.lists.add(candidate)
            return _listed(layout, candidate)
    return None


def _candidates(entry: str, base: str, folder: str) -> Iterable[str]:
    """Paths relative to the root that the entry may mean: below `path`, below the file's folder, and then, as `path`
    is often another machine's, without leading "../", and by its longest known end of two parts or more."""
    parts = [part for part in split(entry.strip()) if part not in ("", ".")]
    for start in (posixpath.join(folder, base), base, folder, ""):
        joined = posixpath.normpath("/".join((start.replace("\\", "/"), *parts))) if parts or start else "."
        if not joined.startswith(("/", "..")):
            yield "" if joined == "." else joined
    named = [part for part in parts if part != ".."]
    for first in range(len(named)):
        if len(named) - first >= min(2, len(named)) or named[-1].casefold().endswith(".txt"):
            tail = "/".join(named[first:])
            yield from (f"{folder}/{tail}" if folder else tail, tail)


def _folders(image_files: Iterable[str]) -> dict[str, list[str]]:
    """Every folder with the images in it and below."""
    found: dict[str, list[str]] = defaultdict(list)
    for image in image_files:
        folder = posixpath.dirname(image)
        while True:
            found[folder].append(image)
            if not folder:
                break
            folder = posixpath.dirname(folder)
    return dict(found)


def _listed(layout: Layout, name: str) -> list[str]:
    """The images of a list file, one a line."""
    path = layout.root / name
    found: list[str] = []
    unknown: list[tuple[int, str]] = []
    text = _read(path).decode("utf-8", "replace").lstrip("\ufeff")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        image = layout.images.below(line.strip(), posixpath.dirname(name))
        if image is None:
            unknown.append((number, line.strip()))
        else:
            found.append(image)
    if unknown:
        number, first = unknown[0]
        message = f"{len(unknown)} of its lines name no image of the dataset; the first: {first[:120]!r}."
        layout.problems.append(Fault(f"line {number}", "unknown-image", message, _IGNORED, "warning").in_file(path))
    return found


# --- small pieces --------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    return read_bytes(path, _LIST_LIMIT)


def _head(path: Path) -> bytes:
    """Nothing of a file that cannot be read: it is none of ours."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def _is_config(path: Path) -> bool:
    return looks_like_yaml(_head(path))


def _has_labels(folder: Path) -> bool:
    """True if the folder holds a list of names of darknet's, or YOLO's lines beside an image or in `labels`."""
    children = sorted(folder.iterdir())[:2000]
    if any(child.name.casefold() in ("_darknet.labels", "obj.names") for child in children):
        return True
    texts = [child for child in children if child.suffix.lower() == ".txt" and not _is_list_name(child.name)]
    stems = {child.stem for child in children if child.suffix.lower() in images.IMAGE_SUFFIXES}
    inside = "labels" in [part.casefold() for part in folder.parts[-2:]]
    for child in [text for text in texts if inside or text.stem in stems][:20]:
        with child.open("rb") as file:
            if has_rows(file.read(4096)):
                return True
    return False
