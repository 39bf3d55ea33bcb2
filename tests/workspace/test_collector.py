"""Garbage is collected on the GUI thread's timer, and by Python again afterwards."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from rcnn_studio.workspace import collector as collector_module
from rcnn_studio.workspace.collector import GuiCollector


@pytest.fixture
def collector(qapp, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuiCollector]:
    monkeypatch.setattr(collector_module, "INTERVAL_MS", 5)
    made = GuiCollector()
    yield made
    made.stop()
    assert gc.isenabled(), "after the end Python collects by itself again"
    assert gc.get_freeze_count() == 0


class Knot:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_rings_are_freed_by_the_timer(qtbot, collector: GuiCollector) -> None:
    assert not gc.isenabled()
    knots = [Knot() for _ in range(3000)]
    last = weakref.ref(knots[-1])
    del knots
    assert last() is not None
    qtbot.waitUntil(lambda: last() is None, timeout=10_000)


def test_what_is_settled_is_never_looked_at_again(collector: GuiCollector) -> None:
    collector.settle()
    assert gc.get_freeze_count() > 0
