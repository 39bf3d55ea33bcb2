"""The list of edits, the image as it was, and bringing it back: on a real project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTreeWidgetItem

from rcnn_studio.ui.files.history import ENTRY_ROLE, HistoryPanel
from rcnn_studio.workspace.files_history import HistoryModel
from rcnn_studio.workspace.files_store import StoreHistory
from tests.ui.desk import Desk

BOX, OTHER = (100, 80, 200, 160), (10, 10, 50, 50)


class Open:
    def __init__(self, desk: Desk, qtbot) -> None:
        self.desk, self._qtbot = desk, qtbot
        self.model = HistoryModel(StoreHistory(desk.store), desk.project)
        self.panel = HistoryPanel(self.model)
        self.panel.resize(340, 620)
        qtbot.addWidget(self.panel)

    def show(self) -> None:
        self.panel.show()
        self._qtbot.waitUntil(lambda: self.model.loaded)

    @property
    def items(self) -> list[QTreeWidgetItem]:
        tree = self.panel.tree
        heads = [tree.topLevelItem(n) for n in range(tree.topLevelItemCount())]
        return [head.child(n) for head in heads for n in range(head.childCount())]

    @property
    def texts(self) -> list[str]:
        return [item.text(0) for item in self.items]

    def wait_for(self, *texts: str) -> None:
        """Without the classes that every project of these tests begins with."""
        self._qtbot.waitUntil(lambda: [t for t in self.texts if not t.startswith("Add class")] == list(texts))

    def choose(self, text: str) -> None:
        """Select an edit and wait until the image as it was is there."""
        self.panel.tree.setCurrentItem(next(item for item in self.items if item.text(0) == text))
        self._qtbot.waitUntil(lambda: self.panel.past.record is not None)


@pytest.fixture
def opened(desk, qtbot) -> Iterator[Open]:
    made = Open(desk, qtbot)
    yield made
    made.model.close()


def test_edits_are_listed_by_day_the_newest_first(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    assert opened.panel.tree.topLevelItem(0).text(0) == "Today"


def test_older_edits_stand_under_their_own_day(opened, desk, monkeypatch) -> None:
    desk.add(BOX)
    opened.show()
    opened.wait_for("Draw bolt")
    entry = opened.model.entries[0]
    days = [(datetime.now(UTC) - timedelta(days=n)).isoformat() for n in (0, 1, 40)]
    opened.model.entries = tuple(replace(entry, time=day, sequence=9 - n) for n, day in enumerate(days))
    opened.model.entries_changed.emit()
    heads = [opened.panel.tree.topLevelItem(n).text(0) for n in range(opened.panel.tree.topLevelItemCount())]
    assert heads[:2] == ["Today", "Yesterday"]
    assert len(heads) == 3


def test_the_list_follows_while_it_is_seen(opened, desk, qtbot) -> None:
    opened.show()
    desk.add(BOX)
    opened.wait_for("Draw bolt")
    desk.project.undo_stack.undo()
    qtbot.waitUntil(lambda: opened.items[0].font(0).strikeOut())
    opened.wait_for("Draw bolt")


def test_an_undone_edit_is_listed_once_also_after_the_next_one(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    desk.project.undo_stack.undo()
    desk.project.undo_stack.undo()
    desk.add(OTHER, name="washer")
    opened.show()
    opened.wait_for("Draw washer", "Draw nut", "Draw bolt")
    assert [item.font(0).strikeOut() for item in opened.items[:3]] == [False, True, True]


def test_a_row_names_its_image_and_is_found_by_it(opened, desk) -> None:
    desk.add(BOX)
    desk.project.set_current(int(desk.project.rows.ids[1]))
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    assert [item.text(1) for item in opened.items[:2]] == ["part_01", "part_00"]
    opened.panel.filter.setText("part_00")
    assert opened.texts == ["Draw bolt"]


def test_rejecting_and_renaming_are_said_in_plain_words(opened, desk) -> None:
    desk.show_ghosts((BOX, "bolt", 0.9), (OTHER, "nut", 0.8), ((60, 60, 90, 90), "nut", 0.7))
    desk.review.reject([0])
    desk.review.reject([1, 2])
    nut = next(c for c in desk.project.categories if c.name == "nut")
    desk.project.change_category(replace(nut, name="hex nut"))
    opened.show()
    opened.wait_for("Rename nut to hex nut", "Reject 2 detections", "Reject bolt")


def test_an_edit_that_was_taken_back_is_struck_out_and_said_so(opened, desk) -> None:
    desk.add(BOX)
    desk.project.undo_stack.undo()
    opened.panel.only_image.click()
    opened.show()
    opened.wait_for("Draw bolt")
    undone = next(item for item in opened.items if "Draw" in item.text(0))
    assert undone.font(0).strikeOut()
    assert undone.data(0, Qt.ItemDataRole.AccessibleTextRole) == "Draw bolt, taken back"


def test_only_the_edits_of_this_image_are_shown_where_asked(opened, desk) -> None:
    desk.add(BOX)
    desk.project.set_current(int(desk.project.rows.ids[1]))
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    opened.panel.only_image.click()
    opened.wait_for("Draw nut")
    desk.project.set_current(int(desk.project.rows.ids[0]))
    opened.wait_for("Draw bolt")


def test_the_filter_finds_an_edit(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    QTest.keyClicks(opened.panel.filter, "NUT")
    assert opened.texts == ["Draw nut", "Add class nut"]


def test_choosing_an_edit_shows_the_boxes_of_that_moment(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    opened.choose("Draw bolt")
    assert [box.xyxy for box in opened.panel.past.record.boxes] == [BOX]
    assert "part_00.png as it was today at " in opened.panel.when.text()
    picture = opened.panel.past.grab().toImage()
    target = opened.panel.past._target()
    scale = target.width() / 320
    x, y = round(target.left() + BOX[0] * scale), round(target.top() + 120 * scale)
    tint = desk.project.categories[0].color
    near = {picture.pixelColor(x + n, y).name() for n in range(-2, 4)}
    assert tint in near, "the box's left edge in its class's colour"


def test_bringing_back_is_one_edit_and_one_undo(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    desk.project.delete_boxes([desk.project.boxes[0].id])
    opened.show()
    opened.wait_for("Delete bolt", "Draw nut", "Draw bolt")
    opened.choose("Draw nut")
    opened.panel.bring_back.click()
    assert desk.corners == [BOX, OTHER]
    opened.wait_for("Bring back part_00.png as it was", "Delete bolt", "Draw nut", "Draw bolt")
    assert not opened.panel.bring_back.isEnabled()
    desk.project.undo_stack.undo()
    assert desk.corners == [OTHER]


def test_the_present_version_offers_nothing_to_bring_back(opened, desk) -> None:
    desk.add(BOX)
    opened.show()
    opened.wait_for("Draw bolt")
    opened.choose("Draw bolt")
    assert not opened.panel.bring_back.isEnabled()
    assert "as it is now" in opened.panel.when.text()


def test_a_list_that_nobody_sees_reads_nothing(opened, desk, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(opened.model, "refresh", lambda: asked.append(1))
    desk.add(BOX)
    assert not asked


def test_the_arrows_walk_over_the_edits_and_skip_the_days(opened, desk) -> None:
    desk.add(BOX)
    desk.add(OTHER, name="nut")
    opened.show()
    opened.wait_for("Draw nut", "Draw bolt")
    opened.choose("Draw nut")
    QTest.keyClick(opened.panel.tree, Qt.Key.Key_Down)
    assert opened.panel.tree.currentItem().data(0, ENTRY_ROLE).text == "Draw bolt"
