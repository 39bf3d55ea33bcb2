"""COCO files as well-known programs write them, generated: the same seed gives the same files.

Each writer has its own order of keys, ids, numbers, indentation and oddities; variants add what editors and other
systems do to files. Everything here is sound COCO, of images of 640 x 480 pixels.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 480
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """document: draw -> the whole file as values. text: how it is laid out. files: the images, as they lie on disk."""

    name: str
    document: Callable[[random.Random], Json]
    text: Callable[[Json], str]
    files: Callable[[Json], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file. data: as on disk; document: what is in it; files: relative paths of its images."""

    writer: str
    variant: str
    data: bytes
    encoding: str
    document: Json
    files: list[str]

    @property
    def text(self) -> str:
        return self.data.decode(self.encoding)


def samples(writer: Writer, *, seed: int = 1) -> Iterator[Sample]:
    """One file of the writer in each variant."""
    for variant, (change, encoding) in VARIANTS.items():
        document = writer.document(random.Random(f"{writer.name} {variant} {seed}"))
        yield Sample(
            writer=writer.name,
            variant=variant,
            data=change(writer.text(document)).encode(encoding),
            encoding=encoding,
            document=document,
            files=writer.files(document),
        )


# --- parts ------------------------------------------------------------------------------------------


def _bbox(draw: random.Random, decimals: int | None) -> list[float]:
    """x, y, width, height with so many decimals; None: whole numbers."""
    values = [draw.uniform(5, 300), draw.uniform(5, 200), draw.uniform(8, 300), draw.uniform(8, 250)]
    return [int(v) if decimals is None else round(v, decimals) for v in values]


def _polygon(draw: random.Random, box: list[float], decimals: int = 2) -> list[list[float]]:
    x, y, w, h = box
    corners = [(x, y + h * draw.random()), (x + w * draw.random(), y), (x + w, y + h * draw.random()), (x, y + h)]
    return [[round(v, decimals) for corner in corners for v in corner]]


def _annotations(draw: random.Random, images: list[Json], make: Callable[[int, Json], Json]) -> list[Json]:
    return [make(number, draw.choice(images)) for number in range(draw.randrange(8, 15))]


def _one_line(document: Json) -> str:
    return json.dumps(document)


def _compact(document: Json) -> str:
    return json.dumps(document, separators=(",", ":"))


def _file_names(document: Json) -> list[str]:
    return [image["file_name"] for image in document["images"]]


# --- writers ----------------------------------------------------------------------------------------


def _official(draw: random.Random) -> Json:
    images = [
        {
            "license": draw.randrange(1, 8),
            "file_name": f"COCO_val2014_{number:012d}.jpg",
            "coco_url": f"http://images.cocodataset.org/val2014/COCO_val2014_{number:012d}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "date_captured": "2013-11-14 17:02:52",
            "flickr_url": "http://farm7.staticflickr.com/6116/6255196340_da26cf2c9e_z.jpg",
            "id": number,
        }
        for number in draw.sample(range(1, 580_000), 5)
    ]

    def make(_number: int, image: Json) -> Json:
        box = _bbox(draw, 2)
        record: Json = {
            "segmentation": _polygon(draw, box),
            "area": box[2] * box[3] * 0.61,
            "iscrowd": 0,
            "image_id": image["id"],
            "bbox": box,
            "category_id": draw.choice([1, 18, 90]),
            "id": draw.randrange(10**6),
        }
        if draw.random() < 0.3:
            counts = [draw.randrange(1, 90) for _ in range(7)]
            record.update(segmentation={"counts": counts, "size": [HEIGHT, WIDTH]}, iscrowd=1)
        elif draw.random() < 0.3:
            record.update(segmentation={"counts": "Zkk2=7hN1\\2O0Ib5", "size": [HEIGHT, WIDTH]})
        elif record["category_id"] == 1:
            points = [draw.choice([0, 0, 0, 120, 140, 2]) for _ in range(51)]
            record.update(num_keypoints=3, keypoints=points)
        return record

    return {
        "info": {"description": "This is a stable 1.0 version", "url": "http://mscoco.org", "year": 2014},
        "images": images,
        "licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "Attribution License"}],
        "annotations": _annotations(draw, images, make),
        "categories": [
            {"supercategory": "person", "id": 1, "name": "person", "keypoints": ["nose"], "skeleton": [[16, 14]]},
            {"supercategory": "animal", "id": 18, "name": "dog"},
            {"supercategory": "indoor", "id": 90, "name": "toothbrush"},
        ],
    }


