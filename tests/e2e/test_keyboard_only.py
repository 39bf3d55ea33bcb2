"""Twenty images of the sample labelled with the keyboard alone; what was typed is what stands in the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from rcnn_studio.domain.dataset import ImageState
from tests.e2e.hands import Hands, file_bytes, objects

Key = Qt.Key
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
IMAGES = 20

Row = tuple[str, int, int, int, int]


def rows(hands: Hands) -> list[Row]:
    """The open image's boxes as the sample writes them: 1-based, the last pixel inclusive."""
    project = hands.session.project
    return [
        (project.category(b.category_id).name, round(b.x1) + 1, round(b.y1) + 1, round(b.x2), round(b.y2))
        for b in project.boxes
    ]


def times(hands: Hands, count: int, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
    for _press in range(count):
        hands.key(key, held)


def make_two(hands: Hands) -> list[Row]:
    """A washer on the left, sized by its edges, and a copy of it as a nut further right."""
    width, height = hands.canvas.image_size
    side = round(min(width, height) / 5)
    left, top = round(width / 2 - side / 2), round(height / 2 - side / 2)
    hands.key(Key.Key_Insert)
    hands.key(Key.Key_4)
    times(hands, 3, Key.Key_Left, SHIFT)
    times(hands, 2, Key.Key_Down, CTRL | SHIFT)
    times(hands, 4, Key.Key_Up, ALT)
    hands.key(Key.Key_D, CTRL)
    times(hands, 9, Key.Key_Right, SHIFT)
    hands.key(Key.Key_3)
    washer = ("washer", left - 30 + 1, top - 4 + 1, left - 30 + side, top + side + 20)
    moved = 10 + 90
    nut = ("nut", washer[1] + moved, washer[2] + 10, washer[3] + moved, washer[4] + 10)
    return [washer, nut]


def correct_one(hands: Hands) -> list[Row]:
    """The first box of the walk two pixels down, its right edge out by one, and marked truncated."""
    before = rows(hands)
    hands.key(Key.Key_BracketRight)
    (chosen,) = hands.session.project.selection
    place = [b.id for b in hands.session.project.boxes].index(chosen)
    times(hands, 2, Key.Key_Down)
    hands.key(Key.Key_Left, CTRL)
    hands.key(Key.Key_T)
    name, x1, y1, x2, y2 = before[place]
    before[place] = (name, x1, y1 + 2, x2 - 1, y2 + 2)
    return before


def drop_last(hands: Hands) -> list[Row]:
    """The last box of the walk deleted; of an image that had but one nothing is left, which is said."""
    before = rows(hands)
    hands.key(Key.Key_BracketLeft)
    (chosen,) = hands.session.project.selection
    place = [b.id for b in hands.session.project.boxes].index(chosen)
    hands.key(Key.Key_Delete)
    return before[:place] + before[place + 1 :]


def test_twenty_images_are_labelled_with_the_keyboard_alone(
    hands: Hands, sample: Path, written: Callable[[], None]
) -> None:
    project, untouched = hands.session.project, file_bytes(sample)
    todo: list[Callable[[Hands], list[Row]]] = [correct_one, drop_last, rows]
    expected: dict[Path, list[Row]] = {}
    states: dict[int, ImageState] = {}
    made = empty = 0
    start = project.rows.row(project.current_id)
    while len(expected) < IMAGES:
        xml, image_id = hands.xml(), project.current_id
        unlabelled = project.record.state == ImageState.UNLABELLED
        if unlabelled and empty < 3:
            expected[xml], states[image_id] = [], ImageState.CONFIRMED_EMPTY
            empty += 1
            hands.key(Key.Key_B)
        elif unlabelled:
            expected[xml], states[image_id] = make_two(hands), ImageState.VERIFIED
            made += 1
            hands.key(Key.Key_Space)
        elif len(expected) - made - empty < IMAGES - 8 and project.boxes:
            expected[xml], states[image_id] = todo[len(expected) % 3](hands), ImageState.VERIFIED
            if not expected[xml]:
                states[image_id] = ImageState.CONFIRMED_EMPTY
                hands.key(Key.Key_B)
            else:
                hands.key(Key.Key_Space)
        else:
            hands.key(Key.Key_D)
        assert project.current_id != image_id, "every way on ends at the next image"
    assert project.rows.row(project.current_id) > start
    assert (made, empty) == (5, 3)
    written()
    assert {xml.name: objects(xml) for xml in expected} == {xml.name: found for xml, found in expected.items()}
    assert {i: project.image_record(i).state for i in states} == states
    others = {
        name: content for name, content in file_bytes(sample).items() if sample / "Annotations" / name not in expected
    }
    assert others == {name: untouched[name] for name in others}, "no other file was touched"
    while project.undo_stack.canUndo():
        hands.key(Key.Key_Z, CTRL)
    written()
    assert file_bytes(sample) == untouched


def test_classes_are_made_and_given_with_the_keyboard_alone(qtbot, hands: Hands, written: Callable[[], None]) -> None:
    hands.key(Key.Key_D)
    xml, before = hands.xml(), objects(hands.xml())
    hands.key(Key.Key_Insert)
    hands.key(Key.Key_L)
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QLineEdit))
    QTest.keyClicks(QApplication.focusWidget(), "spring")
    QTest.keyClick(QApplication.focusWidget(), Key.Key_Return)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
    hands.key(Key.Key_V, CTRL | SHIFT)
    hands.key(Key.Key_Z, CTRL)
    written()
    after = objects(xml)
    assert after[: len(before)] == before
    assert [row[0] for row in after[len(before) :]] == ["spring"]
