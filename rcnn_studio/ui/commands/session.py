"""Wires the actions of the open project, enables what can be done now, and brings its messages to the window."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from rcnn_studio.domain.runs import RunEnded
from rcnn_studio.store.status import StoreStatus
from rcnn_studio.ui.actions import enable
from rcnn_studio.ui.commands.files import FileCommands
from rcnn_studio.ui.commands.images import ImageCommands
from rcnn_studio.ui.room import SessionRoom

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow


class SessionCommands(QObject):
    """Actions on the open project. Lives as long as its room."""

    def __init__(self, window: MainWindow, room: SessionRoom) -> None:
        super().__init__(room)
        self._window = window
        self._room = room
        self._session = room.session
        self._gone = False
        project, review, training = room.session.project, room.session.review, room.session.training
        images, files = ImageCommands(window, room), FileCommands(window, room)
        handlers = {
            "edit.undo": self.undo,
            "edit.redo": self.redo,
            "image.find": room.image_list.focus_filter,
            "image.go_to": images.go_to,
            "image.verify": images.verify,
            "image.verify_stay": images.verify_stay,
            "image.thumbnails": room.session.make_all_thumbnails,
            "image.confirm_empty": images.confirm_empty,
            "project.write_back": files.write_back,
            "project.export": files.export,
            "image.splits": files.draw_splits,
            "files.changes": files.show_changes,
            "files.conflicts": files.show_conflicts,
            "files.check": files.check_dataset,
            "files.problems": room.set_problems,
            "files.history": room.set_history,
            "project.show_folder": files.show_folder,
            "train.start": self.start_training,
            "train.stop": training.stop,
            "predict.current": partial(review.predict, "current"),
            "predict.unlabelled": partial(review.predict, "unlabelled"),
            "predict.all": partial(review.predict, "all"),
            "activity.label": partial(window.set_activity, "label"),
            "activity.train": partial(window.set_activity, "train"),
            "activity.review": partial(window.set_activity, "review"),
        }
        self._wired = [
            (
                window.studio_actions[f"action.{name}"],
                window.studio_actions[f"action.{name}"].triggered.connect(handler),
            )
            for name, handler in handlers.items()
        ]
        window.window_commands.enable_session_actions(True)
        project.message.connect(window.messages.show_info)
        review.message.connect(window.messages.show_info)
        training.failed.connect(window.messages.show_error)
        training.run_ended.connect(self._on_run_ended)
        training.state_changed.connect(self.refresh)
        project.undo_stack.indexChanged.connect(self.refresh)
        project.destroyed.connect(self._on_project_gone)
        project.status_changed.connect(self._on_status)
        review.runs_changed.connect(self.refresh)
        review.runs_changed.connect(window.refresh_hint)
        review.busy_changed.connect(self.refresh)
        room.train.review_requested.connect(self.review_detections)

    def unwire(self) -> None:
        """Let go of the window's actions."""
        for action, connection in self._wired:
            action.triggered.disconnect(connection)
        for name in self._room.extras:
            self._window.studio_actions[f"action.files.{name}"].setChecked(False)
        self._gone = True

    def refresh(self, *_unused: object) -> None:
        """Enable what can be done now."""
        if self._gone:
            return
        actions, session = self._window.studio_actions, self._session
        stack = session.project.undo_stack
        enable(actions["action.edit.undo"], stack.canUndo(), self.tr("Nothing to undo"))
        actions["action.edit.undo"].setText(self.tr("Undo {0}").format(stack.undoText()).strip())
        enable(actions["action.edit.redo"], stack.canRedo(), self.tr("Nothing was undone"))
        actions["action.edit.redo"].setText(self.tr("Redo {0}").format(stack.redoText()).strip())
        training = session.training
        enable(actions["action.train.start"], not training.running, self.tr("A training runs already"))
        why_not = self.tr("It is stopping") if training.stopping else self.tr("No training runs")
        enable(actions["action.train.stop"], training.running and not training.stopping, why_not)
        why_not = self.tr("It predicts already") if session.review.predicting else self.tr("Train a model first")
        can_predict = session.review.run is not None and not session.review.predicting
        for name in ("current", "unlabelled", "all"):
            enable(actions[f"action.predict.{name}"], can_predict, why_not)

    @Slot()
    def start_training(self) -> None:
        """Where one sees it run, or why it does not."""
        self._window.set_activity("train")
        self._room.train.start()

    @Slot()
    def undo(self) -> None:
        stack = self._session.project.undo_stack
        text = stack.undoText()
        stack.undo()
        self._say_step(self.tr("Undone: {0}"), text)

    @Slot()
    def redo(self) -> None:
        stack = self._session.project.undo_stack
        text = stack.redoText()
        stack.redo()
        self._say_step(self.tr("Redone: {0}"), text)

    def _say_step(self, done: str, text: str) -> None:
        """What it was, and where: undo goes to the image that changes."""
        record = self._session.project.record
        where = f", {PurePosixPath(record.path).stem}" if record is not None else ""
        self._window.messages.show_info(f"{done.format(text)}{where}")

    @Slot()
    def _on_project_gone(self) -> None:
        """Its QUndoStack, destroyed with it, says once more that it changed."""
        self._gone = True

    @Slot()
    def review_detections(self) -> None:
        """To the activity of reviewing, on the image where there is most likely something to decide."""
        self._window.set_activity("review")
        image_id = self._session.review.image_to_review()
        if image_id is not None:
            self._session.project.set_current(image_id)

    @Slot(object)
    def _on_status(self, status: object) -> None:
        if isinstance(status, StoreStatus) and status.kind == "error" and not self._has_banner(status.message):
            self._window.messages.show_error(status.message)

    def _has_banner(self, message: str) -> bool:
        """Files changed by others have a banner of their own."""
        return any(message.startswith(conflict.message) for conflict in self._session.store.conflicts())

    @Slot(object)
    def _on_run_ended(self, ended: object) -> None:
        if not isinstance(ended, RunEnded):
            return
        if ended.status == "failed":
            self._window.messages.show_error(ended.message)
        elif ended.best_epoch and self._window.activity != "train":  # there the panel says it
            text = self.tr("Training has ended, best AP50 {0:.2f}. Open any image: its detections are there.")
            look = (self.tr("Review them"), self.review_detections)
            self._window.messages.show_info(text.format(ended.best_AP50), look)