def _cvat(draw: random.Random) -> Json:
    images = [
        {
            "id": number + 1,
            "width": WIDTH,
            "height": HEIGHT,
            "file_name": f"frames/job {number}/frame_{number:06d}.PNG",
            "license": 0,
            "flickr_url": "",
            "coco_url": "",
            "date_captured": 0,
        }
        for number in range(4)
    ]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, 2)
        return {
            "id": number + 1,
            "image_id": image["id"],
            "category_id": draw.randrange(1, 3),
            "segmentation": [],
            "area": round(box[2] * box[3], 4),
            "bbox": box,
            "iscrowd": 0,
            "attributes": {"occluded": draw.random() < 0.5, "rotation": 0.0, "color": 'dark "red" {[,:]}'},
        }

    return {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": "", "date_created": "", "description": "", "url": "", "version": "", "year": ""},
        "categories": [{"id": i + 1, "name": n, "supercategory": ""} for i, n in enumerate(("bolt", "hex nut"))],
        "images": images,
        "annotations": _annotations(draw, images, make),
    }


def _label_studio(draw: random.Random) -> Json:
    images = [
        {
            "width": WIDTH,
            "height": HEIGHT,
            "id": number,
            "file_name": f"images/{draw.getrandbits(32):08x}-photo_{number}.jpg",
        }
        for number in range(4)
    ]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, 13)
        return {
            "id": number,
            "image_id": image["id"],
            "category_id": draw.randrange(2),
            "segmentation": [],
            "bbox": box,
            "ignore": 0,
            "iscrowd": 0,
            "area": box[2] * box[3],
        }

    return {
        "images": images,
        "categories": [{"id": 0, "name": "Airplane"}, {"id": 1, "name": "Car"}],
        "annotations": _annotations(draw, images, make),
        "info": {
            "year": 2024,
            "version": "1.0",
            "contributor": "Label Studio",
            "date_created": "2024-01-02 03:04:05.678",
        },
    }


def _roboflow(draw: random.Random) -> Json:
    images = [
        {
            "id": number,
            "license": 1,
            "file_name": f"IMG_{number}_jpg.rf.{draw.getrandbits(128):032x}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "date_captured": "2023-05-06T07:08:09+00:00",
            "extra": {"name": f"IMG_{number}.jpg"},
        }
        for number in range(4)
    ]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, draw.choice([None, 3]))
        return {
            "id": number,
            "image_id": image["id"],
            "category_id": draw.randrange(1, 3),
            "bbox": box,
            "area": round(box[2] * box[3], 3),
            "segmentation": _polygon(draw, box, 3) if draw.random() < 0.5 else [],
            "iscrowd": 0,
        }

    return {
        "info": {"year": "2023", "version": "1", "description": "Exported from roboflow.com", "contributor": ""},
        "licenses": [{"id": 1, "url": "https://creativecommons.org/licenses/by/4.0/", "name": "CC BY 4.0"}],
        "categories": [
            {"id": 0, "name": "screws", "supercategory": "none"},
            {"id": 1, "name": "bolt", "supercategory": "screws"},
            {"id": 2, "name": "nut", "supercategory": "screws"},
        ],
        "images": images,
        "annotations": _annotations(draw, images, make),
    }


def _datumaro(draw: random.Random) -> Json:
    document = _cvat(draw)
    for image in document["images"]:
        image["file_name"] = image["file_name"].rpartition("/")[2]
    for record in document["annotations"]:
        record["attributes"] = {"track_id": record["id"] * 7, "keyframe": True, "occluded": record["id"] % 2 == 0}
        record["segmentation"] = _polygon(draw, record["bbox"])
        record["area"] = float(int(record["bbox"][2] * record["bbox"][3]))
    return {key: document[key] for key in ("licenses", "info", "categories", "images", "annotations")}


def _labelme2coco(draw: random.Random) -> Json:
    images = [{"height": HEIGHT, "width": WIDTH, "id": n, "file_name": f"größe {n}.jpg"} for n in range(1, 5)]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, None)
        return {
            "iscrowd": 0,
            "image_id": image["id"],
            "bbox": box,
            "segmentation": _polygon(draw, box, 0),
            "category_id": draw.randrange(2),
            "id": number + 1,
            "area": int(box[2] * box[3]),
        }

    return {
        "images": images,
        "annotations": _annotations(draw, images, make),
        "categories": [{"id": n, "name": name, "supercategory": name} for n, name in enumerate(("Schraube", "Müll"))],
    }


