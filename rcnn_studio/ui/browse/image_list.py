"""The panel of images: filter, progress and the list; the order of the list is the order of "next" and "previous"."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QProgressBar,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.splits import TEST, TRAIN, VAL
from rcnn_studio.ui import icons
from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.browse.image_delegate import ImageDelegate
from rcnn_studio.ui.browse.image_model import ImageFilter, ImageModel, ImageOrder, state_text
from rcnn_studio.ui.elided_label import ElidedLabel
from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.workspace.images import Thumbnails
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.view_memory import ViewMemory


class ImageView(QListView):
    """A list without type-ahead: letters are the canvas's keys here too."""

    def keyboardSearch(self, _search: str) -> None:
        return

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The open image stays in view when the panel gets lower, as it does in another activity."""
        super().resizeEvent(event)
        place = self.visualRect(self.currentIndex())
        if place.isValid() and 0 <= place.top() < event.oldSize().height():
            self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.EnsureVisible)


class ImageList(QWidget):
    """See the module. Its list view is named image_list, its filter field image_filter.

    memory: where filter and order are remembered (None: nowhere).
    """

    def __init__(
        self,
        project: ProjectModel,
        thumbnails: Thumbnails,
        memory: ViewMemory | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("image_panel")
        self._project, self._memory = project, memory
        self.model = ImageModel(project, thumbnails, self)
        self.filter = QLineEdit(placeholderText=self.tr("Filter by name"))
        self.filter.setObjectName("image_filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName(self.tr("Filter images by name"))
        self.states = self._make_states()
        self.order_button = self._make_order_button()
        self.progress_text = ElidedLabel()
        self.progress_text.setProperty("role", "muted")
        self.progress_bar = QProgressBar(textVisible=False)
        self.progress_bar.setFixedHeight(4)
        self.progress_bar.setAccessibleName(self.tr("Labelled images"))
        self.view = self._make_view()
        self.pages = QStackedWidget()
        self._none = EmptyState(
            "folder-drop", self.tr("Drop a folder of images here"), self.tr("VOC and COCO datasets open the same way.")
        )
        self._no_match = EmptyState("filter", self.tr("No image matches"), "", self.tr("Clear the filter"))
        for page in (self.view, self._none, self._no_match):
            self.pages.addWidget(page)
        self._lay_out()
        self._recall()
        self._connect()
        self._show_page()
        self._show_progress()

    def _make_states(self) -> QComboBox:
        states = QComboBox()
        states.setObjectName("image_state_filter")
        states.setAccessibleName(self.tr("Filter images by state or split"))
        states.addItem(self.tr("All"), None)
        for state in ImageState:
            states.addItem(state_text(state), state)
        states.insertSeparator(states.count())
        for split in (TRAIN, VAL, TEST):
            states.addItem(self.tr("In {0}").format(split), split)
        return states

    def _make_order_button(self) -> IconButton:
        """The order of the list, as a menu on a small button."""
        button = IconButton("sort", self.tr("Order of the images"))
        button.setObjectName("image_order")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        names = {
            ImageOrder.PROJECT: self.tr("As in the project"),
            ImageOrder.NAME: self.tr("By name"),
            ImageOrder.MOST_BOXES: self.tr("Most boxes first"),
            ImageOrder.FEWEST_BOXES: self.tr("Fewest boxes first"),
        }
        self._orders = QActionGroup(menu)
        for order, name in names.items():
            entry = menu.addAction(name)
            entry.setCheckable(True)
            entry.setChecked(order == ImageOrder.PROJECT)
            entry.setData(str(order))
            self._orders.addAction(entry)
        button.setMenu(menu)
        return button

    def _make_view(self) -> QListView:
        view = ImageView()
        view.setObjectName("image_list")
        view.setAccessibleName(self.tr("Images"))
        view.setUniformItemSizes(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setMouseTracking(True)
        view.setModel(self.model)
        view.setItemDelegate(ImageDelegate(self.model, view))
        return view

    def _lay_out(self) -> None:
        self._find_icon = self.filter.addAction(
            icons.themed("find", self.palette()), QLineEdit.ActionPosition.LeadingPosition
        )
        first = QHBoxLayout()
        first.setSpacing(4)
        first.addWidget(self.filter, 1)
        first.addWidget(self.order_button)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.progress_text, 1)
        row.addWidget(self.states)
        self.states.setFixedWidth(self.fontMetrics().horizontalAdvance(self.tr("Nothing here")) + 36)
        head = QVBoxLayout()
        head.setContentsMargins(8, 8, 8, 8)
        head.setSpacing(6)
        head.addLayout(first)
        head.addLayout(row)
        head.addWidget(self.progress_bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)
        self.setFocusProxy(self.view)
        QWidget.setTabOrder(self.filter, self.order_button)
        QWidget.setTabOrder(self.order_button, self.states)
        QWidget.setTabOrder(self.states, self.view)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._on_filter_changed)
        self.filter.returnPressed.connect(self._on_filter_done)
        self.states.currentIndexChanged.connect(self._on_state_chosen)
        self._orders.triggered.connect(self._on_filter_changed)
        self._no_match.button_clicked.connect(self.clear_filter)
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        self._project.image_changed.connect(self._on_image_changed)
        self._project.images_updated.connect(self._show_progress)
        self._project.table_changed.connect(self._on_table_changed)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect action.image.next and action.image.previous, and let the list take the canvas's keys."""
        attach_canvas_actions(self.view, actions, image_list=True)
        actions["action.image.next"].triggered.connect(self._on_next)
        actions["action.image.previous"].triggered.connect(self._on_previous)

    # --- doors ------------------------------------------------------------------------------------

    def go(self, step: int) -> bool:
        """Show the next (1) or previous (-1) image of the list. -> False at its end"""
        current = self._project.current_id
        place = self.model.place_after(current if current is not None else -1, step)
        if place is None:
            return False
        self._project.set_current(self.model.image_id(place))
        return True

    def go_to(self, text: str) -> bool:
        """Show the image with this number in the list or this (part of a) name. -> whether there is one"""
        place = self.model.place_named(text.strip())
        if place is None and self.model.filter != ImageFilter():
            self.clear_filter()
            place = self.model.place_named(text.strip())
        if place is None:
            return False
        self._project.set_current(self.model.image_id(place))
        return True

    def focus_filter(self) -> None:
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def clear_filter(self) -> None:
        self.filter.clear()
        self.states.setCurrentIndex(0)

    # --- inside -----------------------------------------------------------------------------------

    def _on_next(self) -> None:
        self.go(1)

    def _on_previous(self) -> None:
        self.go(-1)

    def _recall(self) -> None:
        """Filter and order of the last time; before anything is connected."""
        if self._memory is None:
            return
        self.filter.setText(self._memory.text("list.filter"))
        shown = self._memory.text("list.shown")
        keys = [_key(self.states.itemData(place)) for place in range(self.states.count())]
        self.states.setCurrentIndex(keys.index(shown) if shown in keys else 0)
        for entry in self._orders.actions():
            entry.setChecked(entry.data() == self._memory.text("list.order", str(ImageOrder.PROJECT)))
        self._apply_filter()

    def _apply_filter(self) -> None:
        chosen = self.states.currentData()
        state = chosen if isinstance(chosen, ImageState) else None
        split = chosen if isinstance(chosen, str) else None
        checked = self._orders.checkedAction()
        order = ImageOrder(checked.data()) if checked is not None else ImageOrder.PROJECT
        self.model.set_filter(ImageFilter(text=self.filter.text(), state=state, split=split), order)

    def _on_filter_changed(self) -> None:
        self._apply_filter()
        self._on_table_changed()
        if self._memory is not None:
            self._memory.set("list.filter", self.filter.text())
            self._memory.set("list.shown", _key(self.states.currentData()))
            self._memory.set("list.order", str(self.model.order))

    def _on_state_chosen(self) -> None:
        """Whoever asks for the unlabelled ones wants to see one."""
        self._on_filter_changed()
        self._show_first_match()

    def _on_filter_done(self) -> None:
        """Enter in the filter goes on to the list, and to its first image if the open one is hidden."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_first_match()

    def _show_first_match(self) -> None:
        """The list's first image, if the open one is hidden."""
        current = self._project.current_id
        if self.model.rowCount() and (current is None or self.model.place_of(current) is None):
            self._project.set_current(self.model.image_id(0))

    def _on_table_changed(self) -> None:
        self._show_page()
        self._show_progress()
        if self._project.current_id is not None:
            self._on_image_changed(self._project.current_id)

    def _on_image_changed(self, image_id: int) -> None:
        place = self.model.place_of(image_id)
        if place is None:
            self.view.clearSelection()
            return
        index = self.model.index(place)
        if self.view.currentIndex() != index:
            self.view.setCurrentIndex(index)
        self.view.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self._project.set_current(self.model.image_id(current.row()))

    def _show_page(self) -> None:
        if not len(self._project.rows):
            self.pages.setCurrentWidget(self._none)
        else:
            self.pages.setCurrentWidget(self.view if self.model.rowCount() else self._no_match)

    def _show_progress(self) -> None:
        total, done = len(self._project.rows), self._project.rows.labelled_count()
        shown = self.model.rowCount()
        text = self.tr("{0} of {1} labelled").format(done, total)
        if shown != total:
            text = self.tr("{0} shown of {1}").format(shown, total)
        self.progress_text.show_text(text)
        self.progress_bar.setRange(0, max(1, total))
        self.progress_bar.setValue(done)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._find_icon.setIcon(icons.themed("find", self.palette()))
        super().changeEvent(event)


def _key(choice: object) -> str:
    """An entry of the filter as it is remembered."""
    if isinstance(choice, ImageState):
        return f"state:{choice.name}"
    return f"split:{choice}" if isinstance(choice, str) else ""
