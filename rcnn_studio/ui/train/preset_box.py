"""The choice of a preset: each with a line that says what comes out, how long it takes, and what is missing here."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from rcnn_studio.tasks.needs import OPENCV, has_opencv, needs_opencv, weights_fetched
from rcnn_studio.tasks.presets import Preset
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.ui.train.fields import narrow

Index = QModelIndex | QPersistentModelIndex
LINE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
MARGIN = 8
LIST_WIDTH = 430
SCROLL_BAR = 16


class PresetBox(QComboBox):
    """`train.preset`: closed it shows the title, open the titles with a line each."""

    def __init__(self, presets: Sequence[Preset], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train.preset")
        self.setAccessibleName(self.tr("Preset"))
        narrow(self)
        for place, preset in enumerate(presets):
            line = " ".join(part for part in (preset.description, self._state_of(preset)) if part)
            self.addItem(preset.title, preset.name)
            self.setItemData(place, line, LINE_ROLE)
            self.setItemData(place, line, Qt.ItemDataRole.AccessibleDescriptionRole)
        view = self.view()
        view.setItemDelegate(_TwoLines(view))
        view.setMinimumWidth(LIST_WIDTH)
        self.setMaxVisibleItems(len(presets))

    def line(self, place: int) -> str:
        """What stands below the title of the preset at that place."""
        return str(self.itemData(place, LINE_ROLE))

    def _state_of(self, preset: Preset) -> str:
        """What of its needs is here, what is missing; empty where it needs nothing."""
        parts = []
        if needs_opencv(preset.config):
            here, missing = self.tr("OpenCV is installed."), self.tr("OpenCV is not installed: pip install {0}")
            parts.append(here if has_opencv() else missing.format(f"'{OPENCV}'."))
        if preset.config.weights in ("coco", "imagenet"):
            here, missing = self.tr("The weights are here."), self.tr("The weights are fetched at the first start.")
            parts.append(here if weights_fetched(preset.config) else missing)
        return " ".join(parts)


class _TwoLines(QStyledItemDelegate):
    """The title over its line, wrapped to the list's width."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colors = colors_of(option.palette)
        chosen = bool(option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver))
        painter.save()
        painter.fillRect(option.rect, QColor(colors.selected if chosen else colors.raised))
        room = option.rect.adjusted(MARGIN, MARGIN // 2, -MARGIN, -MARGIN // 2)
        painter.setFont(_bold(option.font))
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        painter.drawText(room, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, str(index.data()))
        painter.setFont(option.font)
        painter.setPen(QColor(colors.muted))
        below = room.adjusted(0, option.fontMetrics.height() + 1, 0, 0)
        painter.drawText(below, Qt.TextFlag.TextWordWrap, str(index.data(LINE_ROLE)))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        width = LIST_WIDTH - 2 * MARGIN - SCROLL_BAR
        metrics = option.fontMetrics
        flags = int(Qt.TextFlag.TextWordWrap)
        line = metrics.boundingRect(QRect(0, 0, width, 1000), flags, str(index.data(LINE_ROLE)))
        return QSize(width, metrics.height() + 1 + line.height() + MARGIN)


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    return bold
