"""What every dataset format offers: the Codec protocol and the values that pass through it.

Reads and writes nothing itself; the formats are in the modules beside it, listed in `formats/__init__`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.formats.box_columns import BoxColumns
from rcnn_studio.formats.image_columns import ImageColumns
from rcnn_studio.formats.image_columns import ImportedImage as ImportedImage

LABEL_FORMATS = ("voc", "coco", "none")
"""What a project begun from plain images may write beside them."""

SPLIT_NAMES = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the person pointed at.

    path: a folder, or a file (COCO, data.yaml, CSV); images: the images' folder where it is not to be found from path;
    split: the split of every image of this source (empty: what the files say); files: several COCO or CSV files as
    (split, file).
    one_based: VOC's corner convention (None: guessed from the files). empty: what a COCO image without
    annotations is, "unlabelled" or "confirmed". label_format: one of LABEL_FORMATS, for plain images. turn_boxes: VOC
    boxes drawn on an image as stored (its <size> says so) are turned upright with it.
    """

    path: Path
    images: Path | None = None
    split: str = ""
    files: tuple[tuple[str, Path], ...] = ()
    one_based: bool | None = None
    empty: str = "unlabelled"
    label_format: str = "voc"
    turn_boxes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """An annotation file of the dataset, which edits are written back to.

    path: absolute. format: name of its codec. options: what the codec needs to patch it, JSON-able; a key
    "refused" holds the reason why the file could not be read and must never be written; "shapes" is true where its
    records have masks or keypoints beside the boxes, and "stale" says what becomes of those when a box moves.
    exists: False for a file that may be created (the VOC XML of an image that has none yet). hash: SHA-256 of the
    bytes that were read, as hex; empty where the codec does not know it.
    """

    path: str
    format: str
    split: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    exists: bool = True
    hash: str = ""

    @property
    def refused(self) -> str:
        """Why this file must not be written; empty where it may be."""
        return str(self.options.get("refused", ""))


_GIVEN_IN_RECORDS = BoxColumns.none()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A dataset as it was read. roots: absolute folders; ImageRecord.root is an index into them.

    files, images: tuples, or what makes their values when asked (see image_columns).
    boxes: of all images, as columns. They are taken from the records where a codec of small files gives none.
    Raises ValueError for columns that do not fit the images, or where both records and columns hold boxes.
    """

    categories: tuple[Category, ...]
    roots: tuple[str, ...]
    files: Sequence[LinkedFile]
    images: Sequence[ImportedImage]
    problems: tuple[Problem, ...]
    boxes: BoxColumns = _GIVEN_IN_RECORDS

    def __post_init__(self) -> None:
        if self.boxes is _GIVEN_IN_RECORDS:
            object.__setattr__(self, "boxes", BoxColumns.of(image.record.boxes for image in self.images))
            bare = (replace(i, record=replace(i.record, boxes=())) if i.record.boxes else i for i in self.images)
            object.__setattr__(self, "images", tuple(bare))
        elif not isinstance(self.images, ImageColumns) and any(image.record.boxes for image in self.images):
            raise ValueError("boxes are given twice: in columns and in the records")
        if self.boxes.image_count != len(self.images):
            raise ValueError(f"columns of {self.boxes.image_count} images for {len(self.images)} images")

    def record(self, index: int) -> ImageRecord:
        """Image number `index` with its boxes."""
        return replace(self.images[index].record, boxes=self.boxes.boxes(index))

    def records(self) -> Iterator[ImageRecord]:
        """Every image with its boxes, one at a time."""
        return map(self.record, range(len(self.images)))

    def states(self) -> Sequence[int]:
        """The ImageState of every image."""
        if isinstance(self.images, ImageColumns):
            states: list[int] = self.images.states.tolist()
            return states
        return [image.record.state for image in self.images]

    def splits(self) -> Sequence[str]:
        """The split of every image."""
        if isinstance(self.images, ImageColumns):
            return self.images.splits
        return [image.record.split for image in self.images]

    def with_splits(self, splits: Sequence[str]) -> Imported:
        """The same with these splits, one an image."""
        if isinstance(self.images, ImageColumns):
            return replace(self, images=replace(self.images, splits=splits))
        pairs = zip(self.images, splits, strict=True)
        return replace(self, images=tuple(replace(i, record=replace(i.record, split=split)) for i, split in pairs))

    @property
    def split_names(self) -> tuple[str, ...]:
        """The names of the splits that occur, train, val and test first."""
        found = set(self.splits()) - {""}
        return (*(name for name in SPLIT_NAMES if name in found), *sorted(found - set(SPLIT_NAMES)))

    @property
    def box_count(self) -> int:
        return len(self.boxes)


class Codec(Protocol):
    """One dataset format. Every method raises FormatError naming file, place and remedy, nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def holds(self) -> frozenset[str]:
        """What an export can hold besides boxes, in the words of formats/losses."""
        ...

    def sniff(self, path: Path) -> bool:
        """True if this folder or file looks like this format; cheap, raises nothing."""
        ...

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        """The dataset; bad records and unreadable files are listed in `problems`, and the rest is returned.

        Reports Progress. Raises FormatError where there is nothing to open, Cancelled when asked to stop.
        """
        ...

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        """The file's new bytes: the bytes as they were imported, changed only where a label differs from them.

        images: with the boxes of now; images of the file that are not given are left alone. places: place of
        each image in the file. A box whose place is set and whose values are those of its record stays verbatim;
        a changed one has only its changed values replaced; records whose box is gone are cut; boxes without a
        place are appended in the file's own style. Records that were bad at import stay as they are. Nothing
        to change returns `original` itself. original None: a fresh document, or None where there is nothing to
        say (no boxes and not confirmed empty or verified), which means that the file is not to exist.
        """
        ...

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        """Exports the dataset into the folder `out`, which must be absent or empty. -> number of files written"""
        ...


@runtime_checkable
class Rereads(Protocol):
    """What a codec with one file an image offers besides."""

    def reread(self, data: bytes, file: LinkedFile, image: ImageRecord, categories: Sequence[Category]) -> Imported:
        """These bytes as the labels of this one image, on top of the categories there are: new ones come behind them.

        Imported.files holds the file with the options that fit these bytes. Opens no file. Raises FormatError if they
        cannot be read.
        """
        ...
