"""Small dataset files for the tests of the formats, and short names for reading and patching them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.dataset import Box, ImageRecord
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Imported, Source, codec

Corners = tuple[object, object, object, object]


def draw_image(path: Path, *, size: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = Image.effect_noise(size, 60).convert("RGB")
    noise.save(path)
    return path


def voc_object(name: str, corners: Corners, *, more: str = "") -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    box = "".join(f"\n\t\t\t<{tag}>{value}</{tag}>" for tag, value in tags)
    return (
        f"\t<object>\n\t\t<name>{name}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
        f"\t\t<difficult>0</difficult>{more}\n\t\t<bndbox>{box}\n\t\t</bndbox>\n\t</object>\n"
    )


def voc_text(objects: str, *, filename: str = "a.png", head: str = "", attributes: str = "") -> str:
    return (
        f"<annotation{attributes}>\n\t<folder>JPEGImages</folder>\n\t<filename>{filename}</filename>\n{head}"
        "\t<size>\n\t\t<width>64</width>\n\t\t<height>48</height>\n\t\t<depth>3</depth>\n\t</size>\n"
        f"\t<segmented>0</segmented>\n{objects}</annotation>\n"
    )


def make_voc(folder: Path, texts: Mapping[str, str | bytes | None], *, suffix: str = ".png") -> Path:
    """A VOC folder with an image for each stem, and its XML unless that is None."""
    (folder / "Annotations").mkdir(parents=True)
    for stem, text in texts.items():
        draw_image(folder / "JPEGImages" / f"{stem}{suffix}")
        if text is not None:
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            (folder / "Annotations" / f"{stem}.xml").write_bytes(data)
    return folder


def coco_document(annotations: Sequence[Mapping[str, Any]], *, images: int = 2) -> dict[str, Any]:
    return {
        "info": {"year": 2020, "unknown": [1, 2.50]},
        "images": [{"id": 10 + i, "file_name": f"{i}.png", "width": 64, "height": 48} for i in range(images)],
        "annotations": list(annotations),
        "categories": [{"id": 3, "name": "bolt", "supercategory": "metal"}, {"id": 7, "name": "nut"}],
    }


def make_coco(
    folder: Path, document: Mapping[str, Any] | str | bytes, *, images: int = 2, name: str = "c.json"
) -> Path:
    """A COCO file beside its images 0.png, 1.png, ... -> the file"""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(images):
        draw_image(folder / f"{number}.png")
    data = document if isinstance(document, str | bytes) else json.dumps(document)
    path = folder / "c.json"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def annotation(number: object, bbox: object, image: object = 10, category: object = 3, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": 0, **more}


def read(path: Path, format_name: str = "voc", **options: Any) -> Imported:
    return codec(format_name).read(Source(path=path, **options), ignore, never)


def patch(imported: Imported, *records: ImageRecord, original: bytes | None = None) -> bytes | None:
    """The file of the first record with these records in place of what was imported for its images."""
    changed = {record.id: record for record in records}
    number = next(image.file for image in imported.images if image.record.id == records[0].id)
    assert number is not None
    file = imported.files[number]
    mine = [image for image in imported.images if image.file == number]
    now = [
        changed.get(image.record.id, imported.record(index))
        for index, image in enumerate(imported.images)
        if image.file == number
    ]
    places = {image.record.id: image.place for image in mine}
    data = Path(file.path).read_bytes() if original is None and file.exists else original
    return codec(file.format).patch(data, file, now, imported.categories, places)


def with_box(record: ImageRecord, index: int, **values: Any) -> ImageRecord:
    """The record with one of its boxes changed."""
    boxes = list(record.boxes)
    boxes[index] = replace(boxes[index], **values)
    return replace(record, boxes=tuple(boxes))


def without_box(record: ImageRecord, index: int) -> ImageRecord:
    return replace(record, boxes=record.boxes[:index] + record.boxes[index + 1 :])


def plus_box(record: ImageRecord, xyxy: tuple[float, float, float, float], *, category_id: int = 1) -> ImageRecord:
    x1, y1, x2, y2 = xyxy
    box = Box(id=900 + len(record.boxes), x1=x1, y1=y1, x2=x2, y2=y2, category_id=category_id)
    return replace(record, boxes=(*record.boxes, box))


def of_kind(imported: Imported, kind: str) -> list[Problem]:
    return [problem for problem in imported.problems if problem.kind == kind]


def changed_parts(before: bytes, after: bytes) -> list[tuple[str, str]]:
    """Lines that differ, as (before, after), for files of equally many lines."""
    a, b = before.decode().splitlines(), after.decode().splitlines()
    assert len(a) == len(b)
    return [(x.strip(), y.strip()) for x, y in zip(a, b, strict=True) if x != y]