def _x_anylabeling(draw: random.Random) -> Json:
    images = [
        {
            "id": n,
            "file_name": f"图像_{n}.jpg",
            "width": WIDTH,
            "height": HEIGHT,
            "license": 0,
            "flickr_url": "",
            "coco_url": "",
        }
        for n in range(4)
    ]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, 1)
        return {
            "id": number,
            "image_id": image["id"],
            "category_id": draw.randrange(1, 3),
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "ignore": draw.randrange(2),
            "segmentation": [],
        }

    return {
        "info": {"year": 2024, "version": "1.0", "description": "COCO Label Conversion", "contributor": "CVHub"},
        "licenses": [{"id": 1, "url": "https://www.gnu.org/licenses/gpl-3.0.html", "name": "GNU"}],
        "categories": [{"id": 1, "name": "汽车", "supercategory": ""}, {"id": 2, "name": "行人", "supercategory": ""}],
        "images": images,
        "annotations": _annotations(draw, images, make),
    }


def _fiftyone(draw: random.Random) -> Json:
    images = [
        {
            "id": n + 1,
            "file_name": f"data/{n:06d}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "license": None,
            "coco_url": None,
        }
        for n in range(4)
    ]

    def make(number: int, image: Json) -> Json:
        box = _bbox(draw, 6)
        return {
            "id": number + 1,
            "image_id": image["id"],
            "category_id": draw.randrange(2),
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "score": round(draw.random(), 16),
            "tags": ["a", {"b": [{"c": 1}, {"c": 2}]}],
            "segmentation": [],
        }

    return {
        "info": {"year": "", "version": "", "description": "Exported from FiftyOne", "contributor": "", "url": ""},
        "licenses": [],
        "categories": [
            {"id": 0, "name": "bird", "supercategory": "animal"},
            {"id": 1, "name": "cat", "supercategory": None},
        ],
        "images": images,
        "annotations": _annotations(draw, images, make),
    }


def _text_ids(draw: random.Random) -> Json:
    """Ids that are text, like those of databases, and numbers too long for 64 bits."""
    document = _fiftyone(draw)
    names = {image["id"]: f"img-{image['id']:03d}" for image in document["images"]}
    document["images"] = [{**image, "id": names[image["id"]]} for image in document["images"]]
    document["annotations"] = [
        {**record, "id": draw.getrandbits(120) | 1 << 119, "image_id": names[record["image_id"]]}
        for record in document["annotations"]
    ]
    return document


WRITERS = (
    Writer(
        name="official", document=_official, text=lambda d: json.dumps(d, separators=(",", ": ")), files=_file_names
    ),
    Writer(name="CVAT", document=_cvat, text=_compact, files=_file_names),
    Writer(
        name="Label Studio",
        document=_label_studio,
        text=lambda d: json.dumps(d, indent=2).replace("/", "\\/"),
        files=_file_names,
    ),
    Writer(name="Roboflow", document=_roboflow, text=_compact, files=_file_names),
    Writer(name="Datumaro", document=_datumaro, text=_one_line, files=_file_names),
    Writer(
        name="labelme2coco",
        document=_labelme2coco,
        text=lambda d: json.dumps(d, indent=4, ensure_ascii=False),
        files=_file_names,
    ),
    Writer(
        name="X-AnyLabeling",
        document=_x_anylabeling,
        text=lambda d: json.dumps(d, indent=4, ensure_ascii=False),
        files=_file_names,
    ),
    Writer(name="FiftyOne", document=_fiftyone, text=_one_line, files=_file_names),
    Writer(name="text ids", document=_text_ids, text=_one_line, files=_file_names),
)

VARIANTS: dict[str, tuple[Callable[[str], str], str]] = {
    "plain": (lambda text: text, "utf-8"),
    "byte order mark": (lambda text: text, "utf-8-sig"),
    "Windows lines": (lambda text: text.replace("\n", "\r\n") + "\r\n", "utf-8"),
    "UTF-16": (lambda text: text, "utf-16"),
    "spaces before colons": (lambda text: text.replace('":', '" :'), "utf-8"),
}
