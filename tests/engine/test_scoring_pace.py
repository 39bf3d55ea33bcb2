"""When a training scores, and when it says it will."""

from __future__ import annotations

from rcnn_studio.engine.training.scoring import SHARE, ScoringPace


def test_without_a_limit_every_epoch_asked_for_is_scored() -> None:
    pace = ScoringPace(every=2, limited=False)
    assert [epoch for epoch in range(1, 7) if pace.due(epoch, 10.0 * epoch)] == [2, 4, 6]


def test_with_a_limit_scoring_takes_a_small_share_and_comes_when_it_was_said() -> None:
    pace, epoch_s, cost = ScoringPace(every=1, limited=True), 30.0, 4.0
    elapsed, said, scored = 0.0, [], []
    for epoch in range(1, 31):
        elapsed += epoch_s
        if pace.due(epoch, elapsed):
            if said:
                assert abs(elapsed - said[-1]) < epoch_s
            scored.append(epoch)
            elapsed += cost
            pace.note(cost)
            said.append(pace.next_s(epoch, elapsed))
    assert scored[0] == 1, "the first epoch is always scored"
    assert 5 < len(scored) < 30
    assert pace.spent_s <= SHARE * elapsed
