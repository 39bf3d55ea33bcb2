"""The Review panel: which run speaks, from which score on, what it found here, how good it is.

Holds no truth; ReviewModel does. What Accept, Reject and Predict do is said by the actions that the window binds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import TRAINABLE_STATES, ImageState
from rcnn_studio.domain.sentences import result_reason, run_sentence
from rcnn_studio.ui.actions import first_key
from rcnn_studio.ui.review import words
from rcnn_studio.ui.review.accept_images import make_question
from rcnn_studio.ui.review.action_button import ActionButton
from rcnn_studio.ui.review.detection_list import DetectionList
from rcnn_studio.ui.review.sample_check import SampleCheck
from rcnn_studio.ui.review.scores_table import ScoresTable
from rcnn_studio.ui.train.fields import narrow
from rcnn_studio.ui.train.runs import run_title
from rcnn_studio.workspace.auto_accept import ImageToAccept
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel


class ReviewPanel(QWidget):
    """See the module. Without a finished run it says what to do first."""

    def __init__(self, review: ReviewModel, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review.panel")
        self.setAccessibleName(self.tr("Review"))
        self._review, self._project = review, project
        self._busy = False
        self.go_in_queue: Callable[[int], object] | None = None  # the image list's, where there is one
        self.sample: SampleCheck | None = None
        self._next_action: QAction | None = None
        self._make_widgets()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty_page())
        self._stack.addWidget(self._page())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)
        self.setMinimumWidth(290)
        review.runs_changed.connect(self._on_runs_changed)
        review.threshold_changed.connect(self._on_threshold_changed)
        review.detections_changed.connect(self._on_detections_changed)
        review.busy_changed.connect(self._on_detections_changed)
        project.image_changed.connect(self._on_detections_changed)
        review.message.connect(self._on_detections_changed)
        project.images_updated.connect(self._on_detections_changed)
        review.set_reviewing(False)
        self._on_runs_changed()
        self._on_threshold_changed(review.threshold)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the buttons, and the keys of the list, to the window's actions (by id)."""
        for name, button in self.buttons.items():
            if name in actions:
                button.bind(actions[name])
        self._next_action = actions.get("action.queue.next")
        slots = {
            "action.queue.next": self._on_next,
            "action.queue.previous": self._on_previous,
            "action.detection.accept_images": self.ask_to_accept_images,
        }
        for name, slot in slots.items():
            if name in actions:
                actions[name].triggered.connect(slot)
        keys = (
            "action.detection.accept",
            "action.detection.reject",
            "action.detection.accept_all",
            "action.detection.edit",
        )
        self.detection_list.addActions([actions[name] for name in keys if name in actions])

    # --- building ---------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        self.run_box = narrow(QComboBox(objectName="review.run"))
        self.run_box.setAccessibleName(self.tr("Run whose detections are shown"))
        self.run_box.currentIndexChanged.connect(self._on_run_chosen)
        self.sentence = QLabel(wordWrap=True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setProperty("role", "title")
        self.sentence.setAccessibleName(self.tr("Result of this run"))
        self.numbers = QLabel(wordWrap=True)
        self.numbers.setProperty("role", "muted")
        self.threshold = QSlider(Qt.Orientation.Horizontal, objectName="review.threshold", minimum=1, maximum=100)
        self.threshold.setPageStep(10)
        self.threshold.setAccessibleName(self.tr("Least score of the detections shown"))
        self.threshold.setToolTip(self.tr("Detections with a smaller score are hidden"))
        self.threshold.valueChanged.connect(self._on_slider)
        self.threshold_value = QLabel()
        self.threshold_value.setMinimumWidth(self.threshold_value.fontMetrics().horizontalAdvance("0.00 "))
        self.threshold_value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.threshold_note = self._note()
        self.threshold_note.setTextFormat(Qt.TextFormat.RichText)
        self.threshold_note.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self.threshold_note.linkActivated.connect(self._on_threshold_link)
        self.counts = QLabel(wordWrap=True)
        self.counts.setAccessibleName(self.tr("Detections in this image"))
        self.counts.setToolTip(
            self.tr(
                "To decide: take or reject it. Decided: rejected, or its box is there.\n"
                "Covered: your box is on that object already. Double: a surer detection speaks of the same object."
            )
        )
        self.hidden = QCheckBox(objectName="review.hidden")
        self.hidden.setToolTip(
            self.tr(
                "They need no decision: your box is there already, or a surer detection speaks of the same object.\n"
                "Tick to see them all the same."
            )
        )
        self.hidden.toggled.connect(self._review.set_hidden_shown)
        self.open_note = self._note()
        self.detection_list = DetectionList(self._review, self._project)
        self.class_table = ScoresTable()
        self.buttons = {
            "action.detection.accept": ActionButton(self.tr("Accept")),
            "action.detection.reject": ActionButton(self.tr("Reject")),
            "action.detection.accept_all": ActionButton(self.tr("Accept all")),
            "action.queue.previous": ActionButton(self.tr("Previous")),
            "action.queue.next": ActionButton(self.tr("Next to review")),
            "action.predict.current": ActionButton(self.tr("This image")),
            "action.predict.unlabelled": ActionButton(self.tr("Unlabelled")),
            "action.predict.all": ActionButton(self.tr("All")),
        }

    def _page(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(6)
        column.addLayout(self._labelled(self.tr("Run"), self.run_box))
        column.addWidget(self._result_card())
        column.addLayout(self._labelled(self.tr("Score from"), self.threshold, self.threshold_value))
        column.addWidget(self.threshold_note)
        column.addWidget(self.counts)
        column.addWidget(self.detection_list, 1)
        column.addWidget(self.hidden)
        column.addLayout(self._button_row("action.detection."))
        column.addWidget(self.open_note)
        column.addLayout(self._button_row("action.queue."))
        column.addLayout(self._button_row("action.predict.", self.tr("Predict")))
        column.addWidget(self._heading(self.tr("Score of each class")))
        column.addWidget(self.class_table)
        scroll = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        return scroll

    def _empty_page(self) -> QWidget:
        page = QWidget()
        title = QLabel(self.tr("No finished run yet"))
        title.setProperty("role", "title")
        hint = QLabel(
            self.tr(
                "Label about twenty boxes, then Train. What the model finds appears here and, dashed, on the image."
            ),
            wordWrap=True,
        )
        hint.setProperty("role", "muted")
        column = QVBoxLayout(page)
        column.setContentsMargins(20, 20, 20, 20)
        column.addStretch(1)
        for label in (title, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label)
        column.addStretch(2)
        return page

    def _result_card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(4)
        column.addWidget(self.sentence)
        column.addWidget(self.numbers)
        return card

    def _button_row(self, prefix: str, caption: str = "") -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        if caption:
            row.addWidget(QLabel(caption))
        for name, button in self.buttons.items():
            if name.startswith(prefix):
                row.addWidget(button)
        return row

    @staticmethod
    def _note() -> QLabel:
        label = QLabel(wordWrap=True)
        label.setProperty("role", "muted")
        return label

    @staticmethod
    def _heading(text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("role", "title")
        return label

    @staticmethod
    def _labelled(text: str, widget: QWidget, *others: QWidget) -> QHBoxLayout:
        label = QLabel(text)
        label.setBuddy(widget)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(widget, 1)
        for other in others:
            row.addWidget(other)
        return row

    # --- showing ----------------------------------------------------------------------------------

    def _on_runs_changed(self) -> None:
        review = self._review
        usable = [run for run in review.runs if run.best is not None]
        self._busy = True
        self.run_box.clear()
        for run in usable:
            score = f"AP50 {run.best.AP50:.2f} · " if run.best is not None and run.best.AP50 >= 0 else ""
            self.run_box.addItem(f"{score}{run_title(run)}", run.id)
        self.run_box.setCurrentIndex(self.run_box.findData(review.run_id))
        self._busy = False
        best = review.run.best if review.run is not None else None
        self.class_table.set_scores(best, {c.name: c.color for c in self._project.categories})
        self._stack.setCurrentIndex(1 if usable else 0)
        if best is not None:
            self.sentence.setText(run_sentence(best))
            self.sentence.setToolTip(result_reason(best))
            self.numbers.setText(self._numbers(best.AP50, best.AP, best.AP75))
        self._show_threshold_note()
        self._on_detections_changed()

    def _numbers(self, ap50: float, ap: float, ap75: float) -> str:
        pairs = (("AP50", ap50), ("AP", ap), ("AP75", ap75))
        return " · ".join(f"{name} {value:.3f}" for name, value in pairs if value >= 0)

    def _on_run_chosen(self, place: int) -> None:
        self.sample = None
        if self._busy or place < 0:
            return
        wanted = self.run_box.itemData(place)
        run = next((r for r in self._review.runs if r.id == wanted), None)
        if run is not None:
            self._review.set_run(run)

    def _on_slider(self, value: int) -> None:
        self.threshold_value.setText(f"{value / 100:.2f}")
        self._review.set_threshold(value / 100)

    def _on_threshold_changed(self, value: float) -> None:
        self.sample = None  # it was drawn for another score
        # the slider has hundredths; a finer threshold set elsewhere must not be rounded back
        before = self.threshold.blockSignals(True)
        self.threshold.setValue(round(value * 100))
        self.threshold.blockSignals(before)
        self.threshold_value.setText(f"{value:.2f}")
        self._show_threshold_note()
        self._on_detections_changed()

    def _show_threshold_note(self) -> None:
        review = self._review
        best = review.run.best if review.run is not None else None
        balance = best.balance if best is not None else None
        text = words.threshold_text(review.threshold, review.balanced_threshold, balance)
        self.threshold_note.setText(text)
        self.threshold_note.setVisible(bool(text))

    def _on_threshold_link(self, _link: str) -> None:
        self._review.reset_threshold()

    def ask_to_accept_images(self) -> None:
        """Everything from the threshold on, on all unlabelled images: says what to expect, and asks first."""
        review = self._review
        wanted = review.to_accept_on_images()
        checked = self.sample.outcome_text() if self.sample is not None and self.sample.over else ""
        self.sample = None
        if not wanted:
            text = self.tr("No unlabelled image has known detections above {0} to decide on: predict them first.")
            review.message.emit(text.format(f"{review.threshold:.2f}"))
            return
        best = review.run.best if review.run is not None else None
        question = make_question(
            self.window(), wanted, review.threshold, best.balance if best is not None else None, checked
        )
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.accepted.connect(partial(review.accept_on_images, wanted))
        look = question.findChild(QAbstractButton, "review.accept_images.look")
        if look is not None:
            look.clicked.connect(lambda: self.look_at_sample(wanted))
        question.open()

    def look_at_sample(self, wanted: Sequence[ImageToAccept]) -> None:
        """Show a few of these images one after another, by the keys of the queue; then the question comes again."""
        self.sample = SampleCheck(self._project, wanted, self)
        self.sample.show()
        self._say_sample()

    def _say_sample(self) -> None:
        if self.sample is not None:
            key = first_key(self._next_action) if self._next_action is not None else ""
            self._review.message.emit(self.sample.where_text(key))

    def _go_in_sample(self, sample: SampleCheck, step: int) -> None:
        sample.go(step)
        if sample.over:
            self.ask_to_accept_images()
        else:
            self._say_sample()

    def _on_next(self) -> None:
        self._go(1)

    def _on_previous(self) -> None:
        self._go(-1)

    def _go(self, step: int) -> None:
        if self.sample is not None:
            self._go_in_sample(self.sample, step)
            return
        if self.go_in_queue is not None:
            self.go_in_queue(step)
            return
        image_id = self._review.next_to_review(step)
        if image_id is not None:
            self._project.set_current(image_id)
        else:
            self._review.message.emit(self.tr("No other unlabelled image has detections to decide on."))

    def _on_detections_changed(self, *_: object) -> None:
        review = self._review
        above = int((review.detections.scores >= review.threshold).sum())
        found = review.triage
        sorted_out = len(found.open) + len(found.covered) + len(found.doubles) + len(found.decided)
        self.counts.setText(words.counts_text(found, review.threshold, unseen=above - sorted_out))
        self.counts.setVisible(review.run is not None)
        self._show_hidden()
        self._show_open_note()
        self.detection_list.set_empty_text(self._empty_list_text(above))

    def _show_hidden(self) -> None:
        """What is left out, and whether it is shown all the same."""
        text = words.hidden_text(self._review.triage)
        before = self.hidden.blockSignals(True)
        self.hidden.setChecked(self._review.hidden_shown)
        self.hidden.blockSignals(before)
        self.hidden.setText(self.tr("Show {0}").format(text))
        self.hidden.setVisible(bool(text))

    def _show_open_note(self) -> None:
        """An image whose detections are decided on in part is not trained on: that must not be a secret."""
        record = self._project.record
        begun = record is not None and record.state == ImageState.UNLABELLED and bool(self._project.boxes)
        left = self._review.still_open if begun else 0
        self.open_note.setText(words.open_text(left) if left else "")
        self.open_note.setVisible(bool(left))

    def _empty_list_text(self, above: int) -> str:
        review = self._review
        if self._project.current_id is None:
            return self.tr("Open an image to see what the model finds in it.")
        if not review.shown:
            return self.tr("Detections are hidden. Press P to show them.")
        if review.waiting:
            return self.tr("Detecting objects in this image …")
        if review.ghost_error:
            return review.ghost_error
        if above:
            record, boxes = self._project.record, len(self._project.boxes)
            trainable = record is not None and record.state in TRAINABLE_STATES
            more = self._project.rows.state_counts()[ImageState.UNLABELLED] > 0
            return words.all_decided_text(above, review.threshold, boxes=boxes, trainable=trainable, more=more)
        if len(review.detections):
            return words.nothing_above_text(review.threshold, float(review.detections.scores[0]))
        return self.tr("The model finds nothing in this image. Draw what you see, or press B: nothing here.")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._review.set_reviewing(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.sample = None
        self._review.set_reviewing(False)
