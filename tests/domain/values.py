"""Boxes, images and detections for the tests of values, by hand and by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from rcnn_studio.domain.dataset import Box, BoxFlag, BoxSource, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.detections import Detections

WIDTH, HEIGHT = 64, 48

FLAGS = BoxFlag.DIFFICULT | BoxFlag.TRUNCATED | BoxFlag.OCCLUDED | BoxFlag.CROWD


def box(number: int, *corners: float, category: int = 1, **fields: object) -> Box:
    x1, y1, x2, y2 = corners or (2, 3, 20, 30)
    return Box(id=number, x1=x1, y1=y1, x2=x2, y2=y2, category_id=category, **fields)


def record(number: int, *boxes: Box, state: ImageState = ImageState.LABELLED, split: str = "train") -> ImageRecord:
    return ImageRecord(
        id=number, root=0, path=f"img_{number}.png", width=WIDTH, height=HEIGHT, state=state, split=split, boxes=boxes
    )


def dataset(*records: ImageRecord) -> Dataset:
    return Dataset.from_records(records, categories=make_categories(["bolt", "nut"]), roots=["/pictures"])


def found(*rows: tuple[tuple[float, float, float, float], int, float]) -> Detections:
    """rows: corners, category id, score."""
    if not rows:
        return Detections.empty()
    corners, categories, scores = zip(*rows, strict=True)
    return Detections.make(corners, categories, scores)


@st.composite
def corners_inside(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """An ordered rectangle of at least one pixel inside the image, on quarters of a pixel."""
    x1 = draw(st.integers(0, 4 * (WIDTH - 1))) / 4
    y1 = draw(st.integers(0, 4 * (HEIGHT - 1))) / 4
    x2 = draw(st.integers(int(4 * x1) + 4, 4 * WIDTH)) / 4
    y2 = draw(st.integers(int(4 * y1) + 4, 4 * HEIGHT)) / 4
    return x1, y1, x2, y2


@st.composite
def boxes_inside(draw: st.DrawFn, *, number: int | None = None) -> Box:
    return box(
        draw(st.integers(1, 30)) if number is None else number,
        *draw(corners_inside()),
        category=draw(st.integers(1, 3)),
        flags=BoxFlag(draw(st.integers(0, 15))),
        source=draw(st.sampled_from(BoxSource)),
        edited=draw(st.booleans()),
    )
