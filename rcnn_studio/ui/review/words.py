"""What Review says about detections, thresholds and what to do next. Pure texts from counts; shows nothing."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from rcnn_studio.domain.balance import Balance
from rcnn_studio.domain.review_queue import Triage

FEW_SHOWN = 10
"""Of fewer validation detections a share in percent would claim too much."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ReviewPanel", text)


def counts_text(found: Triage, threshold: float, *, unseen: int = 0) -> str:
    """ "11 above 0.39: 3 to decide · 4 decided · 3 covered · 1 double": every one of them in one part. unseen: of
    classes that are not shown on the canvas."""
    parts = (
        (len(found.open), _tr("{0} to decide")),
        (len(found.decided), _tr("{0} decided")),
        (len(found.covered), _tr("{0} covered")),
        (len(found.doubles), _tr("1 double") if len(found.doubles) == 1 else _tr("{0} doubles")),
        (unseen, _tr("{0} of hidden classes")),
    )
    above = sum(number for number, _ in parts)
    if not above:
        return _tr("No detections above {0}").format(f"{threshold:.2f}")
    said = " · ".join(text.format(number) for number, text in parts if number)
    return _tr("{0} above {1}: {2}").format(above, f"{threshold:.2f}", said)


def hidden_text(found: Triage) -> str:
    """What needs no decision: "3 covered by your boxes · 1 weaker double"; empty where nothing is left out."""
    parts = []
    covered, doubles = len(found.covered), len(found.doubles)
    if covered:
        parts.append(_tr("{0} covered by your boxes").format(covered))
    if doubles:
        parts.append(_tr("1 weaker double") if doubles == 1 else _tr("{0} weaker doubles").format(doubles))
    return " · ".join(parts)


def threshold_text(threshold: float, balanced: float | None, balance: Balance | None) -> str:
    """Why the slider stands where it stands; rich text, with a link back to the run's own score where it does not."""
    if balance is None:
        return ""
    if balanced is None:
        return _tr("Found nothing right on your validation images yet.")
    right = share_text(balance, threshold)
    if abs(threshold - balanced) < 0.005:
        text = _tr("{0}: best balance on your validation images").format(f"{balanced:.2f}")
        return f"{text} ({right})" if right else text
    back = _tr('best balance: <a href="reset">{0}</a>').format(f"{balanced:.2f}")
    if not right:
        return _tr("On your validation images, {0}").format(back)
    return _tr("On your validation images {0}; {1}").format(right, back)


def share_text(balance: Balance, score: float) -> str:
    """ "84 % right" of the validation detections from this score on; empty where there are too few to say."""
    shown, right = balance.counts(score)
    if shown < FEW_SHOWN:
        return ""
    return _tr("{0} % right").format(round(100 * right / shown))


def open_text(left: int) -> str:
    """Why an image with boxes is not labelled yet."""
    if left == 1:
        return _tr("Not trained on yet: 1 detection is still open. Decide on it, or press Space: complete.")
    return _tr("Not trained on yet: {0} detections are still open. Decide on them, or press Space: complete.").format(
        left
    )


def all_decided_text(above: int, threshold: float, *, boxes: int, trainable: bool, more: bool = True) -> str:
    """What comes next once nothing is left to decide on. above: detections that there were; more: there are other
    unlabelled images."""
    one = _tr("The detection above {0} is decided.")
    decided = (one if above == 1 else _tr("All detections above {0} are decided.")).format(f"{threshold:.2f}")
    if not boxes:
        rest = _tr("No box is left here. B: nothing here, and next. Or draw what the model missed.")
    elif trainable and not more:
        rest = _tr("No image is unlabelled any more: draw what the model missed here, then train again (Ctrl+2).")
    elif trainable:
        rest = _tr("This image counts as labelled now: draw what the model missed, then PgDn for the next image.")
    else:
        rest = _tr("Draw what the model missed, then press Space: complete, and next.")
    return f"{decided} {rest}"


def nothing_above_text(threshold: float, best: float) -> str:
    text = _tr("Nothing above {0}. The best score here is {1}: lower the slider to see it.")
    return text.format(f"{threshold:.2f}", f"{best:.2f}")
