"""Class colours, and what stands beside colour, as people with another colour vision see them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtGui import QImage

from rcnn_studio.domain.dataset import PALETTE, BoxFlag
from tests.ui.desk import Desk

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
# severity 1.0, for linear RGB.
SEEN_BY = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
FROM_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = FROM_RGB.sum(axis=1)


def linear(color: str) -> np.ndarray:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear RGB."""
    t = FROM_RGB @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(matrix: np.ndarray, count: int) -> tuple[float, str, str]:
    seen = [lab(matrix @ linear(color)) for color in PALETTE[:count]]
    pairs = itertools.combinations(range(count), 2)
    return min((float(np.linalg.norm(seen[a] - seen[b])), PALETTE[a], PALETTE[b]) for a, b in pairs)


def test_the_simulation_leaves_white_and_mixes_red_with_green() -> None:
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.01)
    red, green = linear("#c00000"), linear("#5b6b00")
    plain = np.linalg.norm(lab(red) - lab(green))
    assert np.linalg.norm(lab(SEEN_BY["deuteranopia"] @ red) - lab(SEEN_BY["deuteranopia"] @ green)) < plain / 3


@pytest.mark.parametrize(
    ("vision", "least"), [("usual", 25), ("protanopia", 20), ("deuteranopia", 17), ("tritanopia", 15)]
)
def test_the_first_eight_class_colours_stay_apart(vision: str, least: float) -> None:
    matrix = np.array(SEEN_BY.get(vision, np.eye(3)))
    distance, one, other = nearest(matrix, 8)
    assert distance >= least, f"{one} and {other} are {distance:.1f} apart with {vision}"


def grey(desk: Desk) -> QImage:
    return desk.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)


BOX = (60, 60, 220, 180)


@pytest.mark.parametrize("flag", [BoxFlag.CROWD, BoxFlag.DIFFICULT, BoxFlag.TRUNCATED, BoxFlag.OCCLUDED])
def test_each_flag_shows_inside_its_box_without_colour_and_without_the_plate(desk: Desk, flag: BoxFlag) -> None:
    (box,) = desk.add(BOX)
    desk.move(300, 20)
    looks = {BoxFlag(0): inside(desk)}
    for each in (BoxFlag.CROWD, BoxFlag.DIFFICULT, BoxFlag.TRUNCATED, BoxFlag.OCCLUDED):
        desk.project.toggle_flag([box.id], each)
        looks[each] = inside(desk)
        desk.project.toggle_flag([box.id], each)
    others = [look for other, look in looks.items() if other != flag]
    assert all(np.abs(looks[flag] - look).max() > 60 for look in others)


def test_a_box_of_a_locked_class_has_another_outline(desk: Desk, qtbot) -> None:
    (box,) = desk.add(BOX)
    view = desk.project.category_view
    view.set_locked([desk.project.categories[2].id], True)  # the class list makes room for its button at the first lock
    qtbot.waitUntil(lambda: desk.canvas.width() == desk.canvas.grab().width())
    desk.move(300, 20)
    free = inside(desk)
    view.set_locked([box.category_id], True)
    assert np.abs(inside(desk) - free).max() > 40
    view.set_locked([box.category_id], False)
    assert np.array_equal(inside(desk), free)


def inside(desk: Desk) -> np.ndarray:
    """The box in shades of grey, without the strip at the top where a plate may lie; edges included."""
    image = grey(desk)
    start, end = desk.canvas.image_to_widget(*BOX[:2]), desk.canvas.image_to_widget(*BOX[2:])
    pixels = np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())
    right = int(end.x()) - 12
    below = pixels[int(start.y()) + 24 : int(end.y()) + 1, int(start.x()) : int(end.x()) + 1].astype(int)
    corner = pixels[int(start.y()) : int(start.y()) + 24, right : right + 12].astype(int)
    return np.concatenate([below.ravel(), corner.ravel()])
