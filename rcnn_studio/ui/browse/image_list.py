"""The panel of images: filter, progress and the list; the order of the list is the order of "next" and "previous"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.ui import icons
from rcnn_studio.ui.actions import attach_canvas_actions
from rcnn_studio.ui.browse.filter_bar import FilterBar, RefreshChip
from rcnn_studio.ui.browse.filter_popup import FilterPopup
from rcnn_studio.ui.browse.image_model import ImageModel
from rcnn_studio.ui.browse.image_order import NEEDS_DETECTIONS, ImageOrder, order_text
from rcnn_studio.ui.browse.image_view import ImageView
from rcnn_studio.ui.browse.name_field import NameField
from rcnn_studio.ui.browse.progress import ProgressStrip
from rcnn_studio.ui.browse.review_queue import next_to_review
from rcnn_studio.ui.elided_label import ElidedLabel
from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.images import Thumbnails
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.saved_filters import SavedFilters
from rcnn_studio.workspace.view_memory import ViewMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the open image stands. number: in the list, from 1, None where the filter hides it; matching: how many
    images the list shows; total: how many there are; filtered: whether a filter is on."""

    number: int | None
    matching: int
    total: int
    filtered: bool


class ImageList(QWidget):
    """See the module. Its list view is named image_list, its filter field image_filter.

    facts: what the images can be filtered by (None: made here, without runs). memory: where filter and order are
    remembered (None: nowhere). place_changed: what `place` says may be another. left: the filter's field needs the
    keys no longer.
    """

    place_changed = Signal()
    left = Signal()

    def __init__(
        self,
        project: ProjectModel,
        thumbnails: Thumbnails,
        memory: ViewMemory | None = None,
        facts: ImageFacts | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("image_panel")
        self._project, self._memory = project, memory
        self.facts = facts if facts is not None else ImageFacts(project, parent=self)
        self.saved = SavedFilters(memory)
        self.model = ImageModel(project, thumbnails, self.facts, self)
        self._setting_text = False
        self.filter = NameField(placeholderText=self.tr("Filter by name"))
        self.filter.setObjectName("image_filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName(self.tr("Filter images by name"))
        self.filter_button = IconButton("filter", self.tr("Filter by state, split, class, flags, size …"))
        self.filter_button.setObjectName("image_filter_button")
        self.filter_button.setCheckable(True)
        self.order_button = self._make_order_button()
        self.bar = FilterBar(project)
        self.refresh = RefreshChip()
        self.popup = FilterPopup(project, self.facts, self.saved, self)
        self.progress_text = ElidedLabel()
        self.progress_text.setProperty("role", "muted")
        self.progress_bar = ProgressStrip(project)
        self.view = ImageView(self.model)
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
        self._refresh()

    def _make_order_button(self) -> IconButton:
        """The order of the list, as a menu on a small button."""
        button = IconButton("sort", self.tr("Order of the images"))
        button.setObjectName("image_order")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self._orders = QActionGroup(menu)
        for order in ImageOrder:
            entry = menu.addAction(order_text(order))
            entry.setCheckable(True)
            entry.setChecked(order == ImageOrder.PROJECT)
            entry.setData(str(order))
            self._orders.addAction(entry)
        menu.aboutToShow.connect(self._on_orders_shown)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        self._find_icon = self.filter.addAction(
            icons.themed("find", self.palette()), QLineEdit.ActionPosition.LeadingPosition
        )
        first = QHBoxLayout()
        first.setSpacing(4)
        first.addWidget(self.filter, 1)
        first.addWidget(self.filter_button)
        first.addWidget(self.order_button)
        row = QHBoxLayout()
        row.addWidget(self.progress_text, 1)
        row.addWidget(self.refresh, 0, Qt.AlignmentFlag.AlignLeft)
        self.progress_text.setMinimumHeight(self.refresh.sizeHint().height())  # nothing moves when it comes
        head = QVBoxLayout()
        head.setContentsMargins(8, 8, 8, 6)
        head.setSpacing(6)
        head.addLayout(first)
        head.addWidget(self.bar)
        head.addLayout(row)
        head.addWidget(self.progress_bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)
        self.setFocusProxy(self.view)
        QWidget.setTabOrder(self.filter, self.filter_button)
        QWidget.setTabOrder(self.filter_button, self.order_button)
        QWidget.setTabOrder(self.order_button, self.view)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._on_text_changed)
        self.filter.returnPressed.connect(self._on_filter_done)
        self.filter.left.connect(self._on_filter_left)
        self.filter_button.clicked.connect(self._on_filter_button)
        self.popup.query_chosen.connect(self._on_query_chosen)
        self.bar.query_chosen.connect(self._on_query_chosen)
        self.refresh.clicked.connect(self.refresh_filter)
        self._orders.triggered.connect(self._on_order_chosen)
        self._no_match.button_clicked.connect(self.clear_filter)
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.facts.changed.connect(self._on_facts_changed)
        self.model.stale_changed.connect(self._show_chips)
        self._project.image_changed.connect(self._on_image_changed)
        self._project.images_updated.connect(self._show_progress)
        self._project.categories_changed.connect(self._show_chips)
        self._project.table_changed.connect(self._refresh)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the actions that go through the list, and let the list take the canvas's keys."""
        attach_canvas_actions(self.view, actions, image_list=True)
        for name, handler in (
            ("image.next", self._on_next),
            ("image.previous", self._on_previous),
            ("image.first", self._on_first),
            ("image.last", self._on_last),
        ):
            actions[f"action.{name}"].triggered.connect(handler)

    # --- doors ------------------------------------------------------------------------------------

    def go(self, step: int) -> bool:
        """Show the next (1) or previous (-1) image of the list. -> False at its end"""
        current = self._project.current_id
        return self._show(self.model.place_after(current if current is not None else -1, step))

    def go_in_queue(self, step: int) -> bool:
        """Show the next or previous image of the list that asks for a decision; says where there is none."""
        found, looked_to = next_to_review(self.model, self.facts, self._project, step)
        if found is None:
            if looked_to is not None:
                self._project.set_current(looked_to)
                self._project.message.emit(self.tr("Nothing to decide so far. The same key looks on from here."))
            else:
                after, before = self.tr("after"), self.tr("before")
                text = self.tr("No image {0} this one has anything to decide.").format(after if step > 0 else before)
                self._project.message.emit(text)
            return False
        self._project.set_current(found)
        return True

    def go_to(self, text: str) -> bool:
        """Show the image with this number in the list or this (part of a) name. -> whether there is one"""
        place = self.model.place_named(text.strip())
        if place is None and not self.model.filter.is_empty:
            self.clear_filter()
            place = self.model.place_named(text.strip())
        return self._show(place)

    def neighbours(self, image_id: int) -> list[int]:
        """The images that are likely to be opened next, in this order: the next, the one before, the one after it."""
        after, before = self.model.place_after(image_id, 1), self.model.place_after(image_id, -1)
        places = [after, before, None if after is None else after + 1]
        return [self.model.image_id(p) for p in places if p is not None and p < self.model.rowCount()]

    def set_query(self, query: ImageQuery) -> None:
        """Filter the list by this, and show its first image if the open one is hidden."""
        self._setting_text = True  # its signals go on: the mark that clears it comes and goes by them
        self.filter.setText(query.text)
        self._setting_text = False
        self._apply(query)
        self._show_first_match()

    def refresh_filter(self) -> None:
        """Filter the list anew: rows that do not match any more go, images that match now come."""
        self._apply(self.model.filter)

    def focus_filter(self) -> None:
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def clear_filter(self) -> None:
        self.set_query(ImageQuery())

    @property
    def place(self) -> Place:
        """Where the open image stands."""
        current = self._project.current_id
        place = self.model.place_of(current) if current is not None else None
        return Place(
            number=None if place is None else place + 1,
            matching=self.model.rowCount(),
            total=len(self._project.rows),
            filtered=not self.model.filter.is_empty,
        )

    # --- inside -----------------------------------------------------------------------------------

    def _show(self, place: int | None) -> bool:
        if place is not None:
            self._project.set_current(self.model.image_id(place))
        return place is not None

    def _recall(self) -> None:
        """Filter and order of the last time; before anything is connected."""
        if self._memory is None:
            return
        query, stored = self.saved.last(), self._memory.text("list.order", str(ImageOrder.PROJECT))
        self.filter.setText(query.text)
        for entry in self._orders.actions():
            entry.setChecked(entry.data() == stored)
        self.model.set_filter(query, self._order())

    def _order(self) -> ImageOrder:
        checked = self._orders.checkedAction()
        return ImageOrder(checked.data()) if checked is not None else ImageOrder.PROJECT

    def _apply(self, query: ImageQuery) -> None:
        self.model.set_filter(query, self._order())
        self._refresh()
        self.saved.remember(query)
        if self._memory is not None:
            self._memory.set("list.order", str(self.model.order))

    def _show_first_match(self) -> None:
        """The list's first image, if the open one is hidden."""
        current = self._project.current_id
        if not self.model.waiting and (current is None or self.model.place_of(current) is None):
            self._on_first()

    def _refresh(self) -> None:
        """Everything but the filter itself."""
        self._show_page()
        self._show_progress()
        self._show_chips()
        if self._project.current_id is not None:
            self._select(self._project.current_id)
        self.place_changed.emit()

    def _select(self, image_id: int) -> None:
        place = self.model.place_of(image_id)
        if place is None:
            self.view.clearSelection()
            return
        index = self.model.index(place)
        if self.view.currentIndex() == index:
            self.view.show_place(place)
        # also the one that a focus made current, which selects nothing
        self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _show_page(self) -> None:
        if not len(self._project.rows):
            self.pages.setCurrentWidget(self._none)
            return
        if not self.model.rowCount():
            self._no_match.set_texts(self.tr("No image matches"), self._hint(), self.tr("Clear the filter"))
        self.pages.setCurrentWidget(self.view if self.model.rowCount() else self._no_match)

    def _hint(self) -> str:
        query = self.model.filter
        if query.detections is not None and not self.facts.has_detections:
            return self.tr("No detections are kept yet: Review, Predict All Images makes them.")
        if query.changed and not self.facts.has_runs:
            return self.tr("There is no finished run yet since which something could have changed.")
        return ""

    def _show_progress(self) -> None:
        self.progress_bar.refresh()
        bar, shown = self.progress_bar, self.model.rowCount()
        text = self.tr("{0} of {1} labelled").format(bar.labelled, bar.total)
        if shown != bar.total:
            text = self.tr("{0} shown of {1} · {2} labelled").format(shown, bar.total, bar.labelled)
        self.progress_text.show_text(text)
        self.progress_text.setToolTip(f"{text}\n{bar.explain()}" if len(self._project.rows) < 20_000 else text)

    def _show_chips(self) -> None:
        query = self.model.filter
        self.bar.show_query(query)
        self.bar.show_reading(self.model.waiting)
        self.refresh.show_counts(self.model.stale_count, self.model.missing_count)
        self.progress_text.setVisible(self.refresh.isHidden())
        self.order_button.setToolTip(self.tr("Order of the images: {0}").format(order_text(self.model.order)))
        self.filter_button.setChecked(replace(query, text="") != ImageQuery())

    # --- signals ----------------------------------------------------------------------------------

    def _on_next(self) -> None:
        self.go(1)

    def _on_previous(self) -> None:
        self.go(-1)

    def _on_first(self) -> None:
        self._show(0 if self.model.rowCount() else None)

    def _on_last(self) -> None:
        self._show(self.model.rowCount() - 1 if self.model.rowCount() else None)

    def _on_text_changed(self, text: str) -> None:
        if not self._setting_text:
            self._apply(replace(self.model.filter, text=text))

    def _on_query_chosen(self, query: ImageQuery) -> None:
        self.set_query(replace(query, text=self.filter.text()))

    def _on_order_chosen(self) -> None:
        self._apply(self.model.filter)

    def _on_orders_shown(self) -> None:
        for entry in self._orders.actions():
            entry.setEnabled(entry.data() not in NEEDS_DETECTIONS or self.facts.has_detections)

    def _on_filter_button(self) -> None:
        self._show_chips()
        self.popup.open_below(self.filter_button, self.model.filter)

    def _on_filter_done(self) -> None:
        """Enter in the filter goes on to the list, and to its first image if the open one is hidden."""
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_first_match()

    def _on_filter_left(self) -> None:
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.left.emit()

    def _on_facts_changed(self) -> None:
        """What was missing has been read, or a run has found something else."""
        if self.model.waiting:
            self.set_query(self.model.filter)
        elif self.model.filter.detections is not None or self.model.filter.changed:
            self.model.look_at_all_again()

    def _on_image_changed(self, image_id: int) -> None:
        """The open image is always in the list: one that the filter hides is marked as such."""
        self.model.keep(image_id)
        self._show_page()
        self._select(image_id)
        self.place_changed.emit()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self._project.set_current(self.model.image_id(current.row()))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._find_icon.setIcon(icons.themed("find", self.palette()))
        super().changeEvent(event)
