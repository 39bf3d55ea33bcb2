"""The dialog of splits: what it shows is what it applies, and one undo takes it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from rcnn_studio.domain.splits import SPLIT_BY
from rcnn_studio.formats.codec import Source
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.dialogs.splits_dialog import SplitsDialog
from tests.tasks import checkable
from tests.ui.desk import Desk

IMAGES = 20


@pytest.fixture
def desk(tmp_path: Path, qtbot: QtBot) -> Iterator[Desk]:
    """Twenty labelled images, every fifth with a nut, and pairs of images alike."""
    data = tmp_path / "data"
    data.mkdir()
    for number in range(IMAGES):
        checkable.picture(number // 2).save(data / f"i{number:02}.jpg", quality=80 + number % 2 * 15)
        name = "nut" if number % 5 == 0 else "bolt"
        (data / f"i{number:02}.xml").write_text(checkable.xml_text(f"i{number:02}", [(name, 5, 5, 60, 70)]))
    made = create_project(tmp_path / "project", Source(path=data))
    desk = Desk(made.project)
    yield desk
    desk.close()


@pytest.fixture
def dialog(desk: Desk, qtbot: QtBot) -> SplitsDialog:
    dialog = SplitsDialog(desk.project, desk.board, desk.window)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.table.rowCount() > 0)
    return dialog


def shown(dialog: SplitsDialog) -> dict[str, list[str]]:
    table = dialog.table
    return {
        table.verticalHeaderItem(row).text(): [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    }


def splits_of(desk: Desk) -> Counter[str]:
    return Counter(desk.project.rows.splits)


def redraw(dialog: SplitsDialog, qtbot: QtBot, by: str) -> None:
    dialog.anew.setChecked(True)
    dialog.by.setCurrentIndex(SPLIT_BY.index(by))
    qtbot.waitUntil(dialog.go.isEnabled)


def test_images_that_have_a_split_keep_it_and_nothing_can_be_applied(dialog: SplitsDialog) -> None:
    assert not dialog.go.isEnabled()
    assert "Nothing changes" in dialog.said.text()
    assert shown(dialog)["Images"] == ["16  (80%)", "4  (20%)", "0  (0%)"]


def test_what_is_shown_is_what_is_applied_and_one_undo_takes_it_back(
    desk: Desk, dialog: SplitsDialog, qtbot: QtBot
) -> None:
    before = list(desk.project.rows.splits)
    dialog.val.setValue(30)
    dialog.test.setValue(20)
    redraw(dialog, qtbot, "stratified")
    assert shown(dialog)["Images"] == ["10  (50%)", "6  (30%)", "4  (20%)"]
    assert shown(dialog)["nut"] == ["2  (50%)", "1  (25%)", "1  (25%)"]
    assert "train anew before comparing" in dialog.said.text()
    dialog.go.click()
    assert splits_of(desk) == {"train": 10, "val": 6, "test": 4}
    desk.project.undo_stack.undo()
    assert list(desk.project.rows.splits) == before


def test_look_alikes_are_named_as_torn_and_kept_together_anew(dialog: SplitsDialog, desk: Desk, qtbot: QtBot) -> None:
    dialog.by.setCurrentIndex(SPLIT_BY.index("near-duplicates"))
    qtbot.waitUntil(lambda: "look-alikes lie in more than one split" in dialog.said.text())
    redraw(dialog, qtbot, "near-duplicates")
    assert "more than one split" not in dialog.said.text()
    dialog.go.click()
    splits = list(desk.project.rows.splits)
    assert all(splits[number] == splits[number + 1] for number in range(0, IMAGES, 2))


def test_another_draw_gives_other_images(dialog: SplitsDialog, desk: Desk, qtbot: QtBot) -> None:
    redraw(dialog, qtbot, "random")
    first = dialog._drawn
    dialog.shuffle.click()
    qtbot.waitUntil(lambda: dialog._drawn is not first)
    assert first is not None
    assert dialog._drawn is not None
    assert first.edit != dialog._drawn.edit


def test_closing_the_dialog_ends_the_drawing(dialog: SplitsDialog, desk: Desk, qtbot: QtBot) -> None:
    dialog.by.setCurrentIndex(SPLIT_BY.index("near-duplicates"))
    dialog.reject()
    qtbot.waitUntil(lambda: not desk.board.jobs)
    assert splits_of(desk) == {"train": 16, "val": 4}
