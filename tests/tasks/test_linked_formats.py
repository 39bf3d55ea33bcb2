"""Projects of YOLO and labelme datasets write to their own files what changed, and undo brings every byte back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box, Category, ImageState, make_categories
from rcnn_studio.domain.edits import Edit, ImageChange
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from tests.formats.files import draw_image
from tests.formats.yolo_files import LINE, make_yolo
from tests.tasks.drawing import contents

YAML = "# mine\ntrain: images/train\nval: images/val\nnames:\n  0: bolt  # M8\n  1: nut\n"


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    labels = {"train/a": LINE + "junk\n1 0.25 0.25 0.5 0.5", "train/b": None, "val/c": ""}
    return make_yolo(tmp_path / "set", labels, data=YAML)


def project_of(folder: Path, format_name: str) -> Path:
    return create_project(folder.parent / "p", Source(path=folder), format_name=format_name).project


def run(project: Path, *edits: Edit) -> None:
    """The edits, one after the other, then everything is written and closed."""
    refused: list[StudioError] = []
    store = ProjectStore.open(project)
    try:
        for edit in edits:
            store.submit(edit, on_done=lambda _: None, on_error=refused.append)
        store.flush()
        store.write_back()
        assert not refused
        assert not store.conflicts()
        assert not store.file_errors()
    finally:
        store.close()


def change_of(project: Path, path: str, **moved: float) -> ImageChange:
    """The first box of this image changed."""
    with ProjectStore.open(project, read_only=True) as store:
        table = store.image_table()
        image = store.image(int(table.ids[table.paths.index(path)]))
    box = image.boxes[0]
    return ImageChange(
        image_id=image.id, removed=(box,), added=(replace(box, edited=True, **moved),), state=(image.state, image.state)
    )


def test_opening_and_closing_changes_no_file(yolo: Path) -> None:
    before = contents(yolo)
    run(project_of(yolo, "yolo"))
    assert contents(yolo) == before


def test_a_moved_box_changes_its_line_and_undo_brings_it_back(yolo: Path) -> None:
    project = project_of(yolo, "yolo")
    before = contents(yolo)
    change = change_of(project, "images/train/a.png", x1=25.0, x2=41.0)
    run(project, Edit(text="Move", images=(change,)))
    after = contents(yolo)
    assert [name for name in after if after[name] != before[name]] == ["labels/train/a.txt"]
    assert after["labels/train/a.txt"] == b"0 0.5156 0.5 0.25 0.5\njunk\n1 0.25 0.25 0.5 0.5"
    run(project, Edit(text="Move", images=(change,)).inverse())
    assert contents(yolo) == before


def test_a_first_box_makes_the_text_file_and_undo_removes_it(yolo: Path) -> None:
    project = project_of(yolo, "yolo")
    before = contents(yolo)
    box = Box(id=500, x1=0, y1=0, x2=32, y2=24, category_id=2)
    edit = Edit(
        text="Draw nut",
        images=(ImageChange(image_id=2, added=(box,), state=(ImageState.UNLABELLED, ImageState.LABELLED)),),
    )
    run(project, edit)
    assert contents(yolo)["labels/train/b.txt"] == b"1 0.250000 0.250000 0.500000 0.500000\n"
    run(project, edit.inverse())
    assert contents(yolo) == before


def test_a_new_and_a_renamed_category_change_the_list_of_names_only(yolo: Path) -> None:
    project = project_of(yolo, "yolo")
    before = contents(yolo)
    bolt, nut = make_categories(["bolt", "nut"])
    after = (replace(bolt, name="screw"), nut, Category(id=3, name="pin: long"))
    edit = Edit(text="Categories", categories=((bolt, nut), after))
    run(project, edit)
    now = contents(yolo)
    assert [name for name in now if now[name] != before[name]] == ["data.yaml"]
    assert now["data.yaml"].decode() == YAML.replace("bolt ", "screw ") + "  2: 'pin: long'\n"
    run(project, edit.inverse())
    assert contents(yolo) == before


def test_labelme_files_are_patched_and_undo_brings_every_byte_back(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    draw_image(folder / "a.png")
    shape = {"label": "bolt", "points": [[40, 10], [8, 30]], "shape_type": "rectangle", "flags": {}, "mine": 1.50}
    document = {"version": "5.4.1", "shapes": [shape], "imagePath": "a.png", "imageData": "iVBORw0KGgo="}
    (folder / "a.json").write_text(json.dumps(document, indent=2))
    project = project_of(folder, "labelme")
    before = contents(folder)
    edit = Edit(text="Move", images=(change_of(project, "a.png", x1=9.5),))
    run(project, edit)
    changed = contents(folder)["a.json"].decode()
    assert changed == before["a.json"].decode().replace("          8,", "          9.5,")
    run(project, edit.inverse())
    assert contents(folder) == before
