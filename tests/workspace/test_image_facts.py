"""What is known of all images at once follows every edit and every run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rcnn_studio.domain.dataset import BoxFlag, ImageState
from rcnn_studio.domain.detections import Detections
from rcnn_studio.domain.image_query import ImageQuery
from rcnn_studio.workspace import label_columns
from rcnn_studio.workspace.image_facts import ImageFacts
from rcnn_studio.workspace.saved_filters import SavedFilters
from rcnn_studio.workspace.session import Session
from rcnn_studio.workspace.view_memory import ViewMemory
from tests.workspace.reviewing import BOLT, NUT, five_detections, keep

BOLTS, DIFFICULT = ImageQuery(categories=frozenset({BOLT})), ImageQuery(flags=BoxFlag.DIFFICULT)


def shown(facts: ImageFacts, query: ImageQuery) -> list[int]:
    """Rows that pass, both by the columns and one by one."""
    mask = facts.passing(query)
    assert mask is not None
    assert mask.tolist() == [facts.fulfils(query, row) for row in range(len(mask))]
    return np.flatnonzero(mask).tolist()


def test_states_splits_names_and_counts_are_combined(session: Session) -> None:
    project, facts = session.project, session.facts
    ids = project.rows.ids
    assert shown(facts, ImageQuery(states=frozenset({ImageState.LABELLED}))) == [0, 1, 2]
    assert shown(facts, ImageQuery(text="IMG_1")) == [1, 10, 11]
    project.set_state(int(ids[1]), ImageState.VERIFIED)
    both = frozenset({ImageState.LABELLED, ImageState.VERIFIED})
    assert shown(facts, ImageQuery(states=both, text="img_1")) == [1]
    assert shown(facts, ImageQuery(boxes=(0.0, 0.0))) == list(range(3, 12))
    assert shown(facts, ImageQuery(boxes=(1.0, float("inf")), text="2")) == [2]
    split = project.rows.splits[1]
    assert split
    assert shown(facts, ImageQuery(splits=frozenset({split}))) == [1]
    assert shown(facts, ImageQuery(splits=frozenset({"no such split"}))) == []


def test_classes_and_flags_follow_draw_change_delete_and_undo(session: Session) -> None:
    project, facts = session.project, session.facts
    assert shown(facts, BOLTS) == [0, 1, 2]
    assert shown(facts, DIFFICULT) == []
    project.set_current(int(project.rows.ids[5]))
    box = project.add_box(2, 2, 20, 20, BOLT)
    assert shown(facts, BOLTS) == [0, 1, 2, 5]
    project.toggle_flag([box.id], BoxFlag.DIFFICULT)
    assert shown(facts, DIFFICULT) == [5]
    project.set_category([box.id], NUT)
    assert shown(facts, BOLTS) == [0, 1, 2]
    project.undo_stack.undo()
    project.undo_stack.undo()
    assert (shown(facts, BOLTS), shown(facts, DIFFICULT)) == ([0, 1, 2, 5], [])
    project.delete_boxes([box.id])
    assert shown(facts, BOLTS) == [0, 1, 2]


def test_a_class_removed_from_all_images_is_found_in_none(session: Session, qtbot) -> None:
    assert shown(session.facts, BOLTS) == [0, 1, 2]
    with qtbot.waitSignal(session.project.table_changed, timeout=10_000):
        session.project.delete_category(BOLT)
    assert shown(session.facts, BOLTS) == []
    assert shown(session.facts, ImageQuery(categories=frozenset({NUT}))) == [0, 1, 2]


def test_many_boxes_are_read_in_a_job_and_edits_meanwhile_are_not_lost(
    session: Session, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_columns, "SMALL_BOXES", 1)
    project, facts = session.project, session.facts
    with qtbot.waitSignal(facts.changed, timeout=10_000):
        assert facts.passing(BOLTS) is None, "nothing is known yet, and nobody waits"
        project.set_current(int(project.rows.ids[7]))
        project.add_box(2, 2, 20, 20, BOLT)
    assert shown(facts, BOLTS) == [0, 1, 2, 7]


def test_after_many_edits_the_columns_are_read_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_columns, "MOST_FRESH", 2)
    project, facts = session.project, session.facts
    assert shown(facts, BOLTS) == [0, 1, 2]
    for row in (4, 6, 8):
        project.set_current(int(project.rows.ids[row]))
        project.add_box(2, 2, 20, 20, BOLT)
    assert shown(facts, BOLTS) == [0, 1, 2, 4, 6, 8]


def test_detections_are_counted_above_the_threshold(session: Session) -> None:
    project, review, facts = session.project, session.review, session.facts
    ids = [int(i) for i in project.rows.ids]
    assert not facts.has_detections
    sure = Detections.make([(2, 4, 12, 40)], [BOLT], [0.99])
    keep(session, {ids[4]: five_detections(), ids[6]: Detections.empty(), ids[9]: sure})
    review.refresh_runs(select_newest=True)
    assert facts.has_detections
    assert shown(facts, ImageQuery(detections=True)) == [4, 9]
    assert facts.found_counts().tolist() == [0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0]
    said: list[int] = []
    facts.changed.connect(lambda: said.append(1))
    review.set_threshold(0.95)
    assert said, "who shows them can look again"
    assert shown(facts, ImageQuery(detections=True)) == [9]
    assert facts.doubts()[4] == pytest.approx(0.9, abs=1e-6), "0.55 is nearest to one half"
    assert facts.doubts()[9] == pytest.approx(0.02, abs=1e-6)
    assert np.count_nonzero(facts.doubts()) == 2


def test_images_edited_after_the_labels_of_the_last_run_were_taken_have_changed(session: Session) -> None:
    project, facts = session.project, session.facts
    ids = [int(i) for i in project.rows.ids]
    assert shown(facts, ImageQuery(changed=True)) == [], "without a run nothing has changed since"
    project.set_state(ids[0], ImageState.VERIFIED)
    session.store.flush()
    run = keep(session, {})
    moment = time.time() + 1.0
    (run / "snapshot.npz").write_bytes(b"")
    os.utime(run / "snapshot.npz", (moment, moment))
    session.review.refresh_runs(select_newest=True)
    assert facts.has_runs
    assert shown(facts, ImageQuery(changed=True)) == []
    project.set_state(ids[2], ImageState.VERIFIED)
    assert shown(facts, ImageQuery(changed=True)) == [2]


def test_the_last_edit_of_each_image_is_known_after_reopening(session: Session, reopened: Callable) -> None:
    ids = [int(i) for i in session.project.rows.ids]
    session.project.set_state(ids[2], ImageState.VERIFIED)
    session.project.set_state(ids[0], ImageState.VERIFIED)
    last = ImageFacts(reopened()).last_edits()
    assert last is not None
    assert last[0] > last[2] > 0
    assert np.count_nonzero(last) == 2


def test_a_merge_over_all_images_is_an_edit_of_those_it_changed(session: Session, qtbot) -> None:
    with qtbot.waitSignal(session.project.table_changed, timeout=10_000):
        session.project.merge_category(BOLT, NUT)
    last = session.facts.last_edits()
    assert last is not None
    assert np.flatnonzero(last).tolist() == [0, 1, 2]


def test_filters_with_a_name_are_there_at_the_next_start(session: Session, tmp_path: Path) -> None:
    memory = ViewMemory(session.store)
    saved = SavedFilters(memory)
    saved.save("bolts ", BOLTS)
    saved.save("Hard", DIFFICULT)
    saved.save("gone", ImageQuery(text="x"))
    saved.remove("gone")
    saved.remember(DIFFICULT)
    memory.write()
    again = SavedFilters(ViewMemory(session.store))
    assert again.names() == ["bolts", "Hard"]
    assert again.get("bolts") == BOLTS
    assert again.name_of(DIFFICULT) == "Hard"
    assert again.last() == DIFFICULT
