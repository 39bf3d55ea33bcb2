"""The plan of the whole sample (sizes, splits) and its files on disk in the PASCAL VOC layout."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .camera import develop
from .scene import OVERSAMPLE, Canvas, Layout, arrange, pixel_share

DATABASE = "RCNN Studio hardware sample"
IMAGES = 150
TRAIN = 96
EVERY_NTH_UNLABELLED = 6
SIZES = ((400, 300), (400, 300), (400, 300), (400, 300), (480, 360), (300, 400))
COUNTS = (4, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10, 10, 11, 12, 12)


@dataclass(frozen=True)
class Box:
    """One labelled part; corners are one-based and inclusive, as in the VOC devkit."""

    name: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int
    occluded: bool
    truncated: bool


@dataclass(frozen=True)
class Photo:
    """A rendered picture with its boxes."""

    name: str
    pixels: NDArray[np.uint8]
    boxes: list[Box]
    quality: int


def image_name(number: int) -> str:
    """The file stem of image ``number``, counted from one."""
    return f"hw_{number:04d}"


def splits(seed: int, images: int = IMAGES, train: int = TRAIN) -> dict[str, list[str]]:
    """The ids of train and val; every sixth image is in neither."""
    labelled = [number for number in range(1, images + 1) if number % EVERY_NTH_UNLABELLED]
    order = np.random.default_rng([seed, 0]).permutation(len(labelled))
    chosen = sorted(labelled[i] for i in order[:train])
    others = sorted(labelled[i] for i in order[train:])
    return {"train": [image_name(n) for n in chosen], "val": [image_name(n) for n in others]}


def _boxes(layout: Layout) -> list[Box]:
    """Tight boxes round the visible part of every part, in final pixels."""
    boxes = []
    for index, part in enumerate(layout.parts):
        pixels, visible = pixel_share(layout.owner, index)
        rows, cols = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        mask = part.relief.mask
        top, left = max(-part.top, 0), max(-part.left, 0)
        bottom, right = layout.owner.shape[0] - part.top, layout.owner.shape[1] - part.left
        inside, whole = int(mask[top:bottom, left:right].sum()), int(mask.sum())
        boxes.append(
            Box(
                name=part.spec.kind,
                xmin=int(cols[0]) + 1,
                ymin=int(rows[0]) + 1,
                xmax=int(cols[-1]) + 1,
                ymax=int(rows[-1]) + 1,
                occluded=visible < 0.9 * inside,
                truncated=inside < 0.85 * whole,
            )
        )
    return boxes


def photograph(seed: int, number: int) -> Photo:
    """Render image ``number`` of the sample; it depends on nothing but its two arguments."""
    rng = np.random.default_rng([seed, number])
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    shape = (height * OVERSAMPLE, width * OVERSAMPLE)
    zoom = float(rng.uniform(1.35, 1.85)) * (width * height / 120_000) ** 0.4
    wanted = int(rng.choice(COUNTS))
    layout = arrange(rng, shape, zoom, wanted)
    pixels = develop(rng, Canvas(rng, shape, zoom, layout).render())
    return Photo(image_name(number), pixels, _boxes(layout), int(rng.integers(78, 87)))


def jpeg(photo: Photo) -> bytes:
    """The picture as JPEG bytes."""
    stream = BytesIO()
    Image.fromarray(photo.pixels).save(stream, "JPEG", quality=photo.quality, optimize=True, subsampling="4:2:0")
    return stream.getvalue()


def _element(depth: int, tag: str, value: object) -> str:
    return "\t" * depth + f"<{tag}>{value}</{tag}>"


def voc_xml(photo: Photo) -> str:
    """The annotation file of a photo."""
    height, width, depth = photo.pixels.shape
    lines = ["<annotation>", _element(1, "folder", "hardware"), _element(1, "filename", f"{photo.name}.jpg")]
    lines += ["\t<source>", _element(2, "database", DATABASE), "\t</source>", "\t<size>"]
    lines += [_element(2, tag, value) for tag, value in (("width", width), ("height", height), ("depth", depth))]
    lines += ["\t</size>", _element(1, "segmented", 0)]
    for box in photo.boxes:
        lines += ["\t<object>", _element(2, "name", box.name), _element(2, "pose", "Unspecified")]
        lines += [_element(2, "truncated", int(box.truncated)), _element(2, "difficult", 0)]
        lines += [_element(2, "occluded", int(box.occluded)), "\t\t<bndbox>"]
        lines += [_element(3, tag, getattr(box, tag)) for tag in ("xmin", "ymin", "xmax", "ymax")]
        lines += ["\t\t</bndbox>", "\t</object>"]
    return "\n".join([*lines, "</annotation>", ""])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _make(seed: int, folder: Path, labelled: frozenset[str], number: int) -> int:
    photo = photograph(seed, number)
    (folder / "JPEGImages" / f"{photo.name}.jpg").write_bytes(jpeg(photo))
    if photo.name in labelled:
        _write(folder / "Annotations" / f"{photo.name}.xml", voc_xml(photo))
    return number


def write_sample(folder: Path, seed: int, images: int = IMAGES, train: int = TRAIN, jobs: int = 1) -> None:
    """Write the whole sample below ``folder``."""
    sets = splits(seed, images, train)
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sets["trainval"] = sorted(sets["train"] + sets["val"])
    for name, ids in sets.items():
        _write(folder / "ImageSets" / "Main" / f"{name}.txt", "".join(f"{stem}\n" for stem in ids))
    make = partial(_make, seed, folder, frozenset(sets["trainval"]))
    numbers = range(1, images + 1)
    if jobs <= 1:
        for number in numbers:
            make(number)
        return
    with ProcessPoolExecutor(jobs) as pool:
        list(pool.map(make, numbers, chunksize=4))
