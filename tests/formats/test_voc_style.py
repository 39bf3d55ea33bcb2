"""A new VOC file looks like its neighbours: their indentation, line ends, <path>, <source> and <segmented>."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rcnn_studio.domain.dataset import Box, Category
from rcnn_studio.formats import voc_patch, voc_style
from rcnn_studio.formats.codec import Imported
from tests.formats.files import draw_image, make_voc, read, voc_object, voc_text

BOLT = (Category(id=1, name="bolt", color="#0072b2"),)
BY_LABELIMG = """<annotation>
\t<folder>images</folder>
\t<filename>a.png</filename>
\t<path>/home/somebody/images/a.png</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>64</width>
\t\t<height>48</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>bolt</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>5</xmin>
\t\t\t<ymin>6</ymin>
\t\t\t<xmax>20</xmax>
\t\t\t<ymax>30</ymax>
\t\t</bndbox>
\t</object>
</annotation>
"""


def dataset(folder: Path, text: str) -> Path:
    """One labelled image a, and b without a file."""
    made = make_voc(folder, {"a": text})
    draw_image(made / "JPEGImages" / "b.png")
    return made


def new_file(imported: Imported, path: str = "b.png") -> str:
    """The text of the file of the image that has none, once it has the box of the other."""
    number = next(n for n in range(len(imported.files)) if not imported.files[n].exists)
    box = Box(id=9, x1=5, y1=6, x2=20, y2=30, category_id=1)
    record = next(r for n in range(len(imported.files)) if (r := imported.record(n)).path.endswith(path))
    data = voc_patch.patch(None, imported.files[number], replace(record, boxes=(box,)), BOLT)
    assert data is not None
    return data.decode()


def test_beside_files_of_labelimg_a_new_one_is_what_labelimg_would_have_written(tmp_path: Path) -> None:
    made = new_file(read(dataset(tmp_path, BY_LABELIMG)))
    wanted = BY_LABELIMG.replace("a.png", "b.png").replace("<folder>images", "<folder>JPEGImages")
    assert made == wanted


def test_line_ends_indentation_and_declaration_are_those_of_the_neighbours(tmp_path: Path) -> None:
    text = '<?xml version="1.0"?>\n' + BY_LABELIMG.replace("\t", "  ")
    made = new_file(read(dataset(tmp_path, text.replace("\n", "\r\n"))))
    assert made.startswith('<?xml version="1.0"?>\r\n<annotation>\r\n  <folder>')
    assert "\r\n    <bndbox>\r\n      <xmin>5</xmin>" in made
    assert made.count("\n") == made.count("\r\n")


def test_what_the_neighbours_lack_is_left_out(tmp_path: Path) -> None:
    text = voc_text(voc_object("bolt", (5, 6, 20, 30))).replace("\t<segmented>0</segmented>\n", "")
    made = new_file(read(dataset(tmp_path, text)))
    assert not [tag for tag in ("<path>", "<source>", "<segmented>") if tag in made]
    assert "<xmin>5</xmin>" in made


def test_a_dataset_without_a_file_says_itself_from_where_corners_count(tmp_path: Path) -> None:
    draw_image(tmp_path / "JPEGImages" / "b.png")
    (tmp_path / "Annotations").mkdir()
    imported = read(tmp_path)
    made = new_file(imported)
    assert "<database>RCNN Studio</database>" in made
    assert "<path>" not in made


def test_a_convention_that_a_person_chose_is_written_down_whatever_the_neighbours_say() -> None:
    style = voc_style.learn(BY_LABELIMG.encode(), "a.xml", database=False)
    assert (style.database, style.folder) == (None, "/home/somebody/images/")
    assert voc_style.learn(BY_LABELIMG.encode(), "a.xml", database=True).database == "Unknown"


def test_an_encoding_that_is_not_ours_is_not_declared() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + BY_LABELIMG
    assert not voc_style.learn(text.encode(), "a.xml", database=True).declaration
