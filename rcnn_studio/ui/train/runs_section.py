"""The runs with what can be done to them: resume, extend, star, note, compare, discard. Trains nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMessageBox, QPushButton, QVBoxLayout, QWidget

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunInfo
from rcnn_studio.tasks.run_notes import RunNotes, write_notes
from rcnn_studio.tasks.unfinished import can_go_on, discard, extended, keep_best
from rcnn_studio.ui.train.comparison import RunComparison
from rcnn_studio.ui.train.runs import RunsTable, run_title
from rcnn_studio.workspace.review import ReviewModel

MORE_EPOCHS = 10


class RunsSection(QWidget):
    """`table` and a row of buttons that follow what is selected in it."""

    resume_asked = Signal(object, object)
    failed = Signal(str)

    def __init__(self, review: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review = review
        self._training = False
        self.table = RunsTable(review)
        self.comparison: RunComparison | None = None
        self.resume_button = self._button(
            self.tr("Resume"), self.tr("Go on with this run exactly where it was"), self._on_resume
        )
        self.extend_button = self._button(
            self.tr("Extend …"), self.tr("Go on with more epochs than were planned"), self._on_extend
        )
        self.star_button = self._button(self.tr("Star"), self.tr("Mark this run, or take the mark away"), self._on_star)
        self.note_button = self._button(self.tr("Note …"), self.tr("Write a line on this run"), self._on_note)
        self.compare_button = self._button(
            self.tr("Compare"),
            self.tr("Curves and settings of the selected runs side by side (select several with Ctrl)"),
            self._on_compare,
        )
        self.discard_button = self._button(
            self.tr("Discard …"), self.tr("Move the selected runs to the trash folder; asks before"), self._on_discard
        )
        self.buttons = QWidget()
        row = QHBoxLayout(self.buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for button in (
            self.resume_button,
            self.extend_button,
            self.star_button,
            self.note_button,
            self.compare_button,
            self.discard_button,
        ):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.table)
        column.addWidget(self.buttons)
        self.table.selectionModel().selectionChanged.connect(self._on_selected)
        self.table.model().modelReset.connect(self._on_selected)
        review.runs_changed.connect(self._on_selected)
        self._on_selected()

    def set_training(self, running: bool) -> None:
        self._training = running
        self._on_selected()

    def keep_best(self, run: RunInfo) -> None:
        """End an unfinished run for good with the model it has."""
        self._try(lambda: keep_best(run))
        self._review.refresh_runs()

    def discard(self, runs: Sequence[RunInfo]) -> None:
        """Move runs to the trash folder, after a question."""
        names = "\n".join(run_title(run) for run in runs)
        answer = QMessageBox.question(
            self,
            self.tr("Discard runs"),
            self.tr("Move to the trash folder of this project?\n\n{0}").format(names),
            QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        if answer != QMessageBox.StandardButton.Discard:
            return
        for run in runs:
            self._try(lambda run=run: discard(run))
        self._review.refresh_runs()

    # --- inside -----------------------------------------------------------------------------------

    def _button(self, text: str, hint: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("role", "quiet")
        button.setToolTip(hint)
        button.clicked.connect(slot)
        return button

    def _try(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except StudioError as error:
            self.failed.emit(str(error))

    def _on_selected(self, *_unused: object) -> None:
        chosen = self.table.selected_runs
        one = len(chosen) == 1
        resumable = one and not self._training and can_go_on(chosen[0])
        self.buttons.setVisible(bool(self._review.runs))
        self.resume_button.setVisible(resumable)
        self.extend_button.setVisible(resumable)
        self.star_button.setEnabled(bool(chosen))
        self.note_button.setEnabled(one)
        self.compare_button.setEnabled(len(chosen) > 1)
        self.discard_button.setEnabled(bool(chosen) and not any(run.status == "running" for run in chosen))

    def _on_resume(self) -> None:
        for run in self.table.selected_runs[:1]:
            self.resume_asked.emit(run, None)

    def _on_extend(self) -> None:
        for run in self.table.selected_runs[:1]:
            title, text = self.tr("Extend the run"), self.tr("How many more epochs than planned:")
            epochs, ok = QInputDialog.getInt(self, title, text, MORE_EPOCHS, 1, 100_000)
            if ok:
                self._try(lambda run=run, n=epochs: self.resume_asked.emit(run, extended(run, n)))

    def _on_star(self) -> None:
        chosen = self.table.selected_runs
        star = not all(self.table.notes_of(run).star for run in chosen)
        for run in chosen:
            self._write(run, RunNotes(star=star, note=self.table.notes_of(run).note))

    def _on_note(self) -> None:
        for run in self.table.selected_runs[:1]:
            before = self.table.notes_of(run)
            text, ok = QInputDialog.getText(self, self.tr("Note"), run_title(run), text=before.note)
            if ok:
                self._write(run, RunNotes(star=before.star, note=text.strip()))

    def _write(self, run: RunInfo, notes: RunNotes) -> None:
        self._try(lambda: write_notes(run, notes))
        self.table.reload_notes()

    def _on_compare(self) -> None:
        self.comparison = RunComparison(self.table.selected_runs, self.window())
        self.comparison.show()

    def _on_discard(self) -> None:
        self.discard(self.table.selected_runs)
