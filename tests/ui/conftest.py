"""Fixtures of the window's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication

from tests.collecting import collector as collector
from tests.ui.desk import Desk, make_project


@pytest.fixture
def desk(qtbot, tmp_path: Path) -> Iterator[Desk]:
    """Four images of 320 x 240 without boxes, the first one shown; classes bolt, nut, washer on keys 1, 2, 3. The
    pointer is nowhere, wherever the test before has left it."""
    made = Desk(make_project(tmp_path))
    qtbot.waitUntil(lambda: made.canvas.image_shown and made.canvas.width() > 300, timeout=10_000)
    QCursor.setPos(made.window.mapToGlobal(made.window.rect().bottomRight()))
    QApplication.processEvents()
    made.canvas.leaveEvent(QEvent(QEvent.Type.Leave))
    yield made
    made.close()
