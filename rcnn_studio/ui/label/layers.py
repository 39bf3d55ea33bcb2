"""Painting: one layer a subject, in z-order. All work in whole device pixels, so that lines are sharp.

These layers change with the view, the image and the boxes; the canvas keeps their picture and paints it again only
then. Those that are painted on every update are in live_layers.py.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from rcnn_studio.ui.label import chips
from rcnn_studio.ui.label.flag_marks import FlagsLayer
from rcnn_studio.ui.label.hit import rows_seen
from rcnn_studio.ui.label.image_layer import ImageLayer
from rcnn_studio.ui.label.plates import Plates
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.strokes import (
    FOCUS_ALPHA,
    edges,
    faded,
    outlines,
    plate_bounds,
    rims,
    seen,
    set_casing,
)
from rcnn_studio.ui.label.view import View

FEW = 100
"""Up to so many boxes in the window all get their plates that do not cover each other; else only roomy ones."""
DENSE = 2000
"""More boxes than this in the window get thin single lines: they would be all rim, and slow."""
DASH = (7.0, 4.0)
"""Logical pixels of colour and of white along a detection's outline."""
NAMED_DETECTIONS = 8
"""Up to so many likely detections in the window have their names; of more only the focused one: colours tell."""
PALE_ALPHA = 90


class Layer(Protocol):
    def paint(self, painter: QPainter, scene: Scene) -> None: ...


class BoxesLayer:
    """All boxes as two-line outlines (dark outside, colour inside).

    The rectangles are kept between paints: a pan shifts them, only another zoom or other boxes make new ones.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._reach: Corners = (0, 0, 0, 0)
        self._rows: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._rects: NDArray[np.int64] = np.zeros((0, 4), dtype=np.int64)
        self._drawn: list[tuple[int, list[QRect]]] = []
        self._rims: list[QRect] = []

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if not scene.boxes_shown or not len(scene.shapes):
            return
        self._measure(scene)
        painter.save()
        painter.translate(scene.view.dx, scene.view.dy)
        dense = len(self._rows) > DENSE
        if not dense:
            set_casing(painter, scene.px(1))
            painter.drawRects(self._rims)
            painter.setPen(Qt.PenStyle.NoPen)
        for category_id, drawn in self._drawn:
            color = QColor(scene.color(category_id))
            if dense:
                painter.setPen(QPen(color, 0 if scene.dpr < 2 else scene.px(1)))
            else:
                painter.setBrush(color)
            painter.drawRects(drawn)
        painter.restore()

    def _measure(self, scene: Scene) -> None:
        """Make the bars of every box in and near the window, in device pixels from the image's corner."""
        x1, y1, x2, y2 = scene.view.seen(scene.frame.width, scene.frame.height)
        left, top, right, bottom = self._reach
        key = (scene.shapes, scene.view.scale, scene.dpr, frozenset(scene.moved))
        if key == self._key and x1 >= left and y1 >= top and x2 <= right and y2 <= bottom:
            return
        wide, high = x2 - x1, y2 - y1
        self._key, self._reach = key, (x1 - wide / 2, y1 - high / 2, x2 + wide / 2, y2 + high / 2)
        rows = rows_seen(scene.shapes, self._reach)
        if scene.moved:
            rows = rows[~np.isin(rows, scene.shapes.rows(list(scene.moved)))]
        self._rows, self._rects = rows, View(scene.view.scale).rects(scene.shapes.xyxy[rows])
        categories = scene.shapes.category_ids[rows]
        dense = len(rows) > DENSE
        self._drawn = []
        for category_id in np.unique(categories):
            own = self._rects[categories == category_id]
            self._drawn.append((int(category_id), outlines(own) if dense else edges(own, scene.px(2))))
        self._rims = [] if dense else rims(self._rects, scene.px(1))


