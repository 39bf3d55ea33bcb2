"""The edits of the project, or of the image at hand, by day; and the image as it was after one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QDate, QModelIndex, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.files.past_view import PastView
from rcnn_studio.ui.files.words import as_it_was_text, day_text, moment_text, time_text
from rcnn_studio.ui.theme import colors_of
from rcnn_studio.workspace.files_history import LIMIT, Happened, HistoryModel

ENTRY_ROLE = Qt.ItemDataRole.UserRole
IMAGE, TIME = 1, 2
IMAGE_WIDTH = 96
SETTLE_MS = 150
"""So long a held arrow key may run through the list before an image is looked up."""


class HistoryPanel(QWidget):
    """Reads while it is visible only."""

    def __init__(self, model: HistoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.history")
        self.setAccessibleName(self.tr("History"))
        self._model = model
        self.only_image = QToolButton(text=self.tr("This image only"), checkable=True)
        self.only_image.setObjectName("files.history.only_image")
        self.filter = QLineEdit(placeholderText=self.tr("Filter edits"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.tr("Filter edits"))
        self.tree = self._tree()
        self.past = PastView()
        self.when = QLabel(wordWrap=True)
        self.when.setProperty("role", "muted")
        self.bring_back = QPushButton(self.tr("Bring back this version"), objectName="files.history.bring_back")
        self.bring_back.setToolTip(self.tr("Makes this image what it was then, as one edit that can be undone"))
        self.go_to = QPushButton(self.tr("Go to image"), objectName="files.history.go_to")
        self.go_to.setToolTip(self.tr("Shows this image in the window (double-click or Enter on the edit)"))
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self.nothing = EmptyState(
            "history", self.tr("Nothing has happened yet"), self.tr("Every edit is listed here, and can be seen again.")
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self._body())
        self.pages.addWidget(self.nothing)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._lay_out()
        self._wire()
        self._on_entries()
        self._on_past()

    def _tree(self) -> QTreeWidget:
        tree = QTreeWidget(columnCount=3, rootIsDecorated=False, uniformRowHeights=True, headerHidden=True)
        tree.setAccessibleName(self.tr("Edits"))
        tree.setIndentation(8)
        tree.setStyleSheet("QTreeView::item { padding: 3px 4px; }")
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        tree.header().setStretchLastSection(False)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tree.header().resizeSection(IMAGE, IMAGE_WIDTH)
        tree.header().setSectionResizeMode(TIME, QHeaderView.ResizeMode.ResizeToContents)
        return tree

    def _body(self) -> QSplitter:
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(8, 6, 8, 8)
        column.addWidget(self.past, 1)
        column.addWidget(self.when)
        ways = QHBoxLayout()
        ways.addWidget(self.go_to)
        ways.addWidget(self.bring_back, 1)
        column.addLayout(ways)
        body = QSplitter(Qt.Orientation.Vertical)
        body.addWidget(self.tree)
        body.addWidget(below)
        body.setSizes([320, 280])
        body.setCollapsible(0, False)
        return body

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 8, 8, 4)
        head.addWidget(self.filter, 1)
        head.addWidget(self.only_image)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.error)
        layout.addWidget(self.pages, 1)

    def _wire(self) -> None:
        model = self._model
        model.entries_changed.connect(self._on_entries)
        model.past_changed.connect(self._on_past)
        model.failed.connect(self._on_failed)
        self.only_image.toggled.connect(model.set_only_image)
        self.only_image.toggled.connect(partial(self.tree.setColumnHidden, IMAGE))
        self.filter.textChanged.connect(self._on_entries)
        self.tree.selectionModel().currentChanged.connect(self._on_current)
        self._settle.timeout.connect(self._on_settled)
        self.bring_back.clicked.connect(self._on_bring_back)
        self.go_to.clicked.connect(self._on_go_to)
        self.tree.itemActivated.connect(self._on_go_to)
        self.tree.itemDoubleClicked.connect(self._on_go_to)

    @property
    def selected(self) -> Happened | None:
        """The edit whose row is current."""
        item = self.tree.currentItem()
        value = item.data(0, ENTRY_ROLE) if item is not None else None
        return value if isinstance(value, Happened) else None

    # --- what the model says ----------------------------------------------------------------------

    def _on_entries(self) -> None:
        before = self.selected
        wanted = self.filter.text().casefold()
        shown = [entry for entry in _ended(self._model.entries) if wanted in self._said(entry)]
        self.tree.selectionModel().blockSignals(True)
        self.tree.clear()
        self._add_days(shown)
        self._select(before)
        self.tree.selectionModel().blockSignals(False)
        self.pages.setCurrentIndex(0 if self._model.entries or wanted else 1)
        self.filter.setEnabled(bool(self._model.entries))
        if before is not None and self.selected is None:
            self._model.select(None)

    def _said(self, entry: Happened) -> str:
        return f"{entry.text} {self._model.image_text(entry)}".casefold()

    def _add_days(self, entries: Sequence[Happened]) -> None:
        today = QDate.currentDate()
        colors = colors_of(self.palette())
        head: QTreeWidgetItem | None = None
        for entry in entries:
            day = day_text(entry.time, today)
            if head is None or head.text(0) != day:
                head = self._add_head(day)
            head.addChild(self._row(entry, QColor(colors.disabled)))
        self.tree.expandAll()
        if len(entries) >= LIMIT:
            self._add_head(self.tr("Older edits are kept, but not listed."))

    def _add_head(self, text: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem([text])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = self.tree.font()
        font.setBold(True)
        item.setFont(0, font)
        self.tree.addTopLevelItem(item)
        item.setFirstColumnSpanned(True)
        return item

    def _row(self, entry: Happened, grey: QColor) -> QTreeWidgetItem:
        text, image = entry.text, self._model.image_text(entry)
        item = QTreeWidgetItem([text, image, time_text(entry.time)])
        item.setData(0, ENTRY_ROLE, entry)
        item.setToolTip(0, "\n".join(filter(None, (text, image, moment_text(entry.time)))))
        item.setToolTip(IMAGE, image)
        item.setForeground(IMAGE, QBrush(QColor(colors_of(self.palette()).muted)))
        if entry.undone:
            for column in (0, TIME):
                item.setForeground(column, QBrush(grey))
            font = item.font(0)
            font.setStrikeOut(True)
            item.setFont(0, font)
            item.setToolTip(0, self.tr("{0}\nThis edit was taken back.").format(item.toolTip(0)))
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, self.tr("{0}, taken back").format(text))
        return item

    def _select(self, entry: Happened | None) -> None:
        if entry is None:
            return
        for n in range(self.tree.topLevelItemCount()):
            head = self.tree.topLevelItem(n)
            for m in range(head.childCount() if head is not None else 0):
                value = head.child(m).data(0, ENTRY_ROLE)
                if isinstance(value, Happened) and value.sequence == entry.sequence:
                    self.tree.setCurrentItem(head.child(m))
                    return

    def _on_past(self) -> None:
        model = self._model
        chosen = model.selected
        self.past.show_past(model.past, model.project)
        self.bring_back.setEnabled(model.can_bring_back)
        self.go_to.setVisible(model.is_elsewhere)
        if model.past_error:
            self.when.setText(model.past_error)
        elif chosen is None:
            self.when.setText(self.tr("Choose an edit to see its image as it was after it; double-click goes there."))
        elif model.past is None:
            self.when.setText(self.tr("Looking it up …"))
        else:
            name = model.past.record.path.rpartition("/")[2]
            text = as_it_was_text(name, chosen.time)
            same = "" if model.can_bring_back else self.tr(" · as it is now")
            self.when.setText(f"{text}{same}")

    def _on_failed(self, message: str) -> None:
        self.error.setText(message)
        self.error.show()

    # --- what the person does ---------------------------------------------------------------------

    def _on_current(self, _current: QModelIndex, _previous: QModelIndex) -> None:
        self._settle.start()

    def _on_settled(self) -> None:
        if self.selected != self._model.selected:
            self._model.select(self.selected)

    def _on_go_to(self) -> None:
        """At once, though the row may have become current only now."""
        self._settle.stop()
        self._on_settled()
        self._model.go_to_image()

    def _on_bring_back(self) -> None:
        self._model.bring_back()

    # --- Qt ---------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.error.hide()
        self._model.watch(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._model.watch(False)


def _ended(entries: Sequence[Happened]) -> list[Happened]:
    """Edits without what was only taken back, and those that went on: of a box moved on and on, the last one says it
    all. entries: the newest first."""
    shown = []
    for place, entry in enumerate(entries):
        later = entries[max(0, place - 2) : place]
        went_on = len(later) == 2 and entry.undone and later[1].undoes and not later[0].undoes
        if went_on and (later[0].text, later[0].images) == (entry.text, entry.images):
            continue
        if not entry.undoes:
            shown.append(entry)
    return shown
