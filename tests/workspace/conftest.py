"""A real project on generated VOC data, with the workspace objects that the window would have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rcnn_studio.workspace import ghosts
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from tests.collecting import collector as collector
from tests.store.projects import voc_project
from tests.workspace.reviewing import FakeLive


@pytest.fixture
def session(qapp, tmp_path: Path) -> Iterator[Session]:
    """Three images with a bolt and a nut each, then nine without labels; no image has a split. The first is shown."""
    voc_project(tmp_path, images=3, unlabelled=9).close()
    made = Session(tmp_path / "project")
    made.project.open_first()
    yield made
    made.close()


@pytest.fixture
def project(session: Session) -> ProjectModel:
    return session.project


@pytest.fixture
def reopened(session: Session) -> Iterator[Callable[[], ProjectModel]]:
    """Closes the session and opens the project anew, as the next start does."""
    opened: list[Session] = []

    def reopen() -> ProjectModel:
        session.close()
        opened.append(Session(session.store.folder))
        return opened[-1].project

    yield reopen
    for again in opened:
        again.close()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> type[FakeLive]:
    """The model that answers for images without kept detections; it finds nothing unless told otherwise."""
    fresh = type("Live", (FakeLive,), {"results": {}, "asked": [], "hold": threading.Event()})
    fresh.hold.set()
    monkeypatch.setattr(ghosts, "LivePredictor", fresh)
    return fresh
