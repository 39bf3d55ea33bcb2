"""Reviewing in the real window: hints while labelling, the queue by keys, and what an image counts as meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.formats.detections import write_detections
from tests.e2e.hands import Hands, file_bytes, objects
from tests.run_folders import make_finished_run
from tests.workspace.reviewing import balanced_at

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
BOXES = [(20, 24, 90, 80), (20, 24, 90, 56), (100, 60, 160, 120), (180, 60, 240, 120), (30, 150, 80, 190)]
SCORES = [0.9, 0.85, 0.8, 0.7, 0.3]


@pytest.fixture
def run(qtbot, hands: Hands) -> str:
    """A run that balances best at 0.60, with detections of every unlabelled image; the first of those is shown."""
    session = hands.session
    category = session.project.categories[0].id
    folder = make_finished_run(session.store.runs_folder, session.project.categories, balance=balanced_at(0.6))
    found = Detections.make(BOXES, [category] * len(BOXES), SCORES)
    ids = session.review.images_of("unlabelled")
    write_detections(folder / "detections", dict.fromkeys(ids, found))
    session.review.refresh_runs(select_newest=True)
    session.project.set_current(ids[0])
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=20_000)
    return folder.name


def states_line(hands: Hands) -> str:
    return hands.window.room.status.place.text()


def test_the_slider_of_review_does_not_change_the_hints_while_labelling(hands: Hands, run: str) -> None:
    window, review = hands.window, hands.session.review
    hint = window.room.status.looking
    assert hint.text() == "3 detections from score 0.60"
    hint.click()
    assert window.activity == "review"
    window.room.review.threshold.setValue(10)
    assert hint.text() == "4 detections from score 0.10"
    hands.key(Qt.Key.Key_1, CTRL)
    assert hint.text() == "3 detections from score 0.60"
    assert len(hands.canvas.scene.ghosts) == 3
    hands.key(Qt.Key.Key_3, CTRL)
    assert (review.threshold, hint.text()) == (0.1, "4 detections from score 0.10")


def test_an_image_is_labelled_once_the_last_detection_is_decided_on(hands: Hands, run: str, sample, written) -> None:
    before = file_bytes(sample)
    project = hands.session.project
    hands.key(Qt.Key.Key_3, CTRL)
    xml = hands.xml()
    hands.key(Qt.Key.Key_Return)
    assert project.record.state == ImageState.UNLABELLED
    assert "Unlabelled" in states_line(hands)
    assert hands.window.room.review.open_note.text().startswith("Not trained on yet: 2 detections are still open.")
    hands.key(Qt.Key.Key_Return)
    hands.key(Qt.Key.Key_X)
    assert project.record.state == ImageState.LABELLED
    assert "Labelled" in states_line(hands)
    written()
    assert len(objects(xml)) == 2
    for _ in range(3):
        hands.key(Qt.Key.Key_Z, CTRL)
    written()
    assert file_bytes(sample) == before
    assert project.record.state == ImageState.UNLABELLED


def test_page_down_goes_on_to_the_next_image_with_something_to_decide(hands: Hands, run: str) -> None:
    project, review = hands.session.project, hands.session.review
    waiting = review.images_of("unlabelled")
    hands.key(Qt.Key.Key_3, CTRL)
    hands.key(Qt.Key.Key_Return, SHIFT)
    hands.key(Qt.Key.Key_PageDown)
    assert project.current_id == waiting[1]
    hands.key(Qt.Key.Key_PageDown)
    hands.key(Qt.Key.Key_PageUp)
    assert project.current_id == waiting[1]
    assert review.visible()


def painted_along(hands: Hands, corners: tuple[float, float, float, float]) -> np.ndarray:
    """Pixels across the left edge of these corners: (heights, 12, 3), as a person sees them."""
    picture = hands.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    shot = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    shot = shot[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3)
    top, bottom = hands.canvas.image_to_widget(*corners[:2]), hands.canvas.image_to_widget(corners[0], corners[3])
    x = round(top.x())
    return shot[round(top.y()) + 8 : round(bottom.y()) - 8, x - 6 : x + 6].astype(int)


def changed_columns(before: np.ndarray, after: np.ndarray) -> int:
    return int((np.abs(after - before).max(axis=(0, 2)) > 12).sum())


def test_unlikely_detections_are_thin_and_only_the_focused_one_is_named_among_them(hands: Hands, run: str) -> None:
    review = hands.session.review
    hands.key(Qt.Key.Key_3, CTRL)
    review.set_shown(False)
    plain = [painted_along(hands, corners) for corners in BOXES]
    review.set_shown(True)
    review.set_threshold(0.1)
    review.focus(0)
    widths = [changed_columns(plain[n], painted_along(hands, BOXES[n])) for n in (0, 3, 4)]
    assert widths[0] > widths[1] > widths[2] > 0, "focused, likely, unlikely"
    named = {key[1] for key in hands.canvas.scene.plates.where if key[0] == "detection"}
    assert 0 in named
    assert 4 not in named
