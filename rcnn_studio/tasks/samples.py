"""A working copy of a bundled sample dataset, with its project. Never writes to the bundled files themselves."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from rcnn_studio.domain.errors import ProjectError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check, ignore, never
from rcnn_studio.formats.bundled import sample_projects_dir
from rcnn_studio.tasks.importing import find_project, open_or_create

DEFAULT_SAMPLE = "hardware"


def make_sample_project(
    target: Path, *, name: str = DEFAULT_SAMPLE, report: Report = ignore, should_stop: ShouldStop = never
) -> Path:
    """Copy the sample into the folder `target` and make its project in there. -> the project's folder

    A target that holds the sample's project already is left as it is. Raises ProjectError where the sample is missing
    from the installation or the target is in the way, Cancelled; no half copy is left behind.
    """
    found = find_project(target) if target.is_dir() else None
    if found is not None:
        return found
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise ProjectError(f"{target}: something else is here already. Name another folder for the sample.")
    source = sample_projects_dir() / name
    if not source.is_dir():
        raise ProjectError(f"{source}: the sample {name!r} is missing. Install RCNN Studio again.")
    report(Progress("Copying the sample"))
    _copy(source, target, should_stop)
    return open_or_create(target, report, should_stop)


def _copy(source: Path, target: Path, should_stop: ShouldStop) -> None:
    staging = target.with_name(f".{target.name}.new-{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # copyfile, not copy: an installed package may be read-only, the copy must not be
        shutil.copytree(source, staging, copy_function=shutil.copyfile)
        check(should_stop)
        if target.is_dir():
            target.rmdir()
        staging.rename(target)
    except OSError as error:
        raise ProjectError(
            f"{target}: the sample cannot be copied here ({error}). Free some space, or name another folder."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
