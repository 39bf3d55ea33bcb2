"""The Review panel: which run speaks, from which score on, what it found here, how good it is.

Holds no truth; ReviewModel does. What Accept, Reject and Predict do is said by the actions that the window binds.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QActionEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.dataset import TRAINABLE_STATES
from rcnn_studio.domain.sentences import advice_reason, run_sentence
from rcnn_studio.ui.review.detection_list import DetectionList
from rcnn_studio.ui.review.scores_table import ScoresTable
from rcnn_studio.ui.train.fields import narrow
from rcnn_studio.ui.train.runs import run_title
from rcnn_studio.workspace.project import ProjectModel
from rcnn_studio.workspace.review import ReviewModel

# tool buttons are flat in the toolbar; here, in a form, they look like the buttons they are
BUTTON_SHEET = """
QToolButton { border: 1px solid palette(mid); border-radius: 5px; background: palette(button); padding: 4px 5px; }
QToolButton:hover { background: palette(light); }
QToolButton:pressed { background: palette(midlight); }
QToolButton:focus { border-color: palette(highlight); }
QToolButton:disabled { border-color: palette(midlight); background: transparent; }
"""


class ActionButton(QToolButton):
    """A tool button that keeps its own short text whatever the action's menu text is."""

    def __init__(self, short: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._short = short
        self.setText(short)
        self.setEnabled(False)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setStyleSheet(BUTTON_SHEET)

    def bind(self, action: QAction) -> None:
        self.setDefaultAction(action)
        self.setText(self._short)
        self.setAccessibleName(action.text())

    def actionEvent(self, event: QActionEvent) -> None:
        super().actionEvent(event)
        self.setText(self._short)


class ReviewPanel(QWidget):
    """See the module. Without a finished run it says what to do first."""

    def __init__(self, review: ReviewModel, project: ProjectModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("review.panel")
        self.setAccessibleName(self.tr("Review"))
        self._review, self._project = review, project
        self._busy = False
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
        self._on_runs_changed()
        self._on_threshold_changed(review.threshold)

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Connect the buttons, and the keys of the list, to the window's actions (by id)."""
        for name, button in self.buttons.items():
            if name in actions:
                button.bind(actions[name])
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
        self.counts = QLabel(wordWrap=True)
        self.counts.setAccessibleName(self.tr("Detections in this image"))
        self.detection_list = DetectionList(self._review, self._project)
        self.class_table = ScoresTable()
        self.buttons = {
            "action.detection.accept": ActionButton(self.tr("Accept")),
            "action.detection.reject": ActionButton(self.tr("Reject")),
            "action.detection.accept_all": ActionButton(self.tr("Accept all")),
            "action.predict.current": ActionButton(self.tr("This image")),
            "action.predict.unlabelled": ActionButton(self.tr("Unlabelled")),
            "action.predict.all": ActionButton(self.tr("All")),
        }

    def _page(self) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addLayout(self._labelled(self.tr("Run"), self.run_box))
        column.addWidget(self._result_card())
        column.addLayout(self._labelled(self.tr("Score from"), self.threshold, self.threshold_value))
        column.addWidget(self.counts)
        column.addWidget(self.detection_list, 1)
        column.addLayout(self._button_row("action.detection."))
        column.addWidget(self._heading(self.tr("Predict")))
        column.addLayout(self._button_row("action.predict."))
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

    def _button_row(self, prefix: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for name, button in self.buttons.items():
            if name.startswith(prefix):
                row.addWidget(button)
        return row

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
            self.sentence.setToolTip(advice_reason(best))
            self.numbers.setText(self._numbers(best.AP50, best.AP, best.AP75))
        self._on_detections_changed()

    def _numbers(self, ap50: float, ap: float, ap75: float) -> str:
        pairs = (("AP50", ap50), ("AP", ap), ("AP75", ap75))
        return " · ".join(f"{name} {value:.3f}" for name, value in pairs if value >= 0)

    def _on_run_chosen(self, place: int) -> None:
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
        # the slider has hundredths; a finer threshold set elsewhere must not be rounded back
        before = self.threshold.blockSignals(True)
        self.threshold.setValue(round(value * 100))
        self.threshold.blockSignals(before)
        self.threshold_value.setText(f"{value:.2f}")
        self._on_detections_changed()

    def _on_detections_changed(self, *_: object) -> None:
        review = self._review
        above = int((review.detections.scores >= review.threshold).sum())
        decide = len(review.visible())
        self.counts.setText(counts_text(above, decide, review.threshold))
        self.counts.setVisible(review.run is not None)
        self.detection_list.set_empty_text(self._empty_list_text(above))

    def _empty_list_text(self, above: int) -> str:
        review = self._review
        if self._project.current_id is None:
            return self.tr("Open an image to see what the model finds in it.")
        if not review.shown:
            return self.tr("Detections are hidden. Press P to show them.")
        if review.waiting:
            return self.tr("Looking at this image …")
        if review.ghost_error:
            return review.ghost_error
        if above:
            return self._all_decided_text(above)
        if len(review.detections):
            best = float(review.detections.scores[0])
            return self.tr("Nothing above {0}. The best score here is {1}: lower the slider to see it.").format(
                f"{review.threshold:.2f}", f"{best:.2f}"
            )
        return self.tr("The model finds nothing in this image.")

    def _all_decided_text(self, above: int) -> str:
        """Where the decisions have made it a labelled image, what the model missed will count as background."""
        record = self._project.record
        if record is None or not record.boxes or record.state not in TRAINABLE_STATES:
            return self.tr("Everything found here has been decided. On to the next image.")
        one = self.tr("The detection above {0} is decided.")
        decided = (one if above == 1 else self.tr("All detections above {0} are decided.")).format(
            f"{self._review.threshold:.2f}"
        )
        rest = self.tr("Draw what the model missed before you go on: this image now counts as labelled.")
        return f"{decided} {rest}"


def counts_text(above: int, decide: int, threshold: float) -> str:
    """ "7 detections above 0.50 · 3 need a decision" """

    def tr(text: str) -> str:
        return QCoreApplication.translate("ReviewPanel", text)

    if not above:
        return tr("No detections above {0}").format(f"{threshold:.2f}")
    count = tr("1 detection") if above == 1 else tr("{0} detections").format(above)
    text = tr("{0} above {1}").format(count, f"{threshold:.2f}")
    if not decide:
        return tr("{0} · all decided").format(text)
    needs = tr("1 needs a decision") if decide == 1 else tr("{0} need a decision").format(decide)
    return f"{text} · {needs}"
