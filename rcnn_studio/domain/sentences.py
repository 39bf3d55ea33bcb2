"""A run's result as one sentence, built only from its scores. Draws no conclusion that the numbers do not hold."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rcnn_studio.domain.runs import CategoryScore, Scores

GOOD, WEAK, LITTLE = 0.85, 0.7, 0.2
"""Shares of the boxes found (or AP50 where those are not known): from GOOD on a category is found well, below WEAK
often missed; a model below LITTLE in every category has learned next to nothing yet."""

MOST_NAMED = 3
TRAIN_PER_VAL = 4
LEAST_MORE, MOST_MORE = 20, 100
FALSE_ALARMS_AP50 = 0.6
UNSURE = 0.25
"""A category whose AP50 is so much above the share that is found is seen, but with scores that are still too low."""

_IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "leaf": "leaves",
}
_UNCHANGED = frozenset({"sheep", "fish", "aircraft", "deer"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """One category's outcome: share found in 0..1, whether counted in boxes, and the scores it comes from."""

    share: float
    counted: bool
    score: CategoryScore

    @property
    def name(self) -> str:
        return plural(self.score.name)

    @property
    def missed(self) -> int:
        return self.score.boxes - self.score.found

    @property
    def unsure(self) -> bool:
        """True if training on would help more than labelling."""
        return self.counted and self.score.AP50 - self.share >= UNSURE


def run_sentence(scores: Scores) -> str:
    """What the model finds, what it misses and what to label next, for a person who has never heard of AP.

    "Finds 9 of 10 WBC, misses half the Platelets: label 30 more Platelets." where the boxes found are known, else
    "Finds bolts and nuts well (AP50 0.95 and 0.93), washers often missed (0.61): label more washers."
    """
    seen = sorted((s for s in map(_outcome, scores.per_category) if s is not None), key=lambda s: -s.share)
    if not seen:
        if scores.AP50 >= 0:
            return f"AP50 {scores.AP50:.2f} over all classes; there are no boxes to score single classes against."
        return "Nothing to score against: label some validation images to see how good this model is."
    if seen[0].share < LITTLE:
        best = seen[0]
        return f"Finds little yet (best: {best.name}, AP50 {best.score.AP50:.2f}): train longer, or label more of each."
    good = [s for s in seen if s.share >= GOOD]
    weak = [s for s in reversed(seen) if s.share < WEAK]
    fair = [s for s in seen if WEAK <= s.share < GOOD]
    counted = all(s.counted for s in seen)
    return _counted_sentence(good, fair, weak) if counted else _scored_sentence(good, fair, weak)


def advice_reason(scores: Scores) -> str:
    """Where the number of run_sentence's "label 90 more bolts" comes from; empty where it names none."""
    seen = sorted((s for s in map(_outcome, scores.per_category) if s is not None), key=lambda s: -s.share)
    if not seen or not all(s.counted for s in seen) or seen[0].share < LITTLE or seen[-1].share >= WEAK:
        return ""
    worst = seen[-1]
    if worst.unsure:
        return ""
    wanted = f"{TRAIN_PER_VAL} × {worst.missed} = {TRAIN_PER_VAL * worst.missed}"
    return (
        f"{worst.missed} of {worst.score.boxes} {worst.name} of the validation images are missed. Each stands for "
        f"about {TRAIN_PER_VAL} like it to train on: {wanted}, in tens, at least {LEAST_MORE} and at most {MOST_MORE} "
        f"at a time, so {_more(worst)}. A rule of thumb."
    )


def found_rule(scores: Scores) -> str:
    """What "finds 9 of 10" counts; empty where nobody has counted."""
    if all(row.found < 0 for row in scores.per_category):
        return ""
    balanced = scores.balance is not None and scores.balance.best_score() is not None
    why = ", where misses and false alarms balance best" if balanced else ""
    return (
        f"Found: a detection of the class with an overlap of at least 0.5, from score {scores.found_from:.2f} on{why}."
    )


def result_reason(scores: Scores) -> str:
    """How run_sentence comes about: what counts as found, and where its advice is from."""
    return "\n\n".join(text for text in (found_rule(scores), advice_reason(scores)) if text)


