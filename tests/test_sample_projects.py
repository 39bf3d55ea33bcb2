"""The bundled hardware sample: sound files, reproducible, and too hard for thresholds and blobs."""

from __future__ import annotations

import importlib
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SAMPLES = Path(__file__).resolve().parent.parent / "sample_projects"
HARDWARE = SAMPLES / "hardware"
SEED = 7
CLASSES = ("bolt", "nut", "washer", "lock_washer")
BACKGROUND = len(CLASSES)
THRESHOLD_FACTORS = (0.7, 1.0, 1.35)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Corners = tuple[int, int, int, int]
Blob = tuple[Corners, Floats]
Found = tuple[str, float, Corners]


def ids_of(split: str) -> list[str]:
    return (HARDWARE / "ImageSets" / "Main" / f"{split}.txt").read_text(encoding="utf-8").split()


@cache
def truth(stem: str) -> list[tuple[str, Corners]]:
    """Class and zero-based half-open corners of every labelled part."""
    root = ET.parse(HARDWARE / "Annotations" / f"{stem}.xml").getroot()
    boxes = []
    for item in root.iter("object"):
        x0, y0, x1, y1 = (int(item.findtext(f"bndbox/{tag}", "")) for tag in ("xmin", "ymin", "xmax", "ymax"))
        boxes.append((item.findtext("name", ""), (x0 - 1, y0 - 1, x1, y1)))
    return boxes


def iou(a: Corners, b: Corners) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


# --- the baseline: distance from the table's colour, Otsu, blobs, nearest class centroid ---


def otsu(values: Floats) -> float:
    counts, edges = np.histogram(values, 128)
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    between = below * above * (sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)) ** 2
    return float(centres[int(np.argmax(between))])


