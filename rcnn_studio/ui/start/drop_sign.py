"""What lies over the window while files are dragged above it: a frame, and what dropping them would do."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from rcnn_studio.formats.archive import is_zip
from rcnn_studio.tasks.dropped import Dropped, count_images
from rcnn_studio.tasks.importing import find_project, project_title
from rcnn_studio.ui import icons
from rcnn_studio.ui.theme import colors_of

INSET, RADIUS, ICON_SIDE = 14, 12, 48
VEIL = 225


class DropSign(QWidget):
    """Covers its parent while it is shown; never takes the drop itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("drop_sign")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._title, self._text, self._possible = "", "", True
        self.hide()

    @property
    def title(self) -> str:
        """What is said now; empty while nothing is dragged."""
        return self._title if not self.isHidden() else ""

    def show_for(self, dropped: Dropped | None) -> None:
        """Say what a drop would open; None: nothing that can be opened."""
        self._possible = dropped is not None
        self._title = self._title_of(dropped)
        self._text = (
            str(dropped.path)
            if dropped is not None
            else self.tr("Drop a folder, images, a zip archive, a VOC, COCO, YOLO, LabelMe or CSV file, or a project.")
        )
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.update()

    def _title_of(self, dropped: Dropped | None) -> str:
        if dropped is None:
            return self.tr("This cannot be opened")
        path = dropped.path
        if is_zip(path):
            return self.tr("Drop to unpack and open {0}").format(path.name)
        project = find_project(path)
        if project is not None:
            return self.tr("Drop to open the project {0}").format(project_title(project))
        count = dropped.images or (count_images(path) if path.is_dir() else 0)
        if count:
            return self.tr("Drop to label {0} images of {1}").format(count, path.name)
        return self.tr("Drop to open {0}").format(path.name)

    # --- Qt ---------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        colors = colors_of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(colors.window)
        veil.setAlpha(VEIL)
        painter.fillRect(self.rect(), veil)
        ink = colors.accent if self._possible else colors.bad
        painter.setPen(QPen(QColor(ink), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET), RADIUS, RADIUS)
        middle = self.rect().center()
        side = round(ICON_SIDE * self.devicePixelRatioF())
        sign = icons.pixmap("folder-drop" if self._possible else "reject", ink, side)
        sign.setDevicePixelRatio(self.devicePixelRatioF())
        painter.drawPixmap(QPointF(middle.x() - ICON_SIDE / 2, middle.y() - ICON_SIDE - 20), sign)
        area = QRectF(self.rect()).adjusted(48, 0, -48, 0)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
        area.setTop(middle.y())
        used = painter.boundingRect(area, flags, self._title)
        painter.drawText(area, flags, self._title)
        painter.setFont(self.font())
        painter.setPen(QColor(colors.muted))
        area.setTop(used.bottom() + 8)
        painter.drawText(area, flags, self._text)
        painter.end()
