"""The statistics of the sample in their window: every bar leads to the images behind it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from rcnn_studio.domain.dataset import Dataset, ImageState
from rcnn_studio.domain.statistics import count
from rcnn_studio.ui.browse.words import images_text
from rcnn_studio.ui.statistics import charts
from rcnn_studio.ui.statistics.page import StatisticsPage
from tests.e2e.hands import Hands


@pytest.fixture
def page(hands: Hands, qtbot) -> StatisticsPage:
    hands.window.studio_actions["action.files.statistics"].trigger()
    made = hands.window.room.statistics.page
    qtbot.waitUntil(lambda: bool(made.categories.bars), timeout=10_000)
    return made


def click(plot, mark: int) -> None:
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=plot.area(mark).center().toPoint())


def shown(hands: Hands) -> list[int]:
    model = hands.window.room.image_list.model
    return [model.image_id(place) for place in range(model.rowCount())]


def test_the_bar_of_a_class_shows_the_images_that_have_it(hands: Hands, page: StatisticsPage) -> None:
    store, project = hands.session.store, hands.session.project
    assert page.summary.text() == "150 images, 1017 boxes, 4 classes"
    assert [bar.label for bar in page.categories.bars] == ["bolt", "lock_washer", "nut", "washer"]
    for mark, bar in enumerate(page.categories.bars):
        click(page.categories, mark)
        category = next(c.id for c in project.categories if c.name == bar.label)
        wanted = [i for i in project.rows.ids.tolist() if any(b.category_id == category for b in store.image(i).boxes)]
        assert shown(hands) == wanted
        assert f"in {len(wanted)} images" in bar.tip
        assert sum(bar.parts) == bar.count


def test_states_splits_and_numbers_of_boxes_show_as_many_images_as_their_bars_say(
    hands: Hands, page: StatisticsPage
) -> None:
    for plot in (page.states, page.splits, page.boxes):
        for mark, bar in enumerate(plot.bars):
            click(plot, mark)
            assert len(shown(hands)) == bar.count, bar.tip


def test_sizes_shapes_and_places_show_images_that_have_such_a_box(hands: Hands, page: StatisticsPage) -> None:
    store, ids = hands.session.store, hands.session.project.rows.ids.tolist()
    records = [store.image(i) for i in ids]

    def boxes_that(fits) -> tuple[int, list[int]]:
        hits = [(r.id, sum(fits(r, b) for b in r.boxes)) for r in records]
        return sum(n for _, n in hits), [i for i, n in hits if n]

    for plot, measure in (
        (page.sides, lambda b: np.sqrt(b.width * b.height)),
        (page.aspects, lambda b: b.width / b.height),
    ):
        for mark, bar in enumerate(plot.bars):
            low, high = bar.query.side or bar.query.aspect
            number, images = boxes_that(lambda _r, b, m=measure, lo=low, hi=high: lo <= m(b) < hi)
            click(plot, mark)
            assert (bar.count, shown(hands)) == (number, images), bar.tip
    row, column = divmod(int(page.heat.heat.counts.argmax()), charts.HEAT_CELLS)
    click(page.heat, row * charts.HEAT_CELLS + column)
    n = charts.HEAT_CELLS
    number, images = boxes_that(
        lambda r, b: (int((b.x1 + b.x2) / 2 / r.width * n), int((b.y1 + b.y2) / 2 / r.height * n)) == (column, row)
    )
    assert (int(page.heat.heat.counts.max()), shown(hands)) == (number, images)


def test_the_arrows_and_return_do_what_the_mouse_does(hands: Hands, page: StatisticsPage) -> None:
    page.states.setFocus()
    QTest.keyClick(page.states, Qt.Key.Key_Down)
    QTest.keyClick(page.states, Qt.Key.Key_Down)
    assert page.states.accessibleDescription() == "Labelled: 125 images"
    QTest.keyClick(page.states, Qt.Key.Key_Return)
    assert len(shown(hands)) == 125


def test_an_edit_makes_the_page_offer_to_count_again(hands: Hands, page: StatisticsPage, qtbot) -> None:
    assert page.refresh.isHidden()
    hands.session.project.set_state(int(hands.session.project.rows.ids[0]), ImageState.VERIFIED)
    assert not page.refresh.isHidden()
    QTest.mouseClick(page.refresh, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.refresh.isHidden, timeout=10_000)
    assert [bar.count for bar in page.states.bars] == [25, 124, 0, 1, 0]


def test_bars_are_as_long_as_their_numbers(page: StatisticsPage, qtbot) -> None:
    qtbot.waitUntil(lambda: page.categories.height() >= page.categories.sizeHint().height())
    picture = page.categories.grab().toImage()
    ratio = picture.devicePixelRatio()

    def reaches(mark: int) -> int:
        """Where the colour of a bar ends, in pixels from its start."""
        rect = page.categories.bar_rect(mark)
        y = round(rect.center().y() * ratio)
        ground = picture.pixel(QPoint(round((rect.left() - 3) * ratio), y))
        x = round(rect.left() * ratio) + 1
        while x < picture.width() and picture.pixel(QPoint(x, y)) != ground:
            x += 1
        return x - round(rect.left() * ratio)

    most = page.categories.bars[0].count
    for mark, bar in enumerate(page.categories.bars):
        assert reaches(mark) == pytest.approx(reaches(0) * bar.count / most, abs=2)


def test_a_project_without_boxes_has_nothing_to_draw() -> None:
    counted = count(Dataset.from_records([], categories=(), roots=["/"]))
    assert charts.sides(counted) == charts.per_category(counted, ()) == charts.per_split(counted) == []
    assert charts.heat(counted).counts.sum() == 0


def test_a_bar_takes_the_place_of_a_search_and_its_chips_say_so(hands: Hands, page: StatisticsPage, qtbot) -> None:
    panel = hands.window.room.image_list
    QTest.keyClicks(panel.filter, "_02")
    for plot, mark, said in (
        (page.categories, 0, ["bolt"]),
        (page.boxes, 4, ["Trained on", "4 boxes"]),
        (page.splits, 0, ["In train"]),
    ):
        click(plot, mark)
        assert panel.filter.text() == ""
        assert [chip.text() for chip in panel.bar.chips] == said
        qtbot.waitUntil(lambda: all(panel.bar.rect().contains(chip.geometry()) for chip in panel.bar.chips))
        assert all(chip.isVisible() for chip in panel.bar.chips)


def test_on_a_low_screen_the_whole_page_can_be_reached(page: StatisticsPage) -> None:
    screen = QRect(0, 30, 1366, 738)
    page.fit_into(screen)
    assert screen.contains(page.geometry())
    area = page.findChild(QScrollArea)
    bar = area.verticalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    QApplication.processEvents()
    bottom = page.heat.mapTo(area.viewport(), page.heat.rect().bottomLeft()).y()
    assert bottom <= area.viewport().height()


def test_the_map_has_the_shape_of_the_images(page: StatisticsPage, hands: Hands) -> None:
    rows = hands.session.project.rows
    cell = page.heat.area(0)
    assert cell.width() / cell.height() == pytest.approx(float(np.median(rows.widths / rows.heights)), rel=0.01)
    assert page.heat.area(page.heat.count() - 1).bottom() <= page.heat.height() + 1e-6


def test_one_is_not_said_in_the_plural(page: StatisticsPage) -> None:
    tips = [plot.tip(mark) for plot in page.plots for mark in range(plot.count())]
    assert any("1 box" in tip for tip in tips)
    assert not [tip for tip in tips if re.search(r"\b1 (images|boxes)\b", tip)]
    assert images_text(1) == "1 image"
