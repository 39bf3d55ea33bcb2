"""The window around the canvas: panels, plots, menus, dialogs, and what is remembered until the next start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDockWidget,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QTabBar,
)
from shiboken6 import delete

from rcnn_studio.app import create_window
from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.runs import CategoryScore, EpochEvaluated, RunEnded, RunStarted, Scores, StepDone
from rcnn_studio.ui.dialogs.export_dialog import LEAST_WIDTH, ExportDialog
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.theme import ThemeMode
from rcnn_studio.ui.train.form import TrainForm
from rcnn_studio.workspace import thumbnail_pass as pass_module
from rcnn_studio.workspace.job import Job
from tests.e2e.hands import Hands, file_bytes

CTRL, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
SIZES = [(1280, 720), (1440, 900)]


def click(widget, at: QPoint | None = None) -> None:
    QTest.mouseClick(widget, LEFT, NONE, at if at is not None else widget.rect().center())


def opened_again(qtbot, window: MainWindow) -> MainWindow:
    """Closes the window and starts it anew with the same project, as the next start does."""
    folder = window.session.store.folder
    window.close_without_asking()
    window.close()
    again = create_window(folder)
    again.show()
    qtbot.waitUntil(lambda: again.session is not None and Hands(again).canvas.image_shown, timeout=20_000)
    return again


def end(window: MainWindow) -> None:
    window.close_without_asking()
    window.close()
    window.deleteLater()


def scores(hands: Hands, *, found: int = -1) -> Scores:
    names = [c.name for c in hands.session.project.categories]
    rows = tuple(CategoryScore(name=n, boxes=30, AP=0.5, AP50=0.7, found=found) for n in names)
    return Scores(
        AP=0.5, AP50=0.8, AP75=0.6, APs=-1.0, APm=0.5, APl=0.6, AR1=0.3, AR10=0.6, AR100=0.7, ARs=-1.0, ARm=0.7,
        ARl=0.8, per_category=rows,
    )  # fmt: skip


class Played:
    """A training whose events come from the test."""

    def __init__(self, hands: Hands, *, epochs: int = 4) -> None:
        self.training = hands.session.training
        self.scores = scores(hands)
        self.training._job = Job(lambda _report, _stop: None, name="Training", parent=hands.window)
        self.training.state_changed.emit()
        say = self.training._on_event
        say(RunStarted(
            run_id="r", device="CPU", train_images=80, val_images=20, epochs=epochs, steps_per_epoch=20, boxes=400
        ))  # fmt: skip
        for step in range(1, 20 * epochs + 1):
            say(StepDone(
                step=step, epoch=1 + (step - 1) // 20, loss=2 / step,
                losses=(1 / step, 0.4 / step, 0.4 / step, 0.2 / step), lr=0.005,
                images_per_s=5.2, data_wait=0.1, elapsed_s=step * 0.3, left_s=60.0,
            ))  # fmt: skip
            if step % 20 == 0:
                say(EpochEvaluated(epoch=step // 20, step=step, scores=self.scores, best=True, elapsed_s=step * 0.3))

    def end(self) -> None:
        self.training._on_finished(RunEnded(
            run_id="r", status="finished", seconds=130.0, epochs=4, best_epoch=4, best_AP=0.5, best_AP50=0.8
        ))  # fmt: skip


@pytest.fixture
def played(hands: Hands) -> Played:
    hands.key(Qt.Key.Key_2, CTRL)
    return Played(hands)


def wholly_seen(widget, within) -> bool:
    area = widget.rect().translated(widget.mapTo(within, QPoint(0, 0)))
    return widget.isVisible() and within.rect().contains(area)


# --- panels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activity", [Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3])
def test_the_classes_are_beside_the_canvas_in_every_activity(hands: Hands, activity: Qt.Key) -> None:
    hands.key(activity, CTRL)
    classes = hands.window.findChild(QAbstractItemView, "category_list")
    QApplication.processEvents()
    assert wholly_seen(classes, hands.window)
    assert classes.viewport().height() > 3 * classes.sizeHintForRow(0)
    click(classes.viewport(), classes.visualRect(classes.model().index(2, 0)).center())
    assert hands.session.project.active_category_id == hands.session.project.categories[2].id


def test_labelling_goes_on_in_the_train_activity(hands: Hands, played: Played) -> None:
    before = len(hands.session.project.boxes)
    hands.key(Qt.Key.Key_W)
    hands.drag(20, 20, 80, 70)
    hands.key(Qt.Key.Key_2)
    assert len(hands.session.project.boxes) == before + 1
    assert hands.session.project.boxes[-1].category_id == hands.session.project.categories[1].id
    played.end()


def test_a_panel_that_was_closed_stays_closed_in_its_activity_and_reset_brings_it_back(qtbot, hands: Hands) -> None:
    window = hands.window
    window.findChild(QDockWidget, "dock.boxes").close()
    hands.key(Qt.Key.Key_3, CTRL)
    hands.key(Qt.Key.Key_1, CTRL)
    assert not window.findChild(QDockWidget, "dock.boxes").isVisible()
    assert window.findChild(QDockWidget, "dock.categories").isVisible()
    window.studio_actions["action.view.reset_layout"].trigger()
    qtbot.waitUntil(lambda: window.findChild(QDockWidget, "dock.boxes").isVisible())


@pytest.mark.parametrize("size", SIZES)
def test_both_plots_are_seen_without_scrolling(qtbot, hands: Hands, played: Played, size: tuple[int, int]) -> None:
    hands.window.resize(*size)
    panel = hands.window.room.train
    live, view = panel.live, panel.scroll_area.viewport()
    plots = (live.loss_plot, live.metric_plot)
    qtbot.waitUntil(lambda: all(wholly_seen(plot, view) for plot in plots), timeout=5_000)
    assert wholly_seen(live.card, view), "and the figures"
    assert min(plot._place.height() for plot in plots) >= 90
    played.end()
    qtbot.waitUntil(lambda: all(wholly_seen(plot, view) for plot in plots), timeout=5_000)
    assert wholly_seen(panel.result_card, view)


def test_epochs_are_whole_numbers_on_the_validation_axis(qtbot, hands: Hands, played: Played) -> None:
    plot = hands.window.room.train.live.metric_plot
    qtbot.waitUntil(lambda: plot.surface is not None and plot.surface.view.width() > 50, timeout=5_000)
    played.end()
    for epochs in (1, 2, 3, 7, 30):
        evaluated = EpochEvaluated(epoch=1, step=20, scores=played.scores, best=True, elapsed_s=1.0)
        plot.set_evaluations([replace(evaluated, epoch=n + 1) for n in range(epochs)])
        plot.redraw()
        axis = plot.surface.getPlotItem().getAxis("bottom")
        low, high = plot.surface.x_range()
        ticks = [tick for _spacing, level in axis.tickValues(low, high, 400) for tick in level]
        assert ticks
        assert all(tick == int(tick) for tick in ticks)


def test_the_advice_says_where_its_number_comes_from(hands: Hands, played: Played) -> None:
    panel = hands.window.room.train
    played.scores = scores(hands, found=15)
    played.training.evaluations[-1] = replace(played.training.evaluations[-1], scores=played.scores)
    played.end()
    assert "label 60 more" in panel.sentence.text()
    assert "4 × 15 = 60" in panel.sentence.toolTip()


def tab_bars_over_the_menu(window: MainWindow) -> list[list[str]]:
    """Their tabs; bars without a place stand at the window's upper left corner."""
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.geometry().intersects(window.rect())]
    high = [bar for bar in bars if bar.y() < window.toolbar.geometry().bottom()]
    return [[bar.tabText(n) for n in range(bar.count())] for bar in high]


