"""A run with kept detections, and a model that needs no torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.detections import write_detections
from rcnn_studio.workspace.session import Session
from tests.run_folders import make_finished_run

BOLT, NUT = 1, 2
BOXES = [(2 + 12 * n, 4, 12 + 12 * n, 40) for n in range(5)]
SCORES = [0.9, 0.8, 0.7, 0.55, 0.25]


def balanced_at(score: float) -> Balance:
    """Twenty right detections from this score on; below come wrong ones, above more and more are missed."""
    place = round(score * 100)
    right = tuple(20 if k <= place else max(0, 20 - (k - place + 1) // 2) for k in range(101))
    return Balance(boxes=20, shown=tuple(r + max(0, place - k) for k, r in enumerate(right)), right=right)


def five_detections() -> Detections:
    """Bolts and nuts side by side, four of them above one half."""
    return Detections.make(BOXES, [BOLT, NUT, BOLT, NUT, BOLT], SCORES)


def keep(session: Session, found: Mapping[int, Detections], *, balance: Balance | None = None) -> Path:
    """A finished run with these detections kept in its folder. -> the run's folder"""
    folder = make_finished_run(session.store.runs_folder, session.project.categories, balance=balance)
    write_detections(folder / "detections", found)
    return folder


class FakeLive:
    """Stands in for tasks.predicting.LivePredictor. The answers are shared by all of one test's models."""

    results: dict[str, Detections | StudioError]
    asked: list[str]
    hold: threading.Event

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir

    def detect(self, path: Path) -> Detections:
        self.asked.append(path.name)
        assert self.hold.wait(20)
        result = self.results.get(path.name, Detections.empty())
        if isinstance(result, StudioError):
            raise result
        return result
