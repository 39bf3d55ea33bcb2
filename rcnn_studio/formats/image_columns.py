"""The images and linked files of a whole import as columns, since a hundred thousand records are too large to keep.

Reads and writes no files. A record is made when it is asked for, and made anew the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain.dataset import ImageRecord, ImageState

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedImage:
    """One image as it stands in the dataset.

    record: ids of images and of boxes count from 1 over the whole import; Box.place is the index of the box's
    record in the linked file (VOC: among all <object> elements; COCO: in "annotations", bad records included).
    A codec may give the boxes in the records; once in an Imported they are in its columns, and record.boxes is empty.
    file: index into Imported.files (None: no file holds its labels). place: COCO: index in "images".
    """

    record: ImageRecord
    file: int | None
    place: int | None = None


class Made(Sequence[T]):
    """`count` values, each made by make(index) whenever it is asked for."""

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._numbers = range(count)
        self._make = make

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(map(self._make, self._numbers[index]))
        return self._make(self._numbers[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._numbers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageColumns(Sequence[ImportedImage]):
    """N images of one root, without boxes; image number i has the id i + 1.

    paths, splits: of each image. sizes: (N, 2) width and height. states: (N,) of ImageState. files: index into
    Imported.files of each image (None: no image has a file).
    """

    paths: Sequence[str]
    sizes: NDArray[np.int32]
    states: NDArray[np.uint8]
    splits: Sequence[str]
    files: Sequence[int] | None

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> ImportedImage: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[ImportedImage, ...]: ...

    def __getitem__(self, index: int | slice) -> ImportedImage | tuple[ImportedImage, ...]:
        numbers = range(len(self))[index]
        return self._made(numbers) if isinstance(numbers, int) else tuple(map(self._made, numbers))

    def __iter__(self) -> Iterator[ImportedImage]:
        return map(self._made, range(len(self)))

    def _made(self, number: int) -> ImportedImage:
        width, height = self.sizes[number].tolist()
        record = ImageRecord(
            id=number + 1,
            root=0,
            path=self.paths[number],
            width=width,
            height=height,
            state=ImageState(int(self.states[number])),
            split=self.splits[number],
        )
        return ImportedImage(record=record, file=None if self.files is None else self.files[number])
