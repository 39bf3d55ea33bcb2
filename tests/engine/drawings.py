"""Small drawn images with known boxes, for tests that train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from rcnn_studio.domain.dataset import Box, BoxFlag, Category, Dataset, ImageRecord, ImageState
from rcnn_studio.domain.runs import TrainConfig

WIDTH, HEIGHT = 128, 96
DISC, BAR = 7, 3  # category ids with gaps, in an order of their own
CATEGORIES = (Category(id=DISC, name="disc"), Category(id=BAR, name="bar"))

SMALL = TrainConfig(
    preset="test",
    image_size=96,
    image_max_size=128,
    fpn_channels=32,
    head_channels=64,
    anchor_sizes=(12.0, 24.0, 48.0, 96.0),
    rpn_proposals_train=100,
    rpn_proposals_test=50,
    rois_per_image=32,
    jittered_boxes=0,
    batch_size=2,
    lr=1e-3,
    warmup_steps=5,
    epochs=2,
    ema_decay=0.9,
    augmentation="none",
    amp="off",
    device="cpu",
)


def draw_image(path: Path, seed: int) -> tuple[Box, ...]:
    """Writes a picture of two discs and a bar on a plain ground; -> their boxes."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), (225, 220, 205))
    pen = ImageDraw.Draw(image)
    boxes = []
    for number, category in enumerate((DISC, DISC, BAR)):
        w, h = (26, 26) if category == DISC else (36, 14)
        x = 4 + number * 41 + int(rng.integers(0, 5))
        y = int(rng.integers(4, HEIGHT - h - 4))
        shape = pen.ellipse if category == DISC else pen.rectangle
        shape((x, y, x + w - 1, y + h - 1), fill=(180, 40, 40) if category == DISC else (30, 60, 150))
        boxes.append(Box(id=seed * 10 + number, x1=x, y1=y, x2=x + w, y2=y + h, category_id=category))
    image.save(path)
    return tuple(boxes)


def drawn_records(folder: Path, count: int = 4) -> list[ImageRecord]:
    """`count` pictures, each once in train and once in val."""
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in range(1, count + 1):
        boxes = draw_image(folder / f"{seed}.png", seed)
        for split in ("train", "val"):
            records.append(record(len(records) + 1, f"{seed}.png", boxes, split=split))
    return records


def record(
    number: int,
    path: str,
    boxes: tuple[Box, ...] = (),
    *,
    split: str = "train",
    state: ImageState = ImageState.LABELLED,
) -> ImageRecord:
    return ImageRecord(id=number, root=0, path=path, width=WIDTH, height=HEIGHT, state=state, split=split, boxes=boxes)


def box(
    number: int, xyxy: tuple[float, float, float, float], category_id: int = DISC, flags: BoxFlag = BoxFlag.NONE
) -> Box:
    return Box(id=number, x1=xyxy[0], y1=xyxy[1], x2=xyxy[2], y2=xyxy[3], category_id=category_id, flags=flags)


def dataset(records: list[ImageRecord], folder: Path) -> Dataset:
    return Dataset.from_records(records, categories=CATEGORIES, roots=[str(folder)])
