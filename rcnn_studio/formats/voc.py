"""PASCAL VOC: one XML file an image. Reading a folder of them; patching and export are in the modules beside it.

A bad object or file is listed and the rest is read. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box, BoxSource, Category, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import images, paths, voc_export, voc_layout, voc_patch, xml_text
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.voc_convention import Convention, Evidence
from rcnn_studio.formats.voc_record import VocObject, read_object

_REPORT_EVERY = 50


@dataclass(slots=True)
class _Annotation:
    """What one XML says. refused: why it cannot be read, with everything else empty then."""

    path: Path
    objects: list[VocObject] = field(default_factory=list)
    size: tuple[int, int] | None = None
    verified: bool = False
    refused: FormatError | None = None
    filename: str | None = None


class VocCodec:
    """The codec "voc"."""

    name = "voc"

    def sniff(self, path: Path) -> bool:
        """True for a folder with Annotations, or with XML files of that kind at its top."""
        try:
            children = list(path.iterdir()) if path.is_dir() else []
            if any(child.is_dir() and child.name.casefold() == "annotations" for child in children):
                folder = next(child for child in children if child.name.casefold() == "annotations")
                return any(child.suffix.lower() == ".xml" for child in folder.iterdir())
            return any(b"<annotation" in _head(child) for child in children if child.suffix.lower() == ".xml")
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read."""
        return read_voc(source, voc_layout.find_layout(source), report, should_stop)

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch; a VOC file has exactly one image."""
        if file.refused or not images:
            return original
        return voc_patch.patch(original, file, images[0], categories)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: Annotations, ImageSets/Main and copies of the images in JPEGImages, corners 1-based."""
        return voc_export.write(dataset, out, report, should_stop)


def read_voc(source: Source, layout: voc_layout.Layout, report: Report, should_stop: ShouldStop) -> Imported:
    """The dataset of this layout. Raises Cancelled when asked to stop."""
    evidence = Evidence()
    annotations: dict[str, _Annotation] = {}
    for number, name in enumerate(layout.xml_files):
        if number % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading annotations", number, len(layout.xml_files)))
        annotations[name] = _read_annotation(layout.annotations / name, evidence)
    pairs = voc_layout.pair(layout, lambda name: annotations[name].filename)
    convention = evidence.decide() if source.one_based is None else Convention(source.one_based, "chosen at import")
    reader = _Reader(layout, convention)
    reader.problems += pairs.problems
    splits, split_problems = voc_layout.read_splits(layout, source, pairs)
    reader.problems += split_problems
    reader.name_categories(annotations[name] for name in pairs.xml_of.values())
    for number, image in enumerate(layout.image_files):
        if number % _REPORT_EVERY == 0:
            check(should_stop)
            report(Progress("Reading image headers", number, len(layout.image_files)))
        if image in pairs.xml_of:
            reader.add(image, annotations[pairs.xml_of[image]], splits.get(image, ""))
        else:
            reader.add_unlabelled(image, layout.annotations / pairs.planned[image], splits.get(image, ""))
    report(Progress("Reading image headers", len(layout.image_files), len(layout.image_files)))
    return reader.result()


