"""Labelling with the mouse alone: toolbar, panels, canvas and right-click menus; the files hold what was clicked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QToolBar

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from tests.e2e.hands import Hands, file_bytes, objects

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Mouse:
    """Clicks on the window's buttons, lists and menus; drags on the canvas."""

    def __init__(self, hands: Hands) -> None:
        self.hands, self.window = hands, hands.window

    def button(self, action: str) -> None:
        """The toolbar's button of an action."""
        bar = self.window.findChild(QToolBar, "toolbar")
        widget = bar.widgetForAction(self.window.studio_actions[f"action.{action}"])
        assert widget is not None, f"no button for {action}"
        assert widget.isVisible()
        assert widget.isEnabled()
        QTest.mouseClick(widget, LEFT, NONE, widget.rect().center())

    def category(self, name: str) -> None:
        """A row of the class list."""
        view = self.window.findChild(QAbstractItemView, "category_list")
        names = [category.name for category in self.hands.session.project.categories]
        at = view.visualRect(view.model().index(names.index(name), 0)).center()
        QTest.mouseClick(view.viewport(), LEFT, NONE, at)

    def menu(self, x: float, y: float, *path: str) -> None:
        """Right-click on the canvas, then the entries by their texts, with the mouse."""
        canvas = self.hands.canvas
        at = canvas.image_to_widget(x, y).toPoint()
        QTest.mouseMove(canvas, at)
        QTest.mouseClick(canvas, Qt.MouseButton.RightButton, NONE, at)
        where = canvas.mapToGlobal(at)
        QApplication.sendEvent(canvas, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, where))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        for text in path[:-1]:
            self._click(menu, text)
            menu = entry(menu, text).menu()
        self._click(menu, path[-1])
        assert QApplication.activePopupWidget() is None, "a menu closes once something was chosen"

    def menu_bar(self, title: str, text: str) -> None:
        bar = self.window.menuBar()
        action = next(a for a in bar.actions() if a.text().replace("&", "") == title)
        QTest.mouseClick(bar, LEFT, NONE, bar.actionGeometry(action).center())
        menu = action.menu()
        self._click(menu, text)

    @staticmethod
    def _click(menu: QMenu, text: str) -> None:
        chosen = entry(menu, text)
        assert chosen.isEnabled()
        QTest.mouseMove(menu, menu.actionGeometry(chosen).center() + QPoint(1, 1))
        QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(chosen).center())


def entry(menu: QMenu, text: str) -> QAction:
    found = [a for a in menu.actions() if a.text().replace("&", "").startswith(text)]
    assert found, [a.text() for a in menu.actions()]
    return found[0]


def middle(row: tuple[str, int, int, int, int]) -> tuple[float, float]:
    return (row[1] - 1 + row[3]) / 2, (row[2] - 1 + row[4]) / 2


def test_boxes_are_drawn_named_changed_and_verified_with_the_mouse_alone(
    hands: Hands, sample: Path, written: Callable[[], None]
) -> None:
    mouse, project, untouched = Mouse(hands), hands.session.project, file_bytes(sample)
    xml, first, before = hands.xml(), project.current_id, objects(hands.xml())
    mouse.button("tool.draw")
    mouse.category("nut")
    hands.drag(12, 14, 60, 58)
    mouse.category("washer")
    hands.drag(70, 14, 118, 58)
    mouse.button("tool.select")
    mouse.menu(94, 36, "Class", "bolt")
    mouse.menu(94, 36, "Flags", "Truncated")
    hands.drag(36, 36, 46, 36)
    assert project.boxes[-1].flags == BoxFlag.TRUNCATED
    mouse.button("image.verify")
    assert project.current_id != first
    assert project.image_record(first).state == ImageState.VERIFIED
    written()
    assert objects(xml) == [*before, ("nut", 23, 15, 70, 58), ("bolt", 71, 15, 118, 58)]
    for _step in range(6):
        mouse.button("edit.undo")
    written()
    assert file_bytes(sample) == untouched


def test_a_box_is_made_copied_lined_up_and_deleted_from_the_menus(hands: Hands, written: Callable[[], None]) -> None:
    mouse, project = Mouse(hands), hands.session.project
    xml, before = hands.xml(), objects(hands.xml())
    mouse.button("tool.select")
    for row in before:
        mouse.menu(*middle(row), "Delete")
    assert project.boxes == ()
    mouse.menu(60, 60, "New Box Here")
    (box,) = project.boxes
    mouse.menu(60, 60, "Duplicate")
    hands.drag(box.x2 + 3, box.y2 + 3, box.x2 + 103, box.y2 + 3)
    mouse.menu(300, 200, "Select All Boxes")
    mouse.menu(60, 60, "Arrange", "Align Top Edges")
    mouse.button("image.next")
    written()
    top, height = int(box.y1), int(box.height)
    name = project.category(box.category_id).name
    assert objects(xml) == [
        (name, int(box.x1) + 1, top + 1, int(box.x2), top + height),
        (name, int(box.x1) + 111, top + 1, int(box.x2) + 110, top + height),
    ]


def test_an_image_without_objects_is_said_to_be_empty_with_the_mouse_alone(
    hands: Hands, written: Callable[[], None]
) -> None:
    mouse, project = Mouse(hands), hands.session.project
    while project.record.state != ImageState.UNLABELLED:
        mouse.button("image.next")
    xml, image_id = hands.xml(), project.current_id
    mouse.menu(30, 30, "Nothing Here")
    assert project.current_id != image_id
    assert project.image_record(image_id).state == ImageState.CONFIRMED_EMPTY
    written()
    assert xml.exists()
    assert objects(xml) == []


def test_images_are_chosen_in_the_list_and_the_view_is_set_with_the_mouse_alone(hands: Hands) -> None:
    mouse, project = Mouse(hands), hands.session.project
    view = hands.window.room.image_list.view
    at = view.visualRect(view.model().index(3, 0)).center()
    QTest.mouseClick(view.viewport(), LEFT, NONE, at)
    assert project.current_id == int(project.rows.ids[3])
    fitted = hands.canvas.zoom
    mouse.button("view.actual_size")
    assert hands.canvas.zoom == 1.0
    mouse.button("view.fit")
    assert hands.canvas.zoom == fitted
    mouse.button("tool.draw")
    mouse.menu_bar("View", "Crosshair")
    hands.drag(20, 20, 80, 70)
    assert hands.canvas.scene.crosshair is None
