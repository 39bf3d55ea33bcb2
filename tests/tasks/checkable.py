"""Sound little datasets for the tests of `check`, to which a test adds the one fault it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 160, 120
TRAIN, VAL = ("a0", "a1", "a2", "a3"), ("b0", "b1")

Box = tuple[str, int, int, int, int]  # name, x1, y1, x2, y2: 0-based, half-open

BOXES: tuple[Box, ...] = (("bolt", 0, 12, 60, 70), ("nut", 80, 20, 140, 100))


def picture(seed: int) -> Image.Image:
    """A picture of its own, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(int(v) for v in rng.integers(60, 200, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, size = rng.integers(-20, WIDTH), rng.integers(-20, HEIGHT), rng.integers(15, 70)
        pen.ellipse((x, y, x + size, y + size), fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
    return image


def xml_text(stem: str, boxes: Sequence[Box], *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>"
        f"<ymax>{y2}</ymax></bndbox></object>\n"
        for name, x1, y1, x2, y2 in boxes
    )
    width, height = size
    return (
        f"<annotation><filename>{stem}.jpg</filename>"
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n{objects}</annotation>\n"
    )


def write_xml(folder: Path, stem: str, boxes: Sequence[Box], **more: tuple[int, int]) -> Path:
    path = folder / "Annotations" / f"{stem}.xml"
    path.write_text(xml_text(stem, boxes, **more))
    return path


def image_file(folder: Path, stem: str) -> Path:
    return folder / "JPEGImages" / f"{stem}.jpg"


def write_splits(folder: Path, splits: Mapping[str, Sequence[str]]) -> None:
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True, exist_ok=True)
    for name, stems in splits.items():
        (sets / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems))


def make_voc(folder: Path) -> Path:
    """Six images with a bolt and a nut each, four in train and two in val, in which nothing is wrong. -> folder"""
    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    for seed, stem in enumerate((*TRAIN, *VAL)):
        picture(seed).save(image_file(folder, stem), quality=92)
        write_xml(folder, stem, BOXES)
    write_splits(folder, {"train": TRAIN, "val": VAL})
    return folder


def make_coco(folder: Path) -> Path:
    """The same as one COCO file a split beside `images/`. -> folder"""
    (folder / "images").mkdir(parents=True)
    number = 0
    for split, stems in (("train", TRAIN), ("val", VAL)):
        images, annotations = [], []
        for stem in stems:
            number += 1
            picture(number).save(folder / "images" / f"{stem}.jpg", quality=92)
            images.append({"id": number, "file_name": f"{stem}.jpg", "width": WIDTH, "height": HEIGHT})
            for category, (_, x1, y1, x2, y2) in enumerate(BOXES, start=1):
                box = {"id": len(annotations) + 1, "image_id": number, "category_id": category, "iscrowd": 0}
                annotations.append({**box, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
        categories = [{"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"}]
        document = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(document))
    return folder