class _Reader:
    """Collects images, files and problems, and numbers images and boxes."""

    def __init__(self, layout: voc_layout.Layout, convention: Convention) -> None:
        self._layout = layout
        self._convention = convention
        self._categories: tuple[Category, ...] = ()
        self._category_ids: dict[str, int] = {}
        self._files: list[LinkedFile] = []
        self._images: list[ImportedImage] = []
        self._next_box_id = 1
        self.problems: list[Problem] = []

    def name_categories(self, annotations: Iterable[_Annotation]) -> None:
        """Categories in the order of their names, which is the same for every import of the same files."""
        names = {o.name for annotation in annotations for o in annotation.objects if self._corners(o) is not None}
        self._categories = make_categories(sorted(names, key=paths.natural_key))
        self._category_ids = {category.name: category.id for category in self._categories}

    def add(self, image: str, annotation: _Annotation, split: str) -> None:
        file = str(annotation.path)
        size = self._size(image)
        if annotation.refused is not None:
            error = annotation.refused
            action = "The file is never written; the image has no labels until it is mended and imported again."
            message = error.reason
            self._problem(file, error.where, "unreadable-annotation", message, action)
        for voc_object in annotation.objects:
            for fault in voc_object.all_faults(one_based=self._convention.one_based):
                self.problems.append(fault.in_file(file))
        if size is None:
            return
        if annotation.size is not None and annotation.size != size:
            self._note_size(image, annotation, size)
        boxes = self._boxes(annotation)
        state = ImageState.LABELLED if boxes else ImageState.NEEDS_FIX
        if annotation.verified:
            state = ImageState.VERIFIED
        elif not annotation.objects and annotation.refused is None:
            state = ImageState.CONFIRMED_EMPTY
        options = self._options(image)
        if annotation.refused is not None:
            options["refused"] = str(annotation.refused)
        self._append(image, size, state, split, boxes, LinkedFile(path=file, format="voc", options=options))

    def add_unlabelled(self, image: str, xml: Path, split: str) -> None:
        size = self._size(image)
        if size is None:
            return
        options = self._options(image)
        if xml.is_symlink() or xml.exists():
            options["refused"] = f"{xml}: is a link out of the dataset, or no readable file"
            action = "It is not read and never written. Replace it by a file of its own."
            self._problem(str(xml), "", "link-out", "leads out of the dataset.", action)
        linked = LinkedFile(path=str(xml), format="voc", options=options, exists=False)
        self._append(image, size, ImageState.UNLABELLED, split, (), linked)

    def result(self) -> Imported:
        return Imported(
            categories=self._categories,
            roots=(str(self._layout.images),),
            files=tuple(self._files),
            images=tuple(self._images),
            problems=tuple(self.problems),
        )

    def _append(
        self,
        image: str,
        size: tuple[int, int],
        state: ImageState,
        split: str,
        boxes: tuple[Box, ...],
        linked: LinkedFile,
    ) -> None:
        if not images.is_complete(self._layout.images / image):
            action = "It is set to 'needs fix' and left out of training. Replace it with a sound copy."
            message = "the image is cut off or damaged."
            self._problem(str(self._layout.images / image), "", "truncated-image", message, action)
            state = ImageState.NEEDS_FIX
        record = ImageRecord(
            id=len(self._images) + 1,
            root=0,
            path=image,
            width=size[0],
            height=size[1],
            state=state,
            split=split,
            boxes=boxes,
        )
        self._images.append(ImportedImage(record=record, file=len(self._files)))
        self._files.append(linked)

    def _boxes(self, annotation: _Annotation) -> tuple[Box, ...]:
        boxes: list[Box] = []
        for voc_object in annotation.objects:
            corners = self._corners(voc_object)
            if corners is None:
                continue
            x1, y1, x2, y2 = corners
            boxes.append(
                Box(
                    id=self._next_box_id,
                    x1=x1,
                    y1=y1,
                    x2=x2,
                    y2=y2,
                    category_id=self._category_ids[voc_object.name],
                    flags=voc_object.flags,
                    source=BoxSource.IMPORTED,
                    place=voc_object.index,
                )
            )
            self._next_box_id += 1
        return tuple(boxes)

    def _corners(self, voc_object: VocObject) -> tuple[float, float, float, float] | None:
        return voc_object.corners(one_based=self._convention.one_based)

    def _options(self, image: str) -> dict[str, Any]:
        return {
            "one_based": self._convention.one_based,
            "evidence": self._convention.evidence,
            "folder": (self._layout.images / image).parent.name,
        }

    def _size(self, image: str) -> tuple[int, int] | None:
        """Upright size; None, with a problem listed, for what cannot be shown at all."""
        path = self._layout.images / image
        action = "The image and its labels are left out of the project, and kept as they are on disk."
        if not paths.is_storable(image):
            self._problem(ascii(str(path)), "", "bad-name", "the file's name is not valid UTF-8.", action)
            return None
        try:
            return images.read_size(path)
        except FormatError as error:
            self._problem(str(path), error.where, "unreadable-image", error.reason, action)
            return None

    def _note_size(self, image: str, annotation: _Annotation, size: tuple[int, int]) -> None:
        said = "{} x {}".format(*annotation.size) if annotation.size else ""
        message = f"says {said}, but the image has {size[0]} x {size[1]} pixels."
        action = "The boxes are taken as they are; look whether they fit."
        kind = "size-mismatch"
        if annotation.size == (size[1], size[0]) == images.stored_size(self._layout.images / image):
            kind = "rotated-image"
            action = "The image is turned by its EXIF data; its boxes may have been drawn before turning. Look at them."
        self._problem(str(annotation.path), "size", kind, message, action, level="warning")

    def _problem(self, file: str, where: str, kind: str, message: str, action: str, level: str = "error") -> None:
        self.problems.append(Problem(file=file, where=where, kind=kind, message=message, action=action, level=level))


def _read_annotation(path: Path, evidence: Evidence) -> _Annotation:
    annotation = _Annotation(path.resolve() if path.is_symlink() else path)
    try:
        root = xml_text.parse(_read_bytes(path), path).root
        if root.name != "annotation":
            raise FormatError(path, root.name, "is no VOC annotation: its first element is not <annotation>.")
    except FormatError as error:
        annotation.refused = error
        return annotation
    annotation.objects = [read_object(element, index) for index, element in enumerate(root.all("object"))]
    annotation.verified = root.attributes.get("verified", "").casefold() in ("yes", "true", "1")
    annotation.filename = root.text_of("filename")
    size = root.child("size")
    if size is not None:
        annotation.size = _size_of(size.text_of("width"), size.text_of("height"))
    evidence.add(path.name, root, annotation.objects)
    return annotation


def _size_of(width: str | None, height: str | None) -> tuple[int, int] | None:
    """None for a size that says nothing: absent, 0 x 0 or no number."""
    try:
        size = int(float(width or "0")), int(float(height or "0"))
    except (ValueError, OverflowError):
        return None
    return size if min(size) > 0 else None


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > xml_text.MAX_BYTES:
            raise FormatError(path, "", "is far too large for an annotation. Check the file.")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)
