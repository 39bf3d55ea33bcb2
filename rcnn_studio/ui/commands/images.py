"""Actions on the image at hand that are of no one widget: verify, nothing here, go to."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QInputDialog

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.ui.actions import first_key

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow
    from rcnn_studio.ui.room import SessionRoom


class ImageCommands(QObject):
    """Lives as long as its room."""

    def __init__(self, window: MainWindow, room: SessionRoom) -> None:
        super().__init__(room)
        self._window = window
        self._room = room
        self._session = room.session
        self._asked_empty: int | None = None

    @Slot()
    def verify(self) -> None:
        """Mark the image verified and go on; where there are no boxes, ask once whether there is nothing here."""
        project = self._session.project
        if project.current_id is None or self._asks_whether_empty("verify"):
            return
        if not project.boxes:
            self.confirm_empty()
            return
        project.set_state(project.current_id, ImageState.VERIFIED)
        self._room.image_list.go(1)

    @Slot()
    def verify_stay(self) -> None:
        """Mark the image verified and stay on it; once more takes that back."""
        project = self._session.project
        if project.current_id is None or self._asks_whether_empty("verify_stay"):
            return
        done = ImageState.VERIFIED if project.boxes else ImageState.CONFIRMED_EMPTY
        undone = ImageState.LABELLED if project.boxes else ImageState.UNLABELLED
        again = project.image_record(project.current_id).state == done
        project.set_state(project.current_id, undone if again else done)
        if project.image_record(project.current_id).state == (undone if again else done):
            said = {
                ImageState.VERIFIED: self.tr("Verified"),
                ImageState.CONFIRMED_EMPTY: self.tr("Marked as empty"),
                ImageState.LABELLED: self.tr("Not verified any more"),
                ImageState.UNLABELLED: self.tr("Not marked as empty any more"),
            }
            self._room.canvas.show_hint(said[undone if again else done])

    def _asks_whether_empty(self, name: str) -> bool:
        """An image without boxes is asked about once, before it is said that nothing is here."""
        project = self._session.project
        if project.boxes or project.current_id in (None, self._asked_empty):
            return False
        self._asked_empty = project.current_id
        again, empty = (first_key(self._window.studio_actions[f"action.image.{n}"]) for n in (name, "confirm_empty"))
        self._room.canvas.show_hint(self.tr("Nothing here? Press {0} again, or {1}").format(again, empty))
        return True

    @Slot()
    def confirm_empty(self) -> None:
        project = self._session.project
        if project.current_id is None:
            return
        if project.boxes:
            self._window.messages.show_info(
                self.tr("This image has boxes: delete them before saying that nothing is here.")
            )
            return
        image_id = project.current_id
        project.set_state(image_id, ImageState.CONFIRMED_EMPTY)
        record = project.image_record(image_id)
        if record.state == ImageState.CONFIRMED_EMPTY:
            text = self.tr("{0}: marked as empty (nothing here). {1} takes it back.")
            keys = first_key(self._window.studio_actions["action.edit.undo"])
            self._window.messages.show_info(text.format(PurePosixPath(record.path).stem, keys))
        self._room.image_list.go(1)

    @Slot()
    def go_to(self) -> None:
        text, accepted = QInputDialog.getText(
            self._window, self.tr("Go to image"), self.tr("Number in the list, or part of a name:")
        )
        if accepted and text.strip() and not self._room.image_list.go_to(text.strip()):
            self._window.messages.show_info(self.tr("No image is called {0}.").format(text.strip()))
