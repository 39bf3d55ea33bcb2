"""labelme: one JSON file an image, beside it. Reading a folder of them; patching and export are in modules beside it.

An image without JSON is unlabelled, a JSON without shapes says that nothing is there. A bad shape is listed and the
rest is read. Nothing here writes.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcnn_studio.domain.dataset import Box, BoxSource, Category, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import images as image_files
from rcnn_studio.formats import labelme_export, labelme_patch, losses, paths
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.gathering import MAX_BYTES, Fault, Gatherer, read_bytes, shown, split_of_folders
from rcnn_studio.formats.known_files import KnownFiles, stem_of
from rcnn_studio.formats.labelme_record import RECTANGLE, Shape, Unboxed, read_shape

JSON_SUFFIXES = frozenset({".json"})
_REPORT_EVERY = 100
_LIMIT = 4 * MAX_BYTES


@dataclass(slots=True)
class _File:
    """What one JSON says. name: relative to the root; refused: why it cannot be read, all else empty then."""

    name: str
    path: Path
    shapes: list[Shape] = field(default_factory=list)
    unboxed: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    image_path: str = ""
    size: tuple[Any, Any] = (None, None)
    refused: FormatError | None = None


class LabelmeCodec:
    """The codec "labelme"."""

    name = "labelme"
    holds = losses.LABELME

    def sniff(self, path: Path) -> bool:
        """True for a folder with a JSON file that has shapes, at its top or one level below."""
        try:
            return any(_looks_like_labelme(file) for file in _first_files(path))
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read."""
        return _Reader(source).read(report, should_stop)

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch; a labelme file has exactly one image."""
        if file.refused or not images:
            return original
        return labelme_patch.patch(original, file, images[0], categories)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: images with their JSON beside them, without pictures inside."""
        return labelme_export.write(dataset, out, report, should_stop)

    def reread(self, data: bytes, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> Imported:
        """See Rereads; a shape's label is its category's name."""
        read = _File(Path(file.path).name, Path(file.path))
        _read_document(read, data)
        ids = {category.name: category.id for category in categories}
        for shape in read.shapes:
            ids.setdefault(shape.label, max(ids.values(), default=0) + 1)
        boxes = tuple(
            Box(
                id=number,
                x1=shape.xyxy[0],
                y1=shape.xyxy[1],
                x2=shape.xyxy[2],
                y2=shape.xyxy[3],
                category_id=ids[shape.label],
                flags=shape.flags,
                source=BoxSource.IMPORTED,
                place=shape.index,
            )
            for number, shape in enumerate(read.shapes, start=1)
        )
        known = {category.id for category in categories}
        new = tuple(Category(id=number, name=name) for name, number in ids.items() if number not in known)
        record = ImageRecord(
            id=image.id,
            root=image.root,
            path=image.path,
            width=image.width,
            height=image.height,
            state=_state(read),
            split=image.split,
            boxes=boxes,
        )
        return Imported(
            categories=(*categories, *new),
            roots=tuple("" for _ in range(image.root + 1)),
            files=(file,),
            images=(ImportedImage(record=record, file=0),),
            problems=tuple(fault.in_file(file.path) for fault in read.faults),
        )


class _Reader:
    """Reads the JSON files, then the images, of one folder."""

    def __init__(self, source: Source) -> None:
        path = source.path
        if not path.is_dir():
            reason = "does not exist" if not path.exists() else "is not a folder"
            raise FormatError(path, "", f"{reason}. Point at the folder that holds the images and their JSON files.")
        root = _root_of(path, source.images)
        pictures, jsons = paths.scan(root, image_files.IMAGE_SUFFIXES), paths.scan(root, JSON_SUFFIXES)
        found = pictures.names
        if not found:
            suffixes = ", ".join(sorted(image_files.IMAGE_SUFFIXES))
            raise FormatError(root, "", f"holds no image ({suffixes}). Name the folder of the images (--images DIR).")
        self._gatherer = Gatherer(root)
        self._images = KnownFiles(self._gatherer.storable(found))
        self._split = source.split
        self._homes: dict[str, str] = {}
        self._claimed: dict[str, str] = {}
        self._gatherer.list_links(sorted({*pictures.skipped, *jsons.skipped}))
        self._names = self._gatherer.storable(jsons.names)

    def read(self, report: Report, should_stop: ShouldStop) -> Imported:
        files: list[_File] = []
        for number, name in enumerate(self._names):
            if number % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress("Reading annotations", number, len(self._names)))
            read = self._read_file(name)
            if read is not None:
                files.append(read)
        if not files:
            raise FormatError(self._gatherer.root, "", "holds no labelme file (JSON with shapes). Name another folder.")
        file_of = self._pair(files)
        names = sorted({shape.label for file in files for shape in file.shapes}, key=paths.natural_key)
        categories = make_categories(names)
        ids = {category.name: category.id for category in categories}
        for number, image in enumerate(self._images.names):
            if number % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress("Reading image headers", number, len(self._images.names)))
            self._add(image, file_of.get(image), ids)
        self._note_shapes(files)
        report(Progress("Reading image headers", len(self._images.names), len(self._images.names)))
        return self._gatherer.result(categories)

    def _read_file(self, name: str) -> _File | None:
        """None for JSON of another kind."""
        path = self._gatherer.root / name
        file = _File(name, path.resolve() if path.is_symlink() else path)
        try:
            data = read_bytes(path, _LIMIT)
            if b'"shapes"' not in data and self._images.of_stem(stem_of(name)) == []:
                return None
            _read_document(file, data)
        except FormatError as error:
            file.refused = error
        return file

    def _pair(self, files: Sequence[_File]) -> dict[str, _File]:
        """The JSON of each image: by its imagePath, else by its own name."""
        file_of: dict[str, _File] = {}
        for file in files:
            image = self._image_of(file)
            if image is None:
                message = f"no image belongs to this file: neither {shown(file.image_path)} nor one of its own name."
                self._list(file, Fault("imagePath", "missing-image", message, _left_alone("Put the image back.")))
            elif image in file_of:
                message = f"{image} has its labels in {file_of[image].name} already."
                self._list(file, Fault("", "second-annotation", message, _left_alone("Remove one of the two.")))
            else:
                file_of[image] = file
                self._homes.setdefault(posixpath.dirname(image), posixpath.dirname(file.name))
        return file_of

    def _image_of(self, file: _File) -> str | None:
        folder = posixpath.dirname(file.name)
        named = self._images.at(file.image_path, folder)
        if named is not None:
            return named
        same = self._images.of_stem(stem_of(file.name))
        base = file.image_path.replace("\\", "/").rpartition("/")[2]
        found = next((name for name in same if name.rpartition("/")[2] == base), same[0] if same else None)
        found = found or self._images.below(file.image_path, folder)
        if found is not None and file.refused is None:
            message = f"{shown(file.image_path)} is no image of the dataset."
            action = f"{found} is used, which has the name; the path stays as it is."
            self._list(file, Fault("imagePath", "other-path", message, action, "warning"))
        return found

    def _add(self, image: str, file: _File | None, ids: Mapping[str, int]) -> None:
        if file is not None:
            self._gatherer.list_faults(file.path, file.faults)
            if file.refused is not None:
                action = "The file is never written; the image has no labels until it is mended and imported again."
                fault = Fault(file.refused.where, "unreadable-annotation", file.refused.reason, action)
                self._gatherer.problems.append(fault.in_file(file.path))
        info = self._gatherer.inspect(image)
        if info is None:
            return
        split = self._split or split_of_folders(image)
        if file is None:
            self._gatherer.add(image, info, ImageState.UNLABELLED, split, (), self._planned(image))
            return
        if file.refused is None:
            self._gatherer.check_size(file.path, "imageWidth", file.size, info)
        boxes = [self._gatherer.box(s.xyxy, ids[s.label], flags=s.flags, place=s.index) for s in file.shapes]
        options = {} if file.refused is None else {"refused": str(file.refused)}
        linked = LinkedFile(path=str(file.path), format="labelme", options=options)
        self._gatherer.add(image, info, _state(file), split, boxes, linked)

    def _planned(self, image: str) -> LinkedFile | None:
        """The JSON that an image without one would get, where its neighbours have theirs, else beside it; None where
        another file or image has the name."""
        folder = posixpath.dirname(image)
        folder = self._homes.get(folder, folder)
        name = posixpath.join(folder, posixpath.basename(stem_of(image)) + ".json")
        path = self._gatherer.root / name
        if path.is_symlink() or path.exists() or self._claimed.setdefault(name, image) != image:
            message = f"{path.name} is another file's or image's already."
            action = "Its labels stay in the project only. Rename one of the two."
            fault = Fault("", "shared-stem", message, action)
            self._gatherer.problems.append(fault.in_file(self._gatherer.root / image))
            return None
        options = {"image_path": posixpath.relpath(image, folder or ".")}
        return LinkedFile(path=str(path), format="labelme", options=options, exists=False)

    def _note_shapes(self, files: Sequence[_File]) -> None:
        """Says once what shapes there are besides rectangles."""
        others = [(file, shape.index) for file in files for shape in file.shapes if shape.kind != RECTANGLE]
        if others:
            file, index = others[0]
            message = f"is the first of {len(others)} polygons; the box around each is used."
            action = "A polygon moves with its box."
            self._list(file, Fault(f"shapes[{index}]", "more-than-a-box", message, action, "note"))
        unboxed = [(file, *found) for file in files for found in file.unboxed]
        if unboxed:
            file, index, kind = unboxed[0]
            message = f"a {kind}, is the first of {len(unboxed)} shapes without a box."
            action = "They are kept in their files and not shown."
            self._list(file, Fault(f"shapes[{index}]", "no-box", message, action, "note"))

    def _list(self, file: _File, fault: Fault) -> None:
        self._gatherer.problems.append(fault.in_file(file.path))


