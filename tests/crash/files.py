"""Small datasets for the crash tests and an independent look at their files: plain lxml and json, no codec.

A file is whole when its own format's reader takes it; what it shows is compared with labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree
from PIL import Image

from tests.crash.labels import Fault, Labels, Shown

WIDTH, HEIGHT = 320, 240
NAMES = ("bolt", "nut", "washer")
UNKNOWN = "a field nobody knows"

_OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Left</pose>
\t\t<part><!-- a field nobody knows --><name>head</name></part>
\t\t<bndbox><xmax>{x2}</xmax><xmin>{x1}</xmin><ymin>{y1}</ymin><ymax>{y2}</ymax></bndbox>
\t</object>
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the dataset is and how it is read. images: {image id: path relative to the data folder}."""

    format: str
    data: Path
    images: Mapping[int, str]


def make_dataset(name: str, folder: Path, *, images: int, unlabelled: int) -> Path:
    """A dataset of this format. -> what an import is pointed at"""
    return {"voc": _make_voc, "coco": _make_coco, "yolo": _make_yolo}[name](folder, images, unlabelled)


def look(layout: Layout) -> dict[int, Shown | None] | dict[int, Shown]:
    """What the files say of every image; None where an image has no file of its own. Raises Fault("unreadable")."""
    return {"voc": _look_voc, "coco": _look_coco, "yolo": _look_yolo}[layout.format](layout)


def check_versions(layout: Layout, seen: Mapping[int, Shown | None], versions: Sequence[Labels]) -> None:
    """Every file is a whole version that the labels had at some moment: a COCO file all at the same one.

    Raises Fault("file").
    """
    if layout.format == "coco":
        if not any(all(shown == labels.shown(i) for i, shown in seen.items()) for labels in versions):
            raise Fault("file", f"{layout.data}: shows no version the labels ever had")
        return
    for image_id, shown in seen.items():
        if not any(_same(layout, shown, labels, image_id) for labels in versions):
            raise Fault("file", f"{layout.images[image_id]}: shows no version its labels had: {shown}")


def _same(layout: Layout, shown: Shown | None, labels: Labels, image_id: int) -> bool:
    wanted = labels.shown(image_id, by_index=layout.format == "yolo")
    if shown is None:
        return not wanted
    return _close(shown, wanted) if layout.format == "yolo" else shown == wanted


def _close(a: Shown, b: Shown) -> bool:
    rounded = [sorted((n, *(round(v * 8) for v in corners)) for n, *corners in side) for side in (a, b)]
    return rounded[0] == rounded[1]


def draw_images(folder: Path, count: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"img_{number}.png" for number in range(count)]
    for name in names:
        Image.new("L", (WIDTH, HEIGHT)).save(folder / name)
    return names


def _make_voc(folder: Path, images: int, unlabelled: int) -> Path:
    draw_images(folder / "JPEGImages", images + unlabelled)
    (folder / "Annotations").mkdir()
    for number in range(images):
        objects = "".join(
            _OBJECT.format(name=name, x1=2 + shift, y1=3, x2=20 + shift, y2=30)
            for shift, name in ((number, NAMES[0]), (10 + number, NAMES[1]))
        )
        source = "<source><database>The VOC2012 Database</database></source>"  # says that corners count from 1
        text = f'<?xml version="1.0"?>\n<annotation>\n\t<filename>img_{number}.png</filename>{source}\n'
        (folder / "Annotations" / f"img_{number}.xml").write_text(f"{text}{objects}</annotation>\n")
    return folder


def _look_voc(layout: Layout) -> dict[int, Shown | None]:
    seen: dict[int, Shown | None] = {}
    for image_id, name in layout.images.items():
        path = layout.data / "Annotations" / f"{Path(name).stem}.xml"
        seen[image_id] = look_at_xml(path) if path.exists() else None
    return seen