def test_no_tab_bar_lies_on_the_menu_from_the_first_moment_on(qtbot, hands: Hands) -> None:
    again = opened_again(qtbot, hands.window)
    seen = [tab_bars_over_the_menu(again)]
    history = again.studio_actions["action.files.history"]
    for with_history in (False, True, False):
        if history.isChecked() != with_history:
            history.trigger()
        for activity in ("train", "review", "label"):
            again.set_activity(activity)
            seen.append(tab_bars_over_the_menu(again))
            QApplication.processEvents()
            seen.append(tab_bars_over_the_menu(again))
            assert again.room.extras["history"].isVisible() == with_history
    assert seen == [[]] * len(seen)
    end(again)


def test_the_history_opens_in_one_place_with_the_last_panel(qtbot, hands: Hands) -> None:
    window = hands.window
    window.studio_actions["action.files.history"].trigger()
    history, boxes = window.room.extras["history"], window.room.docks["boxes"]
    assert window.tabifiedDockWidgets(history) == [boxes]
    qtbot.waitUntil(lambda: not history.visibleRegion().isEmpty() and boxes.visibleRegion().isEmpty())


def test_the_letter_of_a_flag_is_explained_under_the_mouse(hands: Hands) -> None:
    box = hands.session.project.boxes[0]
    hands.session.project.set_selection(())
    if not box.flags & BoxFlag.OCCLUDED:
        hands.session.project.toggle_flag([box.id], BoxFlag.OCCLUDED)
    hands.canvas.grab()
    plate = hands.canvas.scene.plates.where[("box", box.id)].center()
    dpr = hands.canvas.scene.dpr
    assert "occluded" in hands.canvas.plate_text(QPointF(plate.x() / dpr, plate.y() / dpr)).casefold()


