"""The window: places the canvas and its docks, and shows one session at a time. What actions do is in commands/."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMessageBox,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.tasks.dropped import look_at
from rcnn_studio.ui.actions import build_actions, first_key
from rcnn_studio.ui.actions.keymap import Keymap
from rcnn_studio.ui.commands.opening import OpeningCommands
from rcnn_studio.ui.commands.session import SessionCommands
from rcnn_studio.ui.commands.window import WindowCommands
from rcnn_studio.ui.files.room import FilesRoom
from rcnn_studio.ui.hints import hint_text
from rcnn_studio.ui.menus import Toolbar, fill_menu_bar
from rcnn_studio.ui.message_bar import MessageBar, MessageLine
from rcnn_studio.ui.room import COLUMNS, SessionRoom
from rcnn_studio.ui.start.drop_sign import DropSign
from rcnn_studio.ui.start.recent_menu import RecentMenu
from rcnn_studio.ui.start.welcome import WelcomePage
from rcnn_studio.ui.statusbar.jobs_strip import JobsStrip
from rcnn_studio.ui.theme import Theme, ThemeMode
from rcnn_studio.workspace.job import JobBoard
from rcnn_studio.workspace.session import Session
from rcnn_studio.workspace.settings import Settings

DEFAULT_SIZE = (1440, 900)
ACTIVITY = "activity"
FRAME_PX, TITLE_PX = 8, 48


class MainWindow(QMainWindow):
    """One project at a time; without one, the welcome page."""

    def __init__(self, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        # the columns keep their height beside a dock below: on a small screen they would not fit above it
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.settings = settings
        self.theme = theme
        self.board = JobBoard(self)
        self.session: Session | None = None
        self.room: SessionRoom | None = None
        self.files: FilesRoom | None = None
        left = settings.get(ACTIVITY)
        self.activity = left if left in COLUMNS else "label"
        self.studio_actions = build_actions(self)
        self.keymap = Keymap(settings, self.studio_actions, self)
        self.messages = MessageBar()
        self.welcome = WelcomePage(
            *(self.studio_actions[f"action.project.{name}"] for name in ("open", "import", "new"))
        )
        self.device_line = QLabel(objectName="device_line")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.welcome.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # it is no canvas's least
        self.setCentralWidget(self._central())
        self.toolbar = Toolbar(self.studio_actions, self.device_line, self)
        self.addToolBar(self.toolbar)
        self.message_line = MessageLine(self.messages, self)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.message_line)
        self.keymap.changed.connect(self.refresh_hint)
        self.drop_sign = DropSign(self)
        self.recent_menu = RecentMenu(self.settings, self)
        self.view_menu = fill_menu_bar(self.menuBar(), self.studio_actions, self.recent_menu)
        self.statusBar().addPermanentWidget(JobsStrip(self.board))
        self.window_commands = WindowCommands(self)
        self.opening = OpeningCommands(self)
        self.session_commands: SessionCommands | None = None
        self._restore_geometry()
        self.show_welcome()

    # --- projects ---------------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Open a project, or make one from a folder or file first (in a job, with progress)."""
        self.opening.open_path(path)

    def open_last_or_sample(self) -> None:
        """What a start without arguments shows: the last project, at the very first start the sample."""
        self.opening.open_last_or_sample()

    def open_project(self, folder: Path) -> bool:
        """Close what is open and show this project. -> whether it opened; a message says why not."""
        if not self.may_close():
            return False
        try:
            session = Session(folder, self)
        except StudioError as error:
            self.messages.show_error(str(error))
            return False
        try:
            self.close_session()
        except StudioError as error:
            session.close()
            session.deleteLater()
            self.messages.show_error(str(error))
            return False
        self.session = session
        self.room = SessionRoom(session, self)
        self._show_files(session, self.room)
        self.session_commands = SessionCommands(self, self.room)
        self.room.canvas.tool_changed.connect(self.refresh_hint)
        self.stack.addWidget(self.room.ruled)
        self.stack.setCurrentWidget(self.room.ruled)
        session.project.open_first()
        self.settings.add_recent(session.store.folder)
        self.set_activity(self.activity)
        self.setWindowTitle(self.tr("{0} — RCNN Studio").format(session.project.title))
        self.session_commands.refresh()
        if not self.studio_actions["action.view.boxes"].isChecked():
            text = self.tr("The boxes are hidden, as you left them: {0} shows them.")
            self.messages.show_info(text.format(first_key(self.studio_actions["action.view.boxes"])))
        self.room.canvas.setFocus()
        session.work_ahead()
        return True

    def close_session(self) -> None:
        """Write back and close the open project, if there is one.

        Raises ProjectError where edits cannot be brought to disk; the project then stays open and shown.
        """
        if self.session is None or self.room is None:
            return
        self._remember_layout()
        session, room = self.session, self.room
        if self.files is not None:
            self.files.close()
        try:
            session.close()
        except StudioError:
            self._show_files(session, room)
            raise
        changed = self.files.closing_text() if self.files is not None else ""
        self.files = None
        if self.session_commands is not None:
            self.session_commands.unwire()
        self.session, self.room, self.session_commands = None, None, None
        room.remove()
        session.deleteLater()
        self.opening.forget_sample()
        self.show_welcome()
        if changed:
            self.messages.show_info(changed)

    def show_welcome(self) -> None:
        self.setWindowTitle(self.tr("RCNN Studio"))
        self.refresh_recent()
        self.refresh_hint()
        self.stack.setCurrentWidget(self.welcome)
        self.window_commands.enable_session_actions(False)

    def refresh_recent(self) -> None:
        """Show the projects opened lately as they are now."""
        self.welcome.set_recent([(folder, self.settings.opened_at(folder)) for folder in self.settings.recent()])

    # --- activities -------------------------------------------------------------------------------

    def set_activity(self, activity: str) -> None:
        """Label, train or review: the same canvas with other docks beside it, where they were the last time."""
        if self.room is not None and activity != self.activity:
            self._remember_layout()
        self.activity = activity
        self.studio_actions[f"action.activity.{activity}"].setChecked(True)
        self.refresh_hint()
        if self.room is not None:
            self.settings.set(ACTIVITY, activity)
            self.layout().activate()  # the line of hints comes or goes: panels that are put back share what is left
            self._show_layout(self.room)

    def reset_layout(self) -> None:
        """Every dock back to where it was at first, in all activities."""
        for activity in COLUMNS:
            self.settings.set(f"layout.{activity}", None)
        if self.room is not None:
            self.room.arrange(self.activity)

    def place_dock(self, dock: QDockWidget, area: Qt.DockWidgetArea) -> None:
        self.addDockWidget(area, dock)

    def set_theme(self, mode: ThemeMode) -> None:
        self.theme.set_mode(mode)
        self.settings.set("theme", str(mode))

    # --- closing ----------------------------------------------------------------------------------

    def close_without_asking(self) -> None:
        """For signals and session ends: stop what runs, keep the best checkpoint, write everything back."""
        self.board.stop_all()
        self.close_session()
        self._remember_geometry()

    def may_close(self) -> bool:
        """Asks where a training would be stopped by closing."""
        if self.session is None or not self.session.training.running:
            return True
        answer = QMessageBox.question(
            self,
            self.tr("Training is running"),
            self.tr("Stop the training, keep its best checkpoint, and close?"),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        return answer == QMessageBox.StandardButton.Yes

    # --- inside -----------------------------------------------------------------------------------

    def _central(self) -> QWidget:
        central, self._banners = QWidget(), QVBoxLayout()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._banners)
        layout.addWidget(self.stack, 1)
        return central

    def refresh_hint(self, *_unused: object) -> None:
        """Say what mouse and keys do now; the welcome page says enough, and the plots of a training need the height."""
        tool = self.room.canvas.tool if self.room is not None and self.activity != "train" else ""
        found = self.session is not None and self.session.review.run is not None
        self.messages.set_hint(hint_text(self.activity, tool, self.studio_actions, found=found) if tool else "")

    def _show_files(self, session: Session, room: SessionRoom) -> None:
        """Make the files' room of a session and place its parts."""
        self.files = FilesRoom(session, self)
        self.files.message.connect(self.messages.show_info)
        for banner in self.files.banners:
            self._banners.addWidget(banner)
            banner.setVisible(bool(banner.label.text()))
        room.show_files(self.files)

    def _restore_geometry(self) -> None:
        screen = QApplication.primaryScreen().availableSize()
        room = (screen.width() - FRAME_PX, screen.height() - TITLE_PX)  # the window manager puts its frame around
        self.resize(min(DEFAULT_SIZE[0], room[0]), min(DEFAULT_SIZE[1], room[1]))
        stored = self.settings.get("geometry")
        if isinstance(stored, str):
            self.restoreGeometry(QByteArray.fromBase64(stored.encode()))

    def _remember_geometry(self) -> None:
        self.settings.set("geometry", bytes(self.saveGeometry().toBase64().data()).decode())

    def _show_layout(self, room: SessionRoom) -> None:
        stored = self.settings.get(f"layout.{self.activity}")
        again, extras = room.arranged, room.open_extras()
        room.arrange(self.activity)
        if isinstance(stored, str):
            self.restoreState(QByteArray.fromBase64(stored.encode()))
        if again:
            room.show_extras(extras)

    def _remember_layout(self) -> None:
        state = bytes(self.saveState().toBase64().data()).decode()
        self.settings.set(f"layout.{self.activity}", state)

    # --- Qt ---------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        try:
            self.close_without_asking()
        except StudioError as error:
            self.messages.show_error(str(error))
            event.ignore()
            return
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = _local_paths(event)
        if paths:
            self.drop_sign.show_for(look_at(paths))
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_sign.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_sign.hide()
        paths = _local_paths(event)
        if paths:
            event.acceptProposedAction()
            self.opening.open_dropped(paths)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.session is not None and not self.isActiveWindow():
            self.session.store.write_back(wait=False)


def _local_paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
