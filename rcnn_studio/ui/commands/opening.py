"""How a project comes into the window: by a path, a dialog, the list of recent ones, or the sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog, QFileDialog

from rcnn_studio.domain.progress import Report, ShouldStop
from rcnn_studio.domain.splits import SplitRules
from rcnn_studio.formats.archive import is_zip
from rcnn_studio.tasks.dropped import look_at
from rcnn_studio.tasks.importing import create_project, find_project, open_or_create, project_title
from rcnn_studio.tasks.places import data_home
from rcnn_studio.tasks.samples import make_sample_project
from rcnn_studio.ui.actions import first_key
from rcnn_studio.ui.start.new_project import NewProject, NewProjectDialog
from rcnn_studio.workspace.job import Work

if TYPE_CHECKING:
    from rcnn_studio.ui.main_window import MainWindow


FOLDER = "dialogs.folder"
"""Setting: where the last dialog about files ended."""


class OpeningCommands(QObject):
    """Each way ends in `MainWindow.open_project`; what must be made first is made in a job."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._image: Path | None = None
        self._before: Path | None = None
        self._note = ""
        window.keymap.changed.connect(self._on_keys_changed)
        actions = window.studio_actions
        actions["action.project.new"].triggered.connect(self.new_project)
        actions["action.project.open"].triggered.connect(self.choose_folder)
        actions["action.project.import"].triggered.connect(self.choose_file)
        window.welcome.path_chosen.connect(self._on_path_chosen)
        window.welcome.sample_chosen.connect(self.open_sample)
        window.recent_menu.path_chosen.connect(self._on_path_chosen)
        window.recent_menu.cleared.connect(window.refresh_recent)
        window.welcome.clear_chosen.connect(self._on_clear_chosen)

    def open_path(self, path: Path) -> None:
        project = None if is_zip(path) else find_project(path)
        if project is not None:
            self._on_project_made(project)
            return
        self._start(self.tr("Opening {0}").format(path.name), partial(open_or_create, path), self._on_project_made)

    def open_dropped(self, paths: Sequence[Path]) -> None:
        """Open what was dropped and show the image that was dropped first; the project before is one click away."""
        dropped = look_at(paths)
        if dropped is None:
            text = self.tr("{0} cannot be opened: drop a folder, images, a zip archive or a dataset file.")
            self._window.messages.show_error(text.format(paths[0]))
            return
        if dropped.image is not None and self._show_image(dropped.image):
            return
        self._image, self._before = dropped.image, self._open_folder()
        self.open_path(dropped.path)

    def open_last_or_sample(self) -> None:
        recent = self._window.settings.recent()
        if recent:
            self.open_path(Path(recent[0]))
        elif not self._window.settings.get("sample_shown", False):
            self.open_sample()

    @Slot()
    def open_sample(self) -> None:
        target = data_home() / "sample"
        self._window.settings.set("sample_shown", True)
        self._start(self.tr("Preparing the sample"), partial(_make_sample, target), self._on_sample_made)

    @Slot()
    def choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self._window, self.tr("Open a project, a dataset or images"), self.start_folder()
        )
        if chosen:
            self._window.settings.set(FOLDER, chosen)
            self.open_path(Path(chosen))

    @Slot()
    def choose_file(self) -> None:
        kinds = self.tr("Datasets and projects (*.json *.yaml *.yml *.csv *.zip *.rcnn);;All files (*)")
        start = self.start_folder()
        chosen, _kind = QFileDialog.getOpenFileName(self._window, self.tr("Open a dataset file"), start, kinds)
        if chosen:
            self._window.settings.set(FOLDER, str(Path(chosen).parent))
            self.open_path(Path(chosen))

    @Slot()
    def new_project(self) -> None:
        dialog = NewProjectDialog(self._window, start=self.start_folder())
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.choice is not None:
            self._start(
                self.tr("Making {0}").format(dialog.choice.project.name),
                partial(_create, dialog.choice),
                self._on_project_made,
            )

    def _start(self, name: str, work: Work, done: Callable[[object], None]) -> None:
        board = self._window.board
        job = board.prepare(name, work)
        job.job_finished.connect(done)
        job.job_failed.connect(self._window.messages.show_problem)
        job.job_failed.connect(self._on_not_made)
        job.job_cancelled.connect(self._on_not_made)
        self._window.welcome.show_work(job)
        board.start(job)

    @Slot(object)
    def _on_project_made(self, folder: object) -> None:
        window = self._window
        image, before = self._image, self._before
        self._image = self._before = None
        if not isinstance(folder, Path) or not window.open_project(folder) or window.session is None:
            return
        if image is not None:
            self._show_image(image)
        serious = [p for p in window.session.store.problems() if p.level != "note"]
        if serious:
            more = self.tr(" … and {0} more").format(len(serious) - 1) if len(serious) > 1 else ""
            window.messages.show_warning(f"{serious[0]}{more}", (self.tr("Show problems"), self._show_problems))
        elif before is not None and before != folder:
            text = self.tr("Opened {0}.").format(window.session.project.title)
            back = self.tr("Back to {0}").format(project_title(before))
            window.messages.show_info(text, (back, partial(self.open_path, before)))

    @Slot()
    def _on_not_made(self) -> None:
        self._image = self._before = None

    def start_folder(self) -> str:
        """Where a dialog begins: at the open data, else where the last one ended, else at home."""
        session, last = self._window.session, self._window.settings.get(FOLDER)
        if session is not None:
            return str(session.store.folder.parent)
        return last if isinstance(last, str) and Path(last).is_dir() else str(Path.home())

    def _open_folder(self) -> Path | None:
        session = self._window.session
        return session.store.folder if session is not None else None

    def _show_image(self, image: Path) -> bool:
        """Go to an image of the open project. -> whether it has it"""
        session = self._window.session
        if session is None:
            return False
        project, wanted = session.project, image.resolve()
        rows = zip(project.rows.ids.tolist(), project.rows.paths, strict=True)
        same_name = [i for i, path in rows if PurePosixPath(path).name == image.name]
        found = next((i for i in same_name if project.image_path(i).resolve() == wanted), None)
        if found is not None:
            project.set_current(found)
        return found is not None

    def _show_problems(self) -> None:
        if self._window.room is not None:
            self._window.room.set_extra("problems")

    @Slot(object)
    def _on_sample_made(self, folder: object) -> None:
        self._on_project_made(folder)
        if self._window.session is not None:
            self._note = self._sample_note()
            self._window.messages.show_note(self._note)

    def _sample_note(self) -> str:
        actions = self._window.studio_actions
        draw, train, keys = (first_key(actions[f"action.{n}"]) for n in ("tool.draw", "activity.train", "help.keys"))
        text = self.tr("This is your own copy of the sample ({0}). {1} draws a box, {2} trains, {3} shows every key.")
        return text.format(data_home() / "sample", draw, train, keys)

    def forget_sample(self) -> None:
        """The sample has been closed: its note goes with it."""
        if self._note and self._window.messages.text == self._note:
            self._window.messages.dismiss()
        self._note = ""

    @Slot()
    def _on_keys_changed(self) -> None:
        """The note names the keys as they are now."""
        if self._note and self._window.messages.text == self._note:
            self._note = self._sample_note()
            self._window.messages.show_note(self._note)

    @Slot(str)
    def _on_path_chosen(self, path: str) -> None:
        self.open_path(Path(path))

    @Slot()
    def _on_clear_chosen(self) -> None:
        self._window.settings.clear_recent()
        self._window.refresh_recent()


def _create(choice: NewProject, report: Report, should_stop: ShouldStop) -> Path:
    """The task for a choice of the dialog. -> the project's folder"""
    made = create_project(
        choice.project,
        choice.source,
        format_name=choice.format_name,
        splits=SplitRules(val=choice.val_fraction),
        report=report,
        should_stop=should_stop,
    )
    return made.project


def _make_sample(target: Path, report: Report, should_stop: ShouldStop) -> Path:
    return make_sample_project(target, report=report, should_stop=should_stop)
