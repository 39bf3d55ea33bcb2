"""YOLO: one text file an image, as Ultralytics and darknet have it. Reading a folder of them; patching and export are
in the modules beside it.

An image without text file is unlabelled, an empty text file says that nothing is there. A bad line is listed and the
rest is read. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rcnn_studio.domain.dataset import Box, BoxSource, Category, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.formats import losses, yolo_export, yolo_patch
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile, Source
from rcnn_studio.formats.gathering import KEPT, Fault, Gatherer, read_bytes
from rcnn_studio.formats.paths import is_link_out
from rcnn_studio.formats.yolo_layout import Layout, find_layout, looks_like_yolo, text_of
from rcnn_studio.formats.yolo_names import category_names
from rcnn_studio.formats.yolo_record import BLANKS, Kind, Row, has_rows, read_row, read_text

_REPORT_EVERY = 200


@dataclass(slots=True)
class _Labels:
    """What one text file says. refused: why it cannot be read, with everything else empty then."""

    path: Path
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0
    refused: FormatError | None = None


class YoloCodec:
    """The codec "yolo"."""

    name = "yolo"
    holds = losses.YOLO

    def sniff(self, path: Path) -> bool:
        """True for a data.yaml, or a folder that holds one or text files with YOLO's lines."""
        try:
            return looks_like_yolo(path)
        except OSError:
            return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """See Codec.read."""
        return _Reader(find_layout(source)).read(report, should_stop)

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """See Codec.patch; a text file has exactly one image. Names are in files of the format "yolo-names"."""
        if file.refused or not images:
            return original
        return yolo_patch.patch(original, file, images[0], categories)

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """See Codec.write: images/<split>, labels/<split> and data.yaml."""
        return yolo_export.write(dataset, out, report, should_stop)

    def reread(self, data: bytes, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> Imported:
        """See Rereads. A class without a category gets one, called by its number; where there is a list of names, a
        line with a class behind its end is a bad one."""
        labels = _Labels(Path(file.path))
        _read_lines(labels, data, None, int(file.options.get("keypoints", 0)))
        limit = _class_limit(file, categories)
        boxes: list[Box] = []
        for row in labels.rows:
            xyxy = row.corners(image.width, image.height)
            if limit is not None and row.category >= limit:
                message = f"class {row.category} is in no list of {limit} names (0 to {limit - 1})."
                labels.faults.append(Fault(f"line {row.index + 1}", "bad-class", message))
            elif xyxy is None:
                labels.faults.append(Fault(f"line {row.index + 1}", "zero-area", "the box has no area.", KEPT))
            else:
                boxes.append(_box(len(boxes) + 1, xyxy, row))
        options = dict(file.options) if limit is None else {**file.options, "classes": limit}
        return Imported(
            categories=(*categories, *_new_categories(boxes, categories)),
            roots=tuple("" for _ in range(image.root + 1)),
            files=(replace(file, options=options),),
            images=(ImportedImage(record=replace(image, boxes=tuple(boxes), state=_state(labels, boxes)), file=0),),
            problems=tuple(fault.in_file(file.path) for fault in labels.faults),
        )


class _Reader:
    """Reads the text files, then the images, of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._classes = None if layout.names is None else len(layout.names)
        self._keypoints, self._step = layout.config.keypoints
        self._gatherer = Gatherer(layout.root)
        self._gatherer.problems += layout.problems
        self._gatherer.list_links(layout.skipped)
        self._gatherer.storable(layout.unstorable)
        self._kinds: dict[str, tuple[int, str, str]] = {}

    def read(self, report: Report, should_stop: ShouldStop) -> Imported:
        names = self._layout.images.names
        text_names = self._pair(names)
        labels: dict[str, _Labels] = {}
        for number, text in enumerate(text_names.values()):
            if number % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress("Reading labels", number, len(text_names)))
            if text in self._layout.texts:
                labels[text] = self._read_text(text)
        self._list_strays(set(text_names.values()))
        categories = self._categories(labels)
        for number, image in enumerate(names):
            if number % _REPORT_EVERY == 0:
                check(should_stop)
                report(Progress("Reading image headers", number, len(names)))
            self._add(image, text_names.get(image), labels)
        self._note_kinds()
        for linked in self._layout.linked:
            self._gatherer.link(linked)
        report(Progress("Reading image headers", len(names), len(names)))
        return self._gatherer.result(categories)

    def _pair(self, names: Sequence[str]) -> dict[str, str]:
        """The text file of each image; of two images that would share one, the first has it."""
        owner: dict[str, str] = {}
        text_names: dict[str, str] = {}
        for image in names:
            text = text_of(self._layout, image)
            if owner.setdefault(text, image) != image:
                message = f"{owner[text]} has its labels in {text} already, which is this image's file too."
                action = "Its labels stay in the project only. Rename one of the two images."
                fault = Fault("", "shared-stem", message, action)
                self._gatherer.problems.append(fault.in_file(self._layout.root / image))
            else:
                text_names[image] = text
        return text_names

    def _read_text(self, name: str) -> _Labels:
        path = self._layout.root / name
        labels = _Labels(path.resolve() if path.is_symlink() else path)
        try:
            _read_lines(labels, read_bytes(path), self._classes, self._keypoints)
        except FormatError as error:
            labels.refused = error
        return labels

    def _categories(self, labels: Mapping[str, _Labels]) -> tuple[Category, ...]:
        """One for each index; without a list of names they are called by their numbers."""
        names = self._layout.names
        if names is None:
            highest = max((row.category for each in labels.values() for row in each.rows), default=-1)
            names = tuple(str(index) for index in range(highest + 1))
            if names:
                message = "there is no list of names (data.yaml, classes.txt), so classes are called by their numbers."
                fault = Fault("", "no-names", message, "Rename them; classes.txt is then written.", "warning")
                self._gatherer.problems.append(fault.in_file(self._layout.root))
        return make_categories(category_names(names))

    def _add(self, image: str, text: str | None, labels: Mapping[str, _Labels]) -> None:
        info = self._gatherer.inspect(image)
        found = labels.get(text or "")
        if found is not None:
            self._list_faults(found)
        if info is None:
            return
        split = self._layout.splits.get(image, "")
        if text is None:
            self._gatherer.add(image, info, ImageState.UNLABELLED, split, (), None)
            return
        options: dict[str, object] = {}
        if self._classes is not None:
            options["classes"] = self._classes
        if self._keypoints:
            options |= {"keypoints": self._keypoints, "keypoint_step": self._step}
        path = self._layout.root / text
        if found is None:
            self._refuse_links(path, options)
            linked = LinkedFile(path=str(path), format="yolo", options=options, exists=False)
            self._gatherer.add(image, info, ImageState.UNLABELLED, split, (), linked)
            return
        if found.refused is not None:
            options["refused"] = str(found.refused)
        boxes = self._boxes(found, (info.width, info.height))
        linked = LinkedFile(path=str(found.path), format="yolo", options=options)
        self._gatherer.add(image, info, _state(found, boxes), split, boxes, linked)

    def _refuse_links(self, path: Path, options: dict[str, object]) -> None:
        """A link out of the dataset where the text file would be is never written through."""
        if path.is_symlink() or path.exists() or is_link_out(path.parent, self._layout.root):
            options["refused"] = f"{path}: is a link out of the dataset, or no readable file"
            action = "It is not read and never written. Replace it by a file of its own."
            self._gatherer.problems.append(Fault("", "link-out", "leads out of the dataset.", action).in_file(path))

    def _boxes(self, labels: _Labels, size: tuple[int, int]) -> list[Box]:
        boxes: list[Box] = []
        for row in labels.rows:
            xyxy = row.corners(*size)
            if xyxy is None:
                fault = Fault(f"line {row.index + 1}", "zero-area", "the box has no area.", KEPT)
                self._gatherer.problems.append(fault.in_file(labels.path))
            else:
                boxes.append(self._gatherer.box(xyxy, row.category + 1, place=row.index))
                self._count_kind(labels, row)
        return boxes

    def _list_faults(self, labels: _Labels) -> None:
        if labels.refused is not None:
            error = labels.refused
            action = "The file is never written; the image has no labels until it is mended and imported again."
            fault = Fault(error.where, "unreadable-annotation", error.reason, action)
            self._gatherer.problems.append(fault.in_file(labels.path))
        self._gatherer.list_faults(labels.path, labels.faults)

    def _list_strays(self, paired: set[str]) -> None:
        """Text files with labels whose image is not there."""
        for name in self._layout.texts.names:
            if name in paired or name in self._layout.lists:
                continue
            path = self._layout.root / name
            try:
                with path.open("rb") as file:
                    if not has_rows(file.read(4096)):
                        continue
                message = "no image belongs to this file: none has its name."
            except OSError as error:
                message = f"cannot be read ({error.strerror}), and no image has its name."
            fault = Fault("", "missing-image", message, "The file is left alone. Put the image back.")
            self._gatherer.problems.append(fault.in_file(path))

    def _count_kind(self, labels: _Labels, row: Row) -> None:
        kind = "confidence" if row.has_confidence else row.kind.value
        if kind != Kind.BOX.value:
            count, file, where = self._kinds.get(kind, (0, str(labels.path), f"line {row.index + 1}"))
            self._kinds[kind] = (count + 1, file, where)

    def _note_kinds(self) -> None:
        """Says once what lines there are besides plain boxes."""
        texts = {
            Kind.POLYGON.value: ("polygons; the box around each is used.", "A polygon moves with its box."),
            Kind.POSE.value: ("boxes with key points.", "They stay in the file and move with their box."),
            "confidence": ("boxes with a confidence.", "It stays in the file as it is."),
        }
        for kind, (count, file, where) in self._kinds.items():
            what, action = texts[kind]
            fault = Fault(where, "more-than-a-box", f"is the first of {count} {what}", action, "note")
            self._gatherer.problems.append(fault.in_file(file))


def _read_lines(labels: _Labels, data: bytes, classes: int | None, keypoints: int) -> None:
    for index, line in enumerate(read_text(data, labels.path).lines):
        row, faults = read_row(line.text, index, classes=classes, keypoints=keypoints)
        labels.faults += faults
        if row is not None:
            labels.rows.append(row)
        if line.text.strip(BLANKS):
            labels.lines += 1


def _state(labels: _Labels, boxes: Sequence[Box]) -> ImageState:
    if boxes:
        return ImageState.LABELLED
    return ImageState.NEEDS_FIX if labels.lines or labels.refused is not None else ImageState.CONFIRMED_EMPTY


def _class_limit(file: LinkedFile, categories: Sequence[Category]) -> int | None:
    """How many classes there are by now, those added after the import included; None without a list of names."""
    classes = file.options.get("classes")
    return None if classes is None else max(int(classes), *(category.id for category in categories), 0)


def _box(number: int, xyxy: tuple[float, float, float, float], row: Row) -> Box:
    x1, y1, x2, y2 = xyxy
    return Box(
        id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=row.category + 1, source=BoxSource.IMPORTED, place=row.index
    )


def _new_categories(boxes: Sequence[Box], categories: Sequence[Category]) -> list[Category]:
    known = {category.id for category in categories}
    names = {category.name for category in categories}
    made: list[Category] = []
    for number in sorted({box.category_id for box in boxes} - known):
        name = str(number - 1)
        while name in names:
            name = f"class {name}"
        names.add(name)
        made.append(Category(id=number, name=name))
    return made
