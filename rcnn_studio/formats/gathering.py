"""What the readers of small label files share: numbering of images and boxes, and the faults of images.

Reads image headers; knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Category, ImageRecord, ImageState
from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats import images, paths
from rcnn_studio.formats.codec import Imported, ImportedImage, LinkedFile

MAX_COORDINATE = 1e6
MAX_BYTES = 64 << 20
KEPT = "It is kept in the file and left out of training and scoring; correct it there."
_IMAGE_LEFT_OUT = "The image and its labels are left out of the project, and kept as they are on disk."

FOLDER_SPLITS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""Names of folders and files that speak of a split."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A Problem without its file."""

    where: str
    kind: str
    message: str
    action: str = KEPT
    level: str = "error"

    def in_file(self, file: Path | str) -> Problem:
        return Problem(
            file=str(file),
            where=self.where,
            kind=self.kind,
            message=self.message,
            action=self.action,
            level=self.level,
        )


def shown(value: object) -> str:
    """A value out of a file, as a message shows it: quoted, in one line, not too long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The file's bytes. Raises FormatError if it cannot be read or is larger than `limit`."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check its permissions.") from error
    if len(data) > limit:
        raise FormatError(path, "", f"is larger than {limit >> 20} MiB, too large for labels. Check the file.")
    return data


class Gatherer:
    """Collects the images, linked files and problems of one import; all images lie below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self._files: list[LinkedFile] = []
        self._images: list[ImportedImage] = []
        self._next_box_id = 1

    def inspect(self, image: str) -> images.ImageInfo | None:
        """What the image's header says; None, with a problem listed, for what cannot be shown at all."""
        path = self.root / image
        try:
            return images.inspect(path)
        except FormatError as error:
            fault = Fault(error.where, "unreadable-image", error.reason, _IMAGE_LEFT_OUT)
            self.problems.append(fault.in_file(path))
            return None

    def list_links(self, skipped: Iterable[str]) -> None:
        """Links that lead out, and what is no plain file: neither is opened."""
        message = "is a link out of the dataset, to a folder or to nothing, or no plain file: it is not opened."
        for name in skipped:
            fault = Fault("", "link-out", message, "Replace it by a file of its own.")
            self.problems.append(fault.in_file(self._shown_path(name)))

    def storable(self, names: Iterable[str]) -> list[str]:
        """The names without those that no database can hold, which are listed."""
        kept: list[str] = []
        for name in names:
            if paths.is_storable(name):
                kept.append(name)
            else:
                fault = Fault("", "bad-name", "the file's name is not valid UTF-8.", "Rename it, and import again.")
                self.problems.append(fault.in_file(self._shown_path(name)))
        return kept

    def _shown_path(self, name: str) -> str:
        path = str(self.root / name)
        return path if paths.is_storable(path) else ascii(path)

    def box(
        self,
        xyxy: tuple[float, float, float, float],
        category_id: int,
        *,
        flags: BoxFlag = BoxFlag.NONE,
        place: int | None,
    ) -> Box:
        """A new imported box with the next id."""
        number = self._next_box_id
        self._next_box_id += 1
        return Box(
            id=number,
            x1=xyxy[0],
            y1=xyxy[1],
            x2=xyxy[2],
            y2=xyxy[3],
            category_id=category_id,
            flags=flags,
            source=BoxSource.IMPORTED,
            place=place,
        )

    def add(
        self,
        image: str,
        info: images.ImageInfo,
        state: ImageState,
        split: str,
        boxes: Sequence[Box],
        file: LinkedFile | None,
    ) -> None:
        """An image with its boxes; one whose pixels are cut off is set to "needs fix", with a problem listed."""
        path = self.root / image
        if not info.complete:
            action = "It is set to 'needs fix' and left out of training. Replace it with a sound copy."
            fault = Fault("", "truncated-image", "the image is cut off or damaged.", action)
            self.problems.append(fault.in_file(path))
            state = ImageState.NEEDS_FIX
        if info.frames:
            message, action = "has several frames; the first is used.", "Save it as a picture of its own."
            self.problems.append(Fault("", "several-frames", message, action, "warning").in_file(path))
        record = ImageRecord(
            id=len(self._images) + 1,
            root=0,
            path=image,
            width=info.width,
            height=info.height,
            state=state,
            split=split,
            boxes=tuple(boxes),
        )
        self._images.append(ImportedImage(record=record, file=None if file is None else self.link(file)))

    def link(self, file: LinkedFile) -> int:
        """Adds a linked file. -> its index"""
        self._files.append(file)
        return len(self._files) - 1

    def check_size(self, file: Path | str, where: str, said: tuple[Any, Any], info: images.ImageInfo) -> None:
        """Lists the size that a label file gives its image, if it is another one; (0, 0) and None say nothing."""
        if said in ((info.width, info.height), (0, 0)) or None in said:
            return
        message = f"says {shown(said[0])} x {shown(said[1])}, but the image has {info.width} x {info.height} pixels."
        action, kind = "The boxes are taken as they are; look whether they fit.", "size-mismatch"
        if said == (info.stored_width, info.stored_height):
            action = "The image is turned by its EXIF data; its boxes may have been drawn before turning. Look at them."
            kind = "rotated-image"
        self.problems.append(Fault(where, kind, message, action, "warning").in_file(file))

    def list_faults(self, file: Path | str, faults: Iterable[Fault]) -> None:
        self.problems += [fault.in_file(file) for fault in faults]

    def result(self, categories: Sequence[Category]) -> Imported:
        return Imported(
            categories=tuple(categories),
            roots=(str(self.root),),
            files=tuple(self._files),
            images=tuple(self._images),
            problems=tuple(self.problems),
        )


def split_of_folders(path: str) -> str:
    """The split that one of the path's folders speaks of, the outermost first; empty for none."""
    return next((FOLDER_SPLITS[part] for part in path.casefold().split("/")[:-1] if part in FOLDER_SPLITS), "")
