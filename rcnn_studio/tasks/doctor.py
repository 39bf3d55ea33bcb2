"""What this computer has, what is missing, and what to do about it. Repairs nothing.

PyTorch is tried in a child process, so that an installation that crashes on import cannot take the report with it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rcnn_studio.domain.progress import ShouldStop, check, never
from rcnn_studio.tasks.places import data_home, home

MIN_PYTHON = (3, 11)
MIN_TORCH = (2, 11)
MIN_FREE_BYTES = 2 * 1024**3
CHILD_TIMEOUT_S = 180
CHILD_POLL_S = 0.1
TORCH_REMEDY = (
    "Install PyTorch and torchvision from one place, for example `pip install --force-reinstall torch torchvision`; "
    "on Windows with an NVIDIA card `uv pip install torch torchvision --torch-backend=auto`. Labelling works without."
)

# Runs in the child. Prints one JSON line; what it did not get to is missing from it.
_TORCH_PROBE = """
import json
found = {}
try:
    import torch
    found["torch"] = torch.__version__
    found["threads"] = torch.get_num_threads()
    if torch.cuda.is_available():
        found["device"] = torch.cuda.get_device_name(0)
        found["memory"] = torch.cuda.get_device_properties(0).total_memory
        found["devices"] = torch.cuda.device_count()
    elif torch.backends.mps.is_available():
        found["device"] = "Apple GPU"
    import torchvision
    found["torchvision"] = torchvision.__version__
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)
    found["nms"] = kept.tolist() == [0]
except BaseException as error:
    found["error"] = (str(error).strip().splitlines() or [type(error).__name__])[0]
