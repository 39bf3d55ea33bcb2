"""Saves that are no edits of an open project, as cases for the sweep of faults: settings, checkpoints, a new project,
a conflict settled with one's own version."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.progress import ignore, never
from rcnn_studio.formats import Source, codec
from rcnn_studio.formats.atomic import write_atomic
from rcnn_studio.store.project import ProjectStore
from rcnn_studio.store.schema import DATABASE_NAME
from tests.crash import files, workspaces
from tests.crash.editor import Editor, dump, open_and_close
from tests.crash.forking import Tell
from tests.crash.labels import Fault, from_dump
from tests.crash.saves import Relent, _nothing, check_message
from tests.crash.workspaces import Workspace

_TRIES = 4


@dataclass(slots=True)
class OneFile:
    """A save of one thing that is there in an old version, 1, and is to be there in version 2.

    make(folder), save(folder, version): raises StudioError; read(folder) -> the version; raises anything for one
    that is not whole.
    """

    name: str
    make: Callable[[Path], None]
    store: Callable[[Path, int], None]
    read: Callable[[Path], int]

    def prepare(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        self.make(folder)
        return folder

    def fresh(self, base: Path, folder: Path) -> OneFileAttempt:
        shutil.copytree(base, folder)
        return OneFileAttempt(self, folder)


@dataclass(slots=True)
class OneFileAttempt:
    """Tries to save version 2; afterwards, without a fault, version 3."""

    case: OneFile
    folder: Path
    reported: list[str] = field(default_factory=list)
    _saved: bool = False
    _found: list[int] = field(default_factory=list)

    def ready(self) -> None:
        return None

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        for _ in range(_TRIES):
            try:
                self.case.store(self.folder, 2)
            except StudioError as error:
                tell({"reported": str(error)})
                relent()
            else:
                tell({"saved": True})
                return

    def hear(self, message: dict[str, Any]) -> None:
        if "reported" in message:
            check_message(message["reported"])
            self.reported.append(message["reported"])
        self._saved = self._saved or "saved" in message

    def judge(self, *, killed: bool, lasting: bool) -> None:
        if not (self._saved or killed or lasting):
            raise Fault("stuck", f"a single fault was enough to give up: {self.reported}")

    def again(self, tell: Tell) -> None:
        tell({"found": self.case.read(self.folder)})
        self.case.store(self.folder, 3)
        tell({"found": self.case.read(self.folder)})

    def hear_again(self, message: dict[str, Any]) -> None:
        self._found.append(message["found"])

    def judge_again(self) -> None:
        allowed = ([2, 3],) if self._saved else ([1, 3], [2, 3])
        if self._found not in allowed:
            raise Fault("lost", f"found {self._found} where {' or '.join(map(str, allowed))} was expected")


def _plain_file() -> OneFile:
    def write(folder: Path, version: int) -> None:
        write_atomic(folder / "results.json", json.dumps([version] * 4000).encode())

    def read(folder: Path) -> int:
        (version,) = set(json.loads((folder / "results.json").read_bytes()))
        return int(version)

    return OneFile("results", lambda folder: write(folder, 1), write, read)


@dataclass(slots=True)
class SettingsCase:
    """The settings of a running window. What could not be saved holds for the session, and goes with the next one."""

    name: str = "settings"

    def prepare(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text(json.dumps({"other": [0] * 500, "version": 1}))
        return folder

    def fresh(self, base: Path, folder: Path) -> SettingsAttempt:
        shutil.copytree(base, folder)
        return SettingsAttempt(folder)


@dataclass(slots=True)
class SettingsAttempt:
    folder: Path
    reported: list[str] = field(default_factory=list)
    _settings: Any = None
    _found: list[int] = field(default_factory=list)
    _said: bool = False

    @property
    def _path(self) -> Path:
        return self.folder / "settings.json"

    def ready(self) -> None:
        from rcnn_studio.workspace.settings import Settings

        self._settings = Settings(self._path)

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        self._settings.set("version", 2)
        relent()
        self._settings.set("nudge", 1)
        tell({"said": True})

    def hear(self, message: dict[str, Any]) -> None:
        self._said = True

    def judge(self, *, killed: bool, lasting: bool) -> None:
        found = self._version()
        if found not in ((1, 2) if killed or lasting else (2,)):
            raise Fault("lost", f"the settings are of version {found}")

    def _version(self) -> int:
        try:
            values = json.loads(self._path.read_bytes())
        except (OSError, ValueError) as error:
            raise Fault("unreadable", f"the settings: {error!r}") from None
        if len(values["other"]) != 500:
            raise Fault("lost", "other settings are gone")
        return int(values["version"])

    def again(self, tell: Tell) -> None:
        self.ready()
        self._settings.set("version", 3)
        tell({"found": self._version()})

    def hear_again(self, message: dict[str, Any]) -> None:
        self._found.append(message["found"])

    def judge_again(self) -> None:
        if self._found != [3]:
            raise Fault("stuck", "settings cannot be saved any more")


def _checkpoint() -> OneFile:
    import torch

    from rcnn_studio.domain.dataset import Category
    from rcnn_studio.domain.runs import TrainConfig
    from rcnn_studio.engine.data.targets import CategoryTable
    from rcnn_studio.engine.training import checkpoints

    table = CategoryTable((Category(id=1, name="bolt"),))

    def write(folder: Path, version: int) -> None:
        weights = {"a": torch.full((3, 500), float(version)), "b": torch.full((7,), float(version))}
        manifest = checkpoints.Manifest(epoch=version, step=version, config=TrainConfig(), table=table, amp="off")
        checkpoints.save_checkpoint(folder, "last", weights, manifest)

    def read(folder: Path) -> int:
        weights, manifest = checkpoints.load_checkpoint(checkpoints.find_checkpoint(folder, "last"))
        assert {float(v) for tensor in weights.values() for v in tensor.flatten()} == {float(manifest.epoch)}
        return manifest.epoch

    return OneFile("checkpoint", lambda folder: write(folder, 1), write, read)


@dataclass(slots=True)
class NewProject:
    """A project made on a dataset: it is there whole, or not at all."""

    name: str = "new-project"

    def prepare(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        files.make_dataset("voc", folder / "data", images=2, unlabelled=1)
        return folder

    def fresh(self, base: Path, folder: Path) -> NewProjectAttempt:
        shutil.copytree(base, folder)
        return NewProjectAttempt(folder)


@dataclass(slots=True)
class NewProjectAttempt:
    folder: Path
    reported: list[str] = field(default_factory=list)
    _made: bool = False
    _boxes: int = -1
    _imported: Any = None

    def ready(self) -> None:
        self._imported = codec("voc").read(Source(path=self.folder / "data"), ignore, never)

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        for _ in range(_TRIES):
            try:
                self._make()
            except StudioError as error:
                tell({"reported": str(error)})
                with contextlib.suppress(OSError):  # the fault may be in this very look
                    if (self.folder / "project" / DATABASE_NAME).exists():
                        return  # made, but not opened
                relent()
            else:
                tell({"made": True})
                return

    def _make(self) -> None:
        ProjectStore.create(self.folder / "project", self._imported).close()

    def hear(self, message: dict[str, Any]) -> None:
        if "reported" in message:
            check_message(message["reported"])
            self.reported.append(message["reported"])
        self._made = self._made or "made" in message

    def judge(self, *, killed: bool, lasting: bool) -> None:
        if not (killed or lasting or self._made or (self.folder / "project" / DATABASE_NAME).exists()):
            raise Fault("stuck", f"a single fault was enough to give up: {self.reported}")
        if self._made and not (self.folder / "project" / DATABASE_NAME).exists():
            raise Fault("lost", "the project was said to be made and is not there")

    def again(self, tell: Tell) -> None:
        if not (self.folder / "project" / DATABASE_NAME).exists():
            self.ready()
            self._make()
        with ProjectStore.open(self.folder / "project") as store:
            tell({"dump": dump(store)})

    def hear_again(self, message: dict[str, Any]) -> None:
        self._boxes = sum(len(boxes) for _, boxes in from_dump(message["dump"]).images.values())

    def judge_again(self) -> None:
        if self._boxes != 4:
            raise Fault("lost", f"the project has {self._boxes} boxes")


FOREIGN = b"<annotation><filename>img_0.png</filename><owner>somebody else</owner></annotation>"


@dataclass(slots=True)
class KeepMine:
    """Another program has changed a file; the person keeps the own version, and theirs goes to the backups."""

    name: str = "keep-mine"

    def prepare(self, folder: Path) -> Workspace:
        folder.mkdir(parents=True)
        return workspaces.make(folder, "voc", images=2, unlabelled=1)

    def fresh(self, base: Workspace, folder: Path) -> KeepMineAttempt:
        shutil.copytree(base.folder, folder)
        (folder / "data" / "Annotations" / "img_0.xml").write_bytes(FOREIGN)
        return KeepMineAttempt(folder)


@dataclass(slots=True)
class KeepMineAttempt:
    folder: Path
    reported: list[str] = field(default_factory=list)
    _done: bool = False

    @property
    def _file(self) -> Path:
        return self.folder / "data" / "Annotations" / "img_0.xml"

    def save(self, tell: Tell, relent: Relent = _nothing) -> None:
        for _ in range(_TRIES):
            try:
                with ProjectStore.open(self.folder / "project") as store:
                    if not store.read_only:
                        self._settle_patiently(store, tell, relent)
            except StudioError as error:
                tell({"reported": str(error)})
            relent()
            if self._is_ours():
                tell({"done": True})
                return

    def ready(self) -> None:
        return None

    def _settle_patiently(self, store: ProjectStore, tell: Tell, relent: Relent) -> None:
        """In one session: faults are counted by thread, and every session has new ones."""
        for _ in range(_TRIES):
            try:
                self._settle(store)
            except StudioError as error:
                tell({"reported": str(error)})
            if self._is_ours():
                return
            if store.status().kind == "error":
                tell({"reported": store.status().message})
            relent()

    def _settle(self, store: ProjectStore) -> None:
        image_id = next(int(i) for i in store.image_table().ids if store.image(int(i)).path.endswith("img_0.png"))
        if store.image(image_id).boxes[0].x1 < 5 and not store.conflicts():
            Editor(store, random.Random(7), lambda message: None).move_first(image_id)
        store.flush()
        store.write_back(wait=True)
        for conflict in store.conflicts():
            store.resolve_conflict(conflict.path, "mine")

    def _is_ours(self) -> bool:
        with contextlib.suppress(OSError):  # the fault may strike here as well
            return b"bndbox" in self._file.read_bytes()
        return False

    def hear(self, message: dict[str, Any]) -> None:
        if "reported" in message:
            check_message(message["reported"])
            self.reported.append(message["reported"])
        self._done = self._done or "done" in message

    def judge(self, *, killed: bool, lasting: bool) -> None:
        if not (killed or lasting or self._done):
            raise Fault("stuck", f"a single fault was enough to give up: {self.reported}")
        found = self._file.read_bytes()
        if found != FOREIGN:
            files.look_at_xml(self._file)
            if not any(path.read_bytes() == FOREIGN for path in self._backups()):
                raise Fault("lost", "the other program's version is gone")

    def _backups(self) -> list[Path]:
        homes = (self.folder / "project", self.folder / "studio")  # the second where the first seems read-only
        return [path for home in homes for path in home.rglob("backups/**/*") if path.is_file()]

    def again(self, tell: Tell) -> None:
        self.save(tell)
        open_and_close(self.folder / "project", tell)

    def hear_again(self, message: dict[str, Any]) -> None:
        if message.get("written", {}).get("conflicts"):
            raise Fault("conflict", str(message["written"]))
        self._done = self._done or "closed" in message

    def judge_again(self) -> None:
        if not self._is_ours():
            raise Fault("stuck", "the conflict could not be settled afterwards")
        self.judge(killed=False, lasting=False)


CASES: dict[str, Callable[[], Any]] = {
    "results": _plain_file,
    "settings": SettingsCase,
    "new-project": NewProject,
    "keep-mine": KeepMine,
    "checkpoint": _checkpoint,
}
