"""What a training would run on, as one line: asked once, remembered until PyTorch changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.tasks.doctor import DoctorItem
from rcnn_studio.workspace import device as device_module
from rcnn_studio.workspace.device import look_at_device
from rcnn_studio.workspace.settings import Settings

GOOD = [
    DoctorItem(name="torch", value="2.11", ok=True, remedy=""),
    DoctorItem(name="device", value="CPU, 2 threads", ok=True, remedy="A GPU would be faster."),
]
BAD = [DoctorItem(name="torch", value="missing", ok=False, remedy="Install it with: pip install torch")]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[DoctorItem]]:
    """What the computer answers, one entry a question."""
    waiting: list[list[DoctorItem]] = []
    monkeypatch.setattr(device_module, "torch_items", lambda _stop: waiting.pop(0))
    return waiting


def test_the_answer_is_remembered_until_another_version_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[list[DoctorItem]]
) -> None:
    path = tmp_path / "settings.json"
    monkeypatch.setattr(device_module, "_version", lambda _package: "1")
    answers.append(GOOD)
    line = look_at_device(Settings(path), ignore, never)
    assert (line.text, line.ok) == ("Trains on: CPU, 2 threads", True)
    assert "A GPU would be faster." in line.hint
    assert look_at_device(Settings(path), ignore, never) == line
    monkeypatch.setattr(device_module, "_version", lambda _package: "2")
    answers.append(BAD)
    assert not look_at_device(Settings(path), ignore, never).ok


def test_a_missing_torch_is_asked_for_again_at_each_start(tmp_path: Path, answers: list[list[DoctorItem]]) -> None:
    path = tmp_path / "settings.json"
    answers.extend([BAD, GOOD])
    line = look_at_device(Settings(path), ignore, never)
    assert (line.text, line.ok) == ("No training: PyTorch is missing or broken", False)
    assert "pip install torch" in line.hint
    assert look_at_device(Settings(path), ignore, never).ok
