"""The sentence about a run says what its numbers say, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.runs import CategoryScore, Scores
from rcnn_studio.domain.sentences import advice_reason, duration_text, found_rule, plural, run_sentence


def scores(*rows: tuple[str, int, float, int], AP50: float = 0.7) -> Scores:
    """rows: name, boxes, AP50, found."""
    rest = dict.fromkeys(("AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), -1.0)
    per = tuple(CategoryScore(name=n, boxes=b, AP=ap50 * 0.6, AP50=ap50, found=f) for n, b, ap50, f in rows)
    return Scores(AP=AP50 * 0.6, AP50=AP50, **rest, per_category=per)


def test_boxes_found_are_counted_and_the_worst_class_is_to_be_labelled() -> None:
    text = run_sentence(scores(("WBC", 10, 0.93, 9), ("Platelets", 14, 0.55, 7)))
    assert text == "Finds 9 of 10 WBC, misses half the Platelets: label 30 more Platelets."


def test_a_class_that_is_ranked_well_but_scored_low_needs_training_and_not_labels() -> None:
    found = scores(("nut", 40, 0.9, 38), ("bolt", 68, 0.36, 0))
    text = run_sentence(found)
    assert (
        text == "Finds 38 of 40 nuts, misses all 68 bolts: it sees bolts, but is not sure of them yet, so train longer."
    )
    assert advice_reason(found) == ""


def test_the_number_to_label_is_explained_by_its_sum() -> None:
    found = scores(("WBC", 10, 0.93, 9), ("Platelets", 14, 0.55, 7))
    assert "label 30 more Platelets" in run_sentence(found)
    assert "7 of 14 Platelets" in advice_reason(found)
    assert "4 × 7 = 28" in advice_reason(found)
    assert "so 30." in advice_reason(found)


@pytest.mark.parametrize(
    "rows",
    [
        (("bolt", 4, 1.0, 4),),
        (("bolt", 30, 0.95, -1), ("washer", 9, 0.61, -1)),
        (("bolt", 30, 0.1, 2), ("nut", 30, 0.05, 1)),
        (),
    ],
)
def test_where_no_number_is_named_none_is_explained(rows: tuple[tuple[str, int, float, int], ...]) -> None:
    assert "label 0" not in run_sentence(scores(*rows))
    assert advice_reason(scores(*rows)) == ""


def test_of_two_that_are_missed_alike_the_one_that_is_named_is_explained() -> None:
    found = scores(("bolt", 10, 0.9, 9), ("nut", 10, 0.5, 4), ("washer", 10, 0.5, 4))
    assert "more washers" in run_sentence(found)
    assert "washers" in advice_reason(found)


def test_without_counts_the_sentence_rests_on_ap50() -> None:
    text = run_sentence(scores(("bolt", 30, 0.95, -1), ("nut", 30, 0.93, -1), ("washer", 9, 0.61, -1)))
    assert text == "Finds bolts and nuts well (AP50 0.95 and 0.93), washers often missed (0.61): label more washers."


def test_a_model_that_finds_everything_is_told_nothing_to_label() -> None:
    assert run_sentence(scores(("bolt", 4, 1.0, 4), ("nut", 3, 1.0, 3))) == "Finds 4 of 4 bolts and 3 of 3 nuts."


def test_a_fair_class_is_neither_praised_nor_blamed() -> None:
    text = run_sentence(scores(("bolt", 30, 0.9, -1), ("nut", 30, 0.75, -1)))
    assert text == "Finds bolts well (AP50 0.90), nuts fairly well (0.75)."


def test_many_classes_are_summed_up() -> None:
    rows = [(f"kind {n}", 10, 0.95, 9) for n in range(8)]
    assert run_sentence(scores(*rows)) == "Finds 72 of 80 boxes in 8 classes."


def test_false_alarms_are_named_when_everything_is_found_but_the_score_is_low() -> None:
    text = run_sentence(scores(("bolt", 10, 0.41, 10)))
    assert text == "Finds 10 of 10 bolts, with many false alarms among bolts (AP50 0.41): reject those, then retrain."


def test_only_weak_classes_begin_with_what_is_missed() -> None:
    text = run_sentence(scores(("bolt", 10, 0.4, 3), ("nut", 10, 0.1, 0)))
    assert text == "Misses all 10 nuts and most bolts: label 40 more nuts."


def test_a_model_that_has_learned_nothing_is_said_to_find_little() -> None:
    text = run_sentence(scores(("bolt", 10, 0.12, 1), ("nut", 10, 0.02, 0)))
    assert text.startswith("Finds little yet (best: bolts, AP50 0.12)")


def test_classes_without_boxes_are_not_judged() -> None:
    assert run_sentence(scores(("bolt", 4, 1.0, 4), ("nut", 0, -1.0, -1))) == "Finds 4 of 4 bolts."


def test_without_any_box_there_is_nothing_to_score_against() -> None:
    assert "label some validation images" in run_sentence(scores(("bolt", 0, -1.0, -1), AP50=-1.0))


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("bolt", "bolts"),
        ("lock_washer", "lock_washers"),
        ("dining table", "dining tables"),
        ("berry", "berries"),
        ("box", "boxes"),
        ("bus", "buses"),
        ("person", "people"),
        ("scissors", "scissors"),
        ("WBC", "WBC"),
        ("Platelets", "Platelets"),
        ("größe", "größe"),
        ("", ""),
    ],
)
def test_names_are_put_in_the_plural_where_english_is_certain(one: str, many: str) -> None:
    assert plural(one) == many


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (59.6, "01:00"), (250, "04:10"), (3723, "1:02:03"), (-1, "--:--"), (float("nan"), "--:--")],
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_what_counts_as_found_is_said_with_its_score() -> None:
    counted = replace(scores(("bolt", 20, 0.9, 18)), found_from=0.36)
    assert "from score 0.36 on." in found_rule(counted)
    balance = Balance(boxes=20, shown=(20,) * 101, right=(18,) * 101)
    assert "0.36 on, where misses and false alarms balance best." in found_rule(replace(counted, balance=balance))
    assert found_rule(scores(("bolt", 20, 0.9, -1))) == ""
