"""The list of problems: filtered, copied, checked again, one double click from its image."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from rcnn_studio.domain.checks import Problem
from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.ui.files.problems import ProblemsPanel
from rcnn_studio.workspace.files_problems import Looked, ProblemsModel, Spot
from rcnn_studio.workspace.job import JobBoard


def problem(name: str, kind: str, level: str, *, where: str = "", message: str = "is odd.") -> Problem:
    return Problem(file=f"/data/plant/{name}", where=where, kind=kind, message=message, action="Look.", level=level)


FOUND = (
    problem("a.jpg", "turned-image", "note"),
    problem("b.xml", "zero-area", "error", where="object[3]/bndbox", message="has no area."),
    problem("c.jpg", "near-duplicate", "warning"),
    problem("d.xml", "zero-area", "error", where="object[0]/bndbox", message="has no area, too."),
)


class Open:
    def __init__(self, qtbot) -> None:
        self.found: Sequence[Problem] = FOUND[:1]
        self.error = ""
        self.go_on = threading.Event()
        self.board = JobBoard()
        self.model = ProblemsModel(FOUND, self.locate, self.look, self.board, None)
        self.panel = ProblemsPanel(self.model)
        self.panel.resize(1100, 400)
        qtbot.addWidget(self.panel)
        self.panel.show()

    def locate(self, found: Problem) -> Spot | None:
        if found.file.endswith("a.jpg"):
            raise ProjectError("The database cannot be read.")
        return None if found.file.endswith("c.jpg") else Spot(image_id=4, box_id=11)

    def look(self, report: Report, should_stop: ShouldStop) -> Looked:
        report(Progress("Looking at images", 3, 10))
        while not self.go_on.wait(0.01):
            check(should_stop)
        if self.error:
            raise ProjectError(self.error)
        return Looked(problems=self.found, images=150)

    @property
    def files(self) -> list[str]:
        rows = self.panel.rows
        return [str(rows.index(n, 2).data()) for n in range(rows.rowCount())]

    def double_click(self, row: int) -> None:
        table = self.panel.table
        where = table.visualRect(table.model().index(row, 4)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
        QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)


@pytest.fixture
def opened(qtbot) -> Iterator[Open]:
    made = Open(qtbot)
    yield made
    made.go_on.set()
    qtbot.waitUntil(lambda: not made.board.jobs)
    made.model.close()


def test_errors_stand_first(opened) -> None:
    assert opened.files == ["b.xml", "d.xml", "c.jpg", "a.jpg"]
    assert opened.panel.count.text() == "4 problems"
    assert opened.panel.rows.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "Error"


def test_the_filter_looks_at_everything_that_is_said(opened) -> None:
    QTest.keyClicks(opened.panel.filter, "area TOO")
    assert opened.files == ["d.xml"]
    assert opened.panel.count.text() == "1 of 4 problems shown"


def test_level_and_kind_are_chosen_with_their_counts(opened) -> None:
    panel = opened.panel
    assert [panel.levels.itemText(n) for n in range(4)] == ["All levels", "Error (2)", "Warning (1)", "Note (1)"]
    panel.levels.setCurrentIndex(2)
    assert opened.files == ["c.jpg"]
    panel.kinds.setCurrentIndex(panel.kinds.findData("zero-area"))
    assert opened.files == []
    assert panel.pages.currentWidget() is panel.no_match
    panel.no_match.button_clicked.emit()
    assert len(opened.files) == 4


def test_a_double_click_leads_to_image_and_box(opened, qtbot) -> None:
    with qtbot.waitSignal(opened.panel.spot_chosen) as heard:
        opened.double_click(0)
    assert heard.args[0] == Spot(image_id=4, box_id=11)


def test_enter_does_what_a_double_click_does(opened, qtbot) -> None:
    opened.panel.table.selectRow(1)
    opened.panel.table.setFocus()
    with qtbot.waitSignal(opened.panel.spot_chosen):
        QTest.keyClick(opened.panel.table, Qt.Key.Key_Return)


@pytest.mark.parametrize(("row", "said"), [(2, "belongs to no single image"), (3, "cannot be read")])
def test_a_problem_without_an_image_says_so(opened, qtbot, row, said) -> None:
    with qtbot.waitSignal(opened.panel.message) as heard:
        opened.double_click(row)
    assert said in heard.args[0]


def test_the_selected_problems_are_copied_as_text(opened) -> None:
    opened.panel.table.selectRow(1)
    opened.panel.table.setFocus()
    QTest.keySequence(opened.panel.table, "Ctrl+C")
    wanted = "error: /data/plant/d.xml: object[0]/bndbox: has no area, too. Look."
    assert QGuiApplication.clipboard().text() == wanted


def test_everything_shown_is_copied_as_csv_that_a_spreadsheet_does_not_run(opened) -> None:
    opened.model.set_problems([*FOUND, problem("e.jpg", "odd", "note", message='=HYPERLINK("x")')])
    opened.panel.copy_csv()
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert rows[0] == ["level", "kind", "file", "where", "message", "action"]
    assert len(rows) == 6
    assert rows[-1][4] == '\'=HYPERLINK("x")'


def test_checking_again_shows_progress_and_then_what_was_found(opened, qtbot) -> None:
    opened.panel.check.click()
    qtbot.waitUntil(lambda: opened.panel.bar.value() == 3)
    assert opened.panel.bar.maximum() == 10
    assert opened.panel.count.text() == "Checking … 3 of 10"
    assert opened.panel.check.isHidden()
    assert len(opened.files) == 4
    opened.go_on.set()
    qtbot.waitUntil(lambda: opened.files == ["a.jpg"])
    assert opened.panel.bar.isHidden()


@pytest.mark.parametrize(
    ("found", "said"),
    [((), "150 images checked: nothing found."), (FOUND[:3], "150 images checked: 3 problems.")],
)
def test_a_check_says_how_far_it_is_and_at_the_end_what_was_looked_at(opened, qtbot, found, said) -> None:
    opened.model.set_problems(())
    opened.found = found
    opened.panel.nothing.button_clicked.emit()
    qtbot.waitUntil(lambda: opened.panel.nothing.title == "Checking … 3 of 10")
    assert opened.panel.count.text() == "Checking … 3 of 10"
    with qtbot.waitSignal(opened.panel.message) as heard:
        opened.go_on.set()
    assert heard.args[0] == said
    assert opened.panel.count.text() == said
    assert found or opened.panel.nothing.title == said


def test_a_cancelled_check_keeps_the_list(opened, qtbot) -> None:
    opened.panel.check.click()
    qtbot.waitUntil(lambda: opened.model.progress is not None)
    opened.panel.cancel.click()
    qtbot.waitUntil(lambda: not opened.model.checking)
    assert len(opened.files) == 4
    assert opened.panel.check.isVisible()


def test_a_check_that_fails_says_why(opened, qtbot) -> None:
    opened.error = "The project database cannot be read."
    opened.go_on.set()
    opened.panel.check.click()
    qtbot.waitUntil(lambda: opened.panel.error.isVisible())
    assert opened.panel.error.text() == opened.error


def test_without_problems_a_page_offers_the_check(opened, qtbot) -> None:
    opened.model.set_problems(())
    assert opened.panel.pages.currentWidget() is opened.panel.nothing
    opened.go_on.set()
    opened.panel.nothing.button_clicked.emit()
    qtbot.waitUntil(lambda: opened.files == ["a.jpg"])


def test_fifty_thousand_problems_are_filtered_in_a_moment(opened, qtbot) -> None:
    opened.model.set_problems([problem(f"{n}.jpg", "zero-area", "error") for n in range(50_000)])
    opened.panel.filter.setText("49999.jpg")
    assert opened.files == ["49999.jpg"]
