"""Which images a query shows, against the same question asked box by box."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rcnn_studio.domain.dataset import Box, BoxFlag, Dataset, ImageRecord, ImageState, make_categories
from rcnn_studio.domain.image_query import (
    ImageQuery,
    facts_of_dataset,
    facts_of_records,
    images_with,
    query_from_json,
    query_to_json,
)

SIZE = 200


def records(count: int = 60) -> list[ImageRecord]:
    """Images with none to six boxes of three categories, flags now and then, some reaching out of the image."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(count):
        boxes = []
        for n in range(int(rng.integers(0, 7))):
            x, y = rng.uniform(-10, 190, 2)
            w, h = np.exp(rng.uniform(0, 5, 2))
            boxes.append(
                Box(
                    id=number * 10 + n,
                    x1=x,
                    y1=y,
                    x2=x + w,
                    y2=y + h,
                    category_id=int(rng.integers(1, 4)),
                    flags=BoxFlag(int(rng.integers(0, 16))) if rng.random() < 0.4 else BoxFlag.NONE,
                )
            )
        made.append(
            ImageRecord(id=number + 1, root=0, path=f"{number}.png", width=SIZE, height=SIZE, boxes=tuple(boxes))
        )
    return made


def seen(box: Box) -> tuple[float, float, float, float]:
    """The part of a box inside its image."""
    return tuple(min(max(v, 0.0), float(SIZE)) for v in box.xyxy)  # type: ignore[return-value]


def by_hand(box: Box, query: ImageQuery) -> bool:
    x1, y1, x2, y2 = seen(box)
    w, h = x2 - x1, y2 - y1
    if query.categories and box.category_id not in query.categories:
        return False
    if query.flags and not box.flags & query.flags:
        return False
    if (query.side or query.aspect or query.place) and not (w > 0 and h > 0):
        return False
    if query.side and not query.side[0] <= math.sqrt(w * h) < query.side[1]:
        return False
    if query.aspect and not query.aspect[0] <= w / h < query.aspect[1]:
        return False
    if query.place:
        a, b, c, d = query.place
        return a <= (x1 + x2) / 2 / SIZE < c and b <= (y1 + y2) / 2 / SIZE < d
    return True


QUERIES = [
    ImageQuery(categories=frozenset({2})),
    ImageQuery(categories=frozenset({1, 3})),
    ImageQuery(flags=BoxFlag.DIFFICULT),
    ImageQuery(flags=BoxFlag.DIFFICULT | BoxFlag.CROWD),
    ImageQuery(side=(0.0, 8.0)),
    ImageQuery(side=(96.0, math.inf)),
    ImageQuery(aspect=(0.25, 0.5)),
    ImageQuery(place=(0.5, 0.0, 0.75, 0.25)),
    ImageQuery(categories=frozenset({2}), flags=BoxFlag.OCCLUDED, side=(8.0, 64.0)),
]


@pytest.mark.parametrize("query", QUERIES)
def test_an_image_is_shown_for_one_box_that_fulfils_everything(query: ImageQuery) -> None:
    images = records()
    wanted = [any(by_hand(box, query) for box in image.boxes) for image in images]
    assert 0 < sum(wanted) < len(images), "the question must have both answers"
    dataset = Dataset.from_records(images, categories=make_categories(["a", "b", "c"]), roots=["/"])
    columns = facts_of_dataset(dataset, np.arange(len(images)))
    assert images_with(query, columns, len(images)).tolist() == wanted
    assert images_with(query, facts_of_records(list(enumerate(images))), len(images)).tolist() == wanted


def test_no_boxes_at_all_are_no_trouble() -> None:
    assert images_with(QUERIES[-1], facts_of_records([]), 3).tolist() == [False] * 3


EVERYTHING = ImageQuery(
    text="b7",
    states=frozenset({ImageState.VERIFIED, ImageState.UNLABELLED}),
    splits=frozenset({"val", ""}),
    boxes=(2.0, math.inf),
    detections=False,
    changed=True,
    categories=frozenset({4, 2}),
    flags=BoxFlag.CROWD | BoxFlag.TRUNCATED,
    side=(0.0, 32.0),
    aspect=(0.5, math.inf),
    place=(0.0, 0.25, 0.5, 0.5),
)


@pytest.mark.parametrize("query", [*QUERIES, EVERYTHING, ImageQuery()])
def test_a_query_comes_back_from_json_as_it_was(query: ImageQuery) -> None:
    assert query_from_json(query_to_json(query)) == query


def test_what_is_damaged_in_a_stored_query_is_left_out() -> None:
    stored = {**query_to_json(EVERYTHING), "states": [99], "side": [1], "later": True}
    plain = ImageQuery()
    assert query_from_json(stored) == replace(EVERYTHING, states=plain.states, side=plain.side)


def test_only_a_query_that_asks_for_nothing_is_empty() -> None:
    assert ImageQuery(text="  ").is_empty
    assert not ImageQuery(text="a").is_empty
    assert not ImageQuery(detections=False).is_empty