def saliency(picture: Image.Image) -> Floats:
    """Distance of every pixel from its neighbourhood's median luminance and colour."""
    ycc = np.asarray(picture.filter(ImageFilter.MedianFilter(3)).convert("YCbCr"), dtype=np.float64)
    rows, cols = ycc.shape[0] // 4 * 4, ycc.shape[1] // 4 * 4
    medians = np.empty((4, 4, 3))
    for r in range(4):
        for c in range(4):
            block = ycc[r * rows // 4 : (r + 1) * rows // 4, c * cols // 4 : (c + 1) * cols // 4]
            medians[r, c] = np.median(block.reshape(-1, 3), axis=0)
    table = np.stack(
        [
            np.asarray(Image.fromarray(medians[..., k].astype(np.float32)).resize((ycc.shape[1], ycc.shape[0])))
            for k in range(3)
        ],
        axis=-1,
    )
    return np.asarray(np.sqrt((((ycc - table) * (1.0, 1.6, 1.6)) ** 2).sum(axis=-1)), dtype=np.float64)


def label(mask: Bools) -> tuple[NDArray[np.int64], int]:
    """Eight-connected components: runs per row joined by union-find."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    row, start = np.nonzero(np.diff(padded, axis=1) == 1)
    _, stop = np.nonzero(np.diff(padded, axis=1) == -1)
    parent = list(range(len(row)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first = np.searchsorted(row, np.arange(mask.shape[0] + 1))
    for r in range(1, mask.shape[0]):
        i, j = int(first[r - 1]), int(first[r])
        while i < first[r] and j < first[r + 1]:
            if start[i] <= stop[j] and start[j] <= stop[i]:
                parent[find(j)] = find(i)
            if stop[i] < stop[j]:
                i += 1
            else:
                j += 1
    roots, names = np.unique([find(i) for i in range(len(row))], return_inverse=True)
    labels = np.zeros(mask.shape, dtype=np.int64)
    for line, a, b, name in zip(row, start, stop, names, strict=True):
        labels[line, a:b] = name + 1
    return labels, len(roots)


def features(piece: Bools, colours: Floats) -> Floats:
    """Size, elongation, fill, hole share, roughness of the outline and mean colour of one blob."""
    y, x = np.nonzero(piece)
    spread = np.linalg.eigvalsh(np.cov(np.stack([x, y])) + np.eye(2) * 0.1)
    # The copy matters: a flood fill leaves an image that shares an array's memory as it was.
    outside = Image.fromarray(np.pad(piece, 1).astype(np.uint8)).copy()
    ImageDraw.floodfill(outside, (0, 0), 2)
    filled = (np.asarray(outside)[1:-1, 1:-1] != 2).astype(np.int8)
    edge = np.abs(np.diff(np.pad(filled, 1), axis=0)).sum() + np.abs(np.diff(np.pad(filled, 1), axis=1)).sum()
    area, whole = float(piece.sum()), float(filled.sum())
    shape = [np.log(area), np.log(spread[1] / spread[0]), whole / piece.size, (whole - area) / whole]
    return np.array([*shape, np.log(edge**2 / whole), *(colours[piece].mean(axis=0) / 80)])


def blobs(stem: str) -> list[Blob]:
    with Image.open(HARDWARE / "JPEGImages" / f"{stem}.jpg") as file:
        picture = file.convert("RGB")
    distance, colours = saliency(picture), np.asarray(picture, dtype=np.float64)
    cut, found = otsu(distance), []
    for factor in THRESHOLD_FACTORS:
        binary = Image.fromarray(np.where(distance > cut * factor, 255, 0).astype(np.uint8))
        cleaned = np.asarray(binary.filter(ImageFilter.MedianFilter(5))) > 0
        labels, count = label(cleaned)
        for name in range(1, count + 1):
            rows, cols = np.nonzero((labels == name).any(axis=1))[0], np.nonzero((labels == name).any(axis=0))[0]
            x0, y0, x1, y1 = int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1
            if min(x1 - x0, y1 - y0) >= 10 and max(x1 - x0, y1 - y0) <= 220:
                piece = labels[y0:y1, x0:x1] == name
                found.append(((x0, y0, x1, y1), features(piece, colours[y0:y1, x0:x1])))
    return found


def fit(stems: list[str]) -> tuple[Floats, Floats]:
    """Per class (and for blobs that are no part) the mean and the common deviation of the features."""
    rows, names = [], []
    for stem in stems:
        for corners, row in blobs(stem):
            score, name = max((iou(corners, box), CLASSES.index(kind)) for kind, box in truth(stem))
            rows.append(row)
            names.append(name if score >= 0.5 else BACKGROUND)
    table, kinds = np.array(rows), np.array(names)
    centroids = np.stack([table[kinds == k].mean(axis=0) for k in range(BACKGROUND + 1)])
    return centroids, (table - centroids[kinds]).std(axis=0)


def detect(stem: str, centroids: Floats, scale: Floats) -> list[Found]:
    ranked: list[tuple[float, int, Corners]] = []
    for corners, row in blobs(stem):
        away = np.square((row - centroids) / scale).sum(axis=1)
        chance = np.exp(-(away - away.min()) / 2)
        name = int(np.argmin(away[:BACKGROUND]))
        ranked.append((float(chance[name] / chance.sum()), name, corners))
    kept: list[Found] = []
    for score, name, corners in sorted(ranked, reverse=True):
        if all(iou(corners, other) < 0.5 for _, _, other in kept):
            kept.append((CLASSES[name], score, corners))
    return kept


def average_precision(kind: str, found: dict[str, list[Found]]) -> float:
    """Area under the interpolated precision-recall curve at IoU 0.5."""
    left = {stem: [box for name, box in truth(stem) if name == kind] for stem in found}
    total = sum(len(boxes) for boxes in left.values())
    ranked = sorted(((s, stem, b) for stem, rows in found.items() for n, s, b in rows if n == kind), reverse=True)
    hits = []
    for _, stem, box in ranked:
        best = max(left[stem], key=lambda other: iou(box, other), default=None)
        hit = best is not None and iou(box, best) >= 0.5
        if best is not None and hit:
            left[stem].remove(best)
        hits.append(hit)
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best_from_here * np.array(hits)).sum() / total)


def test_thresholds_and_blobs_do_not_solve_it(capsys: pytest.CaptureFixture[str]) -> None:
    centroids, scale = fit(ids_of("train"))
    found = {stem: detect(stem, centroids, scale) for stem in ids_of("val")}
    scores = {kind: average_precision(kind, found) for kind in CLASSES}
    mean = sum(scores.values()) / len(scores)
    with capsys.disabled():
        parts = ", ".join(f"{kind} {score:.3f}" for kind, score in scores.items())
        print(f"\nthreshold-and-blob baseline on val: AP50 {mean:.3f} ({parts})")
    assert 0.02 < mean < 0.5


# --- the files ---


def test_every_annotation_is_sound() -> None:
    files = sorted((HARDWARE / "Annotations").glob("*.xml"))
    assert [path.stem for path in files] == ids_of("trainval")
    for path in files:
        raw = path.read_bytes()
        assert raw.endswith(b"</annotation>\n")
        assert b"\r" not in raw
        assert b"\n\t<object>" in raw
        root = ET.fromstring(raw)
        assert root.findtext("source/database") == "RCNN Studio hardware sample"
        assert root.findtext("filename") == f"{path.stem}.jpg"
        with Image.open(HARDWARE / "JPEGImages" / f"{path.stem}.jpg") as picture:
            width, height = picture.size
        assert (root.findtext("size/width"), root.findtext("size/height")) == (str(width), str(height))
        for name, (x0, y0, x1, y1) in truth(path.stem):
            assert name in CLASSES
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert min(x1 - x0, y1 - y0) >= 14


def test_splits_are_disjoint_complete_and_balanced() -> None:
    train, val = ids_of("train"), ids_of("val")
    assert (len(train), len(val)) == (96, 29)
    assert not set(train) & set(val)
    assert ids_of("trainval") == sorted(train + val)
    for stem in train + val:
        assert (HARDWARE / "JPEGImages" / f"{stem}.jpg").is_file()
    for split, least in (("train", 60), ("val", 20)):
        counts = Counter(name for stem in ids_of(split) for name, _ in truth(stem))
        assert set(counts) == set(CLASSES)
        assert min(counts.values()) >= least, counts


def test_some_images_are_left_to_label() -> None:
    images = {path.stem for path in (HARDWARE / "JPEGImages").glob("*.jpg")}
    unlabelled = images - set(ids_of("trainval"))
    assert len(images) == 150
    assert len(unlabelled) == 25
    assert not any((HARDWARE / "Annotations" / f"{stem}.xml").exists() for stem in unlabelled)


def test_the_sample_stays_small() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 6_000_000


# --- the generator ---


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SAMPLES))
    yield importlib.import_module("hardware_generator.dataset")
    for name in [name for name in sys.modules if name.split(".")[0] == "hardware_generator"]:
        del sys.modules[name]


def test_the_seed_gives_the_committed_images_again(generator: ModuleType) -> None:
    labelled = ids_of("trainval")
    for stem in (labelled[0], labelled[-1]):
        photo = generator.photograph(SEED, int(stem.removeprefix("hw_")))
        boxes = [(box.name, (box.xmin - 1, box.ymin - 1, box.xmax, box.ymax)) for box in photo.boxes]
        assert boxes == truth(stem)
        assert generator.voc_xml(photo) == (HARDWARE / "Annotations" / f"{stem}.xml").read_text(encoding="utf-8")
        with Image.open(HARDWARE / "JPEGImages" / f"{stem}.jpg") as committed:
            old = np.asarray(committed.convert("RGB"), dtype=np.int16)
        new = np.asarray(Image.open(BytesIO(generator.jpeg(photo))).convert("RGB"), dtype=np.int16)
        assert old.shape == new.shape
        assert float(np.abs(old - new).mean()) < 2.0


def test_the_committed_splits_come_from_the_seed(generator: ModuleType) -> None:
    assert generator.splits(SEED) == {name: ids_of(name) for name in ("train", "val")}
