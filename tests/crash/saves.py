"""The kinds of save that the studio knows, each as a case for the sweep of faults.

A case prepares a folder once, gives every run a fresh copy of it, saves in a child, and judges what is left.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.store.project import ProjectStore
from tests.crash import workspaces
from tests.crash.editor import Editor, dump, open_and_close
from tests.crash.forking import Tell, start
from tests.crash.labels import Expected, Fault
from tests.crash.witness import Tally, Witness
from tests.crash.workspaces import Workspace

_TRIES = 4
Relent = Callable[[], None]


def _nothing() -> None:
    return None


class Attempt(Protocol):
    """One run. reported: what the person was told."""

    reported: list[str]

    def ready(self) -> None:
        """In the child, before the fault: what is not part of the save."""

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        """In the child: saves, and tries again. relent: takes the fault away, called after the first failure."""

    def hear(self, message: dict[str, Any]) -> None: ...

    def judge(self, *, killed: bool, lasting: bool) -> None:
        """After the child's end. Raises Fault."""

    def again(self, tell: Tell) -> None:
        """In another child, without a fault: now it must go well."""

    def hear_again(self, message: dict[str, Any]) -> None: ...

    def judge_again(self) -> None: ...


class Case(Protocol):
    """One kind of save."""

    name: str

    def prepare(self, folder: Path) -> Any: ...

    def fresh(self, base: Any, folder: Path) -> Attempt: ...


def check_message(text: str) -> None:
    """A message to a person: one line, no trace of the program. Raises Fault."""
    if not text.strip() or "\n" in text.strip() or "Traceback" in text or "Error(" in text:
        raise Fault("crash", f"not a message for a person: {text!r}")


# Saves of a project


Act = Callable[[ProjectStore, Editor], None]


@dataclass(slots=True)
class ProjectCase:
    """Edits of a project and, unless files is False, their write-back. before: what is done when preparing."""

    name: str
    format: str
    act: Act
    before: Act | None = None
    files: bool = True

    def prepare(self, folder: Path) -> Workspace:
        folder.mkdir(parents=True)
        workspace = workspaces.make(folder, self.format, images=2, unlabelled=1)
        if self.before is not None:
            _do_in_child(workspace, self.before)
        return workspace

    def fresh(self, base: Workspace, folder: Path) -> ProjectAttempt:
        shutil.copytree(base.folder, folder)
        expected = Expected(list(base.expected.states))
        return ProjectAttempt(workspaces.moved(base, folder, expected), self.act, self.files)


def _do_in_child(workspace: Workspace, act: Act) -> None:
    witness = Witness(workspace, Tally())

    def work(tell: Tell) -> None:
        with ProjectStore.open(workspace.project) as store:
            tell({"dump": dump(store)})
            act(store, Editor(store, random.Random(1), tell, grid=workspace.grid))
        open_and_close(workspace.project, tell)

    child = start(work, workspace.folder / "stderr")
    for message in child.rest():
        witness.hear(message)
    if child.wait():
        raise Fault("crash", child.complaints())


