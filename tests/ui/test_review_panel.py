"""The Review panel on a real project with a finished run and detections kept in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox, QWidget

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.review_queue import Triage
from rcnn_studio.domain.runs import CategoryScore
from rcnn_studio.formats.codec import Source
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.tasks.importing import create_project
from rcnn_studio.ui.review.ghost_status import GhostStatus
from rcnn_studio.ui.review.panel import ReviewPanel
from rcnn_studio.ui.review.scores_table import AP50, BOXES, ScoresTable
from rcnn_studio.ui.review.words import counts_text
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run
from tests.store.projects import make_voc
from tests.ui.fake_runs import make_scores
from tests.workspace.reviewing import balanced_at

SCORES = [0.95, 0.8, 0.6, 0.4, 0.05]


@pytest.fixture
def empty_session(tmp_path: Path) -> Iterator[Session]:
    source = Source(path=make_voc(tmp_path / "voc", images=1, unlabelled=2))
    made = Session(create_project(tmp_path / "project", source, format_name="voc").project)
    made.project.open_first()
    yield made
    made.close()


@pytest.fixture
def session(empty_session: Session) -> Session:
    """The image at hand is unlabelled; five detections of it are in the run's folder."""
    session = empty_session
    rows = session.project.rows
    ids = [int(i) for i, count in zip(rows.ids, rows.box_counts, strict=True) if not count]
    categories = [session.project.categories[n % 2].id for n in range(5)]
    boxes = [[2 + 11 * n, 4, 12 + 11 * n, 40] for n in range(5)]
    found = Detections.make(boxes, categories, SCORES)
    for score in (0.7, 0.9):
        folder = make_finished_run(session.store.runs_folder, session.project.categories, AP50=score)
        write_detections(folder / "detections", dict.fromkeys(ids, found))
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(ids[0])
    return session


@pytest.fixture
def host(qtbot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(380, 860)
    widget.show()
    return widget


@pytest.fixture
def panel(session: Session, host: QWidget) -> ReviewPanel:
    made = ReviewPanel(session.review, session.project, host)
    made.resize(380, 860)
    made.show()
    return made


@pytest.fixture
def actions(host: QWidget, session: Session, panel: ReviewPanel) -> dict[str, QAction]:
    """The window's actions as the panel meets them, with their keys."""
    review = session.review
    rows = {
        "action.detection.accept": ("Accept Detection", "Return", review.accept_focused),
        "action.detection.reject": ("Reject Detection", "X", review.reject_focused),
        "action.detection.accept_all": ("Accept All Shown", "Shift+Return", review.accept_all),
        "action.detection.edit": ("Accept and Edit", "E", review.accept_focused),
        "action.predict.current": ("Predict This Image", "", lambda: None),
        "action.predict.unlabelled": ("Predict Unlabelled Images", "", lambda: None),
        "action.predict.all": ("Predict All Images", "", lambda: None),
        "action.queue.next": ("Next Image to Review", "PgDown", lambda: None),
        "action.queue.previous": ("Previous Image to Review", "PgUp", lambda: None),
    }
    made = {}
    for name, (text, key, handler) in rows.items():
        action = QAction(text, host)
        action.setShortcut(key)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(handler)
        made[name] = action
    panel.bind(made)
    return made


def listed(panel: ReviewPanel) -> list[tuple[str, str]]:
    model = panel.detection_list.model()
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())]


def test_without_a_run_the_panel_says_what_to_do_first(empty_session: Session, host: QWidget) -> None:
    panel = ReviewPanel(empty_session.review, empty_session.project, host)
    panel.show()
    texts = [label.text() for label in panel._stack.currentWidget().findChildren(QWidget) if hasattr(label, "text")]
    assert "No finished run yet" in texts
    assert any("Label about twenty boxes" in text for text in texts)
    assert not panel.threshold.isVisible()


def test_the_detections_of_the_image_are_listed_best_first(panel: ReviewPanel) -> None:
    assert listed(panel) == [("bolt", "0.95"), ("nut", "0.80"), ("bolt", "0.60")]
    assert panel.counts.text() == "3 above 0.50: 3 to decide"


