"""A small project with its canvas, panels and actions in one window, and a hand that acts in image pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QWidget

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.formats.codec import Source
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.actions import build_actions
from rcnn_studio.ui.browse.image_list import ImageList
from rcnn_studio.ui.label.box_table import BoxTable
from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.label.categories import CategoryPanel
from rcnn_studio.workspace.images import ImageCache, Thumbnails
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

WIDTH, HEIGHT = 320, 240
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
RUN = "2026-01-01_1200_test"


def make_images(folder: Path, names: Sequence[str]) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in names:
        pixels = rng.integers(60, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def make_project(folder: Path, *, images: int = 4) -> Path:
    """A project of plain images without labels, with the classes bolt, nut and washer."""
    pictures = make_images(folder / "pictures", [f"part_{n:02d}.png" for n in range(images)])
    made = create_project(folder / "project", Source(path=pictures), format_name="images")
    return made.project


class Desk:
    """Everything that labels, wired as the window wires it. Close it at the end."""

    def __init__(self, project_folder: Path) -> None:
        self.store = ProjectStore.open(project_folder)
        self.project = ProjectModel(self.store)
        for name in ("bolt", "nut", "washer"):
            self.project.add_category(name)
        self.project.set_active_category(self.project.categories[0].id)
        self.project.undo_stack.clear()
        self.board = JobBoard()
        self.images = ImageCache(self.project.image_path)
        self.thumbnails = Thumbnails(self.project.image_path)
        self.review = ReviewModel(self.project, self.board)
        self.window = QMainWindow()
        self.actions = build_actions(self.window)
        self.canvas = Canvas(self.project, self.images, self.review)
        self.images_panel = ImageList(self.project, self.thumbnails)
        self.categories = CategoryPanel(self.project, self.review)
        self.table = BoxTable(self.project)
        self.canvas.bind(self.actions)
        self.images_panel.bind(self.actions)
        self.categories.bind(self.actions)
        self.table.bind(self.actions)
        self.actions["action.edit.undo"].triggered.connect(self.project.undo_stack.undo)
        self.actions["action.edit.redo"].triggered.connect(self.project.undo_stack.redo)
        middle = QWidget()
        layout = QHBoxLayout(middle)
        for widget, share in ((self.images_panel, 1), (self.canvas, 4), (self.categories, 1), (self.table, 1)):
            layout.addWidget(widget, share)
        self.window.setCentralWidget(middle)
        self.window.resize(1500, 760)
        self.window.show()
        self.project.open_first()

    def close(self) -> None:
        self.window.close()
        self.review.close()
        self.images.close()
        self.thumbnails.close()
        self.store.close()
        self.window.deleteLater()

    # --- what is there ----------------------------------------------------------------------------

    @property
    def corners(self) -> list[tuple[float, float, float, float]]:
        return [box.xyxy for box in self.project.boxes]

    @property
    def class_names(self) -> list[str]:
        return [self.project.category(box.category_id).name for box in self.project.boxes]

    def add(self, *corners: tuple[float, float, float, float], name: str = "bolt") -> list[Box]:
        """Boxes made without the mouse; nothing stays selected."""
        category = next(c for c in self.project.categories if c.name == name)
        made = [self.project.add_box(*c, category_id=category.id) for c in corners]
        self.project.set_selection(())
        return made

    def show_ghosts(self, *found: tuple[tuple[float, float, float, float], str, float]) -> None:
        """Detections of a run that were not computed here: (corners, class name, score)."""
        ids = {c.name: c.id for c in self.project.categories}
        self.review.run = RunInfo(
            id=RUN, path="", status="finished", preset="", epochs=1, seconds=1.0, best_epoch=1, best=None
        )
        boxes, names, scores = zip(*found, strict=True)
        self.review._show(Detections.make(boxes, [ids[name] for name in names], scores))

    # --- the hand ---------------------------------------------------------------------------------

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE, *, on: QWidget | None = None) -> None:
        widget = on if on is not None else self.canvas
        widget.setFocus()
        QTest.keyClick(widget, key, modifiers)

    def press(self, x: float, y: float, *, button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self._send(QEvent.Type.MouseButtonPress, x, y, button, button, held)

    def move(
        self, x: float, y: float, *, button: Qt.MouseButton = Qt.MouseButton.NoButton, held: Qt.KeyboardModifier = NONE
    ) -> None:
        self._send(QEvent.Type.MouseMove, x, y, Qt.MouseButton.NoButton, button, held)

    def release(self, x: float, y: float, *, button: Qt.MouseButton = LEFT, held: Qt.KeyboardModifier = NONE) -> None:
        self._send(QEvent.Type.MouseButtonRelease, x, y, button, Qt.MouseButton.NoButton, held)

    def drag(self, x1: float, y1: float, x2: float, y2: float, *, held: Qt.KeyboardModifier = NONE) -> None:
        self.move(x1, y1)
        self.press(x1, y1, held=held)
        for share in (0.3, 0.6, 1.0):
            self.move(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, button=LEFT, held=held)
        self.release(x2, y2, held=held)

    def click(self, x: float, y: float, *, held: Qt.KeyboardModifier = NONE) -> None:
        self.move(x, y)
        self.press(x, y, held=held)
        self.release(x, y, held=held)

    def _send(
        self,
        kind: QEvent.Type,
        x: float,
        y: float,
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
        held: Qt.KeyboardModifier,
    ) -> None:
        """Whole widget pixels, as a real mouse gives them."""
        at = self.canvas.image_to_widget(x, y).toPoint()
        where = QPointF(self.canvas.mapToGlobal(at))
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, QPointF(at), where, button, buttons, held))
