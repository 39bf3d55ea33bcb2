"""A short, seeded fuzz campaign of the COCO reader; the long one is `python -m tests.fuzz.run coco`."""

from __future__ import annotations

import pytest

from tests.fuzz import run
from tests.fuzz.coco_targets import TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_end_in_a_value_or_a_named_error(target: run.Target) -> None:
    outcome = run.fuzz([target], executions=1_000, seed=5)
    assert [failure.text for failure in outcome.failures] == []
    assert outcome.executions == 1_000
    assert 0 < outcome.refused < 1_000
