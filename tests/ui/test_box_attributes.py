"""What the dataset's file says of a box beside class and corners: shown, changed, and written back alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QToolTip

from rcnn_studio.formats import box_attributes
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.label.box_panel import BoxPanel
from rcnn_studio.workspace.project import ProjectModel
from tests.ui.desk import make_images

Key = Qt.Key
VOC = """<annotation>
  <filename>part_00.png</filename>
  <size><width>320</width><height>240</height><depth>3</depth></size>
  <object>
    <name>bolt</name>
    <pose>Frontal</pose>
    <truncated>0</truncated>
    <grip>  loose <!-- seen twice --></grip>
    <attributes><attribute><name>color</name><value>red</value></attribute></attributes>
    <bndbox><xmin>11</xmin><ymin>11</ymin><xmax>50</xmax><ymax>50</ymax></bndbox>
  </object>
  <object>
    <name>nut</name>
    <bndbox><xmin>61</xmin><ymin>61</ymin><xmax>90</xmax><ymax>90</ymax></bndbox>
  </object>
</annotation>
"""
LABELME = {
    "version": "5.5.0",
    "flags": {},
    "shapes": [
        {
            "label": "bolt",
            "points": [[10, 10], [50, 50]],
            "group_id": 7,
            "description": "am Rand",
            "shape_type": "rectangle",
            "flags": {"rusty": True, "difficult": False},
        }
    ],
    "imagePath": "part_00.png",
    "imageData": None,
    "imageHeight": 240,
    "imageWidth": 320,
}
COCO = {
    "images": [{"id": 1, "file_name": "part_00.png", "width": 320, "height": 240}],
    "annotations": [
        {
            "id": 4,
            "image_id": 1,
            "category_id": 3,
            "bbox": [10, 10, 40, 40],
            "area": 1600,
            "iscrowd": 0,
            "track": 12,
            "attributes": {"occluded": False, "color": "red"},
        }
    ],
    "categories": [{"id": 3, "name": "bolt", "supercategory": ""}],
}


class Room:
    """One image with its labels in a file, and the panel beside the canvas."""

    def __init__(self, source: Path, file: Path, made: Path, qtbot) -> None:
        self.file, self.before = file, file.read_bytes()
        self.store = ProjectStore.open(create_project(made, Source(path=source)).project)
        self.project = ProjectModel(self.store)
        self.panel = BoxPanel(self.project)
        self.panel.resize(420, 400)
        qtbot.addWidget(self.panel)
        self.panel.show()
        self.panel.set_unfolded(True)
        self.project.open_first()

    def select(self, number: int) -> None:
        self.project.set_selection([self.project.boxes[number].id])

    @property
    def rows(self) -> dict[str, str]:
        values = self.panel.values
        return {values.item(row, 0).text(): values.item(row, 1).text() for row in range(values.rowCount())}

    def type_value(self, name: str, text: str) -> QLineEdit:
        values = self.panel.values
        row = list(self.rows).index(name)
        values.setCurrentCell(row, 1)
        values.editItem(values.item(row, 1))
        editor = values.findChild(QLineEdit)
        editor.selectAll()
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Key.Key_Return)
        return editor

    def written(self) -> str:
        self.store.write_back(wait=True)
        return self.file.read_text(encoding="utf-8")


Make = Callable[[str], Room]


@pytest.fixture
def make(qtbot, tmp_path: Path) -> Iterator[Make]:
    made: list[Room] = []

    def build(kind: str) -> Room:
        folder = tmp_path / kind
        pictures = make_images(folder / "JPEGImages" if kind == "voc" else folder / "images", ["part_00.png"])
        source = folder
        if kind == "voc":
            file = folder / "Annotations" / "part_00.xml"
            file.parent.mkdir()
            file.write_text(VOC, encoding="utf-8")
        elif kind == "labelme":
            source, file = pictures, pictures / "part_00.json"
            file.write_text(json.dumps(LABELME, indent=2, ensure_ascii=False), encoding="utf-8")
        else:
            file = folder / "instances.json"
            file.write_text(json.dumps(COCO), encoding="utf-8")
        made.append(Room(source, file, tmp_path / f"{kind}_project", qtbot))
        return made[-1]

    yield build
    for room in made:
        room.store.close()


def test_a_box_shows_what_its_file_says_and_one_without_shows_nothing(make: Make) -> None:
    room = make("voc")
    assert room.rows == {}
    room.select(0)
    assert room.rows == {"pose": "Frontal", "grip": "loose", "attributes.color": "red"}
    assert room.panel.unfold.text() == "Attributes from the file · 3"
    room.select(1)
    assert room.rows == {}
    room.panel.unfold.click()
    assert not room.panel.values.isVisible()


def test_an_image_whose_file_says_no_more_offers_no_attributes(make: Make, monkeypatch) -> None:
    plain = {key: value for key, value in COCO["annotations"][0].items() if key not in ("track", "attributes")}
    monkeypatch.setitem(COCO, "annotations", [plain])
    room = make("coco")
    room.select(0)
    assert not room.panel.unfold.isVisible()
    assert not room.panel.values.isVisible()


def test_a_large_coco_file_is_not_looked_through_and_says_so(make: Make, monkeypatch) -> None:
    monkeypatch.setitem(box_attributes.LIMITS, "coco", 10)
    room = make("coco")
    room.select(0)
    assert room.panel.message.isVisible()
    assert "its attributes are not looked up" in room.panel.message.text()


def test_a_value_typed_in_voc_replaces_that_text_alone_and_undo_brings_every_byte_back(make: Make) -> None:
    room = make("voc")
    room.select(0)
    room.type_value("grip", "tight & dry")
    assert room.rows["grip"] == "tight & dry"
    assert room.written() == VOC.replace("loose <!--", "tight &amp; dry <!--")
    room.project.undo_stack.undo()
    assert room.rows["grip"] == "loose"
    room.written()
    assert room.file.read_bytes() == room.before


@pytest.mark.parametrize(
    ("kind", "name", "text", "old", "new"),
    [
        ("labelme", "description", "Mitte", '"description": "am Rand"', '"description": "Mitte"'),
        ("labelme", "group_id", "8", '"group_id": 7', '"group_id": 8'),
        ("labelme", "flags.rusty", "no", '"rusty": true', '"rusty": false'),
        ("coco", "track", "13", '"track": 12', '"track": 13'),
        ("coco", "attributes.color", "blue", '"color": "red"', '"color": "blue"'),
    ],
)
def test_a_value_typed_in_json_replaces_that_value_alone(make: Make, kind, name, text, old, new) -> None:
    room = make(kind)
    room.select(0)
    room.type_value(name, text)
    before = room.before.decode()
    assert before.count(old) == 1
    assert room.written() == before.replace(old, new)
    room.project.undo_stack.undo()
    room.written()
    assert room.file.read_bytes() == room.before


def test_a_word_for_a_number_is_refused_at_the_cell(make: Make) -> None:
    room = make("coco")
    room.select(0)
    editor = room.type_value("track", "many")
    assert QToolTip.text() == "many is not a number"
    assert editor.isVisible()
    QTest.keyClick(editor, Key.Key_Escape)
    QToolTip.hideText()
    assert room.rows["track"] == "12"
    assert not room.project.undo_stack.canUndo()


def test_what_no_codec_writes_back_is_shown_and_says_so(make: Make) -> None:
    room = make("voc")
    room.select(0)
    item = room.panel.values.item(list(room.rows).index("attributes.color"), 1)
    assert not item.flags() & Qt.ItemFlag.ItemIsEditable
    assert "cannot be changed here" in item.toolTip()


def test_a_moved_box_keeps_what_was_typed(make: Make) -> None:
    room = make("labelme")
    room.select(0)
    room.type_value("description", "Mitte")
    room.project.nudge(room.project.selection, 5, 0)
    assert room.rows["description"] == "Mitte"
    shape = json.loads(room.written())["shapes"][0]
    assert shape["description"] == "Mitte"
    assert shape["points"] == [[15, 10], [55, 50]]
    assert shape["flags"] == {"rusty": True, "difficult": False}
