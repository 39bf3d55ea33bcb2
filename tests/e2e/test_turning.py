"""What going to the next image must not do in the real window: lay it out anew, or paint rows that have not changed."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication

from rcnn_studio.ui.statusbar.steady_label import SteadyLabel
from tests.e2e.hands import Hands

PAINT, LAYOUT = QEvent.Type.Paint, QEvent.Type.LayoutRequest


class Watch(QObject):
    """Counts events of a few widgets."""

    def __init__(self, *watched: QObject) -> None:
        super().__init__()
        self.seen: Counter[tuple[QObject, QEvent.Type]] = Counter()
        for one in watched:
            one.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.seen[watched, event.type()] += 1
        return False


def turn(hands: Hands, times: int = 1) -> None:
    for _ in range(times):
        hands.key(Qt.Key.Key_D)
        QApplication.processEvents()


def test_the_next_image_does_not_lay_the_window_out_anew(hands: Hands) -> None:
    window = hands.window
    turn(hands, 12)  # past the first numbers with two digits, which need more room
    watch = Watch(window, window.room.canvas)
    turn(hands, 5)
    assert watch.seen[window.room.canvas, PAINT] >= 5
    assert watch.seen[window, LAYOUT] == 0


def test_only_rows_that_have_changed_are_painted(hands: Hands, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    view = hands.window.room.image_list.view
    turn(hands, 12)
    qtbot.wait(50)
    painted: list[int] = []
    paint_row = type(view.delegate)._paint_row

    def noting(delegate, painter, option, place: int) -> None:
        painted.append(place)
        paint_row(delegate, painter, option, place)

    monkeypatch.setattr(type(view.delegate), "_paint_row", noting)
    place = view.currentIndex().row()
    turn(hands)
    rows = view.viewport().height() // view.delegate.row_height
    assert {place, place + 1} <= set(painted)
    assert len(painted) < rows


def test_a_label_that_changes_keeps_the_room_it_once_had(qtbot) -> None:
    label = SteadyLabel("00000")
    qtbot.addWidget(label)
    before = label.width()
    label.show_text("1")
    assert label.width() == before
    label.show_text("a good deal wider than before")
    wider = label.width()
    assert wider >= label.fontMetrics().horizontalAdvance(label.text())
    label.show_text("2")
    assert (label.text(), label.width()) == ("2", wider)
