"""Without PyTorch, or with one that does not fit torchvision, the window opens and labels, and says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MISSING = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
MISFIT = "raise RuntimeError('operator torchvision::nms does not exist')\n"

LABELS_AND_STARTS = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication, Qt
from rcnn_studio.app import create_window, make_application
from rcnn_studio.tasks.presets import load_preset
from tests.e2e.hands import Hands, objects

app = make_application()
window = create_window(Path(sys.argv[1]))
window.show()

def wait(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.005)
    assert condition()

wait(lambda: window.session is not None and not window.board.jobs)
hands = Hands(window)
wait(lambda: hands.canvas.image_shown)
hands.key(Qt.Key.Key_W)
hands.drag(21, 33, 118, 97)
xml = hands.xml()
wait(lambda: any(row[1:] == (22, 34, 118, 97) for row in objects(xml)))
window.messages.dismiss()
hands.session.training.start(load_preset("quick-look"))
wait(lambda: not hands.session.training.running)
print(json.dumps({
    "said": window.messages.text,
    "device": window.device_line.text(),
    "hint": window.device_line.toolTip(),
}))
window.close_without_asking()
window.close()
"""


@pytest.fixture(params=[("torch", MISSING), ("torchvision", MISFIT)], ids=["torch missing", "torchvision misfits"])
def broken_environment(
    request: pytest.FixtureRequest, tmp_path: Path, repository: Path, own_home: Path
) -> dict[str, str]:
    """The environment of a process in which this package cannot be imported, and that has not looked at it yet."""
    (own_home / "settings.json").unlink()
    package, text = request.param
    fake = tmp_path / "shadow" / package
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(text, encoding="utf-8")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "shadow"), str(repository)]),
        "QT_QPA_PLATFORM": "offscreen",
    }


@pytest.mark.slow
def test_the_window_labels_and_training_says_what_is_missing(
    broken_environment: dict[str, str], sample: Path, repository: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LABELS_AND_STARTS, str(sample)],
        env=broken_environment, cwd=repository, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert "PyTorch" in told["said"]
    assert "doctor" in told["said"]
    assert "PyTorch" in told["device"]
    assert "nstall" in told["hint"]


@pytest.mark.slow
def test_doctor_names_what_is_missing_and_the_remedy(broken_environment: dict[str, str], repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rcnn_studio", "doctor", "--json"],
        env=broken_environment, cwd=repository, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert not report["ok"]
    bad = [item for item in report["items"] if not item["ok"]]
    assert {item["name"] for item in bad} <= {"PyTorch", "torchvision"}
    assert all(item["remedy"] for item in bad)
