"""Where the studio keeps what belongs to no project: settings, logs, the copy of the sample. Creates nothing."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "RCNN_STUDIO_HOME"
APP = "rcnn-studio"


def home() -> Path:
    """Folder of settings, logs and caches; the variable RCNN_STUDIO_HOME overrides the system's choice."""
    override = os.environ.get(HOME_VARIABLE)
    return Path(override) if override else Path(platformdirs.user_config_dir(APP, appauthor=False))


def data_home() -> Path:
    """Folder of projects that cannot lie beside their images: the sample, and those of read-only folders."""
    override = os.environ.get(HOME_VARIABLE)
    return Path(override) / "data" if override else Path(platformdirs.user_data_dir(APP, appauthor=False))


def cache_home() -> Path:
    """Folder of what can be made again at any time, such as thumbnails."""
    override = os.environ.get(HOME_VARIABLE)
    return Path(override) / "cache" if override else Path(platformdirs.user_cache_dir(APP, appauthor=False))


def log_file() -> Path:
    """Where the command line writes what went wrong unexpectedly."""
    return home() / "logs" / "command-line.log"
