"""What the status bar promises about saving, and the strip that says why a project is read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget

from rcnn_studio.store.status import StoreStatus
from rcnn_studio.ui import icons
from rcnn_studio.ui.files.banner import Banner
from rcnn_studio.ui.files.words import counted
from rcnn_studio.ui.theme import colors_of

Look = Literal["good", "muted", "warning", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What "Saved" means for this project. full: in words, where nothing makes it weaker. read_only: why nothing can
    be saved, "" where it can."""

    full: str = ""
    read_only: str = ""


class SavedBadge(QToolButton):
    """An icon and a word in the status bar; a click asks to see what changes on disk (`asked`)."""

    asked = Signal()

    def __init__(self, promise: Promise, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status.saved")
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(16, 16))
        self._promise = promise
        self._status = StoreStatus(kind="saved", pending_files=0)
        self._look: Look = "good"
        self._changed = ""
        self.clicked.connect(self.asked)
        self.show_status(self._status)

    @property
    def look(self) -> Look:
        """The tone of what is said, which the icon shows by its shape too."""
        return self._look

    def show_status(self, status: StoreStatus) -> None:
        self._status = status
        text, icon, self._look, tip = self._said()
        self._icon_name = icon
        self.setText(text)
        tip = "\n".join(filter(None, (tip, self._changed)))
        self.setToolTip(tip)
        self.setAccessibleName(self.tr("Saved state: {0}").format(text))
        self.setAccessibleDescription(tip)
        self._tint()

    def show_changed(self, text: str) -> None:
        """What this session has changed on disk so far, for the tooltip; "" while it is nothing."""
        self._changed = text
        self.show_status(self._status)

    def _said(self) -> tuple[str, str, Look, str]:
        """(text, icon, look, tooltip)"""
        status, promise = self._status, self._promise
        if promise.read_only:
            return self.tr("Read-only"), "eye", "warning", promise.read_only
        if status.kind == "error":
            return self.tr("Not written"), "error", "bad", status.message
        if status.kind == "saving":
            return self.tr("Saving …"), "refresh", "muted", self.tr("The last edit is on its way to the disk.")
        waiting = counted(status.pending_files, self.tr("1 file to write"), self.tr("{0} files to write"))
        text = self.tr("Saved") if not status.pending_files else self.tr("Saved · {0}").format(waiting)
        if status.paused:
            return self.tr("{0} (paused)").format(text), "pause", "muted", self.tr("Files are written when you ask.")
        if status.durability == "weaker":
            return text, "warning", "warning", status.durability_reason
        full = promise.full or self.tr("Every finished gesture is on disk when this says Saved.")
        return text, "accept", "good", f"{full}\n{self.tr('Click to see what changes in your dataset files.')}"

    def _tint(self) -> None:
        colors = colors_of(self.palette())
        self.setIcon(icons.icon(self._icon_name, str(getattr(colors, self._look)), colors.disabled))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)


class ReadOnlyBanner(Banner):
    """Stays as long as the project is read-only. owner: who has it open, "" where its folder cannot be written."""

    def __init__(self, owner: str, parent: QWidget | None = None) -> None:
        super().__init__("files.read_only_banner", icon="eye", level="warning", parent=parent)
        if owner:
            text = self.tr("Read-only: {0} has this project open. Close it there, then open it here again to edit.")
            self.say(text.format(owner))
        else:
            self.say(
                self.tr(
                    "Read-only: this project's folder cannot be written. You can look at everything; allow writing to"
                    " the folder to edit."
                )
            )