def look_at_xml(path: Path) -> Shown:
    try:
        root = etree.fromstring(path.read_bytes())
        boxes = [_read_object(element) for element in root.findall("object")]
    except (etree.XMLSyntaxError, AttributeError, TypeError, ValueError) as error:
        raise Fault("unreadable", f"{path}: {error}") from None
    if root.tag != "annotation" or root.findtext("filename") != f"{path.stem}.png":
        raise Fault("unreadable", f"{path}: is not the annotation of {path.stem}.png any more")
    if path.read_text().count(UNKNOWN) != len(root.findall("object/part")):
        raise Fault("unreadable", f"{path}: unknown fields have been damaged")
    return tuple(sorted(boxes))


def _read_object(element: etree._Element) -> tuple[str, float, float, float, float]:
    x1, y1, x2, y2 = (float(element.find("bndbox").findtext(k)) for k in ("xmin", "ymin", "xmax", "ymax"))  # type: ignore[union-attr,arg-type]
    return str(element.findtext("name")), x1 - 1, y1 - 1, x2, y2


def _make_coco(folder: Path, images: int, unlabelled: int) -> Path:
    names = draw_images(folder, images + unlabelled)
    pictures = [
        {"id": 100 + i, "file_name": name, "width": WIDTH, "height": HEIGHT, "odd": i} for i, name in enumerate(names)
    ]
    annotations = [
        {"id": 50 + i, "image_id": 100 + i, "category_id": 1 + i % 2, "bbox": [2.5, 3, 20, 30.25], "x": {"y": 1}}
        for i in range(images)
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES[:2], 1)]
    data = {"info": {"secret": [1, 2.5]}, "images": pictures, "categories": categories, "annotations": annotations}
    path = folder / "instances.json"
    path.write_text(json.dumps(data, indent=1))
    return path


def _look_coco(layout: Layout) -> dict[int, Shown]:
    path = layout.data / "instances.json"
    try:
        data = json.loads(path.read_bytes())
        names = {category["id"]: category["name"] for category in data["categories"]}
        keys = {image["id"]: image["file_name"] for image in data["images"]}
        boxes: dict[str, list[tuple[str, float, float, float, float]]] = {name: [] for name in keys.values()}
        for item in data["annotations"]:
            x, y, w, h = item["bbox"]
            boxes[keys[item["image_id"]]].append((names[item["category_id"]], x, y, x + w, y + h))
        if data["info"] != {"secret": [1, 2.5]} or any("odd" not in image for image in data["images"]):
            raise ValueError("unknown keys have been lost")
        return {image_id: tuple(sorted(boxes[name])) for image_id, name in layout.images.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault("unreadable", f"{path}: {error!r}") from None


def _make_yolo(folder: Path, images: int, unlabelled: int) -> Path:
    draw_images(folder / "images", images + unlabelled)
    (folder / "labels").mkdir()
    for number in range(images):
        text = f"0 {0.125 + number / 64} 0.25 0.0625 0.125\n1 0.5 0.5 0.25 0.25\n"
        (folder / "labels" / f"img_{number}.txt").write_text(text)
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES[:2]))
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}")
    return folder


def _look_yolo(layout: Layout) -> dict[int, Shown | None]:
    """The names are in a file of their own, which follows a moment later: boxes are compared by index."""
    if "names:" not in (layout.data / "data.yaml").read_text():
        raise Fault("unreadable", f"{layout.data / 'data.yaml'}: has no names any more")
    seen: dict[int, Shown | None] = {}
    for image_id, name in layout.images.items():
        path = layout.data / "labels" / f"{Path(name).stem}.txt"
        seen[image_id] = _read_txt(path) if path.exists() else None
    return seen


def _read_txt(path: Path) -> Shown:
    boxes = []
    try:
        for line in path.read_text().splitlines():
            number, x, y, w, h = line.split()
            cx, cy, half_w, half_h = (
                float(x) * WIDTH,
                float(y) * HEIGHT,
                float(w) * WIDTH / 2,
                float(h) * HEIGHT / 2,
            )
            boxes.append((str(int(number)), cx - half_w, cy - half_h, cx + half_w, cy + half_h))
    except (OSError, ValueError) as error:
        raise Fault("unreadable", f"{path}: {error!r}") from None
    return tuple(sorted(boxes))
