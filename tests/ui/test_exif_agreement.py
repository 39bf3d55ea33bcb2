"""A photograph on its side: the box drawn on the screen, the file written and what the trainer sees are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from rcnn_studio.engine.data.loader import ImageSource, to_tensor
from rcnn_studio.engine.data.targets import CategoryTable, image_targets
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.actions import build_actions
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

WIDTH, HEIGHT = 320, 240
MARK = (200, 40, 264, 104)
"""Where the red square lies in the upright picture: x1, y1, x2, y2, half-open."""

UPSIDE = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}
"""How the upright picture is laid down so that this EXIF orientation raises it again."""

XML = """<annotation><filename>{name}</filename><source><database>The VOC2007 Database</database></source>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size></annotation>"""


def make_dataset(folder: Path, orientation: int) -> Path:
    """One JPEG with a red square on grey, stored as the orientation says, and its XML without objects."""
    (folder / "JPEGImages").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    picture = Image.new("RGB", (WIDTH, HEIGHT), (120, 120, 120))
    picture.paste((255, 0, 0), MARK)
    for step in UPSIDE[orientation]:
        picture = picture.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(folder / "JPEGImages" / "a.jpg", exif=exif, quality=100, subsampling=0)
    text = XML.format(name="a.jpg", width=WIDTH, height=HEIGHT)
    (folder / "Annotations" / "a.xml").write_text(text, encoding="utf-8")
    return folder


@dataclass
class Stand:
    """A canvas alone on a project."""

    folder: Path
    store: ProjectStore
    project: ProjectModel
    canvas: Canvas


@pytest.fixture
def stand(qtbot, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stand]:
    folder = make_dataset(tmp_path / "data", request.param)
    made = create_project(tmp_path / "project", Source(path=folder), format_name="voc")
    store = ProjectStore.open(made.project)
    project = ProjectModel(store)
    board = JobBoard()
    images, review = ImageCache(project.image_path), ReviewModel(project, board)
    canvas = Canvas(project, images, review)
    canvas.resize(900, 700)
    canvas.bind(build_actions(canvas))
    project.set_active_category(project.add_category("bolt").id)
    canvas.show()
    project.open_first()
    qtbot.waitUntil(lambda: canvas.image_shown, timeout=10_000)
    yield Stand(folder, store, project, canvas)
    canvas.close()
    review.close()
    images.close()
    store.close()
    canvas.deleteLater()


def red_on_screen(canvas: Canvas) -> tuple[QPoint, QPoint]:
    """The first and the last red pixel of what the canvas shows."""
    shown = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    values = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    rgb = values[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3).astype(int)
    ys, xs = np.nonzero((rgb[..., 0] > 200) & (rgb[..., 1] < 60) & (rgb[..., 2] < 60))
    assert len(xs), "the square is not on the screen"
    return QPoint(int(xs.min()), int(ys.min())), QPoint(int(xs.max()) + 1, int(ys.max()) + 1)


def is_red(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W, 3) in 0..1 -> (H, W)"""
    return (pixels[..., 0] > 0.8) & (pixels[..., 1] < 0.25) & (pixels[..., 2] < 0.25)


@pytest.mark.parametrize("stand", sorted(UPSIDE), indirect=True)
def test_screen_file_and_trainer_agree_in_every_exif_orientation(stand: Stand) -> None:
    canvas, project = stand.canvas, stand.project
    first, last = red_on_screen(canvas)
    canvas.set_tool("draw")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=first)
    QTest.mouseMove(canvas, (first + last) / 2)
    QTest.mouseMove(canvas, last)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=last)

    assert [box.xyxy for box in project.boxes] == [pytest.approx(MARK, abs=1)]
    drawn = project.boxes[0].xyxy
    stand.store.write_back(wait=True)
    root = etree.parse(stand.folder / "Annotations" / "a.xml").getroot()
    written = [float(root.findtext(f"object/bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
    assert written == [drawn[0] + 1, drawn[1] + 1, drawn[2], drawn[3]]

    dataset = stand.store.snapshot()
    tensor = to_tensor(ImageSource(dataset, short=HEIGHT, longest=WIDTH).resized(0)).numpy()
    seen = tensor.transpose(1, 2, 0).astype(np.float32) / (255 if tensor.dtype == np.uint8 else 1)
    assert seen.shape == (HEIGHT, WIDTH, 3)
    target = image_targets(dataset, 0, CategoryTable(tuple(project.categories))).xyxy
    x1, y1, x2, y2 = (round(float(v)) for v in target[0])
    inside = is_red(seen[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2])
    assert inside.all()
    assert is_red(seen).sum() == pytest.approx((x2 - x1) * (y2 - y1), rel=0.06), "nothing red lies elsewhere"
