"""What will change on disk, as a person sees it: the list, the marked lines, earlier versions, the buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from rcnn_studio.domain.edits import Edit
from rcnn_studio.ui.files.changes import ChangesDialog
from rcnn_studio.ui.files.diff_rows import spoken
from rcnn_studio.ui.theme import Theme, ThemeMode
from rcnn_studio.workspace.files import FilesModel, Version
from rcnn_studio.workspace.job import JobBoard
from tests.ui.files_fakes import FakeFiles, voc

Key = Qt.Key
FOLDER = "/data/plant/Annotations"
A, B, C = (f"{FOLDER}/{name}.xml" for name in "abc")
BOLT, MOVED, NUT = ("bolt", (10, 20, 60, 90)), ("bolt", (14, 20, 66, 90)), ("nut", (5, 5, 30, 30))
FIRST = Version(id=1, path=A, kind="first", time="2026-10-02T14:01:00.000+00:00", size=1622)
THEIRS = Version(id=9, path=A, kind="theirs", time="2026-10-03T09:12:00.000+00:00", size=512)


@pytest.fixture
def source() -> FakeFiles:
    """a.xml: a box moved, and kept versions; b.xml: a box drawn; c.xml: written already."""
    made = FakeFiles(
        {
            A: (voc("a", BOLT), voc("a", MOVED)),
            B: (voc("b", BOLT), voc("b", BOLT, NUT)),
            C: (voc("c", NUT), voc("c", BOLT)),
        }
    )
    made.written = {C}
    made.boxes = {A: 1, B: 1, C: 2}
    made.kept = {A: [(THEIRS, b"<annotation/>"), (FIRST, voc("a", NUT))]}
    return made


class Open:
    """The dialog on a source, shown."""

    def __init__(self, source: FakeFiles, qtbot) -> None:
        self.board = JobBoard()
        self.model = FilesModel(source, self.board)
        self.dialog = ChangesDialog(self.model)
        qtbot.addWidget(self.dialog)
        self._qtbot = qtbot
        self.dialog.show()
        qtbot.waitUntil(lambda: self.model.loaded and (self.model.changes.boxes is not None or not source.boxes))

    @property
    def names(self) -> list[str]:
        files = self.dialog.list.files
        return [str(files.index(n).data()) for n in range(files.rowCount())]

    def compared(self) -> str:
        """The rows shown, once they are there."""
        self._qtbot.waitUntil(lambda: self.model.difference is not None)
        return self.dialog.diff.text


@pytest.fixture
def opened(source, qtbot) -> Iterator[Open]:
    made = Open(source, qtbot)
    yield made
    qtbot.waitUntil(lambda: not made.board.jobs)
    made.model.close()


def test_the_dialog_says_how_many_files_and_boxes(opened) -> None:
    assert opened.dialog.summary.text() == "3 files, 4 boxes"
    assert "2 files are still to be written" in opened.dialog.explanation.text()
    assert "1 file was written since" in opened.dialog.explanation.text()
    assert opened.names == ["a.xml", "b.xml", "c.xml"]


def test_the_first_file_is_compared_at_once_and_off_the_gui_thread(opened, source) -> None:
    text = opened.compared()
    assert "- \t\t\t<xmin>10</xmin>" in text
    assert "+ \t\t\t<xmin>14</xmin>" in text
    assert opened.dialog.diff.places.text() == "2 places differ"
    assert source.looked_on == {"loader-files-0"}


def test_only_the_file_looked_at_is_compared(opened, source, qtbot) -> None:
    opened.compared()
    assert source.looked == [A]
    QTest.keyClick(opened.dialog.list, Key.Key_Down)
    assert "+ \t\t<name>nut</name>" in opened.compared()
    assert source.looked == [A, B]


def test_a_list_of_a_hundred_thousand_files_opens_at_once(qtbot) -> None:
    source = FakeFiles({f"{FOLDER}/{n:06d}.xml": (b"1\n", b"2\n") for n in range(100_000)})
    made = Open(source, qtbot)
    assert made.dialog.list.files.rowCount() == 100_000
    made.compared()
    assert len(source.looked) == 1
    QTest.keyClick(made.dialog.list, Key.Key_End)
    made.compared()
    assert made.dialog.list.path.endswith("099999.xml")
    made.model.close()


def test_the_filter_finds_a_file_and_shows_it(opened, qtbot) -> None:
    QTest.keyClicks(opened.dialog.filter, "b.x")
    assert opened.names == ["b.xml"]
    assert "nut" in opened.compared()
    QTest.keyClicks(opened.dialog.filter, "yz")
    assert opened.names == []
    assert opened.dialog.diff.pages.currentWidget() is opened.dialog.diff.nothing


def test_write_now_writes_and_the_list_says_so(opened, source, qtbot) -> None:
    QTest.mouseClick(opened.dialog.write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: source.written == {A, B, C})
    qtbot.waitUntil(lambda: not opened.dialog.write.isEnabled())
    assert "3 files were written since" in opened.dialog.explanation.text()


def test_the_version_that_writing_keeps_is_listed_at_once(opened, source, qtbot) -> None:
    opened.compared()
    source.kept[A] = source.kept[A][1:]
    source.kept[A].insert(0, (THEIRS, b"<one more/>"))
    source.kept[A].insert(0, (Version(id=12, path=A, kind="version", time=THEIRS.time, size=99), b"<kept/>"))
    opened.dialog.write.click()
    qtbot.waitUntil(lambda: opened.dialog.versions.tree.topLevelItemCount() == 3)


def test_later_closes_and_writes_nothing(opened, source) -> None:
    QTest.mouseClick(opened.dialog.later, Qt.MouseButton.LeftButton)
    assert not opened.dialog.isVisible()
    assert source.written == {C}


def test_restoring_a_file_gives_one_edit(opened, source, qtbot) -> None:
    source.edits[A] = Edit(text="Take back")
    with qtbot.waitSignal(opened.dialog.edit_ready) as heard:
        QTest.mouseClick(opened.dialog.restore, Qt.MouseButton.LeftButton)
    assert heard.args[0].text == "Take back"


def test_a_file_without_changed_boxes_says_that_there_is_nothing_to_take_back(opened, qtbot) -> None:
    QTest.mouseClick(opened.dialog.restore, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "No box of this file has changed" in opened.dialog.error.text())


def test_an_earlier_version_is_compared_with_the_file_now_and_brought_back(opened, source, qtbot) -> None:
    opened.compared()
    tree = opened.dialog.versions.tree
    qtbot.waitUntil(lambda: tree.topLevelItemCount() == 2)
    assert tree.topLevelItem(1).text(2) == "1.6 KiB"
    assert not opened.dialog.versions.restore.isEnabled()
    tree.setCurrentItem(tree.topLevelItem(1))
    text = opened.compared()
    assert "- \t\t<name>nut</name>" in text
    assert opened.dialog.diff.after.text() == "The file now"
    with qtbot.waitSignal(opened.dialog.restored) as heard:
        QTest.mouseClick(opened.dialog.versions.restore, Qt.MouseButton.LeftButton)
    assert (heard.args[0], source.restored) == ([7], [(A, FIRST.id)])


def test_a_version_that_cannot_be_brought_back_says_why(opened, source, qtbot) -> None:
    source.refuse = "a.xml: is in conflict. Settle that first."
    tree = opened.dialog.versions.tree
    qtbot.waitUntil(lambda: tree.topLevelItemCount() == 2)
    tree.setCurrentItem(tree.topLevelItem(0))
    opened.dialog.versions.restore.click()
    qtbot.waitUntil(lambda: opened.dialog.error.text() == source.refuse)


def test_a_file_that_could_not_be_written_is_marked_with_its_reason(source, qtbot) -> None:
    source.failed[B] = "Read-only file system"
    made = Open(source, qtbot)
    index = made.dialog.list.files.index(1)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "b.xml, not written"
    assert "Read-only file system" in index.data(Qt.ItemDataRole.ToolTipRole)
    made.compared()
    made.model.close()


def test_a_read_only_project_shows_but_offers_nothing(source, qtbot) -> None:
    source.read_only = True
    made = Open(source, qtbot)
    made.compared()
    assert not made.dialog.write.isEnabled()
    assert not made.dialog.restore.isEnabled()
    assert "read-only" in made.dialog.explanation.text()
    made.model.close()


def test_with_nothing_to_write_a_friendly_page_stands_there(qtbot) -> None:
    made = Open(FakeFiles({}), qtbot)
    assert made.dialog.pages.currentWidget() is made.dialog.nothing
    assert not made.dialog.write.isEnabled()
    made.model.close()


def test_without_a_change_in_this_session_all_that_there_ever_were_are_listed(source, qtbot) -> None:
    source.earlier = {A, B, C}
    source.written = {A, B, C}
    source.new = {B}
    made = Open(source, qtbot)
    qtbot.waitUntil(lambda: made.dialog.summary.text() == "3 files, 4 boxes")
    assert made.dialog.scope.buttons["ever"].isChecked()
    assert "3 files were written since the beginning" in made.dialog.explanation.text()
    words = [made.dialog.list.files.item(row).word for row in range(3)]
    assert words == ["1 box", "new, 1 box", "2 boxes"]
    made.dialog.scope.buttons["session"].click()
    qtbot.waitUntil(lambda: made.dialog.nothing.title == "No file has changed in this session")
    assert made.dialog.pages.currentWidget() is made.dialog.nothing
    made.model.close()


def test_the_wider_scope_lists_the_earlier_files_too_and_compares_anew(opened, source, qtbot) -> None:
    source.earlier = {C}
    opened.model.refresh()
    qtbot.waitUntil(lambda: opened.names == ["a.xml", "b.xml"])
    opened.compared()
    opened.dialog.scope.buttons["ever"].click()
    qtbot.waitUntil(lambda: opened.names == ["a.xml", "b.xml", "c.xml"])
    qtbot.waitUntil(lambda: opened.model.difference is not None and opened.model.shown.scope == "ever")
    assert source.looked == [A, A]


def test_of_a_file_that_we_made_the_time_before_can_be_seen_but_not_brought_back(opened, source, qtbot) -> None:
    absent = Version(id=0, path=B, kind="absent", time="", size=0)
    made = Version(id=3, path=B, kind="made", time=FIRST.time, size=99)
    source.kept[B] = [(made, voc("b", BOLT)), (absent, None)]
    opened.compared()
    QTest.keyClick(opened.dialog.list, Key.Key_Down)
    versions = opened.dialog.versions
    qtbot.waitUntil(lambda: versions.tree.topLevelItemCount() == 2)
    rows = [[versions.tree.topLevelItem(row).text(column) for column in (0, 1, 2)] for row in (0, 1)]
    assert rows[0][0] == "The first that was written"
    assert rows[1] == ["The file did not exist", "", ""]
    versions.tree.setCurrentItem(versions.tree.topLevelItem(1))
    assert "+ \t\t<name>bolt</name>" in opened.compared()
    assert not versions.restore.isEnabled()
    versions.tree.setCurrentItem(versions.tree.topLevelItem(0))
    assert versions.restore.isEnabled()


# --- the difference itself ----------------------------------------------------------------------------------


def test_f7_goes_from_change_to_change_and_back(opened) -> None:
    opened.compared()
    diff = opened.dialog.diff
    places = [diff.view.currentIndex().row()]
    for held in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        diff.view.setFocus()
        QTest.keyClick(diff.view, Key.Key_F7, held)
        places.append(diff.view.currentIndex().row())
    kinds = [diff.model.rows[n].kind for n in places]
    assert kinds == ["changed"] * 3
    assert places[0] == places[2] < places[1]


def test_one_below_the_other_shows_each_line_once(opened) -> None:
    opened.compared()
    opened.dialog.diff.split.click()
    kinds = [row.kind for row in opened.dialog.diff.model.rows]
    assert "changed" not in kinds
    assert kinds.count("removed") == kinds.count("added") == 2


def test_rows_are_copied_as_a_patch_has_them(opened) -> None:
    opened.compared()
    diff = opened.dialog.diff
    diff.view.setFocus()
    QTest.keySequence(diff.view, "Ctrl+C")
    assert QGuiApplication.clipboard().text() == "- \t\t\t<xmin>10</xmin>\n+ \t\t\t<xmin>14</xmin>"


def test_a_screen_reader_hears_what_changed(opened) -> None:
    opened.compared()
    row = next(row for row in opened.dialog.diff.model.rows if row.kind == "changed")
    assert spoken(row) == "changed from <xmin>10</xmin> to <xmin>14</xmin>"


def test_a_number_far_out_in_a_long_line_is_brought_into_view(qtbot) -> None:
    record = {"id": 1, "segmentation": [], "a long name of nothing": "x" * 60, "bbox": [1, 2, 30, 40]}
    before = json.dumps({"annotations": [record] * 1})
    made = Open(FakeFiles({A: (before.encode(), before.replace("30, 40", "30, 44").encode())}), qtbot)
    made.compared()
    diff = made.dialog.diff
    assert diff.across.value() > 0
    picture = diff.view.viewport().grab().toImage()
    row = diff.view.visualRect(diff.view.currentIndex())
    colors = {picture.pixelColor(x, row.center().y() - 6).name() for x in range(row.width() // 2, row.width())}
    assert len(colors) >= 3, "ground, the line's tint and the number's stronger tint"
    made.model.close()


@pytest.mark.parametrize("mode", [ThemeMode.LIGHT, ThemeMode.DARK])
def test_changed_lines_are_tinted_red_and_green_in_both_themes(mode, source, qapp, qtbot) -> None:
    theme = Theme(qapp, mode)
    made = Open(source, qtbot)
    made.compared()
    diff = made.dialog.diff
    picture = diff.view.viewport().grab().toImage()
    row = diff.view.visualRect(diff.view.currentIndex())
    left = picture.pixelColor(row.left() + row.width() // 2 - 6, row.center().y())
    right = picture.pixelColor(row.right() - 6, row.center().y())
    assert left.red() > left.green()
    assert right.green() > right.red()
    made.model.close()
    theme.set_mode(ThemeMode.LIGHT)
    qapp.setStyleSheet("")
