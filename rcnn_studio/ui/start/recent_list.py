"""The projects opened lately, as the welcome page lists them: name, when, and where. Opens none of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from rcnn_studio.tasks.importing import FOLDER_NAME, project_title
from rcnn_studio.ui.theme import colors_of

ROW_HEIGHT, ROWS_SHOWN = 46, 5
ROLE = Qt.ItemDataRole
WHEN_ROLE, WHERE_ROLE = ROLE.UserRole + 1, ROLE.UserRole + 2


class RecentList(QListWidget):
    """folder of an item: its UserRole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome.recent")
        self.setAccessibleName(self.tr("Recent projects"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setItemDelegate(_RecentDelegate(self))

    def show_projects(self, projects: Sequence[tuple[str, float]]) -> None:
        """projects: folder, and when it was opened last (seconds since 1970, 0: not known)."""
        self.clear()
        for folder, opened in projects:
            title, where = project_title(Path(folder)), _place(Path(folder))
            item = QListWidgetItem(title)
            item.setData(ROLE.UserRole, folder)
            item.setData(WHEN_ROLE, self.when(opened))
            item.setData(WHERE_ROLE, where)
            item.setData(ROLE.AccessibleTextRole, ", ".join(p for p in (title, self.when(opened), where) if p))
            item.setToolTip(folder)
            item.setSizeHint(QSize(0, ROW_HEIGHT))
            self.addItem(item)
        self.setFixedHeight(min(ROWS_SHOWN, max(1, len(projects))) * ROW_HEIGHT + 4)

    def when(self, opened: float) -> str:
        """A time as people say it: today and yesterday by name."""
        if not opened:
            return ""
        moment = QDateTime.fromSecsSinceEpoch(int(opened))
        days = moment.date().daysTo(QDateTime.currentDateTime().date())
        short = QLocale.FormatType.ShortFormat
        if days == 0:
            return self.tr("today, {0}").format(QLocale().toString(moment.time(), short))
        return self.tr("yesterday") if days == 1 else QLocale().toString(moment.date(), short)


def _place(folder: Path) -> str:
    """The folder of the data, as short as it can be said."""
    place = folder.parent if folder.name == FOLDER_NAME else folder
    try:
        return f"~/{place.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return str(place)


class _RecentDelegate(QStyledItemDelegate):
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = colors_of(option.palette)
        painter.save()
        style = option.widget.style() if option.widget is not None else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        area = option.rect.adjusted(10, 5, -10, -5)
        top, bottom = area.adjusted(0, 0, 0, -area.height() // 2), area.adjusted(0, area.height() // 2, 0, 0)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        when = str(index.data(WHEN_ROLE) or "")
        painter.setPen(colors.muted)
        painter.drawText(top, middle | right, when)
        where = str(index.data(WHERE_ROLE) or "")
        metrics = painter.fontMetrics()
        painter.drawText(bottom, middle, metrics.elidedText(where, Qt.TextElideMode.ElideMiddle, bottom.width()))
        top.adjust(0, 0, -metrics.horizontalAdvance(when) - 12, 0)
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colors.text)
        title = painter.fontMetrics().elidedText(
            str(index.data(ROLE.DisplayRole)), Qt.TextElideMode.ElideRight, top.width()
        )
        painter.drawText(top, middle, title)
        painter.restore()
