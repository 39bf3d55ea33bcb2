"""The question before detections of many images become boxes: how many, and how right they will be. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from rcnn_studio.domain.balance import Balance
from rcnn_studio.ui.review.sample_check import SAMPLE
from rcnn_studio.ui.review.words import FEW_SHOWN
from rcnn_studio.workspace.auto_accept import ImageToAccept


def _tr(text: str) -> str:
    return QCoreApplication.translate("AcceptImages", text)


def make_question(
    parent: QWidget, wanted: Sequence[ImageToAccept], score: float, balance: Balance | None, checked: str = ""
) -> QMessageBox:
    """Accepted by its own button; Esc and Cancel change nothing. checked: what came of the sample, where one was
    looked at; before, a button for it is the first choice."""
    boxes = sum(len(item.found) for item in wanted)
    question = QMessageBox(parent)
    question.setObjectName("review.accept_images")
    question.setIcon(QMessageBox.Icon.Question)
    question.setWindowTitle(_tr("Accept on Many Images"))
    question.setText(_tr("Accept {0} detections on {1} unlabelled images?").format(boxes, len(wanted)))
    question.setInformativeText("\n\n".join(text for text in (checked, explanation(wanted, score, balance)) if text))
    button = question.addButton(_tr("Accept {0}").format(boxes), QMessageBox.ButtonRole.AcceptRole)
    question.setDefaultButton(question.addButton(QMessageBox.StandardButton.Cancel))
    button.setObjectName("review.accept_images.accept")
    if not checked and len(wanted) > SAMPLE:
        look = question.addButton(_tr("Look at {0} First").format(SAMPLE), QMessageBox.ButtonRole.ActionRole)
        look.setObjectName("review.accept_images.look")
        question.setDefaultButton(look)
    return question


def explanation(wanted: Sequence[ImageToAccept], score: float, balance: Balance | None) -> str:
    """What to expect, from what the run did on the validation images."""
    boxes = sum(len(item.found) for item in wanted)
    parts = [_expectation(boxes, score, balance)]
    unfinished = sum(not item.finished for item in wanted)
    if unfinished:
        text = _tr("On {0} of the images weaker detections stay open: these are not trained on until you decide.")
        parts.append(text.format(unfinished))
    parts.append(_tr("Look through some of them afterwards; one undo takes all of it back."))
    return "\n\n".join(parts)


def _expectation(boxes: int, score: float, balance: Balance | None) -> str:
    shown, right = balance.counts(score) if balance is not None else (0, 0)
    if shown < FEW_SHOWN:
        return _tr("How many of them are right is not known: too few validation images tell.")
    text = _tr(
        "From score {0} on, {1} of {2} detections on your validation images were right ({3} %): expect about {4} wrong "
        "ones among these."
    )
    wrong = round(boxes * (shown - right) / shown)
    return text.format(f"{score:.2f}", right, shown, round(100 * right / shown), wrong)
