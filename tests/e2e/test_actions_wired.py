"""Every row of the table of actions does something in the window of an open project."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolBar

from rcnn_studio.ui.actions import ACTIONS
from tests.e2e.hands import Hands

QT_OWN = (QMenu, QToolBar)
"""Where an action lies in one of these, Qt itself listens to it."""


def listeners(action: QAction) -> int:
    """Receivers of an action's signals, without those that Qt adds for menus, tool bars and groups."""
    said = action.receivers("2triggered(bool)") + action.receivers("2toggled(bool)")
    lying = sum(isinstance(place, QT_OWN) for place in action.associatedObjects())
    return said - lying - (action.actionGroup() is not None)


def test_every_action_has_somebody_who_does_it(hands: Hands) -> None:
    actions = hands.window.studio_actions
    assert {spec.id: n for spec in ACTIONS if (n := listeners(actions[spec.id])) < 1} == {}


def test_an_action_without_a_handler_would_be_noticed(hands: Hands) -> None:
    idle = QAction("Idle", hands.window)
    for place in (QMenu(hands.window), QToolBar(hands.window)):
        place.addAction(idle)
    assert listeners(idle) == 0
