"""What a training would run on, as one line for the toolbar.

PyTorch is asked in a child process, so that the window starts without it and no broken build can take the
window down; the answer is remembered until another version of PyTorch or torchvision is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.tasks.doctor import torch_items
from rcnn_studio.workspace.settings import Settings

KEY = "device_line"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLine:
    """text: short enough for a toolbar; hint: the whole truth, with the remedy; ok: training is possible."""

    text: str
    hint: str
    ok: bool


def look_at_device(settings: Settings, _report: Report, should_stop: ShouldStop) -> DeviceLine:
    """The line for this computer. Takes seconds after an installation, nothing later."""
    versions = [_version("torch"), _version("torchvision")]
    known = settings.get(KEY)
    if isinstance(known, dict) and known.get("versions") == versions and known.get("device"):
        return _line(str(known["device"]), str(known.get("hint")))
    items = torch_items(should_stop)
    bad = [item for item in items if not item.ok]
    if bad:
        hint = "\n".join(f"{item.name}: {item.value}\n{item.remedy}" for item in bad)
        return DeviceLine(text="No training: PyTorch is missing or broken", hint=hint, ok=False)
    device = items[-1]
    hint = "\n".join(f"{item.name}: {item.value}" for item in items)
    line = _line(device.value, f"{hint}\n{device.remedy}".strip())
    settings.set(KEY, {"versions": versions, "device": device.value, "hint": line.hint})
    return line


def known_device(settings: Settings) -> str:
    """What was found the last time; empty where nobody has looked yet."""
    known = settings.get(KEY)
    return str(known.get("device", "")) if isinstance(known, dict) else ""


def _line(device: str, hint: str) -> DeviceLine:
    return DeviceLine(text=f"Trains on: {device}", hint=hint, ok=True)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