def test_detections_come_and_go_while_the_slider_moves(qtbot, panel: ReviewPanel, session: Session) -> None:
    counts = []
    session.review.detections_changed.connect(lambda: counts.append(panel.detection_list.model().rowCount()))
    panel.threshold.setSliderDown(True)
    for value in (70, 90, 30, 1):
        panel.threshold.setSliderPosition(value)
        assert session.review.threshold == value / 100
    panel.threshold.setSliderDown(False)
    assert counts == [2, 1, 4, 5]
    assert panel.threshold_value.text() == "0.01"


def test_a_threshold_set_elsewhere_moves_the_slider_and_is_not_rounded_back(panel: ReviewPanel, session) -> None:
    session.review.set_threshold(0.633)
    assert panel.threshold.value() == 63
    assert session.review.threshold == 0.633
    assert panel.counts.text().startswith("2 above 0.63")


def test_a_click_on_a_row_puts_that_detection_in_focus(panel: ReviewPanel, session: Session) -> None:
    table = panel.detection_list
    place = table.visualRect(table.model().index(1, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert session.review.focused == 1


def test_the_focus_of_the_canvas_is_the_row_at_hand(panel: ReviewPanel, session: Session) -> None:
    session.review.focus(2)
    assert panel.detection_list.currentIndex().row() == 2
    session.review.focus_next()
    assert panel.detection_list.currentIndex().row() == 0


def test_arrows_enter_and_x_decide_from_the_list(panel: ReviewPanel, session: Session, actions) -> None:
    table = panel.detection_list
    table.window().activateWindow()
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert session.review.focused == 1
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert [(b.category_id, b.score) for b in session.project.boxes] == [(session.project.categories[1].id, 0.8)]
    assert listed(panel) == [("bolt", "0.95"), ("bolt", "0.60")]
    assert panel.counts.text() == "3 above 0.50: 2 to decide · 1 decided"
    QTest.keyClick(table, Qt.Key.Key_X)
    assert listed(panel) == [("bolt", "0.60")]
    session.project.undo_stack.undo()
    assert len(listed(panel)) == 2


def test_accept_all_takes_what_is_shown_in_one_undo(panel: ReviewPanel, session: Session, actions) -> None:
    panel.buttons["action.detection.accept_all"].click()
    assert len(session.project.boxes) == 3
    assert panel.counts.text() == "3 above 0.50: 3 decided"
    assert panel.detection_list.accessibleDescription() == (
        "All detections above 0.50 are decided. This image counts as labelled now: "
        "draw what the model missed, then PgDn for the next image."
    )
    session.project.undo_stack.undo()
    assert len(session.project.boxes) == 0


def test_buttons_follow_their_actions_and_keep_their_short_text(panel: ReviewPanel, actions) -> None:
    button = panel.buttons["action.predict.unlabelled"]
    assert button.text() == "Unlabelled"
    assert button.accessibleName() == "Predict Unlabelled Images"
    actions["action.predict.unlabelled"].setEnabled(False)
    assert not button.isEnabled()
    actions["action.predict.unlabelled"].setText("Predict 24 Unlabelled Images")
    assert button.text() == "Unlabelled"


def test_an_image_where_nothing_scores_enough_says_how_far_to_lower_it(panel: ReviewPanel, session) -> None:
    session.review.set_threshold(0.99)
    assert panel.counts.text() == "No detections above 0.99"
    assert "best score here is 0.95" in panel.detection_list.accessibleDescription()


def test_hidden_detections_are_said_to_be_hidden(panel: ReviewPanel, session: Session) -> None:
    session.review.set_shown(False)
    assert "Press P" in panel.detection_list.accessibleDescription()


def test_the_run_chooser_changes_whose_detections_are_shown(panel: ReviewPanel, session: Session) -> None:
    assert panel.run_box.count() == 2
    other = next(run for run in session.review.runs if run.id != session.review.run_id)
    panel.run_box.setCurrentIndex(panel.run_box.findData(other.id))
    assert session.review.run_id == other.id
    assert f"AP50 {other.best.AP50:.3f}" in panel.numbers.text()


def test_the_result_is_one_sentence_above_the_table(panel: ReviewPanel, session: Session) -> None:
    assert panel.sentence.text().startswith("Finds bolts and nuts")
    assert panel.class_table.model().rowCount() == 2


def test_the_class_table_begins_with_the_weakest_class_and_sorts(qtbot) -> None:
    table = ScoresTable()
    qtbot.addWidget(table)
    table.set_scores(make_scores(0.7), {"bolt": "#0072b2"})
    model = table.model()
    assert [model.index(row, 0).data() for row in range(2)] == ["nut", "bolt"]
    assert [model.index(row, BOXES).data() for row in range(2)] == ["4/10", "18/20"]
    table.sortByColumn(AP50, Qt.SortOrder.DescendingOrder)
    assert [model.index(row, 0).data() for row in range(2)] == ["bolt", "nut"]
    assert model.headerData(BOXES, Qt.Orientation.Horizontal) == "Found"


def test_nothing_is_wider_than_the_panel_at_300_pixels(panel: ReviewPanel, actions) -> None:
    panel.resize(300, 860)
    QApplication.processEvents()
    table = panel.class_table
    assert table.horizontalHeader().length() <= table.viewport().width()
    assert not table.horizontalScrollBar().isVisible()
    for button in panel.buttons.values():
        assert button.width() >= button.sizeHint().width() - 12


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((3, 4, 3, 1), "11 above 0.50: 3 to decide · 4 decided · 3 covered · 1 double"),
        ((1, 0, 0, 2), "3 above 0.50: 1 to decide · 2 doubles"),
        ((0, 2, 0, 0), "2 above 0.50: 2 decided"),
        ((0, 0, 0, 0), "No detections above 0.50"),
    ],
)
def test_counts_are_put_in_words_and_add_up(parts: tuple[int, int, int, int], text: str) -> None:
    names = ("open", "decided", "covered", "doubles")
    made = Triage(**{name: np.arange(number) for name, number in zip(names, parts, strict=True)})
    assert counts_text(made, 0.5) == text