def plural(name: str) -> str:
    """A category's name for several objects: "bolt" -> "bolts"; names in capitals or plural already stay."""
    last = re.split(r"[ _-]", name)[-1]
    if not (last.isascii() and last.isalpha() and last.islower()) or last in _UNCHANGED:
        return name
    return name.removesuffix(last) + _plural_word(last)


def duration_text(seconds: float) -> str:
    """Seconds as "04:10" or "1:02:03"; "--:--" for what is not known (negative or not finite)."""
    if not math.isfinite(seconds) or seconds < 0:
        return "--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def _outcome(score: CategoryScore) -> _Seen | None:
    if score.boxes <= 0:
        return None
    if score.found >= 0:
        return _Seen(min(1.0, score.found / score.boxes), True, score)
    return _Seen(score.AP50, False, score) if score.AP50 >= 0 else None


def _counted_sentence(good: Sequence[_Seen], fair: Sequence[_Seen], weak: Sequence[_Seen]) -> str:
    found = [*good, *fair]
    parts: list[str] = []
    if found:
        parts.append(f"finds {_found_list(found)}")
    if weak:
        parts.append(f"misses {_and([_missed(s) for s in weak[:2]])}")
    noisy = next((s for s in found if 0 <= s.score.AP50 < FALSE_ALARMS_AP50), None)
    if noisy is not None and not weak:
        parts.append(
            f"with many false alarms among {noisy.name} (AP50 {noisy.score.AP50:.2f}): reject those, then retrain"
        )
    text = ", ".join(parts)
    if weak and weak[0].unsure:
        text += f": it sees {weak[0].name}, but is not sure of them yet, so train longer"
    elif weak:
        text += f": label {_more(weak[0])} more {weak[0].name}"
    return f"{text[0].upper()}{text[1:]}."


def _scored_sentence(good: Sequence[_Seen], fair: Sequence[_Seen], weak: Sequence[_Seen]) -> str:
    parts: list[str] = []
    if good:
        parts.append(f"finds {_names(good)} well ({_numbers(good, 'AP50 ')})")
    if fair:
        parts.append(
            f"{'' if good else 'finds '}{_names(fair)} fairly well ({_numbers(fair, '' if good else 'AP50 ')})"
        )
    if weak:
        parts.append(f"{_names(weak)} often missed ({_numbers(weak, '' if good or fair else 'AP50 ')})")
    text = ", ".join(parts)
    if weak:
        text += f": label more {weak[0].name}"
    return f"{text[0].upper()}{text[1:]}."


def _found_list(found: Sequence[_Seen]) -> str:
    if len(found) > MOST_NAMED + 1:
        boxes = sum(s.score.boxes for s in found)
        return f"{sum(s.score.found for s in found)} of {boxes} boxes in {len(found)} classes"
    return _and([f"{s.score.found} of {s.score.boxes} {s.name}" for s in found])


def _missed(seen: _Seen) -> str:
    share = 1.0 - seen.share
    if share >= 1.0:
        return f"all {seen.score.boxes} {seen.name}"
    if share > 0.9:
        return f"nearly all {seen.name}"
    if share > 0.6:
        return f"most {seen.name}"
    if share > 0.4:
        return f"half the {seen.name}"
    return f"{seen.missed} of {seen.score.boxes} {seen.name}"


def _more(seen: _Seen) -> int:
    """How many to label: each missed validation box stands for about four like it to train on; in tens."""
    return min(MOST_MORE, max(LEAST_MORE, 10 * math.ceil(TRAIN_PER_VAL * seen.missed / 10)))


def _names(seen: Sequence[_Seen]) -> str:
    if len(seen) > MOST_NAMED:
        return _and([*(s.name for s in seen[:2]), f"{len(seen) - 2} more classes"])
    return _and([s.name for s in seen])


def _numbers(seen: Sequence[_Seen], prefix: str) -> str:
    values = sorted((s.score.AP50 for s in seen), reverse=True)
    texts = list(dict.fromkeys(f"{v:.2f}" for v in values))
    if len(texts) > 2:
        return f"{prefix}{texts[-1]} to {texts[0]}"
    return prefix + _and(texts)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("ss", "us", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("s"):
        return word
    if word.endswith("y") and len(word) > 1 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
