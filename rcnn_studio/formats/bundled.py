"""Where the files that come with the program are: in a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def resources_dir() -> Path:
    """The folder of icons, presets and translations. Raises nothing; it may be absent in a broken installation."""
    return _bundled("resources")


def sample_projects_dir() -> Path:
    """The folder of the bundled sample datasets; same rules as resources_dir."""
    return _bundled("sample_projects")


def _bundled(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name
