"""Garbage collection as in the app: on the GUI thread only. On a worker it could destroy a widget."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator

import pytest

from rcnn_studio.workspace.collector import GuiCollector

FULL_EVERY = 15
"""A full pass takes a fifth of a second, but windows of many tests are a lot of memory."""

_ended = itertools.count(1)


@pytest.fixture(autouse=True)
def collector(qapp) -> Iterator[None]:
    made = GuiCollector()
    yield
    made.stop()
    gc.collect(2 if next(_ended) % FULL_EVERY == 0 else 1)