print(json.dumps(found))
"""

# Runs in the child: starting a Qt platform that is not there aborts the process.
_QT_PROBE = """
import json
from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
screen = app.primaryScreen()
size = screen.size() if screen is not None else None
print(json.dumps({
    "qt": qVersion(),
    "platform": app.platformName(),
    "screen": f"{size.width()}x{size.height()}" if size is not None else "",
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorItem:
    """One thing that was looked at. remedy: what to do, empty where nothing is to be done."""

    name: str
    value: str
    ok: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """ok: everything that labelling and training need is there; an optional item that is missing does not count."""

    ok: bool
    items: tuple[DoctorItem, ...]


def examine() -> DoctorReport:
    """Look at everything; takes some seconds, most of them for PyTorch in its child process. Never raises."""
    items = [
        _python(),
        *_qt(),
        *torch_items(),
        _package("pillow", (12, 2)),
        _package("numpy", (2, 0)),
        _package("lxml", (6, 1)),
        _package("pycocotools", (2, 0)),
        _package("faster-coco-eval", (1, 6)),
        _optional("opencv", "cv2", "Only for Selective Search: `pip install opencv-contrib-python-headless`."),
        _folder("Settings folder", home()),
        _folder("Data folder", data_home()),
        _disk(),
    ]
    return DoctorReport(ok=all(item.ok for item in items), items=tuple(items))


# --- single looks -----------------------------------------------------------------------------------


def _python() -> DoctorItem:
    wanted = ".".join(map(str, MIN_PYTHON))
    ok = sys.version_info[:2] >= MIN_PYTHON
    value = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return DoctorItem(name="Python", value=value, ok=ok, remedy="" if ok else f"Install Python {wanted} or later.")


def _qt() -> list[DoctorItem]:
    version = _version("PySide6-Essentials") or _version("PySide6")
    if version is None:
        remedy = "The window needs it: `pip install PySide6-Essentials`."
        return [DoctorItem(name="PySide6", value="not installed", ok=False, remedy=remedy)]
    bad = sys.version_info[:2] == (3, 11) and _numbers(version) >= (6, 12)
    first = DoctorItem(
        name="PySide6",
        value=version,
        ok=not bad,
        remedy="It aborts on Python 3.11: `pip install 'PySide6-Essentials<6.12'`." if bad else "",
    )
    return [first, _display()]


def _display() -> DoctorItem:
    """The Qt platform the window would use. No display is no fault of the installation: the rest works without."""
    found, error = _child(_QT_PROBE)
    if error and not has_display():
        return DoctorItem(
            name="Display",
            value="none",
            ok=True,
            remedy="The window needs a display; the command line and `rcnn-studio demo` work without.",
        )
    if error:
        remedy = "On Linux install what Qt needs: libegl1 libxkbcommon0 libxcb-cursor0 libdbus-1-3 libfontconfig1."
        return DoctorItem(name="Display", value=f"Qt does not start: {error}", ok=False, remedy=remedy)
    screen = f", screen {found['screen']}" if found.get("screen") else ""
    return DoctorItem(name="Display", value=f"Qt {found.get('qt')} on {found.get('platform')}{screen}", ok=True)


def torch_items(should_stop: ShouldStop = never) -> list[DoctorItem]:
    """PyTorch, torchvision and, last, the device a training would use; tried in a child process."""
    if importlib.util.find_spec("torch") is None:
        return [DoctorItem(name="PyTorch", value="not installed", ok=False, remedy=TORCH_REMEDY)]
    found, error = _child(_TORCH_PROBE, should_stop)
    error = error or str(found.get("error", ""))
    version = found.get("torch")
    if version is None:
        return [DoctorItem(name="PyTorch", value=f"does not load: {error}", ok=False, remedy=TORCH_REMEDY)]
    new_enough = _numbers(str(version)) >= MIN_TORCH
    items = [DoctorItem(name="PyTorch", value=str(version), ok=new_enough, remedy="" if new_enough else TORCH_REMEDY)]
    fits = bool(found.get("nms"))
    vision = found.get("torchvision") or _version("torchvision") or "not installed"
    reason = error or "its nms gives wrong results"
    value = str(vision) if fits else f"{vision}, does not fit PyTorch {version}: {reason}"
    items.append(DoctorItem(name="torchvision", value=value, ok=fits, remedy="" if fits else TORCH_REMEDY))
    items.append(_device(found))
    return items


def _device(found: dict[str, Any]) -> DoctorItem:
    threads = int(found.get("threads", 1))
    if "device" not in found:
        remedy = "Training works, slower than on a GPU."
        if shutil.which("nvidia-smi") is not None:
            remedy = f"There is an NVIDIA driver, but this PyTorch has no CUDA. {TORCH_REMEDY}"
        words = f"CPU, {threads} thread{'s' if threads != 1 else ''}"
        return DoctorItem(name="Device", value=words, ok=True, remedy=remedy)
    memory = f", {found['memory'] / 1024**3:.0f} GiB" if "memory" in found else ""
    more = f" (and {found['devices'] - 1} more)" if found.get("devices", 1) > 1 else ""
    return DoctorItem(name="Device", value=f"{found['device']}{memory}{more}", ok=True)


def _package(name: str, least: tuple[int, ...]) -> DoctorItem:
    version = _version(name)
    wanted = ".".join(map(str, least))
    remedy = f"`pip install '{name}>={wanted}'`."
    if version is None:
        return DoctorItem(name=name, value="not installed", ok=False, remedy=remedy)
    ok = _numbers(version) >= least
    return DoctorItem(name=name, value=version, ok=ok, remedy="" if ok else remedy)


def _optional(name: str, module: str, remedy: str) -> DoctorItem:
    if importlib.util.find_spec(module) is None:
        return DoctorItem(name=name, value="not installed (optional)", ok=True, remedy=remedy)
    names = ("opencv-contrib-python-headless", "opencv-contrib-python", "opencv-python-headless", "opencv-python")
    version = next((found for found in map(_version, names) if found), "installed")
    return DoctorItem(name=name, value=version, ok=True)


def _folder(name: str, folder: Path) -> DoctorItem:
    """Whether a folder can be written, or made below what is there; nothing is left in it."""
    place = _existing(folder)
    probe = place / f".rcnn-{secrets.token_hex(4)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        remedy = f"Make {place} writable, or set RCNN_STUDIO_HOME to a folder that is."
        return DoctorItem(name=name, value=f"{folder}: {error.strerror or error}", ok=False, remedy=remedy)
    return DoctorItem(name=name, value=str(folder), ok=True)


def _disk() -> DoctorItem:
    place = _existing(data_home())
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return DoctorItem(name="Free disk space", value=f"unknown ({error.strerror or error})", ok=True)
    ok = free >= MIN_FREE_BYTES
    remedy = f"Free at least {MIN_FREE_BYTES / 1024**3:.0f} GiB: a run keeps two models and its detections."
    value = f"{free / 1024**3:.1f} GiB at {place}"
    return DoctorItem(name="Free disk space", value=value, ok=ok, remedy="" if ok else remedy)


# --- helpers ----------------------------------------------------------------------------------------


def _child(code: str, should_stop: ShouldStop = never) -> tuple[dict[str, Any], str]:
    """Run Python code in a child. -> (the JSON of its last line, why that is missing). Raises Cancelled."""
    command = [sys.executable, "-c", code]
    deadline = time.monotonic() + CHILD_TIMEOUT_S
    try:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            while True:
                try:
                    out, err = child.communicate(timeout=CHILD_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    if should_stop() or time.monotonic() > deadline:
                        child.kill()
                        check(should_stop)
                        return {}, f"no answer within {CHILD_TIMEOUT_S} s"
    except OSError as error:
        return {}, str(error).splitlines()[0]
    lines = out.strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        said = [line for line in err.strip().splitlines() if line.strip()]
        return {}, said[-1].strip() if said else f"ended with code {child.returncode}"
    return (found, "") if isinstance(found, dict) else ({}, "answered something else")


def has_display() -> bool:
    """Whether a window could be shown. QT_QPA_PLATFORM=offscreen counts: whoever sets it means it."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path.cwd())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: "2.15.0+cpu" -> (2, 15, 0)."""
    numbers: list[int] = []
    for part in version.split("+")[0].split("."):
        digits = "".join(ch for ch in part if ch.isdigit())
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