def test_the_counts_follow_every_decision_and_add_up_with_a_class_hidden(panel: ReviewPanel, session: Session) -> None:
    session.review.set_threshold(0.5)
    assert panel.counts.text() == "3 above 0.50: 3 to decide"
    session.review.reject_focused()
    assert panel.counts.text() == "3 above 0.50: 2 to decide · 1 decided"
    session.review.accept_all()
    assert panel.counts.text() == "3 above 0.50: 3 decided"
    session.project.category_view.set_hidden([session.project.categories[0].id], True)
    assert panel.counts.text() == "3 above 0.50: 1 decided · 2 of hidden classes"


def test_accepting_all_leaves_the_rival_of_a_stronger_one_out_and_says_so(
    qtbot, panel: ReviewPanel, session: Session, actions
) -> None:
    first, second = (c.id for c in session.project.categories[:2])
    boxes = [(2, 4, 22, 24), (2, 4, 22, 15), (40, 4, 60, 24)]
    show_run(session, found=Detections.make(boxes, [first, second, second], [0.93, 0.83, 0.6]))
    panel.detection_list.setFocus()
    with qtbot.waitSignal(session.review.message) as said:
        QTest.keyClick(panel.detection_list, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert said.args[0].startswith("1 rival left out")
    assert sorted(box.category_id for box in session.project.boxes) == sorted([first, second])
    assert panel.counts.text() == "3 above 0.50: 2 decided · 1 covered"


def test_a_low_window_shows_six_detections_and_the_one_in_focus_is_among_them(
    qtbot, panel: ReviewPanel, host: QWidget, session: Session
) -> None:
    category = session.project.categories[0].id
    boxes = [(2 + 12 * n, 4, 12 + 12 * n, 14) for n in range(20)]
    show_run(session, found=Detections.make(boxes, [category] * 20, [0.99 - 0.01 * n for n in range(20)]))
    host.resize(380, 500)
    panel.resize(380, 500)
    table = panel.detection_list
    qtbot.waitUntil(lambda: table.viewport().height() >= 6 * table.rowHeight(0))
    session.review.focus(17)
    row = table.visualRect(table.model().index(17, 0))
    assert table.viewport().rect().contains(row)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [17]


def show_run(session: Session, balance: Balance | None = None, found: Detections | None = None) -> None:
    """A newer run with this balance, and its detections of the open image."""
    folder = make_finished_run(session.store.runs_folder, session.project.categories, balance=balance)
    if found is not None:
        write_detections(folder / "detections", {session.project.current_id: found})
    session.review.refresh_runs(select_newest=True)


def test_the_threshold_says_where_it_comes_from_and_how_right_it_is(panel: ReviewPanel, session: Session) -> None:
    assert panel.threshold_note.isHidden(), "a run of an earlier version does not know"
    show_run(session, balanced_at(0.6))
    assert panel.threshold_note.text() == "0.60: best balance on your validation images (100 % right)"
    panel.threshold.setValue(30)
    assert panel.threshold_note.text().startswith("On your validation images 40 % right; best balance: <a")
    panel.threshold_note.linkActivated.emit("reset")
    assert session.review.threshold == 0.6
    assert panel.threshold.value() == 60


def test_the_slider_decides_only_while_the_panel_is_seen(panel: ReviewPanel, session: Session) -> None:
    panel.threshold.setValue(5)
    assert session.review.threshold == 0.05
    panel.hide()
    assert session.review.threshold == 0.5
    panel.show()
    assert (session.review.threshold, panel.threshold.value()) == (0.05, 5)


def test_what_is_left_out_is_counted_and_shown_when_asked_for(panel: ReviewPanel, session: Session) -> None:
    assert panel.hidden.isHidden()
    first, second = (c.id for c in session.project.categories[:2])
    boxes = [(2, 4, 22, 24), (2, 4, 22, 13), (2, 4, 22, 21), (40, 4, 60, 24)]
    show_run(session, found=Detections.make(boxes, [first, first, second, second], [0.95, 0.8, 0.7, 0.6]))
    assert panel.hidden.text() == "Show 2 weaker doubles"
    assert len(listed(panel)) == 2
    session.review.accept_focused()
    assert panel.hidden.text() == "Show 2 covered by your boxes"
    assert listed(panel) == [("nut", "0.60")]
    panel.hidden.click()
    assert [score for _, score in listed(panel)] == ["0.80", "0.70", "0.60"]
    session.project.undo_stack.undo()
    assert panel.hidden.text() == "Show 2 weaker doubles"


def test_an_image_decided_on_in_part_says_that_it_is_not_trained_on(panel: ReviewPanel, session: Session) -> None:
    assert panel.open_note.isHidden()
    session.review.accept_focused()
    assert panel.open_note.isVisibleTo(panel)
    assert panel.open_note.text() == (
        "Not trained on yet: 2 detections are still open. Decide on them, or press Space: complete."
    )
    session.review.accept_all()
    assert panel.open_note.isHidden()


def test_an_image_where_all_was_rejected_asks_whether_nothing_is_there(panel: ReviewPanel, session: Session) -> None:
    session.review.reject([0, 1, 2])
    assert "B: nothing here, and next" in panel.detection_list.accessibleDescription()


def test_once_every_image_is_labelled_training_again_comes_next(panel: ReviewPanel, session: Session) -> None:
    for image_id in session.review.images_of("unlabelled"):
        session.project.set_current(image_id)
        session.review.accept_all()
    assert "No image is unlabelled any more" in panel.detection_list.accessibleDescription()
    assert "train again (Ctrl+2)" in panel.detection_list.accessibleDescription()


def test_the_way_leads_from_one_image_with_open_detections_to_the_next(panel, session: Session, actions) -> None:
    ids = session.review.images_of("unlabelled")
    assert session.project.current_id == ids[0]
    panel.buttons["action.queue.next"].click()
    assert session.project.current_id == ids[1]
    actions["action.queue.previous"].trigger()
    assert session.project.current_id == ids[0]
    for image_id in ids:
        session.project.set_current(image_id)
        session.review.accept_all()
    said = []
    session.review.message.connect(said.append)
    actions["action.queue.next"].trigger()
    assert said == ["No other unlabelled image has detections to decide on."]


@pytest.mark.parametrize(("classes", "whole"), [(1, 1), (4, 4), (6, 6), (9, 6)])
def test_the_rows_of_the_class_table_are_not_cut_off(qtbot, host: QWidget, classes: int, whole: int) -> None:
    table = ScoresTable(host)
    rows = tuple(CategoryScore(name=f"part {n}", boxes=10, AP=0.5, AP50=0.5, found=5) for n in range(classes))
    table.set_scores(replace(make_scores(0.7), per_category=rows))
    table.show()
    host.setStyleSheet("QHeaderView::section { padding: 6px; }")
    QApplication.processEvents()
    seen = [n for n in range(classes) if table.viewport().rect().contains(table.visualRect(table.model().index(n, 0)))]
    assert len(seen) == whole
    assert table.verticalScrollBar().isVisible() == (classes > whole)


def test_the_status_bar_says_how_many_are_hinted_at_and_from_which_score_on(session: Session, host: QWidget) -> None:
    status = GhostStatus(session.review, host)
    assert status.text() == "3 detections from score 0.50"
    session.review.set_threshold(0.9)
    assert status.text() == "1 detection from score 0.90"
    session.review.set_shown(False)
    assert status.text() == "detections hidden (P)"


def test_without_a_run_the_status_bar_speaks_of_no_detections(empty_session: Session, host: QWidget) -> None:
    assert GhostStatus(empty_session.review, host).isHidden()


def test_accepting_on_many_images_asks_with_what_to_expect(qtbot, panel: ReviewPanel, session: Session) -> None:
    found = Detections.make([[2, 4, 12, 40], [20, 4, 30, 40]], [session.project.categories[0].id] * 2, [0.9, 0.8])
    folder = make_finished_run(session.store.runs_folder, session.project.categories, balance=balanced_at(0.7))
    write_detections(folder / "detections", dict.fromkeys(session.review.images_of("unlabelled"), found))
    session.review.refresh_runs(select_newest=True)
    session.review.set_threshold(0.6)
    for answer, boxes in ((QMessageBox.StandardButton.Cancel, 0), (None, 4)):
        panel.ask_to_accept_images()
        question = panel.window().findChildren(QMessageBox)[-1]
        assert question.text() == "Accept 4 detections on 2 unlabelled images?"
        assert "20 of 30 detections on your validation images were right (67 %)" in question.informativeText()
        assert "expect about 1 wrong" in question.informativeText()
        named = question.findChild(QAbstractButton, "review.accept_images.accept")
        (named if answer is None else question.button(answer)).click()
        qtbot.waitUntil(lambda: not panel.window().findChildren(QMessageBox), timeout=10_000)
        assert int(session.project.rows.box_counts.sum()) - 2 == boxes, "two boxes were there before"
    assert session.project.undo_stack.count() == 1


def test_without_known_detections_accepting_on_many_images_says_what_to_do(panel: ReviewPanel, session) -> None:
    make_finished_run(session.store.runs_folder, session.project.categories)
    session.review.refresh_runs(select_newest=True)
    said = []
    session.review.message.connect(said.append)
    panel.ask_to_accept_images()
    assert said == ["No unlabelled image has known detections above 0.50 to decide on: predict them first."]


def test_of_many_images_a_sample_is_looked_at_before_all_are_accepted(qtbot, tmp_path: Path, host: QWidget) -> None:
    source = Source(path=make_voc(tmp_path / "voc", images=2, unlabelled=14))
    session = Session(create_project(tmp_path / "project", source, format_name="voc").project)
    panel = ReviewPanel(session.review, session.project, host)
    panel.show()
    found = Detections.make([[2, 4, 12, 40], [20, 4, 30, 40]], [session.project.categories[0].id] * 2, [0.9, 0.8])
    folder = make_finished_run(session.store.runs_folder, session.project.categories, balance=balanced_at(0.7))
    write_detections(folder / "detections", dict.fromkeys(session.review.images_of("unlabelled"), found))
    session.review.refresh_runs(select_newest=True)
    said: list[str] = []
    session.review.message.connect(said.append)
    panel.ask_to_accept_images()
    question = panel.window().findChildren(QMessageBox)[-1]
    look = question.findChild(QAbstractButton, "review.accept_images.look")
    assert question.defaultButton() is look
    assert look.text().replace("&", "") == "Look at 10 First"
    look.click()
    qtbot.waitUntil(lambda: not panel.window().findChildren(QMessageBox))
    seen = [session.project.current_id]
    assert said[-1].startswith("Sample: image 1 of 10.")
    session.review.reject_focused()
    for _ in range(9):
        panel._on_next()
        seen.append(session.project.current_id)
    assert len(set(seen) & set(session.review.images_of("unlabelled"))) == 10
    assert not panel.window().findChildren(QMessageBox)
    panel._on_next()
    question = panel.window().findChildren(QMessageBox)[-1]
    assert question.text() == "Accept 27 detections on 14 unlabelled images?", "the rejected one stays out"
    assert "10 of the images with 20 detections, and rejected 1 of them" in question.informativeText()
    assert question.findChild(QAbstractButton, "review.accept_images.look") is None
    question.findChild(QAbstractButton, "review.accept_images.accept").click()
    assert session.review.images_of("unlabelled") == []
    assert session.project.undo_stack.undoText() == "Accept 27 detections on 14 images"
    qtbot.waitUntil(lambda: not panel.window().findChildren(QMessageBox))
    session.close()
