"""The real window on a copy of a small sample, acted on in image pixels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from rcnn_studio.app import create_window
from rcnn_studio.formats.bundled import sample_projects_dir
from rcnn_studio.ui.main_window import MainWindow
from tests.collecting import collector as collector
from tests.e2e.hands import Hands


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the bundled sample's files, without a project."""
    return Path(shutil.copytree(sample_projects_dir() / "hardware", tmp_path / "hardware"))


@pytest.fixture(autouse=True)
def known_device(own_home: Path) -> None:
    """The device was looked at before: its child process would take longer than most of these tests."""
    versions = [metadata.version("torch"), metadata.version("torchvision")]
    line = {"versions": versions, "device": "CPU", "hint": ""}
    (own_home / "settings.json").write_text(json.dumps({"device_line": line}), encoding="utf-8")


@pytest.fixture(autouse=True)
def plain_look_afterwards(qapp: QApplication) -> Iterator[None]:
    """The window's theme is the application's; other tests begin without one."""
    yield
    qapp.setStyleSheet("")
    qapp.setPalette(QPalette())


@pytest.fixture
def window(qtbot, sample: Path) -> Iterator[MainWindow]:
    """The real window with the sample open and its first picture shown."""
    made = create_window(sample)
    made.resize(1280, 800)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow, timeout=10_000)
    qtbot.waitUntil(lambda: made.session is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not made.board.jobs, timeout=60_000)
    hands = Hands(made)
    qtbot.waitUntil(lambda: hands.canvas.image_shown, timeout=20_000)
    yield made
    made.close_without_asking()
    made.close()
    made.deleteLater()


@pytest.fixture
def hands(window: MainWindow) -> Hands:
    return Hands(window)


@pytest.fixture
def written(hands: Hands) -> Callable[[], None]:
    """Waits until every linked file holds what the window shows."""

    def wait() -> None:
        hands.session.store.write_back(wait=True)
        assert hands.session.store.pending_files() == 0

    return wait