@dataclass(slots=True)
class ProjectAttempt:
    """Edits and saves a project as the window does: every error is shown, everything is tried again."""

    workspace: Workspace
    act: Act
    files: bool
    reported: list[str] = field(default_factory=list)
    _done: bool = False
    _closed_well: bool = False

    def ready(self) -> None:
        return None

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        store = self._open(tell, relent)
        if store is None:
            return
        try:
            self._edit_and_write(store, tell, relent)
        finally:
            self._close(store, tell, relent)
        tell({"done": True})

    def _open(self, tell: Tell, relent: Relent) -> ProjectStore | None:
        for _ in range(_TRIES):
            try:
                store = ProjectStore.open(self.workspace.project)
                if not store.read_only:
                    said = self._try(lambda store=store: dump(store), tell, relent)
                    if said is not None:
                        tell({"dump": said})
                        return store
                tell({"reported": "the project is open for reading only"})
                store.close()
            except StudioError as error:
                tell({"reported": str(error)})
            relent()
        return None

    def _edit_and_write(self, store: ProjectStore, tell: Tell, relent: Relent) -> None:
        editor = self._try(lambda: Editor(store, random.Random(7), tell, grid=self.workspace.grid), tell, relent)
        if editor is None:
            return
        self.act(store, editor)
        if self._try(lambda: (store.flush(), True)[1], tell, relent) is None or not self.files:
            return
        for _ in range(_TRIES):
            self._try(lambda: store.write_back(wait=True), tell, relent)
            errors = store.file_errors()
            if not errors and not self._try(store.pending_files, tell, relent):
                return
            if store.status().kind != "error":
                raise AssertionError(f"files are not written and the status says {store.status()}")
            tell({"reported": store.status().message})
            relent()

    def _try(self, action: Callable[[], Any], tell: Tell, relent: Relent) -> Any:
        for _ in range(_TRIES):
            try:
                return action()
            except StudioError as error:
                tell({"reported": str(error)})
                relent()
        return None

    def _close(self, store: ProjectStore, tell: Tell, relent: Relent) -> None:
        for _ in range(_TRIES):
            try:
                store.close(write_files=self.files)
                tell({"well": True})
                return
            except StudioError as error:
                tell({"reported": str(error)})
                relent()
        store.close(discard=True)

    def hear(self, message: dict[str, Any]) -> None:
        if "reported" in message:
            check_message(message["reported"])
            self.reported.append(message["reported"])
        elif "failed" in message:  # an edit that was never called saved, and this was said
            check_message(message["error"])
            self.reported.append(message["error"])
        elif "done" in message:
            self._done = True
        elif "well" in message:
            self._closed_well = True
        else:
            Witness(self.workspace, Tally()).hear(message)

    def judge(self, *, killed: bool, lasting: bool) -> None:
        expected = self.workspace.expected
        if not killed and not lasting:
            if not self._closed_well:
                raise Fault("stuck", f"a single fault was enough to give up: {self.reported}")
            if expected.acknowledged != len(expected.states) - 1:
                raise Fault("lost", f"{expected.acknowledged} of {len(expected.states) - 1} edits were saved")
        witness = Witness(self.workspace, Tally())
        witness.look_at_files()
        if not (self.workspace.folder / "studio" / "state").exists():  # kept there where the folder seemed read-only
            witness.check_database()

    def again(self, tell: Tell) -> None:
        open_and_close(self.workspace.project, tell)

    def hear_again(self, message: dict[str, Any]) -> None:
        Witness(self.workspace, Tally()).hear(message)

    def judge_again(self) -> None:
        return None


def _image(store: ProjectStore, *, with_boxes: bool) -> int:
    return next(int(i) for i in store.image_table().ids if bool(store.image(int(i)).boxes) == with_boxes)


def _move_a_box(store: ProjectStore, editor: Editor) -> None:
    editor.move_first(_image(store, with_boxes=True))


def _draw_where_nothing_is(store: ProjectStore, editor: Editor) -> None:
    editor.draw_in(_image(store, with_boxes=False))


def _take_back_what_was_drawn(store: ProjectStore, editor: Editor) -> None:
    """The file that was made for the drawn box goes with it."""
    editor.clear(max(int(i) for i in store.image_table().ids))


def _several_edits(store: ProjectStore, editor: Editor) -> None:
    for _ in range(4):
        editor.step()


CASES: dict[str, Callable[[], Case]] = {
    "commit": lambda: ProjectCase("commit", "voc", _several_edits, files=False),
    "voc-existing": lambda: ProjectCase("voc-existing", "voc", _move_a_box),
    "voc-new": lambda: ProjectCase("voc-new", "voc", _draw_where_nothing_is),
    "voc-removal": lambda: ProjectCase("voc-removal", "voc", _take_back_what_was_drawn, _draw_where_nothing_is),
    "coco": lambda: ProjectCase("coco", "coco", _several_edits),
}
