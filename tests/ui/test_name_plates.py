"""The name plates on the canvas: whole, beside each other, and explained where they are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from rcnn_studio.domain.dataset import BoxFlag
from rcnn_studio.ui.label.layers import FEW
from rcnn_studio.ui.label.plates import Plates
from tests.ui.desk import HEIGHT, WIDTH, Desk

Key = Qt.Key


def painted(desk: Desk) -> dict[tuple[str, int], QRect]:
    """Where the plates are, in device pixels, once everything is painted."""
    desk.canvas.repaint()
    return desk.canvas.scene.plates.where


def seen_image(desk: Desk) -> QRect:
    canvas = desk.canvas
    corners = [canvas.image_to_widget(*point) * canvas.scene.dpr for point in ((0, 0), (WIDTH, HEIGHT))]
    image = QRect(corners[0].toPoint(), corners[1].toPoint() - QPoint(1, 1))
    return image.intersected(QRect(0, 0, canvas.scene.frame.width, canvas.scene.frame.height))


AT_THE_EDGES = ((0, 0, 60, 40), (260, 0, 320, 40), (0, 200, 60, 240), (260, 200, 320, 240), (0, 0, 320, 240))


def test_plates_of_boxes_at_the_images_edges_lie_wholly_inside_it(desk: Desk) -> None:
    desk.add(*AT_THE_EDGES, name="washer")
    where = painted(desk)
    assert len(where) == len(AT_THE_EDGES)
    assert all(seen_image(desk).contains(area) for area in where.values())


def test_plates_stay_in_the_window_when_the_image_is_larger_than_it(desk: Desk) -> None:
    boxes = desk.add((100, 80, 200, 160), (0, 0, 320, 240), name="washer")
    desk.canvas.zoom_by(12.0)
    where = painted(desk)
    assert ("box", boxes[1].id) in where, "its edges are outside, its name is not"
    assert all(seen_image(desk).contains(area) for area in where.values())


def test_plates_of_boxes_on_each_other_do_not_cover_each_other(desk: Desk) -> None:
    desk.add(*((40 + 2 * n, 60 + 2 * n, 140, 160) for n in range(6)), name="washer")
    where = painted(desk)
    assert len(where) == 6, "each has a place"
    assert not any(a.intersects(b) for a, b in combinations(where.values(), 2))


def test_plates_of_detections_make_room_for_each_other_and_for_boxes(desk: Desk) -> None:
    desk.add((40, 60, 140, 160))
    desk.show_ghosts(
        ((40, 60, 200, 220), "nut", 0.9), ((100, 61, 260, 221), "washer", 0.8), ((250, 0, 320, 30), "nut", 0.7)
    )
    where = painted(desk)
    assert len([key for key in where if key[0] == "detection"]) == 3
    assert not any(a.intersects(b) for a, b in combinations(where.values(), 2))
    assert all(seen_image(desk).contains(area) for area in where.values())


def test_selecting_a_box_moves_no_other_plate(desk: Desk) -> None:
    boxes = desk.add((40, 60, 140, 160), (42, 62, 142, 162), (60, 70, 130, 120))
    before = dict(painted(desk))
    desk.project.set_selection([boxes[1].id])
    assert painted(desk) == before


def test_many_boxes_still_have_plates_that_do_not_cover_each_other(desk: Desk) -> None:
    rng = np.random.default_rng(3)
    corners = rng.integers(0, [200, 150], (FEW + 60, 2))
    desk.add(*((x, y, x + 90, y + 70) for x, y in corners.tolist()))
    where = painted(desk)
    assert 10 < len(where) < FEW + 60
    assert not any(a.intersects(b) for a, b in combinations(where.values(), 2))


def test_a_place_that_is_taken_is_not_given_twice() -> None:
    plates = Plates(QRect(0, 0, 200, 100))
    size = QSize(40, 12)
    box = QRect(50, 40, 60, 30)
    spots = [plates.place(("box", n), box, size) for n in range(12)]
    given = [QRect(spot, size) for spot in spots if spot is not None]
    assert 3 <= len(given) <= 8
    assert not any(a.intersects(b) for a, b in combinations(given, 2))
    assert spots[-1] is None
    assert plates.place(("box", 99), QRect(400, 400, 10, 10), size) is None, "not in view"


def hover_plate(desk: Desk, key: tuple[str, int]) -> str:
    """The tooltip that comes when the pointer rests on a plate."""
    area = painted(desk)[key]
    at = (QPointF(area.center()) / desk.canvas.scene.dpr).toPoint()
    QApplication.sendEvent(desk.canvas, QHelpEvent(QEvent.Type.ToolTip, at, desk.canvas.mapToGlobal(at)))
    return QToolTip.text()


@pytest.mark.parametrize(
    ("key", "words"), [(Key.Key_Q, "O: occluded"), (Key.Key_T, "T: truncated"), (Key.Key_G, "D: difficult")]
)
def test_the_letters_on_a_plate_are_explained_where_they_stand(desk: Desk, key: Key, words: str) -> None:
    (box,) = desk.add((100, 80, 200, 160))
    desk.project.set_selection([box.id])
    desk.key(key)
    assert hover_plate(desk, ("box", box.id)) == f"bolt\n{words}"


def test_a_detections_plate_says_what_its_number_is(desk: Desk) -> None:
    desk.show_ghosts(((60, 60, 160, 160), "nut", 0.9))
    text = hover_plate(desk, ("detection", 0))
    assert "found by the model with a score of 0.90" in text
    assert "Enter: accept" in text


def test_beside_the_plates_nothing_is_explained(desk: Desk) -> None:
    desk.add((100, 80, 200, 160))
    painted(desk)
    assert desk.canvas.plate_text(desk.canvas.image_to_widget(300, 220)) == ""


def test_a_selected_box_does_not_tint_what_it_holds(desk: Desk) -> None:
    (box,) = desk.add((100, 80, 200, 160))
    at = desk.canvas.image_to_widget(150.5, 130.5).toPoint()
    before = desk.canvas.grab().toImage().pixelColor(at)
    desk.project.set_selection([box.id])
    assert desk.canvas.grab().toImage().pixelColor(at) == before


def test_the_table_says_the_flags_in_words(desk: Desk) -> None:
    (box,) = desk.add((100, 80, 200, 160))
    desk.project.toggle_flag([box.id], BoxFlag.TRUNCATED)
    index = desk.table.boxes.index(0, 5)
    assert index.data(Qt.ItemDataRole.DisplayRole) == "T"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "T: truncated"


def test_the_plate_of_the_detection_in_focus_is_filled_and_says_its_keys_and_its_line_is_the_thickest(
    desk: Desk,
) -> None:
    desk.show_ghosts(((20, 60, 100, 140), "nut", 0.9), ((180, 60, 260, 140), "nut", 0.8))

    def coloured(number: int) -> tuple[int, int, int]:
        """(width of its plate, pixels of the class's colour in the plate, and on the box's lines)."""
        plate = painted(desk)[("detection", number)]
        picture = desk.canvas.grab().toImage()
        found = desk.review.detections
        nut = next(c.color for c in desk.project.categories if c.id == int(found.category_ids[number])).lower()
        corners = [desk.canvas.image_to_widget(*found.xyxy[number][i : i + 2].tolist()).toPoint() for i in (0, 2)]
        area = QRect(corners[0], corners[1]).adjusted(-4, 8, 4, 4)

        def count(rect: QRect) -> int:
            points = ((x, y) for x in range(rect.left(), rect.right()) for y in range(rect.top(), rect.bottom()))
            return sum(picture.pixelColor(x, y).name() == nut for x, y in points)

        return plate.width(), count(plate), count(area)

    desk.review.focus(0)
    focused, other = coloured(0), coloured(1)
    assert focused[0] > 1.5 * other[0], "its keys stand in it"
    assert focused[1] > 3 * other[1]
    assert focused[2] > 1.5 * other[2]
    desk.review.focus(1)
    assert coloured(1)[1] > 3 * coloured(0)[1]
