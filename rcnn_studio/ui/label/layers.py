"""Painting: one layer a subject, in z-order. All work in whole device pixels, so that lines are sharp.

STILL layers change with the view, the image and the boxes; the canvas keeps their picture and paints it
again only then. LIVE layers are painted on every update, clipped to what has changed.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen

from rcnn_studio.ui.label import chips
from rcnn_studio.ui.label.hit import handle_points, rows_seen
from rcnn_studio.ui.label.plates import Plates
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import Corners
from rcnn_studio.ui.label.view import View

CASING = QColor(14, 16, 20)
SHADE = QColor(0, 0, 0, 130)
WHITE = QColor(255, 255, 255)
NEAREST_FROM = 3.0
GRID_FROM = 16.0
HANDLE_PX = 8
FEW = 100
"""Up to so many boxes in the window all get their plates that do not cover each other; else only roomy ones."""

HOVER_ALPHA, FOCUS_ALPHA = 18, 26
"""How much of a box's colour lies over the picture, of 255: little, so that the object's edge is seen."""

DENSE = 2000
"""More boxes than this in the window get thin single lines: they would be all rim, and slow."""
DASH = (7.0, 4.0)
"""Logical pixels of colour and of white along a detection's outline."""


class Layer(Protocol):
    def paint(self, painter: QPainter, scene: Scene) -> None: ...


class ImageLayer:
    """The picture: smooth when small, by halved copies when much smaller, single pixels with a grid when large."""

    def __init__(self) -> None:
        self._halves: list[QImage] = []
        self._key = 0

    def paint(self, painter: QPainter, scene: Scene) -> None:
        frame, view = scene.frame, scene.view
        painter.fillRect(QRect(0, 0, frame.width, frame.height), QColor(scene.colors.canvas))
        target = QRectF(view.dx, view.dy, frame.image_width * view.scale, frame.image_height * view.scale)
        if scene.image is None:
            self._halves, self._key = [], 0
            if not scene.message:
                painter.fillRect(target, QColor(scene.colors.window))
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale < NEAREST_FROM * scene.dpr)
        picture = self._reduced(scene.image, view.scale)
        if view.scale > 1 and picture.width() == frame.image_width and picture.height() == frame.image_height:
            part = _seen_pixels(scene)
            corner = view.to_device(part.left(), part.top())
            painter.drawImage(QRectF(*corner, part.width() * view.scale, part.height() * view.scale), picture, part)
        else:
            painter.drawImage(target, picture)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        if view.scale >= GRID_FROM * scene.dpr:
            _paint_grid(painter, scene)

    def _reduced(self, image: QImage, scale: float) -> QImage:
        """The smallest halved copy that is still at least as large as it is shown."""
        if image.cacheKey() != self._key:
            self._halves, self._key = [image], image.cacheKey()
        level = 0
        while scale <= 0.5 and min(image.width(), image.height()) >> (level + 1) > 1:
            scale *= 2
            level += 1
            if level == len(self._halves):
                last = self._halves[-1]
                self._halves.append(
                    last.scaled(
                        (last.width() + 1) // 2,
                        (last.height() + 1) // 2,
                        Qt.AspectRatioMode.IgnoreAspectRatio,
                        Qt.TransformationMode.SmoothTransformation,
                    )
                )
        return self._halves[level]


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
            _set_casing(painter, scene.px(1))
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
            self._drawn.append((int(category_id), _outlines(own) if dense else _edges(own, scene.px(2))))
        self._rims = [] if dense else _rims(self._rects, scene.px(1))