class DetectionsLayer:
    """What the model finds: dashed; unlikely ones thin and pale, the focused one on top, thicker, a little filled."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        rects = scene.view.rects(scene.ghosts.xyxy).tolist()
        focused = scene.ghosts.ids == (-1 if scene.focused is None else scene.focused)
        for row in np.argsort(focused, kind="stable").tolist():
            rect = rects[row]
            color = QColor(scene.color(int(scene.ghosts.category_ids[row])))
            area = QRect(rect[0], rect[1], max(1, rect[2] - rect[0]), max(1, rect[3] - rect[1]))
            painter.setBrush(QBrush(faded(color, FOCUS_ALPHA)) if focused[row] else Qt.BrushStyle.NoBrush)
            likely = bool(scene.ghosts.scores[row] >= scene.sure_from)
            self._paint_dashes(painter, area, color, scene, width=4.0 if focused[row] else 2.0 if likely else 1.0)

    @staticmethod
    def _paint_dashes(painter: QPainter, area: QRect, color: QColor, scene: Scene, *, width: float) -> None:
        thick = width * scene.dpr
        pale = width < 2
        light, ink_of_class = QColor(255, 255, 255, PALE_ALPHA if pale else 235), faded(color, 2 * PALE_ALPHA)
        for ink, dashed in ((light, False), (ink_of_class if pale else color, True)):
            pen = QPen(ink, thick)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            if dashed:
                pen.setDashPattern([length * scene.dpr / thick for length in DASH])
            painter.setPen(pen)
            painter.drawRect(area)
            painter.setBrush(Qt.BrushStyle.NoBrush)


class PlatesLayer:
    """The names of boxes and detections, none over another: the detection in focus first, with its keys.

    Where more than FEW are in the window only boxes that are roomy enough for theirs get one.
    """

    def paint(self, painter: QPainter, scene: Scene) -> None:
        scene.plates = Plates(plate_bounds(scene), gap=scene.px(1))
        ghosts = scene.view.rects(scene.ghosts.xyxy)
        focused = np.flatnonzero(scene.ghosts.ids == scene.focused) if scene.focused is not None else []
        for row in focused:
            self._paint_ghost(painter, scene, int(row), ghosts[row].tolist(), focused=True)
        if scene.boxes_shown and len(scene.shapes):
            self._paint_boxes(painter, scene)
        likely = seen(ghosts, scene)
        likely = likely[scene.ghosts.scores[likely] >= scene.sure_from]
        for row in likely.tolist() if len(likely) <= NAMED_DETECTIONS else ():
            if row not in focused:
                self._paint_ghost(painter, scene, row, ghosts[row].tolist(), focused=False)

    def _paint_boxes(self, painter: QPainter, scene: Scene) -> None:
        rects = scene.view.rects(scene.shapes.xyxy)
        rows = seen(rects, scene)
        if scene.moved:
            rows = rows[~np.isin(rows, scene.shapes.rows(list(scene.moved)))]
        if len(rows) > FEW:
            self._paint_many(painter, scene, rows, rects[rows])
            return
        for row in rows.tolist():
            plate = scene.chips.get(scene.label(row), scene.color(int(scene.shapes.category_ids[row])), scene.dpr)
            x1, y1, x2, y2 = rects[row].tolist()
            area = QRect(x1, y1, max(1, x2 - x1), max(1, y2 - y1))
            spot = scene.plates.place(("box", int(scene.shapes.ids[row])), area, plate.size())
            if spot is not None:
                painter.drawPixmap(spot, plate)

    @staticmethod
    def _paint_many(painter: QPainter, scene: Scene, rows: NDArray[np.int64], rects: NDArray[np.int64]) -> None:
        """One plate a kind of box is made and measured, then all roomy boxes are placed at once."""
        shapes = scene.shapes
        kinds, kind_of = np.unique(
            np.stack([shapes.category_ids[rows], shapes.flags[rows]], axis=1), axis=0, return_inverse=True
        )
        first = [int(rows[np.flatnonzero(kind_of == kind)[0]]) for kind in range(len(kinds))]
        plates = [
            scene.chips.get(scene.label(row), scene.color(int(shapes.category_ids[row])), scene.dpr) for row in first
        ]
        sizes = np.array([(plate.width(), plate.height()) for plate in plates], dtype=np.int64)[kind_of]
        high = chips.FONT_PX * scene.dpr * 2
        sides = rects[:, 2:] - rects[:, :2]
        roomy = np.flatnonzero((sides[:, 0] >= np.maximum(1.5 * high, sizes[:, 0])) & (sides[:, 1] >= high))
        for place, x, y in scene.plates.place_many(shapes.ids[rows[roomy]], rects[roomy], sizes[roomy]):
            painter.drawPixmap(x, y, plates[int(kind_of[roomy[place]])])

    @staticmethod
    def _paint_ghost(painter: QPainter, scene: Scene, row: int, rect: list[int], *, focused: bool) -> None:
        category_id = int(scene.ghosts.category_ids[row])
        text = f"{scene.name(category_id)} {scene.ghosts.scores[row]:.2f}"
        if focused and scene.focus_hint:
            text = f"{text}  {scene.focus_hint}"
        plate = scene.chips.get(text, scene.color(category_id), scene.dpr, hollow=not focused)
        area = QRect(rect[0], rect[1], max(1, rect[2] - rect[0]), max(1, rect[3] - rect[1]))
        spot = scene.plates.place(("detection", int(scene.ghosts.ids[row])), area, plate.size())
        if spot is not None:
            painter.drawPixmap(spot, plate)


def make_still_layers() -> tuple[Layer, ...]:
    return (ImageLayer(), BoxesLayer(), FlagsLayer(), DetectionsLayer(), PlatesLayer())
