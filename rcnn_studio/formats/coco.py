"""Being written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rcnn_studio.domain.dataset import Category, Dataset, ImageRecord
from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.formats.codec import Imported, LinkedFile, Source


class CocoCodec:
    name = "coco"

    def sniff(self, path: Path) -> bool:
        return False

    def read(self, source: Source, report: Report, should_stop: ShouldStop) -> Imported:
        raise NotImplementedError

    def patch(
        self,
        original: bytes | None,
        file: LinkedFile,
        images: Sequence[ImageRecord],
        categories: Sequence[Category],
        places: Mapping[int, int | None],
    ) -> bytes | None:
        raise NotImplementedError

    def write(self, dataset: Dataset, out: Path, report: Report, should_stop: ShouldStop) -> int:
        raise NotImplementedError