def _read_document(file: _File, data: bytes) -> None:
    document, values = labelme_patch.parse(data, file.path)
    if "shapes" not in document.arrays:
        raise FormatError(file.path, "shapes", "is missing: this is no labelme file. Move it away, or mend it.")
    for index, value in enumerate(values):
        shape = read_shape(value, index)
        if isinstance(shape, Shape):
            file.shapes.append(shape)
        elif isinstance(shape, Unboxed):
            file.unboxed.append((index, shape.kind))
        else:
            file.faults.append(shape)

    def member(key: str) -> Any:
        place = document.members.get(key)
        return None if place is None else json.loads(document.text[place.start : place.end])

    image_path = member("imagePath")
    if isinstance(image_path, str):
        file.image_path = image_path
    elif image_path is not None:
        action = "The image of the file's own name is used."
        file.faults.append(Fault("imagePath", "not-a-path", f"{shown(image_path)} is no path.", action, "warning"))
    file.size = (member("imageWidth"), member("imageHeight"))


def _state(file: _File) -> ImageState:
    if file.shapes:
        return ImageState.LABELLED
    return ImageState.NEEDS_FIX if file.faults or file.unboxed or file.refused else ImageState.CONFIRMED_EMPTY


def _root_of(path: Path, images: Path | None) -> Path:
    """The folder of the JSON files, or the one that holds it and the images' folder."""
    if images is None:
        return path.resolve()
    if not images.is_dir():
        raise FormatError(images, "", "is not a folder. Name the folder that holds the images.")
    return Path(posixpath.commonpath((path.resolve().as_posix(), images.resolve().as_posix())))


def _first_files(path: Path) -> list[Path]:
    """A few JSON files of a folder and of the folders in it."""
    if not path.is_dir():
        return []
    children = sorted(path.iterdir())[:2000]
    found = [child for child in children if child.suffix.lower() == ".json" and child.is_file()][:5]
    for folder in [child for child in children if child.is_dir() and not child.is_symlink()][:20]:
        found += sorted(folder.glob("*.json"))[:2]
    return found


def _looks_like_labelme(path: Path) -> bool:
    """Looks at both ends: between them may be a picture of many megabytes."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        tail = file.read(1 << 16)
    return any(b'"shapes"' in part for part in (head, tail)) and any(b'"imagePath"' in part for part in (head, tail))


def _left_alone(remedy: str) -> str:
    return f"The file is left alone. {remedy}"