# --- closing ---------------------------------------------------------------------------------------


def test_what_outlives_a_closed_project_for_a_moment_is_silent(qtbot, hands: Hands) -> None:
    """Its widgets go when the event loop comes round; its undo stack says a last word when it is destroyed."""
    window, session = hands.window, hands.session
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    attributes, asked = window.room.box_panel.attributes, []
    window.files.close()
    session.close()
    session.store.base_document = lambda *_args, **_options: asked.append(1)
    with qtbot.captureExceptions() as raised:
        session.project.set_selection([session.project.boxes[0].id])
        attributes._on_changed()
        delete(session)
    assert (raised, asked) == ([], [])
    window.session, window.room, window.files = None, None, None


# --- remembered ------------------------------------------------------------------------------------


def test_threshold_filter_and_toggles_are_there_at_the_next_start(qtbot, hands: Hands) -> None:
    window = hands.window
    hands.key(Qt.Key.Key_P)
    hands.key(Qt.Key.Key_3, CTRL)
    slider = window.findChild(QSlider, "review.threshold")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_PageDown)
    images = window.room.image_list
    QTest.mouseClick(images.filter_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(images.popup.states.chips[ImageState.UNLABELLED], Qt.MouseButton.LeftButton)
    images.popup.hide()
    assert images.model.filter.states == {ImageState.UNLABELLED}
    hands.key(Qt.Key.Key_2, CTRL)
    window.room.train.live.loss_plot.log_button.setChecked(True)
    again = opened_again(qtbot, window)
    assert again.session.review.threshold == 0.5, "where the slider is not in sight, the run's own"
    Hands(again).key(Qt.Key.Key_3, CTRL)
    assert again.session.review.threshold == pytest.approx(0.4)
    assert again.findChild(QSlider, "review.threshold").value() == 40
    assert not again.session.review.shown
    assert not again.studio_actions["action.view.detections"].isChecked()
    assert again.room.image_list.model.filter.states == {ImageState.UNLABELLED}
    assert again.room.image_list.model.rowCount() == 25
    assert again.room.train.live.loss_plot.log_button.isChecked()
    assert again.messages.text == ""
    end(again)


def test_boxes_left_hidden_are_hidden_again_and_the_window_says_so(qtbot, hands: Hands) -> None:
    hands.key(Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert not hands.canvas.scene.boxes_shown
    again = opened_again(qtbot, hands.window)
    assert not Hands(again).canvas.scene.boxes_shown
    assert "Shift+H" in again.messages.text
    end(again)


# --- recent projects -----------------------------------------------------------------------------------


def test_a_recent_project_opens_from_the_menu_and_a_missing_one_does_not(qtbot, hands: Hands, tmp_path: Path) -> None:
    window, folder = hands.window, hands.session.store.folder
    gone = tmp_path / "gone"
    gone.mkdir()
    window.settings.add_recent(gone)
    gone.rmdir()
    window.close_session()
    menu = window.recent_menu
    menu.aboutToShow.emit()
    entries = {entry.data(): entry for entry in menu.actions() if entry.data()}
    assert not entries[str(gone)].isEnabled()
    assert "not there now" in entries[str(gone)].text()
    entries[str(folder)].trigger()
    assert window.session is not None
    assert window.session.store.folder == folder


def test_the_list_of_recent_projects_can_be_cleared(qtbot, hands: Hands) -> None:
    window = hands.window
    window.close_session()
    assert window.welcome.recent.count() == 1
    button = next(b for b in window.welcome.findChildren(QPushButton) if b.text() == "Clear list")
    click(button)
    assert window.welcome.recent.isHidden()
    window.recent_menu.aboutToShow.emit()
    assert [entry.text() for entry in window.recent_menu.actions()] == ["No project yet"]
    assert window.settings.recent() == []


# --- dialogs and words -------------------------------------------------------------------------------------


def test_the_export_dialog_writes_into_the_named_folder(qtbot, hands: Hands, tmp_path: Path) -> None:
    window = hands.window
    window.studio_actions["action.project.export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog.width() >= LEAST_WIDTH
    field = dialog.findChild(QLineEdit, "export.folder")
    QTest.keyClicks(field, str(tmp_path))
    assert "not empty" in dialog.error.text()
    assert not dialog.go.isEnabled()
    QTest.keyClicks(field, "/exported")
    assert dialog.error.text() == ""
    click(dialog.go)
    qtbot.waitUntil(lambda: window.messages.text.startswith("Exported 150 images"), timeout=30_000)
    assert len(list((tmp_path / "exported" / "Annotations").glob("*.xml"))) == 125


def test_the_status_bar_says_the_state_of_the_image(hands: Hands) -> None:
    window, project = hands.window, hands.session.project
    first = project.current_id
    assert window.room.status.place.text().endswith("· Labelled")
    QTest.keyPress(hands.canvas, Qt.Key.Key_Space)
    QTest.keyRelease(hands.canvas, Qt.Key.Key_Space)
    hands.key(Qt.Key.Key_A)
    assert project.current_id == first
    assert window.room.status.place.text().endswith("· Verified")
    assert "Space" in window.room.status.place.toolTip()
    hands.key(Qt.Key.Key_Z, CTRL)
    assert window.room.status.place.text().endswith("· Labelled")


@pytest.mark.parametrize("mode", [ThemeMode.LIGHT, ThemeMode.DARK])
def test_numbers_begin_and_end_where_words_do(hands: Hands, mode: ThemeMode) -> None:
    """Spin boxes and line edits of the form: same height, and the text begins at the same pixel."""
    hands.window.set_theme(mode)
    hands.key(Qt.Key.Key_2, CTRL)
    QApplication.processEvents()
    form = hands.window.findChild(TrainForm)
    spin = next(s for s in form.findChildren(QSpinBox) if s.isVisible())
    line = next(e for e in form.findChildren(QLineEdit) if e.isVisible() and not isinstance(e.parent(), QSpinBox))
    spin.setSuffix("")
    spin.setValue(300)
    line.setText("300")
    assert spin.height() == line.height()
    assert abs(first_ink(spin) - first_ink(line)) <= 1


def first_ink(widget) -> int:
    """The first column, inside the border, that differs from the ground."""
    picture = widget.grab().toImage()
    ground = picture.pixelColor(4, picture.height() // 2).lightness()
    for x in range(4, picture.width() // 2):
        for y in range(6, picture.height() - 6):
            if abs(picture.pixelColor(x, y).lightness() - ground) > 100:
                return x
    raise AssertionError("nothing is written there")


def test_the_box_table_needs_no_scroll_bar_at_its_first_width(hands: Hands) -> None:
    table = hands.window.room.boxes
    QApplication.processEvents()
    assert not table.horizontalScrollBar().isVisible()
    assert not table.isColumnHidden(6), "where a box is from is shown"
    hands.window.resizeDocks([hands.window.room.docks["boxes"]], [500], Qt.Orientation.Horizontal)
    QApplication.processEvents()
    assert not table.horizontalScrollBar().isVisible()


# --- thumbnails ------------------------------------------------------------------------------------------


def shown_job(window: MainWindow) -> str:
    strip = window.room.status.jobs
    return strip.label.text() if strip.isVisible() else ""


def test_thumbnails_are_made_ahead_with_progress_and_cancel(qtbot, monkeypatch, hands: Hands, own_home: Path) -> None:
    window, session = hands.window, hands.session
    session.thumbnail_pass.hold(True)
    qtbot.waitUntil(lambda: not session.board.jobs, timeout=10_000)
    shutil.rmtree(own_home / "cache", ignore_errors=True)
    monkeypatch.setattr(pass_module, "SILENT_S", 0.0)
    session.make_all_thumbnails()
    session.thumbnail_pass.hold(False)
    qtbot.waitUntil(lambda: "Thumbnails" in shown_job(window) and "/1" in shown_job(window), timeout=10_000)
    click(window.room.status.jobs.cancel)
    qtbot.waitUntil(lambda: shown_job(window) == "", timeout=10_000)
    made = len(list((own_home / "cache").rglob("*.jpg")))
    assert made < 150
    session.work_ahead()
    session._on_time_for_thumbnails()
    assert not session.board.jobs, "not begun again by itself"
    window.studio_actions["action.image.thumbnails"].trigger()
    qtbot.waitUntil(lambda: len(list((own_home / "cache").rglob("*.jpg"))) == 150, timeout=30_000)


def test_a_second_start_makes_no_thumbnail_again(qtbot, hands: Hands, own_home: Path) -> None:
    session = hands.session
    session.make_all_thumbnails()
    qtbot.waitUntil(lambda: not session.thumbnail_pass.running, timeout=30_000)
    before = {file: file.stat().st_ino for file in (own_home / "cache").rglob("*.jpg")}
    again = opened_again(qtbot, hands.window)
    seen: list[str] = []
    again.session.board.progressed.connect(lambda _job: seen.append(shown_job(again)))
    again.session.make_all_thumbnails()
    qtbot.waitUntil(lambda: not again.session.thumbnail_pass.running, timeout=30_000)
    assert seen == []
    assert {file: file.stat().st_ino for file in (own_home / "cache").rglob("*.jpg")} == before
    end(again)


def test_enter_ends_the_typing_of_a_class_name(qtbot, hands: Hands) -> None:
    count = len(hands.session.project.boxes)
    rename_first_class(hands.window, "screw")
    qtbot.waitUntil(lambda: hands.session.project.categories[0].name == "screw", timeout=5_000)
    assert len(hands.session.project.boxes) == count
    assert hands.canvas.scene.hint == "", "Enter went to the name, not to the detections"


# --- many files at once ------------------------------------------------------------------------------------


def rename_first_class(window: MainWindow, name: str) -> None:
    """Double-click the first class, type, Enter: every file that has such a box is due for writing."""
    panel = window.room.categories
    panel.rename(0)
    field = panel.view.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, name)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_writing_many_files_shows_what_is_left_and_can_be_put_off(qtbot, hands: Hands, sample: Path) -> None:
    window, store = hands.window, hands.session.store
    strip = window.room.status.writing
    before = file_bytes(sample)
    rename_first_class(window, "screw")
    qtbot.waitUntil(lambda: strip.isVisible() and strip.label.text().startswith("Writing files · "), timeout=10_000)
    click(strip.button)
    assert strip.button.text() == "Write now"
    assert "to be written" in strip.label.text()
    left = store.pending_files()
    assert left > 0
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    store.flush()
    assert store.pending_files() >= left, "nothing is written meanwhile"
    click(strip.button)
    qtbot.waitUntil(lambda: store.pending_files() == 0, timeout=60_000)
    qtbot.waitUntil(lambda: not strip.isVisible(), timeout=10_000)
    changed = [data for name, data in file_bytes(sample).items() if data != before.get(name)]
    assert len(changed) > 50
    assert not any(b"<name>bolt</name>" in data for data in changed)


def test_write_files_now_writes_what_was_put_off(qtbot, hands: Hands) -> None:
    store = hands.session.store
    store.pause_writing()
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    qtbot.waitUntil(lambda: hands.window.room.status.writing.isVisible(), timeout=10_000)
    hands.key(Qt.Key.Key_S, CTRL)
    qtbot.waitUntil(lambda: store.pending_files() == 0, timeout=20_000)
    qtbot.waitUntil(lambda: not hands.window.room.status.writing.isVisible(), timeout=10_000)


def test_a_gesture_alone_makes_no_strip(hands: Hands, written: Callable[[], None]) -> None:
    hands.key(Qt.Key.Key_W)
    hands.drag(10, 10, 60, 50)
    assert not hands.window.room.status.writing.isVisible()
    written()
    QApplication.processEvents()
    assert not hands.window.room.status.writing.isVisible()
