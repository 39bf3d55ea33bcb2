"""The house rules: one direction of imports, Qt and torch only where they belong, types and style."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)


def test_everything_below_workspace_imports_without_qt(repository: Path) -> None:
    code = (
        "import importlib, pkgutil, sys, rcnn_studio\n"
        "for room in ('domain', 'formats', 'store', 'engine', 'tasks'):\n"
        "    package = importlib.import_module(f'rcnn_studio.{room}')\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "import rcnn_studio.cli\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] in ('PySide6', 'pyqtgraph')]\n"
        "assert not loaded, loaded\n"
    )
    done = run(sys.executable, "-c", code, cwd=repository)
    assert done.returncode == 0, done.stderr


def test_the_command_line_and_the_store_import_without_torch(repository: Path) -> None:
    code = (
        "import sys, rcnn_studio.cli, rcnn_studio.store.project, rcnn_studio.workspace.session, rcnn_studio.app\n"
        "import rcnn_studio.ui.main_window\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = run(sys.executable, "-c", code, cwd=repository)
    assert done.returncode == 0, done.stderr


def test_the_workspace_loads_no_widgets(repository: Path) -> None:
    code = (
        "import importlib, pkgutil, sys, rcnn_studio.workspace as package\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'PySide6.QtWidgets' not in sys.modules\n"
    )
    done = run(sys.executable, "-c", code, cwd=repository)
    assert done.returncode == 0, done.stderr


def test_imports_go_one_way(repository: Path) -> None:
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache", cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("check", "."), ("format", "--check", ".")])
def test_style_holds(repository: Path, arguments: tuple[str, ...]) -> None:
    done = run(sys.executable, "-m", "ruff", *arguments, cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_types_hold(repository: Path) -> None:
    done = run(sys.executable, "-m", "mypy", cwd=repository)
    assert done.returncode == 0, done.stdout + done.stderr
