"""Files that another program has changed, as a person settles them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from rcnn_studio.ui.files.conflicts import ConflictBanner, ConflictsDialog
from rcnn_studio.workspace.files_conflicts import ConflictsModel
from rcnn_studio.workspace.job import JobBoard
from tests.ui.files_fakes import FakeConflicts, voc

A, B = "/data/plant/Annotations/a.xml", "/data/plant/Annotations/b.xml"
BOLT, SCREW = ("bolt", (10, 20, 60, 90)), ("screw", (10, 20, 60, 90))


class Open:
    """Banner and dialog on two files in conflict; b.xml was removed by the other program."""

    def __init__(self, qtbot) -> None:
        self.source = FakeConflicts({A: (voc("a", SCREW), voc("a", BOLT)), B: (None, voc("b", BOLT))})
        self.board = JobBoard()
        self.model = ConflictsModel(self.source, self.board)
        self.banner = ConflictBanner(self.model)
        self.dialog = ConflictsDialog(self.model)
        for widget in (self.banner, self.dialog):
            qtbot.addWidget(widget)
        self.model.refresh()
        qtbot.waitUntil(lambda: bool(self.model.conflicts))
        self.dialog.show()

    def words(self) -> list[str]:
        files = self.dialog.list.files
        return [files.item(n).word for n in range(files.rowCount())]

    def choose(self, row: int, *, mine: bool) -> None:
        self.dialog.list.setCurrentIndex(self.dialog.list.files.index(row))
        (self.dialog.mine if mine else self.dialog.theirs).click()


@pytest.fixture
def opened(qtbot) -> Iterator[Open]:
    made = Open(qtbot)
    yield made
    qtbot.waitUntil(lambda: not made.board.jobs)
    made.model.close()


def test_the_banner_names_the_file_and_opens_the_dialog(opened, qtbot) -> None:
    assert opened.banner.text.startswith("a.xml and 1 more file were changed by another program")
    with qtbot.waitSignal(opened.banner.review_asked):
        opened.banner.buttons[0].click()


def test_a_dismissed_banner_comes_back_for_another_file_only(opened, qtbot) -> None:
    opened.banner.close_button.click()
    opened.model.refresh()
    opened.model.choose(A, "mine")
    assert opened.banner.text == ""
    opened.source.pairs["/data/plant/Annotations/c.xml"] = (b"", b"")
    opened.model.refresh()
    qtbot.waitUntil(lambda: "2 more files" in opened.banner.text)


def test_the_difference_stands_theirs_to_mine(opened, qtbot) -> None:
    qtbot.waitUntil(lambda: opened.model.difference is not None)
    diff = opened.dialog.diff
    assert (diff.before.text(), diff.after.text()) == ("Theirs, on disk", "Mine, from the project")
    assert "- \t\t<name>screw</name>\n+ \t\t<name>bolt</name>" in diff.text


def test_nothing_is_settled_before_something_is_chosen(opened) -> None:
    assert opened.words() == ["not chosen", "not chosen"]
    assert not opened.dialog.settle.isEnabled()
    assert not opened.dialog.mine.isChecked()
    assert not opened.dialog.theirs.isChecked()


def test_each_choice_says_what_it_does_and_where_a_copy_is_kept(opened) -> None:
    assert "/data/plant/project/backups" in opened.dialog.mine.accessibleDescription()
    assert "history" in opened.dialog.theirs.accessibleDescription()


def test_files_are_settled_each_as_chosen(opened, qtbot) -> None:
    opened.choose(0, mine=False)
    opened.choose(1, mine=True)
    assert opened.words() == ["theirs", "mine"]
    assert opened.dialog.chosen.text() == "2 of 2 chosen"
    with qtbot.waitSignal(opened.dialog.settled) as heard:
        QTest.mouseClick(opened.dialog.settle, Qt.MouseButton.LeftButton)
    assert opened.source.settled == [(A, "theirs"), (B, "mine")]
    assert heard.args[0].images == (3,)
    qtbot.waitUntil(lambda: opened.dialog.nothing.isVisible())
    assert opened.banner.text == ""


def test_one_file_is_settled_and_the_other_waits(opened, qtbot) -> None:
    opened.choose(1, mine=True)
    opened.dialog.settle.click()
    qtbot.waitUntil(lambda: [c.path for c in opened.model.conflicts] == [A])
    assert opened.source.settled == [(B, "mine")]
    assert opened.words() == ["not chosen"]


def test_mine_for_all_chooses_for_every_file(opened) -> None:
    opened.dialog.all_mine.click()
    assert opened.words() == ["mine", "mine"]
    opened.dialog.all_theirs.click()
    assert opened.words() == ["theirs", "theirs"]
    assert opened.dialog.theirs.isChecked()


def test_a_file_that_cannot_be_settled_says_why_and_stays(opened, qtbot) -> None:
    opened.source.refused[A] = f"{A}: cannot be read as an annotation. Mend it, or keep your version instead."
    opened.dialog.all_theirs.click()
    opened.dialog.settle.click()
    qtbot.waitUntil(lambda: [c.path for c in opened.model.conflicts] == [A])
    assert opened.dialog.error.text() == opened.source.refused[A]
    assert opened.dialog.error.isVisible()
