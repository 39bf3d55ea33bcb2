"""The problems of the dataset as a panel: filtered, copied, checked again, one double click from their image."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.checks import Problem
from rcnn_studio.ui import icons
from rcnn_studio.ui.empty_state import EmptyState
from rcnn_studio.ui.files.problem_rows import ACTION, FILE, KIND, LEVEL, MESSAGE, WHERE, ProblemRows, level_text
from rcnn_studio.ui.files.words import counted
from rcnn_studio.workspace.files_problems import LEVELS, ProblemFilter, ProblemsModel, as_csv, as_text

ROW_HEIGHT = 26
LEAST_HEIGHT = 90
WIDTHS = {LEVEL: 28, KIND: 130, FILE: 120, WHERE: 90, MESSAGE: 320, ACTION: 240}


class ProblemsPanel(QWidget):
    """spot_chosen(Spot): the person wants to see that image, and box; message(str): why there is none, and what a
    check has come to."""

    spot_chosen = Signal(object)
    message = Signal(str)

    def __init__(self, model: ProblemsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("files.problems")
        self.setAccessibleName(self.tr("Problems"))
        self._model = model
        self.rows = ProblemRows(self)
        self.table = self._table()
        self.filter = QLineEdit(placeholderText=self.tr("Filter problems"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.tr("Filter problems"))
        self._find = self.filter.addAction(
            icons.themed("find", self.palette()), QLineEdit.ActionPosition.LeadingPosition
        )
        self.levels = QComboBox(objectName="files.problems.level")
        self.levels.setAccessibleName(self.tr("Level"))
        self.kinds = QComboBox(objectName="files.problems.kind")
        self.kinds.setAccessibleName(self.tr("Kind"))
        self.kinds.setMaximumWidth(240)
        self.copy_button = QToolButton(text=self.tr("Copy"), objectName="files.problems.copy")
        self.copy_button.setToolTip(self.tr("Copy what is selected, or everything shown"))
        self.copy_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.check = QPushButton(self.tr("Check again"), objectName="files.problems.check")
        self.cancel = QPushButton(self.tr("Cancel"), objectName="files.problems.cancel")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(self.tr("Progress of the check"))
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        self.error = QLabel(wordWrap=True)
        self.error.setProperty("role", "bad")
        self.error.hide()
        self.nothing = EmptyState("verify", "", "")
        self.no_match = EmptyState(
            "filter", self.tr("No problem matches"), self.tr("Choose another filter."), self.tr("Show all")
        )
        self.pages = QStackedWidget()
        for page in (self.table, self.nothing, self.no_match):
            self.pages.addWidget(page)
            page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.pages.setMinimumHeight(LEAST_HEIGHT)
        self._lay_out()
        self._wire()
        self._on_problems()
        self._on_checking()

    def _table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.rows)
        table.setAccessibleName(self.tr("Problems"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(LEVEL, QHeaderView.ResizeMode.Fixed)
        for column, width in WIDTHS.items():
            header.resizeSection(column, width)
        return table

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 8, 8, 4)
        head.addWidget(self.filter, 1)
        for widget in (self.levels, self.kinds, self.copy_button, self.check, self.cancel):
            head.addWidget(widget)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 3, 10, 5)
        foot.addWidget(self.count, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addWidget(self.error)
        layout.addWidget(self.pages, 1)
        layout.addLayout(foot)

    def _wire(self) -> None:
        model = self._model
        model.problems_changed.connect(self._on_problems)
        model.checking_changed.connect(self._on_checking)
        model.check_failed.connect(self._on_check_failed)
        model.checked.connect(self._on_checked)
        model.located.connect(self._on_located)
        model.locate_failed.connect(self.message)
        self.filter.textChanged.connect(self._fill)
        self.levels.currentIndexChanged.connect(self._fill)
        self.kinds.currentIndexChanged.connect(self._fill)
        self.table.doubleClicked.connect(self._on_double_click)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self.check.clicked.connect(self._on_check)
        self.cancel.clicked.connect(model.cancel)
        self.nothing.button_clicked.connect(self._on_check)
        self.no_match.button_clicked.connect(self.clear_filter)
        menu = QMenu(self.copy_button)
        menu.addAction(self.tr("Copy as text")).triggered.connect(self.copy_text)
        menu.addAction(self.tr("Copy as CSV")).triggered.connect(self.copy_csv)
        self.copy_button.setMenu(menu)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.table, self.copy_text)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)

    # --- doors ------------------------------------------------------------------------------------

    @property
    def wanted(self) -> ProblemFilter:
        """The filter as it is set."""
        return ProblemFilter(
            text=self.filter.text(),
            kind=str(self.kinds.currentData() or ""),
            level=str(self.levels.currentData() or ""),
        )

    def clear_filter(self) -> None:
        self.filter.clear()
        self.levels.setCurrentIndex(0)
        self.kinds.setCurrentIndex(0)

    def copy_text(self) -> None:
        """The selected problems, or all that are shown, one a line."""
        self._copy(as_text)

    def copy_csv(self) -> None:
        """The same with a head line and commas, for a spreadsheet."""
        self._copy(as_csv)

    def go_to(self, problem: Problem) -> None:
        """Show the image, and box, a problem is about; say so where there is none."""
        self._model.locate(problem)

    # --- inside -----------------------------------------------------------------------------------

    def _on_problems(self) -> None:
        self._refill(
            self.levels,
            self.tr("All levels"),
            [(level, level_text(level), self._model.count(level)) for level in LEVELS],
        )
        self._refill(self.kinds, self.tr("All kinds"), [(kind, kind, number) for kind, number in self._model.kinds()])
        self._fill()

    @staticmethod
    def _refill(box: QComboBox, everything: str, choices: Iterable[tuple[str, str, int]]) -> None:
        """Choices with their counts; what was chosen stays chosen where it is still there."""
        before = box.currentData()
        box.blockSignals(True)
        box.clear()
        box.addItem(everything, "")
        for value, text, number in choices:
            if number:
                box.addItem(f"{text} ({number:,})", value)
        box.setCurrentIndex(max(0, box.findData(before)))
        box.blockSignals(False)

    def _fill(self) -> None:
        self.rows.set_palette(self.palette())
        self.rows.set_problems(self._model.problems, self.wanted)
        total, shown = len(self._model.problems), len(self.rows.shown)
        self.pages.setCurrentWidget(self.nothing if not total else self.table if shown else self.no_match)
        text = counted(total, self.tr("1 problem"), self.tr("{0} problems"))
        if shown != total:
            text = self.tr("{0} of {1} shown").format(f"{shown:,}", text)
        elif self._model.images_checked is not None:
            text = self._outcome()
        self.count.setText(text if total or self._model.images_checked is not None else "")
        self._show_nothing()
        self.copy_button.setEnabled(bool(shown))
        for widget in (self.filter, self.levels, self.kinds):
            widget.setEnabled(bool(total))

    def _on_checking(self) -> None:
        model = self._model
        self.check.setVisible(not model.checking)
        self.check.setEnabled(model.can_check)
        self.cancel.setVisible(model.checking)
        self.bar.setVisible(model.checking)
        progress = model.progress
        if model.checking:
            self.bar.setRange(0, progress.total if progress is not None else 0)
            self.bar.setValue(min(progress.done, progress.total) if progress is not None else 0)
            self.count.setText(self._progress_text())
            self._show_nothing()
        else:
            self._fill()

    def _progress_text(self) -> str:
        """ "Checking … 3 of 150"."""
        progress = self._model.progress
        if progress is None or not progress.total:
            return self.tr("Checking …")
        return self.tr("Checking … {0} of {1}").format(f"{progress.done:,}", f"{progress.total:,}")

    def _outcome(self) -> str:
        """ "150 images checked: 3 problems."."""
        images = counted(self._model.images_checked or 0, self.tr("1 image"), self.tr("{0} images"))
        total = len(self._model.problems)
        if not total:
            return self.tr("{0} checked: nothing found.").format(images)
        problems = counted(total, self.tr("1 problem"), self.tr("{0} problems"))
        return self.tr("{0} checked: {1}.").format(images, problems)

    def _show_nothing(self) -> None:
        """What the page without problems says: that nobody has looked, what goes on, or what was looked at."""
        model = self._model
        hint = self.tr("Damaged images, odd boxes and copies are looked for.")
        if model.checking:
            self.nothing.set_texts(self._progress_text(), hint, "")
            return
        if model.images_checked is not None:
            self.nothing.set_texts(self._outcome(), hint, self.tr("Check again"))
            return
        hint = self.tr("Check the dataset to find damaged images, odd boxes and copies.")
        self.nothing.set_texts(self.tr("No problems known"), hint, self.tr("Check now") if model.can_check else "")

    def _on_checked(self) -> None:
        self.message.emit(self._outcome())

    def _on_check(self) -> None:
        self.error.hide()
        self._model.check_again()

    def _on_check_failed(self, message: str) -> None:
        self.error.setText(message)
        self.error.show()

    def _on_located(self, problem: Problem, spot: object) -> None:
        if spot is None:
            self.message.emit(self.tr("{0} belongs to no single image of this project.").format(problem.file))
        else:
            self.spot_chosen.emit(spot)

    def _on_double_click(self, index: QModelIndex) -> None:
        self.go_to(self.rows.shown[index.row()])

    def _on_menu(self, at: object) -> None:
        menu = QMenu(self.table)
        index = self.table.currentIndex()
        if index.isValid():
            show = menu.addAction(self.tr("Show the image"))
            show.triggered.connect(self._on_show)
        menu.addAction(self.tr("Copy as text")).triggered.connect(self.copy_text)
        menu.addAction(self.tr("Copy as CSV")).triggered.connect(self.copy_csv)
        menu.popup(self.table.viewport().mapToGlobal(at))

    def _on_show(self) -> None:
        index = self.table.currentIndex()
        if index.isValid():
            self.go_to(self.rows.shown[index.row()])

    def _copy(self, make: Callable[[Iterable[Problem]], str]) -> None:
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        QGuiApplication.clipboard().setText(make([self.rows.shown[n] for n in rows] or self.rows.shown))

    # --- Qt ---------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.hasFocus():
            self._on_show()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._find.setIcon(icons.themed("find", self.palette()))
            self.rows.set_palette(self.palette())
        super().changeEvent(event)
