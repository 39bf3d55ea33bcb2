"""Composition root of the window: logging, hooks, settings, theme, main window. No behaviour of its own.

The main window is imported when it is made: loading it takes seconds on a cold disk, and the splash comes first.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import signal
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from rcnn_studio import __version__
from rcnn_studio.domain.errors import StudioError
from rcnn_studio.formats.bundled import resources_dir
from rcnn_studio.tasks.places import home
from rcnn_studio.ui.start.splash import Splash
from rcnn_studio.workspace.collector import GuiCollector
from rcnn_studio.workspace.settings import Settings

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.001
SIGNAL_POLL_MS = 250


class ErrorDoor(QObject):
    """Brings unhandled exceptions of any thread to the log and, by queued signal, to the window."""

    raised = Signal(str)

    def install(self) -> None:
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def _on_exception(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.critical("unhandled", exc_info=(kind, error, traceback))
        self.raised.emit(f"Something went wrong: {kind.__name__}: {error}. Your labels are safe; details: {log_file()}")

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._on_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def log_file() -> Path:
    return home() / "logs" / "rcnn-studio.log"


def start_logging() -> None:
    """Log to a rotating file, native crashes to crash.log beside it; an unwritable folder is no reason to stop."""
    root = logging.getLogger("rcnn_studio")
    root.setLevel(logging.INFO)
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(log_file(), maxBytes=1_000_000, backupCount=3, encoding="utf-8")
        crash = (log_file().parent / "crash.log").open("a", encoding="utf-8")
    except OSError as error:
        root.addHandler(logging.StreamHandler())
        log.info("no log file: %s", error)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root.addHandler(handler)
    faulthandler.enable(crash)


def make_application() -> QApplication:
    """The QApplication with name, icon and high-DPI rounding; the one there is, if there is one."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("RCNN Studio")
    application.setApplicationVersion(__version__)
    application.setOrganizationName("rcnn-studio")
    application.setWindowIcon(QIcon(str(resources_dir() / "icons" / "app.svg")))
    return application


def create_window(project: Path | None) -> MainWindow:
    """The main window under the existing QApplication, with this project (or folder of images) open, not shown yet."""
    from rcnn_studio.ui.main_window import MainWindow
    from rcnn_studio.ui.theme import Theme, ThemeMode

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    application = make_application()
    settings = Settings()
    chosen = settings.get("theme")
    mode = ThemeMode(chosen) if chosen in tuple(ThemeMode) else ThemeMode.SYSTEM
    window = MainWindow(settings, Theme(application, mode))
    if project is not None:
        window.open_path(project)
    return window


def make_splash(application: QApplication) -> Splash:
    """The sign of the start, in the theme that the window will have."""
    chosen = Settings().get("theme")
    dark = application.styleHints().colorScheme() == Qt.ColorScheme.Dark if chosen != "light" else False
    return Splash(str(resources_dir() / "icons" / "app.svg"), dark=dark or chosen == "dark")


def missing_display() -> str:
    """Why no window can open here, with the remedy; empty where one can."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return (
        "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). Start it on a desktop, "
        "or run `xvfb-run rcnn-studio`, or see the whole loop without a display: rcnn-studio demo --out demo"
    )


def run_window(path: Path | None) -> int:
    """Open the window and stay until it is closed. -> exit status"""
    problem = missing_display()
    if problem:
        sys.stderr.write(problem + "\n")
        return 1
    start_logging()
    application = make_application()
    splash = make_splash(application)
    splash.show_now()
    collector = GuiCollector(application)
    door = ErrorDoor(application)
    window = create_window(None)
    door.raised.connect(window.messages.show_error)
    door.install()
    _quit_on_signals(application, window)
    window.show()
    splash.close()
    if path is not None:
        QTimer.singleShot(0, window, _Opener(window, path))
    else:
        QTimer.singleShot(0, window.open_last_or_sample)
    status = application.exec()
    collector.stop()
    return status


class _Opener:
    """Opens a path once the event loop runs, so that the window is there while it works."""

    def __init__(self, window: MainWindow, path: Path) -> None:
        self._window = window
        self._path = path

    def __call__(self) -> None:
        self._window.open_path(self._path)


def _quit_on_signals(application: QApplication, window: MainWindow) -> None:
    """SIGTERM and Ctrl+C flush and close; Python handles a signal only when Qt returns to it, hence the timer."""

    def close(_number: int, _frame: Any) -> None:
        try:
            window.close_without_asking()
        except StudioError as error:  # what cannot be written now stays queued in the project and is written next time
            log.error("closed without writing everything back: %s", error)
        application.quit()

    signal.signal(signal.SIGTERM, close)
    signal.signal(signal.SIGINT, close)
    waker = QTimer(application, interval=SIGNAL_POLL_MS)
    waker.timeout.connect(application.objectName)
    waker.start()


def run_demo(out: Path, *, offscreen: bool) -> dict[str, Any]:
    """The whole loop on a copy of the bundled sample in the real window. -> the report that is also written to out."""
    if offscreen or missing_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["RCNN_STUDIO_HOME"] = str(out / "home")
    from rcnn_studio.ui.demo.script import run as run_demo_script

    start_logging()
    application = make_application()
    collector = GuiCollector(application)
    try:
        return run_demo_script(out, create_window)
    finally:
        collector.stop()
