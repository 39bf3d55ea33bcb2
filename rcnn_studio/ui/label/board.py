"""The picture with everything on it: view, scene and painting of the open image. Knows no mouse and no keys.

Holds no truth: image, boxes, selection and detections are read from the workspace and shown again on its signals.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPixmap, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from rcnn_studio.ui import theme
from rcnn_studio.ui.actions import first_key
from rcnn_studio.ui.label.hinting import Hint
from rcnn_studio.ui.label.layers import make_still_layers
from rcnn_studio.ui.label.live_layers import make_live_layers, painted_area
from rcnn_studio.ui.label.look import Look
from rcnn_studio.ui.label.scene import Scene
from rcnn_studio.ui.label.shapes import EMPTY, Corners, Shapes
from rcnn_studio.ui.label.view import Frame, View
from rcnn_studio.workspace.images import ImageCache
from rcnn_studio.workspace.pictures import Picture
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

PLACEHOLDER_AFTER_MS = 60
REST_MS = 60
"""A view that has not moved for so long is worth fine detail."""


class Board(QWidget):
    """See the module. `scene` is what is painted; only this class and its heirs write to it."""

    zoom_changed = Signal(float)
    hinted = Signal(str)

    def __init__(
        self, project: ProjectModel, images: ImageCache, review: ReviewModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.project, self.images, self.review = project, images, review
        self.scene = Scene(colors=theme.colors_of(self.palette()))
        self._still, self._live = make_still_layers(), make_live_layers()
        self._backing = QPixmap()
        self._backing_key: tuple[object, ...] = ()
        self._fitted = True
        self._boxes_on, self._peeking = True, False
        self._hint_of_category = False
        self._open_action: QAction | None = None
        self._hold = QTimer(self, singleShot=True, interval=PLACEHOLDER_AFTER_MS)
        self._hold.timeout.connect(self.update)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._on_view_rests)
        self._hint = Hint(self.scene, self.update, self)
        project.image_changed.connect(self._on_image_changed)
        project.boxes_changed.connect(self._on_boxes_changed)
        project.selection_changed.connect(self._on_selection_changed)
        project.category_view.changed.connect(self._on_category_view_changed)
        project.categories_changed.connect(self._on_categories_changed)
        project.active_category_changed.connect(self._on_active_category_changed)
        review.detections_changed.connect(self._on_detections_changed)
        review.focus_changed.connect(self._on_detections_changed)
        images.image_ready.connect(self._on_image_ready)
        images.image_failed.connect(self._on_image_failed)
        images.tiles.tiles_changed.connect(self._on_tiles_changed)

    def show_workspace(self) -> None:
        """Show what is open now; heirs call it once they are complete."""
        self._on_categories_changed()
        self._on_detections_changed()
        if self.project.current_id is not None:
            self._on_image_changed(self.project.current_id)
        else:
            self._show_empty()

    # --- where things are ------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Screen pixels per image pixel; 1.0 is actual size."""
        return self.scene.view.scale

    @property
    def image_shown(self) -> bool:
        """The open image's picture is on the screen (not a placeholder or a message)."""
        return self.scene.image is not None

    @property
    def image_size(self) -> tuple[int, int]:
        return self.scene.frame.image_width, self.scene.frame.image_height

    def image_to_widget(self, x: float, y: float) -> QPointF:
        """Image pixels -> logical widget pixels."""
        device_x, device_y = self.scene.view.to_device(x, y)
        return QPointF(device_x / self.scene.dpr, device_y / self.scene.dpr)

    def widget_to_image(self, point: QPointF) -> tuple[float, float]:
        """Logical widget pixels -> image pixels, not limited to the image."""
        return self.scene.view.to_image(point.x() * self.scene.dpr, point.y() * self.scene.dpr)

    def reach(self, logical: float) -> float:
        """A length on the screen in image pixels."""
        return logical * self.scene.dpr / self.scene.view.scale

    # --- view -----------------------------------------------------------------------------------------

    def fit(self) -> None:
        """The whole image, and so for as long as nobody zooms."""
        self._set_view(self.scene.frame.fitted(), fitted=True)

    def actual_size(self) -> None:
        """One image pixel on one screen pixel, about the middle of what is seen."""
        frame = self.scene.frame
        x, y = self.scene.view.to_image(frame.width / 2, frame.height / 2)
        self._set_view(frame.centred_on(x, y, 1.0))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom about a widget point (None: the middle)."""
        frame, dpr = self.scene.frame, self.scene.dpr
        x, y = (at.x() * dpr, at.y() * dpr) if at is not None else (frame.width / 2, frame.height / 2)
        self._set_view(frame.zoomed(self.scene.view, factor, x, y))

    def zoom_to(self, box_ids: Iterable[int]) -> None:
        """Fill most of the window with these boxes."""
        corners = [self.scene.shapes.corners(box_id) for box_id in box_ids]
        if corners:
            x1, y1, x2, y2 = zip(*corners, strict=True)
            self._set_view(self.scene.frame.showing((min(x1), min(y1), max(x2), max(y2)), share=0.6))

    def reveal(self, corners: Corners) -> None:
        """Bring a place into view if it is not."""
        self._set_view(self.scene.frame.revealed(self.scene.view, corners), fitted=self._fitted)

    def pan_by(self, dx: float, dy: float) -> None:
        """Logical pixels; stops where the image would get lost."""
        dpr = self.scene.dpr
        self._set_view(self.scene.frame.panned(self.scene.view, dx * dpr, dy * dpr), fitted=self._fitted)

    def view_moved(self) -> None:
        """For heirs: the image lies elsewhere under the pointer now."""

    def _set_view(self, view: View, *, fitted: bool = False) -> None:
        self._fitted = fitted and view == self.scene.frame.fitted()
        if view != self.scene.view:
            zoomed = view.scale != self.scene.view.scale
            self.scene.view = view
            self.view_moved()
            if zoomed:
                self.zoom_changed.emit(view.scale)
            self.update()

    def _sync_frame(self) -> None:
        """Sizes from widget and image; a fitted image stays fitted, another keeps its middle."""
        scene = self.scene
        middle = scene.view.to_image(scene.frame.width / 2, scene.frame.height / 2)
        scene.dpr = self.devicePixelRatioF()
        record = self.project.record
        picture = (record.width, record.height) if record is not None else (1, 1)
        if scene.image is not None:
            picture = (scene.image.width, scene.image.height)
        width, height = round(self.width() * scene.dpr), round(self.height() * scene.dpr)
        scene.frame = Frame(max(1, width), max(1, height), max(1, picture[0]), max(1, picture[1]))
        if self._fitted:
            self._set_view(scene.frame.fitted(), fitted=True)
        else:
            self._set_view(scene.frame.centred_on(*middle, scene.view.scale))
        self.update()

    # --- what is shown ------------------------------------------------------------------------------------

    def set_boxes_shown(self, shown: bool) -> None:
        self._boxes_on = shown
        self._show_visibility()

    def set_peeking(self, peeking: bool) -> None:
        """Hide boxes and detections for as long as this is on."""
        self._peeking = peeking
        self._show_visibility()

    def hint_place(self) -> tuple[float, float] | None:
        """For heirs: the logical widget point beside which a word at the pointer stands."""
        return None

    def show_hint(self, text: str, *, of_category: bool = False, at_pointer: bool = False) -> None:
        """A short word at the lower edge, or beside the pointer, for a few seconds; also sent as `hinted`.

        of_category: it speaks of the class in hand, and is over when that changes.
        """
        self._hint_of_category = of_category
        self._hint.show(text, self.hint_place() if at_pointer else None)
        self.hinted.emit(text)

    def end_hint(self) -> None:
        self._hint.end()

    def update_boxes(self, box_ids: Iterable[int]) -> None:
        """Paint the surroundings of these boxes again, and nothing else."""
        for box_id in box_ids:
            self.update_device(painted_area(self.scene, box_id))

    def update_device(self, area: QRect) -> None:
        """Paint an area given in device pixels again."""
        dpr = self.scene.dpr
        logical = QRectF(area.x() / dpr, area.y() / dpr, area.width() / dpr, area.height() / dpr)
        self.update(logical.toAlignedRect().adjusted(-1, -1, 1, 1))

    def _show_visibility(self) -> None:
        self.scene.boxes_shown = self._boxes_on and not self._peeking
        self._on_detections_changed()

    def _show_empty(self) -> None:
        self.scene.image, self.scene.shapes = None, EMPTY
        self._show_message()

    def name_open_key(self, action: QAction) -> None:
        """The action that opens a project: without an image its key is named, also after it was given another."""
        self._open_action = action
        action.changed.connect(self._show_message)
        self._show_message()

    def _show_message(self) -> None:
        if self.project.current_id is not None:
            return
        key = first_key(self._open_action) if self._open_action is not None else ""
        with_key = self.tr("Drop a folder of images here,\nor open a project with {0}").format(key)
        self.scene.message = with_key if key else self.tr("Drop a folder of images here")
        self.update()

    def _describe(self) -> None:
        """What a screen reader says about the picture; the box table says the rest."""
        text = self.tr("{0} boxes").format(len(self.scene.shapes))
        if self.project.selection:
            text = self.tr("{0}, {1} selected").format(text, len(self.project.selection))
        self.setAccessibleDescription(text)

    # --- signals of the workspace ------------------------------------------------------------------------------------

    def _on_image_changed(self, image_id: int) -> None:
        scene = self.scene
        scene.message, scene.hovered, scene.moved, scene.hint = "", None, {}, ""
        scene.image, scene.tiles = self.images.get(image_id), ()
        self._hold.start()
        self._fitted = True
        self._on_boxes_changed(image_id)
        self._sync_frame()
        if scene.image is not None:
            self._hold.stop()
            self._warn_of_size(scene.image)
        if scene.image is None or not scene.image.final:
            self.images.request(image_id)

    def _on_image_ready(self, image_id: int, picture: Picture) -> None:
        """Once with what can be seen soon, and again with all pixels where those take longer."""
        if image_id != self.project.current_id or picture is self.scene.image:
            return
        first = self.scene.image is None
        self._hold.stop()
        self.scene.image, self.scene.message = picture, ""
        self.update()
        if first:
            self._sync_frame()
            self._warn_of_size(picture)

    def _warn_of_size(self, picture: Picture) -> None:
        record = self.project.record
        if record is not None and (record.width, record.height) != (picture.width, picture.height):
            text = self.tr("This image is {0} × {1} now; its boxes were made for {2} × {3}")
            self.show_hint(text.format(picture.width, picture.height, record.width, record.height))

    def _on_view_rests(self) -> None:
        """A very large picture is sharpened where it is looked at."""
        scene, image_id = self.scene, self.project.current_id
        if scene.image is not None and scene.image.tiled and image_id is not None:
            seen = scene.view.seen(scene.frame.width, scene.frame.height)
            self.images.tiles.look(image_id, scene.image, seen, scene.view.scale)
            self._on_tiles_changed(image_id)

    def _on_tiles_changed(self, image_id: int) -> None:
        if image_id == self.project.current_id:
            self.scene.tiles = self.images.tiles.at(image_id)
            self.update()

    def set_look(self, look: Look) -> None:
        """Brightness and the like of what is seen; no pixel of the image changes."""
        self.scene.look = look
        self.update()

    def set_grid_shown(self, shown: bool) -> None:
        """Lines between the pixels at high zoom."""
        self.scene.grid = shown
        self.update()

    def _on_image_failed(self, image_id: int, reason: str) -> None:
        if image_id == self.project.current_id:
            self._hold.stop()
            self.scene.image = None
            self.scene.message = self.tr("This image cannot be shown.\n{0}").format(reason)
            self.update()

    def _on_boxes_changed(self, image_id: int) -> None:
        if image_id != self.project.current_id:
            return
        scene = self.scene
        scene.shapes, scene.moved = Shapes.of_boxes(self.project.category_view.shown(self.project.boxes)), {}
        scene.selection, scene.locked = self.project.selection, self.project.category_view.locked
        if scene.hovered not in scene.shapes.row_of:
            scene.hovered = None
        self._describe()
        self.update()

    def _on_category_view_changed(self) -> None:
        if self.project.current_id is not None:
            self._on_boxes_changed(self.project.current_id)

    def _on_selection_changed(self) -> None:
        self.scene.selection = self.project.selection
        self._describe()
        self.update()

    def _on_categories_changed(self) -> None:
        self.scene.names = {c.id: c.name for c in self.project.categories}
        self.scene.tints = {c.id: c.color for c in self.project.categories}
        self._on_active_category_changed(self.project.active_category_id)

    def _on_active_category_changed(self, category_id: int) -> None:
        self.scene.draft_color = self.scene.color(category_id)
        if self._hint_of_category:
            self.end_hint()
        self.update()

    def _on_detections_changed(self) -> None:
        review = self.review
        self.scene.ghosts = EMPTY if self._peeking else Shapes.of_detections(review.detections, review.visible())
        self.scene.focused, self.scene.sure_from = review.focused, review.default_threshold
        self.scene.focus_hint = self.tr("Enter: accept · X: reject")
        self.update()

    # --- painting ----------------------------------------------------------------------------------------------------

    def _still_key(self) -> tuple[object, ...]:
        scene = self.scene
        image = None if scene.image is None else (scene.image.key, scene.tiles, scene.look, scene.grid)
        looks = (tuple(scene.names.items()), tuple(scene.tints.items()), scene.colors)
        what = (image, scene.message, scene.shapes, scene.ghosts, scene.focused, scene.boxes_shown, scene.locked)
        return (scene.frame, scene.view, scene.dpr, frozenset(scene.moved), *what, *looks)

    def _paint_still(self) -> None:
        """Paint the still layers again if anything they show has changed."""
        key = self._still_key()
        if key == self._backing_key:
            return
        self._backing_key = key
        if self.scene.image is not None and self.scene.image.tiled:
            self._rest.start()
        frame = self.scene.frame
        if self._backing.size() != QSize(frame.width, frame.height):
            self._backing = QPixmap(frame.width, frame.height)
        self._backing.setDevicePixelRatio(1.0)
        painter = QPainter(self._backing)
        for layer in self._still:
            layer.paint(painter, self.scene)
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(800, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        waiting = self._hold.isActive() and self.scene.image is None and not self._backing.isNull()
        if not waiting:
            self._paint_still()
        dpr = self.scene.dpr
        painter = QPainter(self)
        painter.scale(1 / dpr, 1 / dpr)
        for part in _parts(event.region()):
            source = QRectF(part.x() * dpr, part.y() * dpr, part.width() * dpr, part.height() * dpr).toAlignedRect()
            painter.drawPixmap(source, self._backing, source)
        if not waiting:
            for layer in self._live:
                layer.paint(painter, self.scene)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._sync_frame()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.scene.colors = theme.colors_of(self.palette())
            self.scene.chips.clear()
            self._backing_key = ()
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._sync_frame()
        return super().event(event)


def _parts(region: QRegion) -> list[QRect]:
    """The rectangles of a region (the binding has the iterator, its stubs have not)."""
    parts: list[QRect] = list(region)  # type: ignore[call-overload]
    return parts
