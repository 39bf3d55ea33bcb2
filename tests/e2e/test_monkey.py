"""Random gestures over the whole window: no exception, no warning, and window = database = files at the end.

RCNN_STUDIO_MONKEY=50000 plays longer, RCNN_STUDIO_MONKEY_SEED=N plays another game.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from lxml import etree

from rcnn_studio.domain.dataset import ImageRecord
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.ui.main_window import MainWindow
from tests.e2e.monkey import Monkey, tie_hands

STEPS = int(os.environ.get("RCNN_STUDIO_MONKEY", "5000"))
SEED = int(os.environ.get("RCNN_STUDIO_MONKEY_SEED", "1"))


def on_disk(image: Path) -> list[tuple[str, float, float, float, float]]:
    """(name, x1, y1, x2, y2) of an image's boxes as its file has them, by a plain parser, counted from 0."""
    path = image.parent.parent / "Annotations" / f"{image.stem}.xml"
    if not path.exists():
        return []
    found = []
    for node in etree.parse(path).getroot().iter("object"):
        corners = [float(node.findtext(f"bndbox/{tag}") or "nan") for tag in ("xmin", "ymin", "xmax", "ymax")]
        found.append((node.findtext("name") or "", corners[0] - 1, corners[1] - 1, corners[2], corners[3]))
    return sorted(found)


def in_record(record: ImageRecord, names: dict[int, str]) -> list[tuple[str, float, float, float, float]]:
    return sorted((names[box.category_id], box.x1, box.y1, box.x2, box.y2) for box in record.boxes)


@pytest.mark.timeout(60 + STEPS // 5)
def test_whatever_is_done_the_window_the_database_and_the_files_agree(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(SEED)
    tie_hands(monkeypatch, rng)
    monkey = Monkey(window, rng)
    assert window.session is not None
    project, store = window.session.project, window.session.store
    try:
        monkey.play(STEPS)
    finally:
        print("\n".join(monkey.trail))
    monkey.rest()
    store.flush()
    shown = {int(image_id): project.image_record(int(image_id)) for image_id in project.rows.ids}
    names = {category.id: category.name for category in project.categories}
    folder = store.folder
    store.resume_writing()
    store.write_back(wait=True)
    assert store.pending_files() == 0
    paths = {image_id: store.image_path(image_id) for image_id in shown}
    with ProjectStore.open(folder, read_only=True) as again:
        assert {category.id: category.name for category in again.categories()} == names
        assert {image_id: again.image(image_id) for image_id in shown} == shown
    assert {i: on_disk(path) for i, path in paths.items()} == {i: in_record(r, names) for i, r in shown.items()}
    assert sum(len(record.boxes) for record in shown.values()) > 0
    assert project.undo_stack.count() > STEPS / 50, "the monkey hardly did anything"
