"""A COCO file parsed: its text with the places of records, its images and categories, its annotations as columns.

Decides nothing about a project and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rcnn_studio.formats import json_text
from rcnn_studio.formats.coco_table import AnnotationTable
from rcnn_studio.formats.json_text import JsonText

_IMAGE_KEYS = ("id", "file_name", "coco_url", "width", "height")
_EXACT = ("id", "image_id", "category_id")


@dataclass(frozen=True, slots=True)
class CocoDocument:
    """images: the elements of "images", of each only what this program looks at; categories: those of "categories"."""

    text: JsonText
    images: list[Any]
    categories: list[Any]
    annotations: AnnotationTable


def parse(data: bytes, path: Path | str, on_batch: Callable[[int], None] = lambda _count: None) -> CocoDocument:
    """The whole file. on_batch is called now and then with the number of annotations read so far.

    Raises FormatError, and whatever on_batch raises.
    """
    images: list[Any] = []
    categories: list[Any] = []
    annotations = AnnotationTable()

    def add_annotations(first: int, records: list[Any]) -> None:
        annotations.add(first, records)
        on_batch(first + len(records))

    def add_images(_first: int, records: list[Any]) -> None:
        images.extend(map(_slim_image, records))

    def add_categories(_first: int, records: list[Any]) -> None:
        categories.extend(records)

    arrays = {"images": add_images, "annotations": add_annotations, "categories": add_categories}
    return CocoDocument(json_text.parse(data, path, arrays, exact=_EXACT), images, categories, annotations)


def _slim_image(value: Any) -> Any:
    return {key: value[key] for key in _IMAGE_KEYS if key in value} if type(value) is dict else value
