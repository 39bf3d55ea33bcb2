"""Small datasets drawn for a test: bright squares and dark discs on grey, as VOC, as COCO and as plain images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Box = tuple[str, int, int, int, int]  # name, x1, y1, x2, y2: 0-based, half-open

SIDE = 96


def boxes_of(number: int) -> list[Box]:
    """Two objects that do not overlap, elsewhere in every image."""
    rng = np.random.default_rng(number)
    x, y = (int(v) for v in rng.integers(4, 18, 2))
    u, v = (int(w) for w in rng.integers(50, 62, 2))
    return [("square", x, y, x + 26, y + 26), ("disc", u, v, u + 26, v + 26)]


def draw(path: Path, boxes: Sequence[Box]) -> Path:
    """An image of SIDE x SIDE pixels with these objects."""
    image = Image.new("RGB", (SIDE, SIDE), (120, 120, 120))
    pen = ImageDraw.Draw(image)
    for name, x1, y1, x2, y2 in boxes:
        if name == "square":
            pen.rectangle((x1, y1, x2 - 1, y2 - 1), fill=(250, 220, 40))
        else:
            pen.ellipse((x1, y1, x2 - 1, y2 - 1), fill=(20, 20, 90))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=92)
    return path


def voc_object(name: str, xmin: object, ymin: object, xmax: object, ymax: object) -> str:
    return (
        f"  <object>\n    <name>{name}</name>\n    <difficult>0</difficult>\n    <bndbox><xmin>{xmin}</xmin>"
        f"<ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>\n  </object>\n"
    )


def voc_xml(name: str, objects: str) -> str:
    size = f"  <size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>\n"
    return f"<annotation>\n  <filename>{name}</filename>\n{size}{objects}</annotation>\n"


def make_voc(folder: Path, count: int) -> Path:
    """JPEGImages and Annotations without splits. -> folder"""
    (folder / "Annotations").mkdir(parents=True)
    for number in range(count):
        boxes = boxes_of(number)
        draw(folder / "JPEGImages" / f"a{number:02}.jpg", boxes)
        objects = "".join(voc_object(name, x1 + 1, y1 + 1, x2, y2) for name, x1, y1, x2, y2 in boxes)
        (folder / "Annotations" / f"a{number:02}.xml").write_text(voc_xml(f"a{number:02}.jpg", objects))
    return folder


def make_coco(folder: Path, counts: dict[str, int]) -> Path:
    """`<split>.json` for each split beside `images/`. -> folder"""
    number = 0
    for split, count in counts.items():
        document = {
            "images": [],
            "annotations": [],
            "categories": [{"id": 7, "name": "square"}, {"id": 9, "name": "disc"}],
        }
        for _ in range(count):
            boxes = boxes_of(number)
            draw(folder / "images" / f"c{number:02}.jpg", boxes)
            document["images"].append(
                {"id": 100 + number, "file_name": f"c{number:02}.jpg", "width": SIDE, "height": SIDE}
            )
            for name, x1, y1, x2, y2 in boxes:
                annotation = {"id": len(document["annotations"]) + 1, "image_id": 100 + number, "iscrowd": 0}
                annotation |= {"category_id": 7 if name == "square" else 9, "bbox": [x1, y1, x2 - x1, y2 - y1]}
                document["annotations"].append(annotation | {"area": (x2 - x1) * (y2 - y1)})
            number += 1
        (folder / f"{split}.json").write_text(json.dumps(document))
    return folder


def make_images(folder: Path, count: int) -> Path:
    for number in range(count):
        draw(folder / f"p{number:02}.jpg", boxes_of(number))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
