"""Short, seeded fuzz campaigns of YOLO, labelme, CSV and zip; the long ones are `python -m tests.fuzz.run yolo` etc."""

from __future__ import annotations

import pytest

from tests.fuzz import csv_targets, labelme_targets, run, yolo_targets, zip_targets

TARGETS = (*yolo_targets.TARGETS, *labelme_targets.TARGETS, *csv_targets.TARGETS, *zip_targets.TARGETS)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_end_in_a_value_or_a_named_error(target: run.Target) -> None:
    outcome = run.fuzz([target], executions=1_000, seed=7)
    assert [failure.text for failure in outcome.failures] == []
    assert outcome.executions == 1_000
    assert outcome.lines > 0
