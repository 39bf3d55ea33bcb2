"""The real window and its files: what changes on disk, who else changed it, what is wrong, and what was before."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QWidget

from rcnn_studio.app import create_window
from rcnn_studio.domain.errors import ProjectError
from tests.e2e.hands import Hands, file_bytes, objects

CTRL = Qt.KeyboardModifier.ControlModifier


def act(hands: Hands, name: str) -> None:
    hands.window.studio_actions[f"action.{name}"].trigger()


def dock(hands: Hands, name: str) -> QDockWidget:
    return hands.window.findChild(QDockWidget, f"dock.{name}")


def draw(hands: Hands, *corners: int) -> None:
    hands.key(Qt.Key.Key_W)
    hands.drag(*corners)
    hands.key(Qt.Key.Key_Escape)


def test_the_badge_opens_the_changes_and_one_file_is_restored_to_the_byte(
    qtbot, hands: Hands, sample: Path, written: Callable[[], None]
) -> None:
    before = file_bytes(sample)
    draw(hands, 10, 10, 60, 50)
    written()
    assert len(hands.window.findChildren(QWidget, "status.saved")) == 1
    hands.window.findChild(QWidget, "status.saved").click()
    dialog = hands.window.files.changes
    qtbot.waitUntil(lambda: dialog.summary.text() == "1 file, 1 box", timeout=10_000)
    dialog.restore.click()
    qtbot.waitUntil(lambda: file_bytes(sample) == before, timeout=10_000)
    act(hands, "edit.undo")
    assert any(box.xyxy == (10, 10, 60, 50) for box in hands.session.project.boxes), "that was one edit, too"


def test_write_now_answers_with_what_was_written(qtbot, hands: Hands) -> None:
    hands.session.store.pause_writing()
    draw(hands, 10, 10, 60, 50)
    act(hands, "project.write_back")
    qtbot.waitUntil(lambda: hands.window.messages.text == "1 file written.", timeout=10_000)
    act(hands, "project.write_back")
    qtbot.waitUntil(lambda: hands.window.messages.text == "Everything is written.", timeout=10_000)


def test_what_an_earlier_session_changed_is_listed_after_a_restart(
    qtbot, hands: Hands, written: Callable[[], None]
) -> None:
    draw(hands, 10, 10, 60, 50)
    written()
    window, badge = hands.window, hands.window.findChild(QWidget, "status.saved")
    said = "Changed on disk in this session: 1 file, 1 box."
    qtbot.waitUntil(lambda: said in badge.toolTip(), timeout=10_000)
    folder = hands.session.store.folder
    window.close_session()
    assert window.messages.text == said
    assert window.open_project(folder)
    act(hands, "files.changes")
    dialog = window.files.changes
    qtbot.waitUntil(lambda: dialog.summary.text() == "1 file, 1 box", timeout=10_000)
    assert dialog.scope.buttons["ever"].isChecked()
    qtbot.waitUntil(lambda: "+ " in dialog.diff.text and "- " not in dialog.diff.text, timeout=10_000)
    dialog.scope.buttons["session"].click()
    qtbot.waitUntil(lambda: dialog.pages.currentWidget() is dialog.nothing, timeout=10_000)
    assert dialog.nothing.title == "No file has changed in this session"
    dialog.scope.buttons["ever"].click()
    qtbot.waitUntil(lambda: dialog.pages.currentWidget() is not dialog.nothing, timeout=10_000)


def test_a_click_on_an_edit_stays_here_and_a_double_click_goes_to_its_image(qtbot, hands: Hands) -> None:
    project = hands.session.project
    first, second = (int(image) for image in project.rows.ids[:2])
    draw(hands, 10, 10, 60, 50)
    project.set_current(second)
    act(hands, "files.history")
    panel, past = hands.window.files.history, hands.window.files.past
    qtbot.waitUntil(lambda: len(past.entries) >= 1, timeout=10_000)
    place = panel.tree.visualItemRect(panel.tree.topLevelItem(0).child(0)).center()
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: past.past is not None, timeout=10_000)
    assert (past.past.record.id, project.current_id) == (first, second)
    assert panel.go_to.isVisible()
    qtbot.mouseDClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert project.current_id == first
    assert panel.go_to.isHidden()


def test_a_file_changed_by_another_program_has_a_banner_and_theirs_can_be_undone(
    qtbot, hands: Hands, written: Callable[[], None]
) -> None:
    window, project, xml = hands.window, hands.session.project, hands.xml()
    ours = list(project.boxes)
    theirs = xml.read_bytes().replace(b"<truncated>0</truncated>", b"<truncated>1</truncated>", 1)
    assert theirs != xml.read_bytes()
    xml.write_bytes(theirs)
    draw(hands, 10, 10, 60, 50)
    hands.session.store.write_back(wait=True)
    qtbot.waitUntil(lambda: xml.name in window.files.conflict_banner.text, timeout=10_000)
    assert window.files.conflict_banner.isVisible()
    assert not window.messages.text, "the banner says it, no message beside it"
    window.files.conflict_banner.buttons[0].click()
    dialog = window.files.conflict_dialog
    qtbot.waitUntil(lambda: bool(dialog.list.path), timeout=10_000)
    dialog.theirs.click()
    dialog.settle.click()
    qtbot.waitUntil(lambda: len(project.boxes) == len(ours), timeout=10_000)
    qtbot.waitUntil(window.files.conflict_banner.isHidden, timeout=10_000)
    assert xml.read_bytes() == theirs
    dialog.close()
    act(hands, "edit.undo")
    assert len(project.boxes) == len(ours) + 1, "taking theirs was an edit"
    written()
    assert len(objects(xml)) == len(ours) + 1
    act(hands, "edit.undo")
    assert [box.xyxy for box in project.boxes] == [box.xyxy for box in ours]
    act(hands, "edit.redo")
    act(hands, "edit.redo")
    written()
    assert xml.read_bytes() == theirs


def test_the_panels_of_the_files_are_hidden_at_first_and_stay_open_in_every_activity(qtbot, hands: Hands) -> None:
    assert dock(hands, "problems").isHidden()
    assert dock(hands, "history").isHidden()
    act(hands, "files.problems")
    act(hands, "files.history")
    qtbot.waitUntil(dock(hands, "problems").isVisible, timeout=5_000)
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_1):
        hands.key(key, CTRL)
        assert dock(hands, "problems").isVisible()
        assert not dock(hands, "history").isHidden()
    dock(hands, "problems").close()
    assert not hands.window.studio_actions["action.files.problems"].isChecked()
    hands.key(Qt.Key.Key_2, CTRL)
    assert dock(hands, "problems").isHidden()
    act(hands, "view.reset_layout")
    assert dock(hands, "history").isHidden()


def test_at_1280_by_720_the_panels_of_the_files_fit_into_the_window(qtbot, hands: Hands) -> None:
    window = hands.window
    window.resize(1280, 720)
    act(hands, "files.problems")
    act(hands, "files.history")
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_1):
        hands.key(key, CTRL)
        qtbot.waitUntil(dock(hands, "problems").isVisible, timeout=5_000)
        qtbot.wait(50)
        assert (window.width(), window.height()) == (1280, 720)
        assert hands.canvas.height() > 200


def test_the_history_shows_what_was_done_and_brings_it_back(qtbot, hands: Hands) -> None:
    project = hands.session.project
    before = len(project.boxes)
    draw(hands, 10, 10, 60, 50)
    project.delete_boxes([project.boxes[0].id])
    act(hands, "files.history")
    panel = hands.window.files.history
    qtbot.waitUntil(lambda: len(hands.window.files.past.entries) >= 2, timeout=10_000)
    rows = panel.tree.topLevelItem(0)
    panel.tree.setCurrentItem(rows.child(1))
    qtbot.waitUntil(lambda: hands.window.files.past.can_bring_back, timeout=10_000)
    panel.bring_back.click()
    assert len(project.boxes) == before + 1


def test_check_dataset_lists_a_damaged_image_and_leads_to_it(qtbot, hands: Hands) -> None:
    project = hands.session.project
    other = project.image_path(int(project.rows.ids[-1]))
    other.write_bytes(b"no picture")
    act(hands, "files.check")
    found = hands.window.files.found
    assert dock(hands, "problems").isVisible()
    assert [job.name for job in hands.session.board.jobs] == ["Checking the dataset"]
    qtbot.waitUntil(lambda: any(p.file == str(other) for p in found.problems), timeout=30_000)
    said = f"{len(project.rows)} images checked: {len(found.problems)} problem"
    assert hands.window.messages.text.startswith(said)
    assert hands.window.files.problems.count.text().startswith(said)
    hands.window.files.problems.go_to(next(p for p in found.problems if p.file == str(other)))
    qtbot.waitUntil(lambda: project.current_id == int(project.rows.ids[-1]), timeout=10_000)


def test_a_check_can_be_cancelled(qtbot, hands: Hands) -> None:
    act(hands, "files.check")
    hands.window.files.problems.cancel.click()
    qtbot.waitUntil(lambda: not hands.session.board.jobs, timeout=20_000)
    assert not hands.window.files.found.checking


def test_a_project_that_is_open_elsewhere_says_so_above_the_picture(qtbot, hands: Hands) -> None:
    second = create_window(None)
    second.open_project(hands.session.store.folder)
    second.show()
    banner = second.files.read_only_banner
    assert banner.isVisible()
    assert hands.session.store.folder.exists()
    assert second.session.store.owner in banner.text
    assert second.findChild(QWidget, "status.saved").text() == "Read-only"
    assert not second.session.project.undo_stack.canUndo()
    second.close_without_asking()
    second.deleteLater()


def test_a_full_disk_at_the_end_leaves_the_files_room_at_work(
    qtbot, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, store = hands.window, hands.session.store
    act(hands, "files.problems")
    with monkeypatch.context() as patch:
        patch.setattr(store, "close", _refuse)
        with pytest.raises(ProjectError):
            window.close_session()
    draw(hands, 10, 10, 60, 50)
    qtbot.waitUntil(lambda: window.findChild(QWidget, "status.saved").text() == "Saved", timeout=10_000)
    assert len(window.findChildren(QWidget, "status.saved")) == 1
    assert dock(hands, "problems").isVisible()
    assert dock(hands, "problems").widget() is window.files.problems
    window.studio_actions["action.files.changes"].trigger()
    qtbot.waitUntil(lambda: window.files.changes.isVisible() and window.files.files.loaded, timeout=10_000)


def _refuse(**_options: object) -> None:
    raise ProjectError(f"The disk is full ({errno.ENOSPC}). Free some space, then close again.")
