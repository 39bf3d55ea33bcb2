"""What the dataset's file says of a box beside class and corners: shown, changed, and written back alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QToolTip

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.formats import box_attributes, xml_text
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
    <stamp><day>3</day></stamp>
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
        editor = values.findChildren(QLineEdit)[-1]
        editor.selectAll()
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Key.Key_Return)
        QApplication.processEvents()  # Enter is taken a moment later
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
    assert room.rows == {"pose": "Frontal", "grip": "loose", "attributes.color": "red", "stamp": "day 3"}
    assert room.panel.unfold.text() == "Attributes from the file · 4"
    room.select(1)
    assert room.rows == {"pose": "", "grip": "", "attributes.color": ""}, "what it could have, as its neighbour has it"
    assert room.panel.unfold.text() == "Attributes from the file"
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
    item = room.panel.values.item(list(room.rows).index("stamp"), 1)
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


def test_a_pair_of_cvat_is_typed_over_and_undo_brings_every_byte_back(make: Make) -> None:
    room = make("voc")
    room.select(0)
    room.type_value("attributes.color", "dark red")
    assert room.written() == VOC.replace("<value>red</value>", "<value>dark red</value>")
    room.project.undo_stack.undo()
    room.written()
    assert room.file.read_bytes() == room.before


def test_a_box_gets_what_another_one_of_its_voc_file_has(make: Make) -> None:
    room = make("voc")
    room.select(1)
    room.type_value("attributes.color", "blue")
    room.type_value("grip", "none")
    block = (
        "<attributes>\n      <attribute>\n        <name>color</name>\n        <value>blue</value>\n      </attribute>\n"
    )
    wanted = VOC.replace(
        "<name>nut</name>\n    <bndbox><xmin>61",
        f"<name>nut</name>\n    <grip>none</grip>\n    {block}    </attributes>\n    <bndbox><xmin>61",
    )
    assert "".join(room.written().split()) == "".join(wanted.split())
    assert room.rows["attributes.color"] == "blue"
    room.type_value("attributes.color", " ")
    assert room.rows["attributes.color"] == ""
    room.project.undo_stack.undo()
    room.project.undo_stack.undo()
    room.project.undo_stack.undo()
    room.written()
    assert room.file.read_bytes() == room.before


def test_a_box_just_drawn_is_written_with_the_attributes_it_was_given(make: Make) -> None:
    room = make("voc")
    room.project.add_box(100, 100, 140, 150)
    room.type_value("pose", "Rear")
    room.type_value("attributes.color", "a < b")
    text = room.written()
    drawn = xml_text.read(text.encode(), "").findall("object")[2]
    assert drawn.findtext("pose") == "Rear"
    assert [(a.findtext("name"), a.findtext("value")) for a in drawn.iter("attribute")] == [("color", "a < b")]
    assert text.startswith(VOC[: VOC.index("</annotation>")].rstrip()), "what was there stays byte for byte"


@pytest.mark.parametrize(
    ("kind", "flag", "text", "kept"),
    [
        ("coco", "attributes.color", "blue", "blue"),
        ("coco", "track", "7", 7),
        ("labelme", "flags.rusty", "yes", True),
        ("labelme", "description", "oben", "oben"),
    ],
)
def test_a_box_just_drawn_gets_attributes_in_json_too(make: Make, kind, flag, text, kept) -> None:
    room = make(kind)
    room.project.add_box(100, 100, 140, 150)
    room.type_value(flag, text)
    room.project.toggle_flag(room.project.selection, BoxFlag.OCCLUDED)
    record = json.loads(room.written())["annotations" if kind == "coco" else "shapes"][-1]
    outer, _, inner = flag.partition(".")
    assert (record[outer][inner] if inner else record[outer]) == kept
    group = record["attributes" if kind == "coco" else "flags"]
    assert group["occluded"] is True


@pytest.mark.parametrize("extra", [{}, {"attributes": {}}, {"attributes": {"occluded": False}}])
def test_an_annotation_gets_a_key_that_others_have_beside_a_flag_changed_with_it(
    make: Make, monkeypatch, extra
) -> None:
    plain = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [60, 60, 30, 30], "area": 900, "iscrowd": 0, **extra}
    monkeypatch.setitem(COCO, "annotations", [*COCO["annotations"], plain])
    room = make("coco")
    room.select(1)
    room.type_value("attributes.color", "blue")
    room.type_value("track", "9")
    room.project.toggle_flag(room.project.selection, BoxFlag.OCCLUDED)
    first, second = json.loads(room.written(), object_pairs_hook=unique)["annotations"]
    assert first == COCO["annotations"][0]
    assert second == {**plain, "track": 9, "attributes": {"occluded": True, "color": "blue"}}
    for _ in range(3):
        room.project.undo_stack.undo()
    room.written()
    assert room.file.read_bytes() == room.before


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(pairs)) == len(pairs), "no key twice"
    return dict(pairs)
