"""Twenty kills at random moments: every acknowledged edit survives, every file is whole and agrees in the end.

A process crash, not a power cut: the page cache survives it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rcnn_studio.domain.dataset import Box
from rcnn_studio.domain.edits import apply_to_boxes
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.store.edits_json import edit_from_json
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME, connect
from tests.store.projects import voc_project

KILLS = 20
CHILD = Path(__file__).with_name("editing_child.py")


def run_and_kill(project: Path, seed: int, after_s: float) -> list[int]:
    """Edits until the kill. -> the sequence numbers the child acknowledged"""
    command = [sys.executable, str(CHILD), str(project), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        killer = threading.Timer(after_s, lambda: child.send_signal(signal.SIGKILL))
        killer.start()
        lines = child.stdout.read().splitlines()
        child.wait(20)
        killer.join()
    assert child.returncode == -signal.SIGKILL, lines[-3:]
    return [int(line) for line in lines]


def boxes_by_history(project: Path, first: dict[int, tuple[Box, ...]]) -> dict[int, tuple[Box, ...]]:
    """What the boxes must be, by replaying the history over those of the import."""
    boxes = dict(first)
    db = connect(project / DATABASE_NAME, mode="ro")
    for (text,) in db.execute("SELECT edit FROM history ORDER BY sequence"):
        for change in edit_from_json(text).images:
            boxes[change.image_id] = apply_to_boxes(boxes[change.image_id], change)
    db.close()
    return boxes


def boxes_in_store(store: ProjectStore) -> dict[int, tuple[Box, ...]]:
    return {int(i): store.image(int(i)).boxes for i in store.image_table().ids}


@pytest.mark.slow
def test_no_acknowledged_edit_is_lost_and_every_file_is_whole_after_kills(tmp_path: Path) -> None:
    with voc_project(tmp_path, images=4, unlabelled=2) as store:
        first = boxes_in_store(store)
    project, data = tmp_path / "project", tmp_path / "voc"
    rng = random.Random(20261121)
    acknowledged = 0
    for kill in range(KILLS):
        numbers = run_and_kill(project, kill, after_s=rng.uniform(0.02, 0.5))
        acknowledged += len(numbers)
        found = codec("voc").read(Source(path=data), ignore, never)
        assert not [p for p in found.problems if p.kind == "unreadable-annotation"]
        with ProjectStore.open(project) as store:
            assert not store.read_only
            known = {sequence for sequence, _, _ in store.history(10**6)}
            assert known >= set(numbers)
            expected = boxes_by_history(project, first)
            assert boxes_in_store(store) == expected
            store.write_back(wait=True)
            assert store.conflicts() == []
            assert (store.file_errors(), store.pending_files()) == ({}, 0)
            assert boxes_in_files(data) == {
                store.image(i).path: sorted(box.xyxy for box in boxes) for i, boxes in expected.items()
            }
    assert acknowledged > KILLS
    assert not list(data.rglob("*.tmp"))


def boxes_in_files(data: Path) -> dict[str, list[tuple[float, float, float, float]]]:
    found = codec("voc").read(Source(path=data, one_based=False), ignore, never)
    return {image.record.path: sorted(box.xyxy for box in image.record.boxes) for image in found.images}
