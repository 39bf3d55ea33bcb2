"""Images, their states and filters in words. Knows no widgets."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.dataset import TRAINABLE_STATES, BoxFlag, ImageState
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.domain.splits import TEST, TRAIN, VAL
from rcnn_studio.domain.statistics import COCO_MEDIUM, COCO_SMALL

SMALL_SIDE, MEDIUM_SIDE = COCO_SMALL**0.5, COCO_MEDIUM**0.5
SIZES = {"small": (0.0, SMALL_SIDE), "medium": (SMALL_SIDE, MEDIUM_SIDE), "large": (MEDIUM_SIDE, math.inf)}


def _say(text: str) -> str:
    return QCoreApplication.translate("ImageModel", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageItem:
    """One row as it is painted. name: without its folder; stale: the filter would not show it any more."""

    image_id: int
    name: str
    path: str
    state: ImageState
    split: str
    boxes: int
    stale: bool = False


def describe(item: ImageItem) -> str:
    """A row in words: what its badge and chip stand for."""
    facts = [state_text(item.state), count_text(item.boxes)]
    hint = split_hint(item.split)
    if item.split and not hint:
        facts.append(_say("in the split {0}").format(item.split))
    lines = [item.path, " · ".join(facts)]
    if hint:
        lines.append(hint)
    if item.stale:
        lines.append(_say("No longer matches the filter; it stays here until the list is refreshed."))
    return "\n".join(lines)


def state_text(state: ImageState) -> str:
    """An image's state in words."""
    names = {
        ImageState.UNLABELLED: QCoreApplication.translate("ImageModel", "Unlabelled"),
        ImageState.LABELLED: QCoreApplication.translate("ImageModel", "Labelled"),
        ImageState.CONFIRMED_EMPTY: QCoreApplication.translate("ImageModel", "Nothing here"),
        ImageState.VERIFIED: QCoreApplication.translate("ImageModel", "Verified"),
        ImageState.NEEDS_FIX: QCoreApplication.translate("ImageModel", "Needs fix"),
    }
    return names[state]


def state_hint(state: ImageState) -> str:
    """What a state means for the training, and how an image gets it."""
    hints = {
        ImageState.UNLABELLED: QCoreApplication.translate("ImageModel", "Nobody has looked yet: not trained on."),
        ImageState.LABELLED: QCoreApplication.translate(
            "ImageModel", "Has boxes, and is trained on. Space says that they are right."
        ),
        ImageState.CONFIRMED_EMPTY: QCoreApplication.translate(
            "ImageModel", "Shows none of the classes (B): the model learns from that too."
        ),
        ImageState.VERIFIED: QCoreApplication.translate(
            "ImageModel", "Somebody has looked and said with Space that the boxes are right. Trained on."
        ),
        ImageState.NEEDS_FIX: QCoreApplication.translate("ImageModel", "Left out until it is mended."),
    }
    return hints[state]


def count_text(boxes: int) -> str:
    """A number of boxes in words."""
    if boxes == 1:
        return QCoreApplication.translate("ImageModel", "1 box")
    return QCoreApplication.translate("ImageModel", "{0} boxes").format(boxes)


def images_text(images: int) -> str:
    """A number of images in words."""
    if images == 1:
        return _say("1 image")
    return _say("{0} images").format(images)


def flag_text(flag: BoxFlag) -> str:
    """A flag as a filter names it."""
    names = {
        BoxFlag.OCCLUDED: QCoreApplication.translate("ImageModel", "Occluded"),
        BoxFlag.TRUNCATED: QCoreApplication.translate("ImageModel", "Truncated"),
        BoxFlag.DIFFICULT: QCoreApplication.translate("ImageModel", "Difficult"),
        BoxFlag.CROWD: QCoreApplication.translate("ImageModel", "Crowd"),
    }
    return names[flag]


def size_text(name: str) -> str:
    """COCO's sizes in words."""
    names = {
        "small": QCoreApplication.translate("ImageModel", "Small"),
        "medium": QCoreApplication.translate("ImageModel", "Medium"),
        "large": QCoreApplication.translate("ImageModel", "Large"),
    }
    return names[name]


def split_hint(split: str) -> str:
    """What the images of a split are for; empty for one with a name of its own."""
    hints = {
        TRAIN: _say("train: the model learns from these images"),
        VAL: _say("val: checks how good the model is; it never learns from these images"),
        TEST: _say("test: kept apart for a last check; not used in training"),
    }
    return hints.get(split, "")


def split_text(split: str) -> str:
    return split or QCoreApplication.translate("ImageModel", "no split")


def query_parts(query: ImageQuery, categories: Mapping[int, str]) -> list[tuple[tuple[str, ...], str]]:
    """What a filter asks for, a part each: (fields of the query that it is about, text). The text field is not one:
    it is seen where it was typed."""
    parts: list[tuple[tuple[str, ...], str]] = []
    if query.states:
        parts.append((("states",), _states(query.states)))
    if query.splits:
        parts.append((("splits",), _say("In {0}").format(_any([split_text(split) for split in sorted(query.splits)]))))
    if query.categories:
        names = sorted(categories.get(category, f"#{category}") for category in query.categories)
        parts.append((("categories",), _any(names)))
    if query.flags:
        parts.append((("flags",), _any([flag_text(flag) for flag in BoxFlag if flag in query.flags])))
    if query.side is not None:
        parts.append((("side",), _size(query.side)))
    if query.aspect is not None:
        shape = _range(query.aspect)
        parts.append((("aspect",), _say("Width / height {0}").format(shape)))
    if query.place is not None:
        x, y = (query.place[0] + query.place[2]) * 50, (query.place[1] + query.place[3]) * 50
        parts.append((("place",), _say("Centred near {0:.0f} %, {1:.0f} %").format(x, y)))
    if query.boxes is not None:
        parts.append((("boxes",), _boxes(query.boxes)))
    if query.detections is not None:
        text = _say("Has detections") if query.detections else _say("Without detections")
        parts.append((("detections",), text))
    if query.changed:
        parts.append((("changed",), _say("Changed since the last run")))
    return parts


def trained_on_hint() -> str:
    """Which states "Trained on" sums up."""
    return _say("Trained on: {0}").format(_any([state_text(state) for state in sorted(TRAINABLE_STATES)]))


def _states(states: Collection[ImageState]) -> str:
    if states == TRAINABLE_STATES:
        return _say("Trained on")
    return _any([state_text(state) for state in sorted(states)])


def _any(names: Sequence[str]) -> str:
    """A few names, or how many more there are."""
    if len(names) <= 3:
        return _say(" or ").join(names)
    return _say("{0} or {1} more").format(", ".join(names[:2]), len(names) - 2)


def _range(wanted: tuple[float, float], unit: str = "") -> str:
    low, high = (f"{value:.3g}" for value in wanted)
    if math.isinf(wanted[1]):
        return _say("from {0}").format(low) + unit
    return (_say("below {0}").format(high) if not wanted[0] else f"{low} – {high}") + unit


def _size(side: tuple[float, float]) -> str:
    for name, known in SIZES.items():
        if known == side:
            return _say("{0} boxes ({1})").format(size_text(name), _range(side, " px"))
    return _say("Boxes {0}").format(_range(side, " px"))


def _boxes(wanted: tuple[float, float]) -> str:
    low, high = wanted
    if math.isinf(high):
        return _say("{0} boxes or more").format(int(low))
    if low == high:
        return count_text(int(low))
    return _say("{0} – {1} boxes").format(int(low), int(high))
