"""Rules for every test: no warning in the log, none from Qt, no thread left running, no trace in the user's home."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, logs and sample copies of this test live in a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("RCNN_STUDIO_HOME", str(home))
    return home


@pytest.fixture
def expected_warnings() -> list[str]:
    """Regular expressions of log messages at WARNING or above that this test provokes on purpose."""
    return []


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture, expected_warnings: list[str]) -> Iterator[None]:
    yield
    loud = [
        record
        for record in (*caplog.get_records("setup"), *caplog.get_records("call"))
        if record.levelno >= logging.WARNING
        and record.name.startswith("rcnn_studio")
        and not any(re.search(pattern, record.getMessage()) for pattern in expected_warnings)
    ]
    assert not loud, "unexpected log: " + "; ".join(f"{r.levelname} {r.name}: {r.getMessage()}" for r in loud)


OWN_THREADS = re.compile(r"^(decode|thumbnails|ghosts|loader|writer|writeback|store)")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield

    def left() -> list[str]:
        alive = (t for t in threading.enumerate() if t not in before and t.is_alive())
        return [t.name for t in alive if OWN_THREADS.match(t.name)]

    deadline = time.monotonic() + 5
    while left() and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert not left(), f"threads left running: {left()}"


def _datasets_folder() -> Path | None:
    named = os.environ.get("RCNN_STUDIO_DATASETS")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "datasets"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def bccd() -> Path:
    """The BCCD blood-cell photographs as VOC."""
    folder = _datasets_folder()
    if folder is None or not (folder / "bccd").is_dir():
        pytest.skip("BCCD is not here: set RCNN_STUDIO_DATASETS to the folder that holds bccd/")
    return folder / "bccd"


@pytest.fixture(scope="session")
def cocoapi100() -> Path:
    """The cocoapi's 100 images of annotations with its fake results."""
    folder = _datasets_folder()
    if folder is None or not (folder / "cocoapi100").is_dir():
        pytest.skip("cocoapi100 is not here: set RCNN_STUDIO_DATASETS to the folder that holds cocoapi100/")
    return folder / "cocoapi100"


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
