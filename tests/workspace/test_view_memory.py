"""How a project was looked at is remembered with it; a damaged memory is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.session import Session
from rcnn_studio.workspace.view_memory import KEY, ViewMemory


def test_the_threshold_is_that_of_the_last_time(session: Session, reopened: Callable[[], ProjectModel]) -> None:
    session.review.set_threshold(0.35)
    store = reopened().store
    assert ViewMemory(store).number("threshold", 0.5) == 0.35


def test_a_session_begins_with_it(session: Session) -> None:
    session.review.set_threshold(0.85)
    session.close()
    again = Session(session.store.folder)
    try:
        assert again.review.threshold == 0.85
    finally:
        again.close()


@pytest.mark.parametrize("stored", ["[1, 2]", "not json", '{"threshold": "high", "filter.text": 3}'])
def test_what_makes_no_sense_is_passed_over(session: Session, stored: str) -> None:
    session.store.set_meta(KEY, stored)
    memory = ViewMemory(session.store)
    assert memory.number("threshold", 0.5) == 0.5
    assert memory.text("filter.text") == ""


def test_it_is_written_soon_after_a_change(qtbot, session: Session) -> None:
    session.memory.set("filter.text", "bolt")
    qtbot.waitUntil(lambda: "bolt" in (session.store.get_meta(KEY) or ""), timeout=10_000)
