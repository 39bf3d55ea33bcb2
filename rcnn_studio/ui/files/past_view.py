"""A picture with the boxes an image had at some moment; to look at, nothing more."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from rcnn_studio.domain.dataset import Box, ImageRecord
from rcnn_studio.ui.browse.words import count_text, state_text
from rcnn_studio.ui.label.chips import Chips
from rcnn_studio.ui.label.scene import UNKNOWN_COLOR
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.files_history import Past
from rcnn_studio.workspace.project import ProjectModel

CASING = QColor(14, 16, 20)
MOST_PLATES = 12


class PastView(QWidget):
    """Fits the image into its room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.history.past")
        self.setAccessibleName(self.tr("The image as it was"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self._chips = Chips()
        self._past: Past | None = None
        self._scaled: QImage | None = None
        self._tints: dict[int, str] = {}
        self._names: dict[int, str] = {}

    @property
    def record(self) -> ImageRecord | None:
        """What is shown."""
        return self._past.record if self._past is not None else None

    def show_past(self, past: Past | None, project: ProjectModel) -> None:
        """None: an empty frame."""
        if past is not self._past:
            self._scaled = None
        self._past = past
        self._tints = {category.id: category.color for category in project.categories}
        self._names = {category.id: category.name for category in project.categories}
        said = f"{count_text(len(past.record.boxes))}, {state_text(past.record.state)}" if past is not None else ""
        self.setAccessibleDescription(said)
        self.update()

    def _target(self) -> QRectF:
        assert self._past is not None
        record = self._past.record
        width, height = max(1, record.width), max(1, record.height)
        scale = min(self.width() / width, self.height() / height)
        left, top = (self.width() - width * scale) / 2, (self.height() - height * scale) / 2
        return QRectF(left, top, width * scale, height * scale)

    def _picture(self, target: QRectF) -> QImage | None:
        """The picture at the size it is shown, kept until that changes."""
        assert self._past is not None
        picture = self._past.picture
        if picture is None:
            return None
        dpr = self.devicePixelRatioF()
        size = QSize(max(1, round(target.width() * dpr)), max(1, round(target.height() * dpr)))
        if self._scaled is None or self._scaled.size() != size:
            smooth = Qt.TransformationMode.SmoothTransformation
            self._scaled = picture.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
            self._scaled.setDevicePixelRatio(dpr)
        return self._scaled

    def _paint_box(self, painter: QPainter, target: QRectF, box: Box, *, plate: bool) -> None:
        assert self._past is not None
        scale = target.width() / max(1, self._past.record.width)
        area = QRectF(
            round(target.left() + box.x1 * scale) + 0.5,
            round(target.top() + box.y1 * scale) + 0.5,
            round((box.x2 - box.x1) * scale),
            round((box.y2 - box.y1) * scale),
        )
        color = self._tints.get(box.category_id, UNKNOWN_COLOR)
        painter.setPen(QPen(CASING, 3))
        painter.drawRect(area)
        painter.setPen(QPen(QColor(color), 1.5))
        painter.drawRect(area)
        if plate:
            drawn = self._chips.get(self._names.get(box.category_id, "?"), color, 1.0)
            painter.drawPixmap(round(area.left()) - 1, max(0, round(area.top()) - drawn.height()), drawn)

    def sizeHint(self) -> QSize:
        return QSize(300, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colors = colors_of(self.palette())
        painter.fillRect(event.rect(), QColor(colors.canvas))
        if self._past is None:
            return
        target = self._target()
        picture = self._picture(target)
        if picture is not None:
            painter.drawImage(target.topLeft(), picture)
        else:
            painter.fillRect(target, QColor(colors.window))
        boxes = self._past.record.boxes
        for box in boxes:
            self._paint_box(painter, target, box, plate=len(boxes) <= MOST_PLATES)
