"""A short, seeded fuzz campaign of the VOC and image readers; the long one is `python -m tests.fuzz.run voc`."""

from __future__ import annotations

import pytest

from rcnn_studio.domain.errors import FormatError
from tests.fuzz import run
from tests.fuzz.voc_targets import TARGETS


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_end_in_a_value_or_a_named_error(target: run.Target) -> None:
    outcome = run.fuzz([target], executions=2_000, seed=5)
    assert [failure.text for failure in outcome.failures] == []
    assert outcome.executions == 2_000
    assert outcome.lines > 0
    assert 0 <= outcome.refused < 2_000


def test_a_campaign_is_the_same_for_the_same_seed() -> None:
    inputs: list[list[bytes]] = [[], [], []]
    for number, seed in enumerate((1, 1, 2)):
        target = run.Target(name="t", call=inputs[number].append, seeds=(b"<a>12</a>", b"x"))
        run.fuzz([target], executions=300, seed=seed)
    assert inputs[0] == inputs[1] != inputs[2]
    assert len(set(inputs[0])) > 150


def test_an_unexpected_exception_is_found_kept_and_counted() -> None:
    def call(data: bytes) -> None:
        if b"NaN" in data:
            raise ZeroDivisionError("seeded")
        raise FormatError("a.xml", "", "no")

    outcome = run.fuzz([run.Target(name="t", call=call, seeds=(b"<a>12</a>",))], executions=2_000, seed=1)
    assert outcome.failures
    assert all("ZeroDivisionError" in failure.text and b"NaN" in failure.data for failure in outcome.failures)
    assert outcome.refused == 2_000 - len(outcome.failures)


def test_inputs_that_reach_new_lines_are_built_upon() -> None:
    from rcnn_studio.formats.voc_record import read_flag

    target = run.Target(name="t", call=lambda data: read_flag(data.decode("latin-1")), seeds=(b"q",), tokens=(b"yes",))
    outcome = run.fuzz([target], executions=2_000, seed=1)
    assert outcome.corpus > 1
    assert outcome.plateau[-1][1] == outcome.lines > 1
