"""The rooms about files on a real project: what a person does there reaches the labels and the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMainWindow

from rcnn_studio.domain.checks import Problem
from rcnn_studio.ui.files.room import FilesRoom
from rcnn_studio.workspace.session import Session
from tests.store.projects import contents, voc_project


class Open:
    """A session with its room, and the VOC folder beside it."""

    def __init__(self, folder: Path, qtbot) -> None:
        voc_project(folder).close()
        self.data = folder / "voc"
        self.original = contents(self.data)
        self.window = QMainWindow()
        qtbot.addWidget(self.window)
        self.session = Session(folder / "project")
        self.room = FilesRoom(self.session, self.window)
        self.project = self.session.project
        self.project.open_first()
        self.window.show()

    @property
    def xml(self) -> Path:
        return self.data / "Annotations" / "img_0.xml"

    def write(self) -> None:
        self.session.store.write_back()

    def close(self) -> None:
        self.room.close()
        self.session.close()


@pytest.fixture
def opened(qtbot, tmp_path: Path) -> Iterator[Open]:
    made = Open(tmp_path, qtbot)
    yield made
    made.close()


def test_an_edit_is_shown_written_and_taken_back_to_the_very_bytes(opened, qtbot) -> None:
    opened.project.nudge([opened.project.boxes[0].id], 5, 0)
    opened.project.delete_boxes([opened.project.boxes[1].id])
    opened.room.badge.click()
    dialog = opened.room.changes
    qtbot.waitUntil(lambda: dialog.summary.text() == "1 file, 2 boxes", timeout=20_000)
    dialog.write.click()
    qtbot.waitUntil(lambda: opened.room.files.changes.waiting == 0 and opened.xml.read_bytes() != opened.original)
    dialog.restore.click()
    qtbot.waitUntil(lambda: len(opened.project.boxes) == 2)
    opened.write()
    assert contents(opened.data) == opened.original
    opened.project.undo_stack.undo()
    assert len(opened.project.boxes) == 1


def test_an_open_list_follows_what_is_written_in_the_background(opened, qtbot) -> None:
    opened.room.show_changes()
    opened.project.nudge([opened.project.boxes[0].id], 5, 0)
    opened.write()
    qtbot.waitUntil(lambda: opened.room.changes.summary.text() == "1 file, 1 box", timeout=20_000)
    assert opened.room.files.changes.waiting == 0


def test_a_file_changed_by_another_program_is_announced_and_theirs_is_taken_over(opened, qtbot) -> None:
    theirs = opened.xml.read_bytes().replace(b"<xmax>20</xmax>", b"<xmax>33</xmax>")
    opened.xml.write_bytes(theirs)
    opened.project.nudge([opened.project.boxes[1].id], 0, 2)
    opened.write()
    qtbot.waitUntil(lambda: opened.room.conflict_banner.text.startswith("img_0.xml was changed"))
    opened.room.conflict_banner.buttons[0].click()
    dialog = opened.room.conflict_dialog
    dialog.theirs.click()
    dialog.settle.click()
    qtbot.waitUntil(lambda: opened.project.boxes[0].x2 == 33)
    qtbot.waitUntil(lambda: opened.room.conflict_banner.text == "")
    assert opened.xml.read_bytes() == theirs


def test_an_earlier_version_comes_back_to_the_canvas_and_the_file(opened, qtbot) -> None:
    before = [box.xyxy for box in opened.project.boxes]
    opened.project.nudge([opened.project.boxes[0].id], 5, 0)
    opened.write()
    opened.room.show_changes()
    tree = opened.room.changes.versions.tree
    qtbot.waitUntil(lambda: tree.topLevelItemCount() == 1)
    tree.setCurrentItem(tree.topLevelItem(0))
    opened.room.changes.versions.restore.click()
    qtbot.waitUntil(lambda: [box.xyxy for box in opened.project.boxes] == before)
    qtbot.waitUntil(lambda: contents(opened.data) == opened.original)


def test_a_problem_leads_to_its_box(opened, qtbot) -> None:
    other = opened.data / "Annotations" / "img_2.xml"
    found = Problem(file=str(other), where="object[1]/bndbox", kind="odd", message="is odd.", action="Look.")
    opened.room.problems.go_to(found)
    qtbot.waitUntil(lambda: opened.project.record.path.endswith("img_2.png"))
    assert opened.project.selection == {opened.project.boxes[1].id}


def test_checking_again_fills_the_list(opened, qtbot) -> None:
    (opened.data / "JPEGImages" / "img_1.png").write_bytes(b"no picture")
    opened.room.problems.check.click()
    qtbot.waitUntil(lambda: any(p.file.endswith("img_1.png") for p in opened.room.found.problems), timeout=20_000)
    assert opened.room.found.count("error") >= 1


def test_the_badge_follows_the_store(opened, qtbot) -> None:
    qtbot.waitUntil(lambda: opened.room.badge.text() == "Saved")
    opened.session.store.pause_writing()
    opened.project.nudge([opened.project.boxes[0].id], 5, 0)
    qtbot.waitUntil(lambda: opened.room.badge.text() == "Saved · 1 file to write (paused)")
    opened.session.store.resume_writing()
    qtbot.waitUntil(lambda: opened.room.badge.text() == "Saved")


def test_a_second_window_on_the_same_project_is_read_only_and_names_the_first(opened, qtbot) -> None:
    second = Session(opened.session.store.folder)
    room = FilesRoom(second, opened.window)
    assert room.badge.text() == "Read-only"
    assert opened.session.store.folder.exists()
    assert second.store.owner in room.read_only_banner.text
    room.show_changes()
    assert not room.changes.write.isEnabled()
    room.close()
    second.close()
