"""Short versions of the four campaigns: nothing acknowledged is lost, and each of them notices a fault put in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash import full_disk, recorder

needs_strace = pytest.mark.skipif(bool(recorder.why_not()), reason=recorder.why_not() or "strace works")
needs_small_disk = pytest.mark.skipif(bool(full_disk.why_not()), reason=full_disk.why_not() or "a tmpfs can be mounted")


def run(repository: Path, name: str, *arguments: str) -> list[dict[str, Any]]:
    """The campaign's reports. In a process of its own, because it forks."""
    command = [sys.executable, "-m", f"tests.crash.{name}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.stdout.strip(), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def found(reports: list[dict[str, Any]]) -> list[str]:
    return [text for report in reports for text in report["found"]]


@pytest.mark.parametrize("name", ["voc", "coco"])
def test_no_acknowledged_edit_is_lost_and_every_file_is_whole_after_kills(repository: Path, name: str) -> None:
    (report,) = run(repository, "kill", "--format", name, "--kills", "25", "--seed", "20261121")
    assert report["found"] == []
    assert (report["kills"], report["lost"], report["unreadable"]) == (25, 0, 0)
    assert report["acknowledged"] > 25
    assert report["closed"] > 2


@pytest.mark.parametrize(
    ("mutant", "kinds"),
    [
        ("acknowledge-early", ["lost"]),
        ("in-place", ["unreadable"]),
        ("rename-first", ["unreadable"]),
        ("late-intent", ["conflict", "file"]),  # killed before the rename, nobody knows of the temporary file
    ],
)
def test_kills_bring_out_a_fault_in_the_order_of_writes(repository: Path, mutant: str, kinds: list[str]) -> None:
    (report,) = run(repository, "kill", "--kills", "400", "--seed", "5", "--mutant", mutant, "--first")
    assert sum(report[kind] for kind in kinds) == 1, report


@needs_strace
@pytest.mark.parametrize(("name", "one_of"), [("voc", 6), ("coco", 6), ("new", 1)])
def test_no_modelled_power_cut_loses_an_acknowledged_edit(repository: Path, name: str, one_of: int) -> None:
    arguments = ("--edits", "1", "--limit", "2", "--one-of", str(one_of))
    ordered, weak = run(repository, "power", "--format", name, *arguments)
    assert found([ordered, weak]) == []
    assert min(ordered["states"], weak["states"]) > 40


@needs_strace
@pytest.mark.parametrize("mutant", ["no-file-sync", "no-folder-sync", "no-database-sync", "late-intent"])
def test_modelled_power_cuts_bring_out_a_missing_sync(repository: Path, mutant: str) -> None:
    arguments = ("--model", "weak", "--edits", "1", "--limit", "4", "--mutant", mutant, "--first")
    assert len(found(run(repository, "power", *arguments))) == 1


@needs_strace
def test_every_fault_in_the_calls_that_replace_a_file_leaves_it_whole_and_can_be_retried(repository: Path) -> None:
    (report,) = run(repository, "faults", "--case", "voc-existing", "--calls", "write,rename,fchmod")
    assert report["found"] == []
    assert report["matrix"]["write"]["SHORT"] >= 1
    assert report["matrix"]["rename"]["KILL"] >= 1
    assert report["reported"] > 10


@needs_strace
def test_a_failing_sync_is_never_called_saved(repository: Path) -> None:
    (report,) = run(repository, "faults", "--case", "commit", "--calls", "fdatasync", "--every", "2")
    assert report["found"] == []
    assert report["runs"] > 10


@needs_strace
def test_a_kill_at_a_write_brings_out_a_writer_without_a_temporary_file(repository: Path) -> None:
    arguments = ("--case", "voc-existing", "--calls", "write", "--mutant", "in-place", "--first")
    assert len(found(run(repository, "faults", *arguments))) == 1


@needs_small_disk
def test_edits_on_a_full_disk_wait_and_are_saved_when_there_is_room(repository: Path) -> None:
    (report,) = run(repository, "full_disk", "--rounds", "2")
    assert report["found"] == []
    project, dataset = report["rounds"]
    assert project["refused"] >= 1
    assert "disk is full" in project["messages"][0]
    assert "No space left" in dataset["messages"][0]
