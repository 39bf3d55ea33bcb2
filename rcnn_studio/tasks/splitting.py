"""Draw the splits of a dataset that is imported, or of a project: once for all, or anew as one edit.

The rules are in domain; what looks alike is found by looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rcnn_studio.domain import splits
from rcnn_studio.domain.dataset import Dataset, ImageState
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.domain.splits import SplitRules
from rcnn_studio.formats.codec import SPLIT_NAMES, Imported
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.columns import dataset_of
from rcnn_studio.tasks.looking import groups_of_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Splits that were drawn, not yet applied. edit: what applies them, None where nothing changes; images: labelled
    ones by split; boxes: theirs by category id and split; torn: groups of images alike that lie in several splits
    (None: not looked for)."""

    edit: Edit | None
    images: dict[str, int]
    boxes: dict[int, dict[str, int]]
    torn: int | None = None

    @property
    def changed(self) -> int:
        return 0 if self.edit is None else len(self.edit.images)


def split_imported(imported: Imported, rules: SplitRules, report: Report, should_stop: ShouldStop) -> Imported:
    """The same, with labelled images put into splits where no image has one yet. Raises Cancelled."""
    if imported.split_names:
        return imported
    dataset = dataset_of(imported, only_counts=True)
    return imported.with_splits(_draw(dataset, rules, [""] * len(dataset), report, should_stop)[0])


def draw_splits(
    store: ProjectStore,
    rules: SplitRules,
    *,
    anew: bool = False,
    text: str = "Draw splits",
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Drawn:
    """What the rules make of a project's splits; nothing is applied yet.

    anew: of all labelled images; else only of those that have none (an image keeps its split, so that what a model was
    trained on is never tested on). text: of the edit. Raises ProjectError, Cancelled.
    """
    dataset = store.snapshot()
    before = [dataset.split_of(index) for index in range(len(dataset))]
    labelled = dataset.trainable_mask()
    given = ["" if anew and has else split for split, has in zip(before, labelled.tolist(), strict=True)]
    after, alike = _draw(dataset, rules, given, report, should_stop)
    rows = zip(dataset.image_ids.tolist(), dataset.states.tolist(), before, after, strict=True)
    changes = tuple(
        ImageChange(image_id=image_id, state=(ImageState(state), ImageState(state)), split=(old, new))
        for image_id, state, old, new in rows
        if old != new
    )
    images, boxes = _counted(dataset, after, labelled)
    return Drawn(
        edit=Edit(text=text, images=changes) if changes else None,
        images=images,
        boxes=boxes,
        torn=None if alike is None else len(splits.torn_groups(after, alike)),
    )


def apply_splits(
    store: ProjectStore,
    rules: SplitRules,
    *,
    anew: bool = False,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Drawn:
    """draw_splits, committed as one edit that the window can take back. Raises ProjectError, Cancelled."""
    drawn = draw_splits(store, rules, anew=anew, report=report, should_stop=should_stop)
    if drawn.edit is not None:
        check(should_stop)
        refused: list[StudioError] = []
        store.submit(drawn.edit, on_done=lambda _sequence: None, on_error=refused.append)
        store.flush()
        if refused:
            raise refused[0]
    return drawn


def _draw(
    dataset: Dataset, rules: SplitRules, given: list[str], report: Report, should_stop: ShouldStop
) -> tuple[list[str], NDArray[np.int64] | None]:
    """-> the splits; which images look alike, where that was asked for"""
    labelled = dataset.trainable_mask()
    groups: NDArray[np.int64] | None = None
    alike: NDArray[np.int64] | None = None
    if rules.by == "folder":
        groups = np.array(splits.folder_groups(dataset.paths), dtype=np.int64)
    elif rules.by == "near-duplicates":
        roots = [Path(root) for root in dataset.roots]
        paths = [roots[root] / path for root, path in zip(dataset.image_roots.tolist(), dataset.paths, strict=True)]
        groups = alike = groups_of_images(paths, report, should_stop)
    report(Progress("Drawing splits"))
    drawn = splits.draw(
        rules, given, labelled, offsets=dataset.offsets, category_ids=dataset.category_ids, groups=groups
    )
    return drawn, alike


def _counted(
    dataset: Dataset, names: list[str], labelled: NDArray[np.bool_]
) -> tuple[dict[str, int], dict[int, dict[str, int]]]:
    of_image = np.array(names, dtype=object)
    of_box = np.repeat(np.where(labelled, of_image, ""), np.diff(dataset.offsets))
    images: dict[str, int] = {}
    boxes: dict[int, dict[str, int]] = {category.id: {} for category in dataset.categories}
    for split in (*SPLIT_NAMES, *sorted(set(names) - {"", *SPLIT_NAMES})):
        images[split] = int(((of_image == split) & labelled).sum())
        mine = dataset.category_ids[of_box == split]
        for category_id in boxes:
            boxes[category_id][split] = int((mine == category_id).sum())
    return images, boxes
