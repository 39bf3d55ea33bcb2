"""The list widget of the images: keeps the open one in view with its neighbours, and turns to low rows where it is
low itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QListView

from rcnn_studio.ui.browse.image_delegate import ROW_HEIGHT, ImageDelegate
from rcnn_studio.ui.browse.image_model import AnyIndex, ImageModel

CONTEXT = 2
"""So many rows before and after the open one are in view."""

FEWEST_TALL = 5
"""Where fewer of the tall rows than this would fit, the low ones take their place."""


class ImageView(QListView):
    """A list without type-ahead: letters are the canvas's keys here too."""

    def __init__(self, model: ImageModel) -> None:
        super().__init__()
        self.setObjectName("image_list")
        self.setAccessibleName(self.tr("Images"))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setModel(model)
        self.delegate = ImageDelegate(model, self)
        self.setItemDelegate(self.delegate)
        # painted here in full, so that Qt may move what is there when the list scrolls by a row
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        model.picture_changed.connect(self._on_picture_changed)
        self._pressed, self._holding = QElapsedTimer(), False

    def show_place(self, place: int) -> None:
        """Scroll so that the row and its neighbours on both sides are in view, as little as that takes. Not while a
        mouse button is down on the rows, nor before a second click could come: it would hit another row."""
        second_click_may_come = self._pressed.isValid() and not self._pressed.hasExpired(_double_click_ms())
        if self._holding or second_click_may_come:
            return
        rows = self.model().rowCount()
        fits = self.viewport().height() // max(1, self.delegate.row_height)
        around = max(0, min(CONTEXT, (fits - 1) // 2))
        for row in (min(place + around, rows - 1), max(place - around, 0), place):
            index = self.model().index(row, 0)
            self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _show_current(self) -> None:
        if self.currentIndex().isValid():
            self.show_place(self.currentIndex().row())

    def _on_picture_changed(self, place: int) -> None:
        self.update(self.model().index(place, 0))

    def dataChanged(self, first: AnyIndex, last: AnyIndex, roles: Sequence[int] = ()) -> None:
        """Paint the rows again; a list would also lay out all of them, though none can have got another height."""
        QAbstractItemView.dataChanged(self, first, last, roles)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self.palette().base())
        painter.end()
        super().paintEvent(event)

    def keyboardSearch(self, _search: str) -> None:
        return

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        self._show_current()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._holding = QElapsedTimer(), True
        self._pressed.start()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._holding = False
        super().mouseReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The open image stays in view when the panel gets lower, as it does in another activity."""
        place = self.visualRect(self.currentIndex())
        was_shown = place.isValid() and -place.height() < place.top() < event.oldSize().height()
        low = event.size().height() < FEWEST_TALL * ROW_HEIGHT
        turned = low != self.delegate.compact
        self.delegate.set_compact(low)
        super().resizeEvent(event)
        if turned:
            self.doItemsLayout()  # now: where the open image stands is asked for below
        if was_shown or turned or event.oldSize().height() <= 0:
            self._show_current()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_current()


def _double_click_ms() -> int:
    return QGuiApplication.styleHints().mouseDoubleClickInterval()
