"""The popup in which the conditions of the image list are combined. The list itself is filtered by whoever listens."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QWindow
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.domain.splits import TEST, TRAIN, VAL
from rcnn_studio.ui import theme
from rcnn_studio.ui.browse.chips import Chip
from rcnn_studio.ui.browse.filter_parts import CategoryChoice, NumberRange, Switches, heading
from rcnn_studio.ui.browse.flow import FlowLayout
from rcnn_studio.ui.browse.words import SIZES, flag_text, size_text, split_hint, split_text, state_text
from rcnn_studio.ui.icons import IconButton
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.saved_filters import SavedFilters

WIDTH = 316
FLAG_ICONS = {
    BoxFlag.OCCLUDED: "occluded",
    BoxFlag.TRUNCATED: "truncated",
    BoxFlag.DIFFICULT: "difficult",
    BoxFlag.CROWD: "crowd",
}


class FilterPopup(QFrame):
    """query_chosen(ImageQuery): the person has changed a condition; the text is left as it was."""

    query_chosen = Signal(object)

    def __init__(self, project: ProjectModel, facts: ImageFacts, saved: SavedFilters, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("image_filter_popup")
        self.setProperty("role", "popup")
        self._project, self._facts, self._saved = project, facts, saved
        self._query = ImageQuery()
        self._button: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_NoMouseReplay)  # some platforms would, others not: see mousePressEvent
        self.states = Switches([(state, state_text(state), theme.STATE_ICONS[state]) for state in ImageState])
        self.splits = Switches([])
        self.categories = CategoryChoice()
        self.flags = Switches([(flag, flag_text(flag), icon) for flag, icon in FLAG_ICONS.items()])
        self.sizes = Switches([(name, size_text(name), "") for name in SIZES], single=True)
        for name, (low, high) in SIZES.items():
            self.sizes.chips[name].setToolTip(self._size_hint(low, high))
        self.side = NumberRange(self.tr("Box size"), " px")
        self.boxes = NumberRange(self.tr("Boxes in an image"))
        self.detections = Switches(
            [(True, self.tr("Has detections"), "detections"), (False, self.tr("Without"), "")], single=True
        )
        self.changed = Switches([(True, self.tr("Changed since the last run"), "history")])
        self.saved_row = QWidget()
        self._saved_flow = FlowLayout(self.saved_row)
        self.name = QLineEdit(placeholderText=self.tr("Name this filter to keep it"), maxLength=60)
        self.name.setAccessibleName(self.tr("Name of the filter"))
        self.save_button = QPushButton(self.tr("Save"))
        self.clear_button = QPushButton(self.tr("Clear"))
        self._lay_out()
        self._connect()

    def _size_hint(self, low: float, high: float) -> str:
        if high == float("inf"):
            return self.tr("A box of {0:.0f} × {0:.0f} pixels or more").format(low)
        return self.tr("A box of less than {0:.0f} × {0:.0f} pixels").format(high)

    def _lay_out(self) -> None:
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(5)
        self._saved_title = heading(self.tr("Saved"))
        groups: tuple[tuple[QLabel | None, tuple[QWidget, ...]], ...] = (
            (self._saved_title, (self.saved_row,)),
            (heading(self.tr("State")), (self.states,)),
            (heading(self.tr("Split")), (self.splits,)),
            (heading(self.tr("With a box of the class")), (self.categories,)),
            (heading(self.tr("… that is")), (self.flags,)),
            (heading(self.tr("Box size in px (square root of the area)")), (self.sizes, self.side)),
            (heading(self.tr("Boxes in the image")), (self.boxes,)),
            (heading(self.tr("Model")), (self.detections, self.changed)),
        )
        for title, widgets in groups:
            if title is not None:
                layout.addWidget(title)
            for widget in widgets:
                layout.addWidget(widget)
            layout.addSpacing(4)
        last = QHBoxLayout()
        last.setSpacing(6)
        last.addWidget(self.name, 1)
        last.addWidget(self.save_button)
        last.addWidget(self.clear_button)
        layout.addLayout(last)
        self.setFixedWidth(WIDTH)

    def _connect(self) -> None:
        for part in (
            self.states,
            self.splits,
            self.categories,
            self.flags,
            self.boxes,
            self.detections,
            self.changed,
        ):
            part.changed.connect(self._on_changed)
        self.sizes.changed.connect(self._on_size_chosen)
        self.side.changed.connect(self._on_changed)
        self.name.textChanged.connect(self._refresh_buttons)
        self.name.returnPressed.connect(self._on_save)
        self.save_button.clicked.connect(self._on_save)
        self.clear_button.clicked.connect(self._on_clear)

    # --- doors ------------------------------------------------------------------------------------

    def open_below(self, button: QWidget, query: ImageQuery) -> None:
        """Show what is asked for now, under the button and inside its screen."""
        self._button = button
        self.show_query(query)
        self._fit()
        place = button.mapToGlobal(QPoint(0, button.height() + 2))
        area = button.screen().availableGeometry()
        left = max(area.left(), min(place.x(), area.right() - self.width()))
        top = max(area.top(), min(place.y(), area.bottom() - self.height()))
        self.move(left, top)
        self.show()
        # the canvas would take Esc, one of its own keys, and the letters
        self.states.chips[ImageState.UNLABELLED].setFocus(Qt.FocusReason.PopupFocusReason)

    def show_query(self, query: ImageQuery) -> None:
        """Show these conditions without saying that anything changed."""
        self._query = query
        project = self._project
        names = [TRAIN, VAL, TEST, *project.rows.split_names, ""]
        self.splits.set_choices([(name, split_text(name), "") for name in dict.fromkeys(names)])
        for name, chip in self.splits.chips.items():
            chip.setToolTip(split_hint(str(name)) or chip.accessibleName())
        self.states.show_values(query.states)
        self.splits.show_values(query.splits)
        self.categories.show_categories(project.categories, query.categories)
        self.flags.show_values([flag for flag in FLAG_ICONS if flag in query.flags])
        self.sizes.show_values([name for name, side in SIZES.items() if side == query.side])
        self.side.show_value(query.side)
        self.boxes.show_value(query.boxes)
        self.detections.show_values([] if query.detections is None else [query.detections])
        self.changed.show_values([True] if query.changed else [])
        self.detections.setEnabled(self._facts.has_detections or query.detections is not None)
        self.detections.setToolTip("" if self._facts.has_detections else self.tr("Predict all images first (Review)."))
        self.changed.setEnabled(self._facts.has_runs or query.changed)
        self.changed.setToolTip("" if self._facts.has_runs else self.tr("There is no finished run yet."))
        self._show_saved()
        self._refresh_buttons()

    # --- inside -----------------------------------------------------------------------------------

    def _asked(self) -> ImageQuery:
        """The conditions as they are set here; those that only a plot can set stay."""
        flags = BoxFlag.NONE
        for flag in self.flags.values():
            flags |= BoxFlag(flag)  # type: ignore[arg-type]  # the keys of FLAG_ICONS
        detections = self.detections.values()
        return replace(
            self._query,
            states=frozenset(state for state in self.states.values() if isinstance(state, ImageState)),
            splits=frozenset(str(split) for split in self.splits.values()),
            categories=self.categories.values(),
            flags=flags,
            side=self.side.value(),
            boxes=self.boxes.value(),
            detections=bool(detections[0]) if detections else None,
            changed=bool(self.changed.values()),
        )

    def _on_changed(self) -> None:
        self._query = self._asked()
        self.sizes.show_values([name for name, side in SIZES.items() if side == self._query.side])
        self._refresh_buttons()
        self._mark_saved()
        self.query_chosen.emit(self._query)

    def _on_size_chosen(self) -> None:
        chosen = self.sizes.values()
        self.side.show_value(SIZES[str(chosen[0])] if chosen else None)
        self._on_changed()

    def _on_clear(self) -> None:
        self.show_query(ImageQuery(text=self._query.text))
        self.query_chosen.emit(self._query)

    def _on_save(self) -> None:
        if self.save_button.isEnabled():
            self._saved.save(self.name.text(), self._query)
            self.name.clear()
            self._show_saved()
            self._fit()

    def _refresh_buttons(self) -> None:
        self.save_button.setEnabled(bool(self.name.text().strip()) and not self._query.is_empty)
        self.clear_button.setEnabled(replace(self._query, text="") != ImageQuery())

    def _show_saved(self) -> None:
        self._saved_flow.clear()
        self.saved_chips: dict[str, Chip] = {}
        for name in self._saved.names():
            pair = QWidget()
            row = QHBoxLayout(pair)
            row.setContentsMargins(0, 0, 4, 0)
            row.setSpacing(0)
            chip = Chip(name, icon="filter", checkable=True)
            chip.setProperty("filter_name", name)
            chip.clicked.connect(self._on_saved_chosen)
            remove = IconButton("trash", self.tr("Forget the filter {0}").format(name))
            remove.setProperty("filter_name", name)
            remove.clicked.connect(self._on_remove)
            row.addWidget(chip)
            row.addWidget(remove)
            self._saved_flow.addWidget(pair)
            self.saved_chips[name] = chip
        for widget in (self._saved_title, self.saved_row):
            widget.setVisible(bool(self.saved_chips))
        self._mark_saved()

    def _fit(self) -> None:
        """As high as the lines of chips need at this width."""
        self._column.invalidate()
        self.setFixedHeight(self._column.totalHeightForWidth(WIDTH))

    def _mark_saved(self) -> None:
        on = self._saved.name_of(self._query)
        for name, chip in self.saved_chips.items():
            chip.setChecked(name == on)

    def _on_saved_chosen(self) -> None:
        query = self._saved.get(str(self.sender().property("filter_name")))
        self.show_query(query)
        self.query_chosen.emit(query)

    def _on_remove(self) -> None:
        self._saved.remove(str(self.sender().property("filter_name")))
        self._show_saved()
        self._fit()

    # --- Qt ---------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the popup closes it, and does what it does there; on the popup's own button it only closes."""
        outside = not self.rect().contains(event.position().toPoint())
        super().mousePressEvent(event)
        hit = QApplication.widgetAt(event.globalPosition().toPoint()) if outside else None
        window = hit.window().windowHandle() if hit is not None and hit is not self._button else None
        if window is not None:
            QCoreApplication.postEvent(window, _at_window(event, window))

    def hideEvent(self, event: QHideEvent) -> None:
        """The keys go back to where they were."""
        super().hideEvent(event)
        host = self.parentWidget().window()
        before = host.focusWidget()
        if before is not None and not event.spontaneous():
            host.activateWindow()
            before.setFocus(Qt.FocusReason.PopupFocusReason)


def _at_window(event: QMouseEvent, window: QWindow) -> QMouseEvent:
    """The same press, as the window at that place is told of it."""
    place = event.globalPosition()
    return QMouseEvent(
        event.type(), window.mapFromGlobal(place), place, event.button(), event.buttons(), event.modifiers()
    )
