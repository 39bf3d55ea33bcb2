"""A project is made of many files, step by step: stopped at any of them, nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.domain.progress import Progress
from rcnn_studio.formats import Source
from rcnn_studio.store import creating
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from tests.formats.files import make_voc, voc_object, voc_text

COUNT = 120
STEPS = ("Reading annotations", "Reading image headers", "Reading the linked files", "Storing images and boxes")


def dataset(folder: Path) -> Path:
    """Image number i has i % 3 boxes; the last one's file is broken."""
    texts = {
        f"{number:03}": voc_text("".join(voc_object("bolt", (1, 2, 10 + number, 20)) for _ in range(number % 3)))
        for number in range(COUNT)
    }
    return make_voc(folder, texts | {f"{COUNT - 1:03}": "<annotation><object>"})


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "_FILES_A_STEP", 50)
    monkeypatch.setattr(creating, "_IMAGES_A_STEP", 50)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("done", [50, 100])
def test_an_import_that_is_stopped_leaves_the_folder_as_it_was(tmp_path: Path, step: str, done: int) -> None:
    data = dataset(tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        create_project(
            tmp_path / "project",
            Source(path=data),
            report=seen.append,
            should_stop=lambda: Progress(step, done, COUNT) in seen,
        )
    assert len(seen) - seen.index(Progress(step, done, COUNT)) <= 3, "it went on for longer than one step"
    assert sorted(tmp_path.rglob("*")) == before


def test_every_image_has_its_boxes_state_and_file_wherever_a_step_ends(tmp_path: Path) -> None:
    data = dataset(tmp_path / "data")
    made = create_project(tmp_path / "project", Source(path=data))
    assert (made.images, made.boxes) == (COUNT, sum(number % 3 for number in range(COUNT - 1)))
    with ProjectStore.open(made.project) as store:
        for image_id in (1, 2, 3, 50, 51, 52, 100, 101, 119, 120):
            record = store.image(image_id)
            count = 0 if image_id == COUNT else (image_id - 1) % 3
            assert record.path == f"{image_id - 1:03}.png"
            assert [box.xyxy for box in record.boxes] == [(1, 2, 9 + image_id, 20)] * count
            assert store.file_of_image(image_id) == data / "Annotations" / f"{image_id - 1:03}.xml"
            assert bool(record.split) == (image_id != COUNT)
        assert store.check_external([data / "Annotations" / f"{n:03}.xml" for n in range(COUNT)]) == []
