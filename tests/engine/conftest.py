"""One short training on four drawn images, shared by the tests that look at what it left behind."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rcnn_studio.domain.dataset import Dataset
from rcnn_studio.domain.progress import never
from rcnn_studio.domain.runs import RunEnded
from rcnn_studio.engine.threads import preload

preload()  # before torch: its threads learn there to share the cores with whatever else runs
sys.path.insert(0, str(Path(__file__).parent))

import drawings  # noqa: E402 - the line above makes it findable


@dataclass(frozen=True)
class Trained:
    run_dir: Path
    images: Path
    dataset: Dataset
    events: list[Any]
    ended: RunEnded


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from rcnn_studio.engine.training.trainer import train

    folder = tmp_path_factory.mktemp("drawn")
    data = drawings.dataset(drawings.drawn_records(folder / "images"), folder / "images")
    config = replace(drawings.SMALL, epochs=100, evaluate_every=100)
    events: list[Any] = []
    ended = train(config, data, folder / "runs" / "first", events.append, never)
    return Trained(folder / "runs" / "first", folder / "images", data, events, ended)
