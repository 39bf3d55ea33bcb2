"""Statistics as tables for the terminal, and as one JSON document. Counts nothing itself."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.statistics import SIZE_NAMES, Histogram, IntArray, Statistics

MOST_CATEGORIES = 40
MOST_PAIRS = 5
MOST_SIZES = 5
_WIDTH = 100
_BAR = 30
_SHADES = " .:-=+*#%@"
_HEAT_ROWS = 8


def statistics_json(statistics: Statistics) -> dict[str, Any]:
    """Everything, by name. An edge without limit is null; categories that never meet are left out of `cooccurrence`."""
    s = statistics
    return {
        "images": s.images,
        "boxes": s.boxes,
        "unusable_boxes": s.unusable,
        "splits": list(s.splits),
        "categories": [
            {
                "name": name,
                "boxes": int(s.boxes_per_category[i].sum()),
                "images": int(s.images_per_category[i].sum()),
                "boxes_per_split": _by_name(s.splits, s.boxes_per_category[i]),
                "sizes": _by_name(SIZE_NAMES, s.sizes[i]),
                "sizes_resized": _by_name(SIZE_NAMES, s.sizes_resized[i]),
            }
            for i, name in enumerate(s.categories)
        ],
        "states": {state.name.lower(): _by_name(s.splits, s.images_per_state[state]) for state in ImageState},
        "boxes_per_image": s.boxes_per_image.tolist(),
        "training_size": {"min_side": s.training_size.min_side, "max_side": s.training_size.max_side},
        "side": _histogram_json(s.side),
        "side_resized": _histogram_json(s.side_resized),
        "side_relative": _histogram_json(s.side_relative),
        "aspect": _histogram_json(s.aspect),
        "heat": s.heat.tolist(),
        "cooccurrence": [{"categories": [a, b], "images": count} for a, b, count in pairs_of(s)],
        "image_sizes": [{"width": w, "height": h, "images": count} for w, h, count in s.image_sizes],
    }


def pairs_of(statistics: Statistics) -> list[tuple[str, str, int]]:
    """Two categories and the images that hold both, the most frequent pairs first."""
    above = np.triu(statistics.cooccurrence, 1)
    rows, columns = np.nonzero(above)
    order = np.argsort(-above[rows, columns], kind="stable")
    names = [statistics.categories[i] for i in statistics.cooccurring.tolist()]
    return [(names[rows[i]], names[columns[i]], int(above[rows[i], columns[i]])) for i in order]


def statistics_text(statistics: Statistics) -> str:
    """Tables of at most 100 columns, in plain characters."""
    parts: list[RenderableType] = [
        _categories(statistics),
        _states(statistics),
        _sizes(statistics),
        _bars("box side, pixels", statistics.side, "{:.3g}"),
        _bars(f"box side, resized to {statistics.training_size.min_side}", statistics.side_resized, "{:.3g}"),
        _bars("width / height", _merged(statistics.aspect, 2), "{:.2g}"),
        _per_image(statistics.boxes_per_image),
        _heat(statistics.heat),
        _pairs(statistics),
        _image_sizes(statistics),
    ]
    target = io.StringIO()
    console = Console(file=target, width=_WIDTH, color_system=None, force_terminal=False, highlight=False, emoji=False)
    console.print(Group(*(part for part in parts if not isinstance(part, str) or part)))
    lines = (line.rstrip() for line in target.getvalue().splitlines())
    return "\n".join(lines).strip("\n")


def _categories(s: Statistics) -> Table:
    used = [i for i, name in enumerate(s.splits) if name or s.images_per_state[:, i].any()]
    table = _table("category", "boxes", "images", *(f"boxes in {s.splits[i] or 'no split'}" for i in used))
    totals = s.boxes_per_category.sum(axis=1)
    order = np.argsort(-totals, kind="stable")
    for i in order[:MOST_CATEGORIES].tolist():
        numbers = (totals[i], s.images_per_category[i].sum(), *(s.boxes_per_category[i, j] for j in used))
        table.add_row(Text(s.categories[i]), *(str(int(n)) for n in numbers))
    if len(order) > MOST_CATEGORIES:
        table.add_row(f"... and {len(order) - MOST_CATEGORIES} more", str(int(totals[order[MOST_CATEGORIES:]].sum())))
    return table


def _states(s: Statistics) -> Table:
    used = [i for i, name in enumerate(s.splits) if name or s.images_per_state[:, i].any()]
    table = _table("images", "all", *(s.splits[i] or "no split" for i in used))
    for state in ImageState:
        row = s.images_per_state[state]
        if row.any():
            table.add_row(state.name.lower().replace("_", " "), str(int(row.sum())), *(str(int(row[i])) for i in used))
    return table


def _sizes(s: Statistics) -> Table:
    table = _table("COCO's sizes", *SIZE_NAMES)
    resized = f"resized to {s.training_size.min_side}x{s.training_size.max_side}"
    for name, counts in (("as they are", s.sizes), (resized, s.sizes_resized)):
        total = max(1, int(counts.sum()))
        table.add_row(name, *(f"{int(n)} ({100 * int(n) / total:.0f} %)" for n in counts.sum(axis=0)))
    if s.unusable:
        table.add_row("without an area", str(s.unusable), "", "")
    return table


def _bars(title: str, histogram: Histogram, edge: str) -> Table:
    table = _table(title, "boxes", "")
    table.columns[2].justify = "left"
    filled = np.flatnonzero(histogram.counts)
    most = max(1, int(histogram.counts.max(initial=0)))
    for i in range(int(filled[0]), int(filled[-1]) + 1) if len(filled) else ():
        low, high, count = histogram.edges[i], histogram.edges[i + 1], int(histogram.counts[i])
        name = f"{edge.format(low)} up" if math.isinf(high) else f"{edge.format(low)} - {edge.format(high)}"
        table.add_row(name, str(count), "#" * math.ceil(_BAR * count / most))
    return table


def _per_image(counts: IntArray) -> Table:
    """Boxes in an image, in steps that double: 0, 1, 2, 3-4, 5-8, ..."""
    table = _table("boxes in an image", "images", "")
    table.columns[2].justify = "left"
    edges = [0, 1, 2]
    while edges[-1] < len(counts):
        edges.append(2 * (edges[-1] - 1) + 1)
    sums = [int(counts[a:b].sum()) for a, b in pairwise(edges)]
    most = max([1, *sums])
    for (low, high), count in zip(pairwise(edges), sums, strict=True):
        if count:
            name = str(low) if high - low == 1 else f"{low} - {high - 1}"
            table.add_row(name, str(count), "#" * math.ceil(_BAR * count / most))
    return table


def _heat(heat: IntArray) -> Table:
    """Where box centres are, denser signs for more; the grid is made coarser."""
    rows, columns = len(heat) // _HEAT_ROWS, len(heat) // (2 * _HEAT_ROWS)
    coarse = heat.reshape(_HEAT_ROWS, rows, 2 * _HEAT_ROWS, columns).sum(axis=(1, 3))
    shade = np.ceil((len(_SHADES) - 1) * coarse / max(1, int(coarse.max(initial=0)))).astype(np.int64)
    table = _table("where boxes are (centres)")
    for row in shade:
        table.add_row(Text("".join(2 * _SHADES[i] for i in row)))
    return table


def _pairs(s: Statistics) -> Table | str:
    found = pairs_of(s)[:MOST_PAIRS]
    if not found:
        return ""
    table = _table("together in an image", "images")
    for first, second, count in found:
        table.add_row(Text(f"{first} + {second}"), str(count))
    return table


def _image_sizes(s: Statistics) -> Table:
    table = _table("image size", "images")
    for width, height, count in s.image_sizes[:MOST_SIZES]:
        table.add_row(f"{width} x {height}", str(count))
    if len(s.image_sizes) > MOST_SIZES:
        rest = s.image_sizes[MOST_SIZES:]
        table.add_row(f"{len(rest)} more sizes", str(sum(count for *_, count in rest)))
    return table


def _table(first: str, *rest: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(first))
    for name in rest:
        table.add_column(Text(name), justify="right")
    return table


def _merged(histogram: Histogram, step: int) -> Histogram:
    """The same with `step` bins made one, which divides them; the first and the last, without limit, stay."""
    inner = np.add.reduceat(histogram.counts[1:-1], np.arange(0, len(histogram.counts) - 2, step))
    edges = np.concatenate([histogram.edges[:1], histogram.edges[1:-1:step], histogram.edges[-1:]])
    return Histogram(edges=edges, counts=np.concatenate([histogram.counts[:1], inner, histogram.counts[-1:]]))


def _histogram_json(histogram: Histogram) -> dict[str, Any]:
    edges = [value if math.isfinite(value) else None for value in histogram.edges.tolist()]
    return {"edges": edges, "counts": histogram.counts.tolist()}


def _by_name(names: Sequence[str], counts: IntArray) -> dict[str, int]:
    return {name: int(value) for name, value in zip(names, counts, strict=True)}