class DetectionsLayer:
    """What the model finds: dashed; the focused one thicker and a little filled."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        rects = scene.view.rects(scene.ghosts.xyxy)
        for row, rect in enumerate(rects.tolist()):
            focused = int(scene.ghosts.ids[row]) == scene.focused
            color = QColor(scene.color(int(scene.ghosts.category_ids[row])))
            area = QRect(rect[0], rect[1], max(1, rect[2] - rect[0]), max(1, rect[3] - rect[1]))
            painter.setBrush(QBrush(_faded(color, FOCUS_ALPHA)) if focused else Qt.BrushStyle.NoBrush)
            self._paint_dashes(painter, area, color, scene, wide=focused)

    @staticmethod
    def _paint_dashes(painter: QPainter, area: QRect, color: QColor, scene: Scene, *, wide: bool) -> None:
        width = 3.0 if wide else 2.0
        thick = width * scene.dpr
        for ink, dashed in ((QColor(255, 255, 255, 235), False), (color, True)):
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
        scene.plates = Plates(_plate_bounds(scene), gap=scene.px(1))
        ghosts = scene.view.rects(scene.ghosts.xyxy)
        focused = np.flatnonzero(scene.ghosts.ids == scene.focused) if scene.focused is not None else []
        for row in focused:
            self._paint_ghost(painter, scene, int(row), ghosts[row].tolist(), focused=True)
        if scene.boxes_shown and len(scene.shapes):
            self._paint_boxes(painter, scene)
        for row in _seen(ghosts, scene)[:FEW].tolist():
            if row not in focused:
                self._paint_ghost(painter, scene, row, ghosts[row].tolist(), focused=False)

    def _paint_boxes(self, painter: QPainter, scene: Scene) -> None:
        rects = scene.view.rects(scene.shapes.xyxy)
        rows = _seen(rects, scene)
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
        plate = scene.chips.get(text, scene.color(category_id), scene.dpr, hollow=True)
        area = QRect(rect[0], rect[1], max(1, rect[2] - rect[0]), max(1, rect[3] - rect[1]))
        spot = scene.plates.place(("detection", int(scene.ghosts.ids[row])), area, plate.size())
        if spot is not None:
            painter.drawPixmap(spot, plate)


class SelectionLayer:
    """The box under the pointer, the selected ones, and those under a drag: brighter, plated; handles.

    A selected box is not filled: a tint would hide the edge it is to be fitted to.
    """

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if not scene.boxes_shown:
            return
        if scene.hover_shown and scene.hovered is not None and scene.hovered not in scene.selection:
            self._paint_box(painter, scene, scene.hovered, selected=False)
        shown = sorted(scene.selection | scene.moved.keys())
        for box_id in shown:
            self._paint_box(painter, scene, box_id, selected=True, plated=len(shown) <= 50)
        if len(scene.selection) == 1:
            (only,) = scene.selection
            corners = scene.corners(only)
            if corners is not None:
                _paint_handles(painter, scene, corners, scene.color(scene.category_of(only)))

    @staticmethod
    def _paint_box(painter: QPainter, scene: Scene, box_id: int, *, selected: bool, plated: bool = True) -> None:
        corners = scene.corners(box_id)
        if corners is None:
            return
        rects = scene.view.rects(np.array([corners]))
        color = QColor(scene.color(scene.category_of(box_id)))
        x1, y1, x2, y2 = rects[0].tolist()
        if not selected:
            painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), _faded(color, HOVER_ALPHA))
        painter.setPen(Qt.PenStyle.NoPen)
        if selected:
            grown = rects + np.array([-1, -1, 1, 1]) * scene.px(1)
            painter.setBrush(CASING)
            painter.drawRects(_edges(grown + np.array([-1, -1, 1, 1]) * scene.px(1), scene.px(1)))
            painter.setBrush(WHITE)
            painter.drawRects(_edges(grown, scene.px(1)))
        painter.setBrush(color)
        painter.drawRects(_edges(rects, scene.px(2 if selected else 3)))
        if plated:
            area = QRect(x1, y1, max(1, x2 - x1), max(1, y2 - y1))
            _paint_own_plate(painter, scene, box_id, corners, area, sized=selected)


class DraftLayer:
    """The rectangle being drawn with its size, and the rubber band."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.band is not None:
            x1, y1, x2, y2 = scene.view.rects(np.array([scene.band]))[0].tolist()
            accent = QColor(scene.colors.accent)
            painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), _faded(accent, 40))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawRects(_edges(np.array([[x1, y1, x2, y2]]), scene.px(1)))
        if scene.draft is not None:
            self._paint_draft(painter, scene, scene.draft)

    @staticmethod
    def _paint_draft(painter: QPainter, scene: Scene, draft: Corners) -> None:
        rects = scene.view.rects(np.array([draft]))
        color = QColor(scene.draft_color)
        x1, y1, x2, y2 = rects[0].tolist()
        painter.fillRect(QRect(x1, y1, x2 - x1, y2 - y1), _faded(color, 36))
        _set_casing(painter, scene.px(1))
        painter.drawRects(_rims(rects, scene.px(1)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRects(_edges(rects, scene.px(2)))
        plate = scene.chips.get(f"{draft[2] - draft[0]:g} × {draft[3] - draft[1]:g}", "#16191e", scene.dpr)
        painter.drawPixmap(x2 - plate.width(), y2 + scene.px(4), plate)


class CrosshairLayer:
    """Two thin lines through the pointer, black and white by turns so that they show on everything."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.crosshair is None:
            return
        x, y = (round(v) for v in scene.view.to_device(*scene.crosshair))
        width, height, thin = scene.frame.width, scene.frame.height, scene.px(1)
        painter.fillRect(QRect(0, y, width, thin), SHADE)
        painter.fillRect(QRect(x, 0, thin, height), SHADE)
        pen = QPen(QColor(255, 255, 255, 215), thin)
        pen.setDashPattern([4, 4])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        middle = thin // 2
        painter.drawLine(0, y + middle, width, y + middle)
        painter.drawLine(x + middle, 0, x + middle, height)


class HintLayer:
    """A short word at the lower edge, and the message in the middle where there is no picture."""

    def paint(self, painter: QPainter, scene: Scene) -> None:
        if scene.message:
            painter.setFont(chips.font(scene.dpr * 1.2))
            painter.setPen(QColor(scene.colors.muted))
            margin = scene.px(24)
            area = QRect(margin, 0, scene.frame.width - 2 * margin, scene.frame.height)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), scene.message)
        if scene.hint:
            self._paint_hint(painter, scene)

    @staticmethod
    def _paint_hint(painter: QPainter, scene: Scene) -> None:
        used = chips.font(scene.dpr * 1.1)
        metrics = QFontMetricsF(used)
        width, height = metrics.horizontalAdvance(scene.hint) + scene.px(28), metrics.height() + scene.px(14)
        area = QRectF((scene.frame.width - width) / 2, scene.frame.height - height - scene.px(18), width, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(255, 255, 255, 60), scene.px(1)))
        painter.setBrush(QColor(18, 20, 24, 230))
        painter.drawRoundedRect(area, height / 2, height / 2)
        painter.setFont(used)
        painter.setPen(WHITE)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), scene.hint)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def make_still_layers() -> tuple[Layer, ...]:
    return (ImageLayer(), BoxesLayer(), DetectionsLayer(), PlatesLayer())


def make_live_layers() -> tuple[Layer, ...]:
    return (SelectionLayer(), DraftLayer(), CrosshairLayer(), HintLayer())


def _edges(rects: NDArray[np.int64], line: int) -> list[QRect]:
    """Four filled bars for every outline: five times as fast as a pen of that width. (N, 4) -> 4 N rectangles"""
    bars: list[QRect] = []
    for x1, y1, x2, y2 in rects.tolist():
        width, height = max(x2 - x1, line), max(y2 - y1, line)
        bars.append(QRect(x1, y1, width, line))
        bars.append(QRect(x1, y1 + height - line, width, line))
        if height > 2 * line:
            bars.append(QRect(x1, y1 + line, line, height - 2 * line))
            bars.append(QRect(x1 + width - line, y1 + line, line, height - 2 * line))
    return bars


def _set_casing(painter: QPainter, line: int) -> None:
    """The dark pen around outlines, so that light colours show on light pictures."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(CASING, line if line > 1 else 0)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)


def _outlines(rects: NDArray[np.int64]) -> list[QRect]:
    return [QRect(x1, y1, x2 - x1 - 1, y2 - y1 - 1) for x1, y1, x2, y2 in rects.tolist()]


def _rims(rects: NDArray[np.int64], line: int) -> list[QRect]:
    """What the casing pen follows: just outside every outline. (N, 4) -> N rectangles"""
    half = line // 2 + 1 if line > 1 else 1
    return [QRect(a - half, b - half, c - a + 2 * half - 1, d - b + 2 * half - 1) for a, b, c, d in rects.tolist()]


def _paint_handles(painter: QPainter, scene: Scene, corners: Corners, color: str) -> None:
    side = scene.px(HANDLE_PX)
    points = handle_points(corners)
    if min(corners[2] - corners[0], corners[3] - corners[1]) * scene.view.scale < 3 * side:
        points = points[::2]
    painter.setPen(QPen(CASING, 0))
    painter.setBrush(WHITE)
    for x, y in points.tolist():
        wx, wy = scene.view.to_device(x, y)
        painter.drawRect(QRect(round(wx) - side // 2, round(wy) - side // 2, side, side))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    inset = max(2, side // 4)
    for x, y in points.tolist():
        wx, wy = scene.view.to_device(x, y)
        painter.drawRect(
            QRect(
                round(wx) - side // 2 + inset, round(wy) - side // 2 + inset, side - 2 * inset + 1, side - 2 * inset + 1
            )
        )


def _seen_pixels(scene: Scene) -> QRectF:
    """The whole image pixels that the window shows, one more on each side for smooth borders."""
    frame = scene.frame
    left, top, right, bottom = scene.view.seen(frame.width, frame.height)
    x1, y1 = max(0, int(left) - 1), max(0, int(top) - 1)
    x2, y2 = min(frame.image_width, int(right) + 2), min(frame.image_height, int(bottom) + 2)
    return QRectF(x1, y1, max(0, x2 - x1), max(0, y2 - y1))


def _paint_grid(painter: QPainter, scene: Scene) -> None:
    frame, view = scene.frame, scene.view
    left, top, right, bottom = view.seen(frame.width, frame.height)
    x1, x2 = max(0, int(left)), min(frame.image_width, int(right) + 1)
    y1, y2 = max(0, int(top)), min(frame.image_height, int(bottom) + 1)
    dx1, dy1 = (round(v) for v in view.to_device(x1, y1))
    dx2, dy2 = (round(v) for v in view.to_device(x2, y2))
    bars = [QRect(round(x * view.scale + view.dx), dy1, 1, dy2 - dy1) for x in range(x1, x2 + 1)]
    bars += [QRect(dx1, round(y * view.scale + view.dy), dx2 - dx1, 1) for y in range(y1, y2 + 1)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(128, 128, 128, 70))
    painter.drawRects(bars)


def _plate_bounds(scene: Scene) -> QRect:
    """What is seen of the image; all of the window where that is too little for a plate."""
    frame, view = scene.frame, scene.view
    window = QRect(0, 0, frame.width, frame.height)
    size = QSize(round(frame.image_width * view.scale), round(frame.image_height * view.scale))
    seen = QRect(QPoint(round(view.dx), round(view.dy)), size).intersected(window)
    return seen if seen.width() >= scene.px(160) and seen.height() >= scene.px(60) else window


def _seen(rects: NDArray[np.int64], scene: Scene) -> NDArray[np.int64]:
    """Rows of the rectangles that touch the window. rects: (N, 4) device pixels"""
    inside = (rects[:, 2] > 0) & (rects[:, 3] > 0)
    return np.flatnonzero(inside & (rects[:, 0] < scene.frame.width) & (rects[:, 1] < scene.frame.height))


def _paint_own_plate(
    painter: QPainter, scene: Scene, box_id: int, corners: Corners, area: QRect, *, sized: bool
) -> None:
    """The plate of a box in hand, with its size where that covers no other plate; on top where it had no place."""
    text, color = scene.label(scene.shapes.row_of[box_id]), scene.color(scene.category_of(box_id))
    plate = scene.chips.get(text, color, scene.dpr)
    if sized:
        size = f"{corners[2] - corners[0]:g} × {corners[3] - corners[1]:g}"
        long = scene.chips.get(f"{text}  {size}", color, scene.dpr)
        spot = None if box_id in scene.moved else scene.plates.grown(("box", box_id), long.size())
        if spot is not None or ("box", box_id) not in scene.plates.where:
            plate = long
    else:
        spot = None
    if spot is None:
        own = scene.plates.where.get(("box", box_id))
        spot = own.topLeft() if own is not None else scene.plates.spot(("box", box_id), area, plate.size())
    if spot is not None:
        painter.drawPixmap(spot, plate)


def _faded(color: QColor, alpha: int) -> QColor:
    faded = QColor(color)
    faded.setAlpha(alpha)
    return faded


def painted_area(scene: Scene, box_id: int) -> QRect:
    """Everything the live layers may paint for a box, plate and handles included; empty for an unknown id."""
    corners = scene.corners(box_id)
    if corners is None:
        return QRect()
    x1, y1, x2, y2 = scene.view.rects(np.array([corners]))[0].tolist()
    side, above = scene.px(HANDLE_PX), scene.px(chips.FONT_PX * 2.2)
    metrics = QFontMetricsF(chips.font(scene.dpr))
    wide = metrics.horizontalAdvance(f"{scene.label(scene.shapes.row_of[box_id])}  00000 × 00000.00") + scene.px(12)
    left, right = min(x1, x2 - int(wide)), max(x2, x1 + int(wide))
    return QRect(left, y1, right - left, y2 - y1).adjusted(-side, -side - above, side, side + above)


def draft_area(scene: Scene, corners: Corners) -> QRect:
    """Everything the draft layer may paint for this rectangle."""
    x1, y1, x2, y2 = scene.view.rects(np.array([corners]))[0].tolist()
    side = scene.px(chips.FONT_PX * 2.6)
    return QRect(min(x1, x2 - scene.px(110)), y1, max(x2 - x1, scene.px(110)), y2 - y1).adjusted(
        -side, -side, side, side
    )
