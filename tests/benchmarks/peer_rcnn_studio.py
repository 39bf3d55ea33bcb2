"""This application in the harness that drives labelImg, labelme and X-AnyLabeling through the same scenarios.

`PYTHONPATH=HARNESS:. python -m tests.benchmarks.peer_rcnn_studio folder10k dense1000 turn1000 ...`; HARNESS is the
folder of the harness's `common.py`, PEERS_WORK that of its data. The others read labels when an image is opened; we do
it once, when a project is made: `prepare` makes the projects of the large folders and prints what that took. A dense
folder is fresh each time, so its `load` holds that too; `turn` measures going to such an image in an open project,
`shown` the time until the paint that shows the next picture itself. A save's parts stand beside it: `edit_ms` until the
edit is applied and shown, then, counted from there, `committed_ms` until it is on the disk in the project and
`written_ms` until the linked file is.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common  # the harness's

if TYPE_CHECKING:
    from rcnn_studio.workspace.session import Session

PREPARED = ("folder10k-voc", "folder100k-voc", "photos4k-voc")
OPENING_S = 600.0
TURNS = 12
SHOWN, WARM_UP = 60, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """edit, committed, written: seconds. pending: linked files that still lag behind. digest: of the file's bytes."""

    edit: float
    committed: float
    written: float
    pending: int
    digest: int


class RcnnStudio(common.Peer):
    """What the harness asks of an application, through the window's own doors."""

    name, binding, fmt, distribution = "rcnn-studio", "PySide6", "voc", "rcnn-studio"
    window: Any

    def __init__(self) -> None:
        self.saves: list[Save] = []
        self._edited_at = self._edit_s = 0.0

    @property
    def session(self) -> Session:
        session: Session = self.window.session
        return session

    def launch(self) -> None:
        from rcnn_studio.cli import main

        sys.exit(main([]))

    def open_folder(self, folder: str) -> None:
        """What a drop of the folder does; a folder without a project gets one in a job, which is waited for.

        The harness has no event loop, without which Qt never deletes what was open before.
        """
        from PySide6.QtCore import QCoreApplication, QEvent

        before, deadline = self.window.session, time.monotonic() + OPENING_S
        self.window.open_path(Path(folder))
        while self.window.session is before and time.monotonic() < deadline:
            QCoreApplication.processEvents()
            time.sleep(0.0005)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def next_image(self) -> None:
        self.window.studio_actions["action.image.next"].trigger()

    def current_image(self) -> str | None:
        record = self.session.project.record
        return None if record is None else record.path

    def file_count(self) -> int:
        return len(self.session.project.rows.ids)

    def canvas(self) -> Any:
        """The welcome page as long as nothing is open."""
        return self.window.stack if self.window.room is None else self.window.room.canvas

    def shapes(self) -> list[tuple[Any, ...]]:
        return [(box.category_id, (box.x1, box.y1), (box.x2, box.y2)) for box in self.session.project.boxes]

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        at = self.canvas().image_to_widget(x, y)
        return at.x(), at.y()

    def mark_edited(self) -> None:
        """Every box is made a pixel smaller, by turns at its right and its lower edge: all of them are written anew."""
        project, down, start = self.session.project, len(self.saves) % 2, time.perf_counter()
        project.grow([box.id for box in project.boxes], 0, 0, down - 1, -down)
        self._edited_at = time.perf_counter()
        self._edit_s = self._edited_at - start

    def save(self) -> None:
        """What Ctrl+S does, and until the file stands on the disk."""
        store = self.session.store
        store.flush()
        committed = time.perf_counter() - self._edited_at
        store.write_back(wait=True)
        written = time.perf_counter() - self._edited_at
        self.saves.append(
            Save(
                edit=self._edit_s,
                committed=committed,
                written=written,
                pending=store.pending_files(),
                digest=self._digest(),
            )
        )

    def _digest(self) -> int:
        """Of the annotation of the image at hand, as it is on the disk."""
        project = self.session.project
        return zlib.crc32(project.image_path(project.current_id).with_suffix(".xml").read_bytes())

    def dirty(self) -> bool:
        return False

    def draw_mode(self) -> None:
        self.window.studio_actions["action.tool.draw"].trigger()

    def background_busy(self) -> bool:
        return bool(self.window.board.jobs)


def prepare(work: Path) -> None:
    """Make the projects of the large folders, each in a process of its own; print what that took."""
    for name in PREPARED:
        if (work / "data" / name).is_dir() and not (work / "data" / name / "rcnn-project").exists():
            subprocess.run([sys.executable, __file__, "import", str(work / "data" / name)], check=True)


def import_folder(folder: Path) -> None:
    from rcnn_studio.tasks.importing import open_or_create

    start = time.perf_counter()
    open_or_create(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"import": folder.name, "seconds": round(time.perf_counter() - start, 2), "peak_mib": round(peak)})
    )


def turning(count: int) -> Callable[[common.Bench, Path], dict[str, Any]]:
    """A scenario: from an image of one box to one of `count`, in an open project."""

    def scenario(bench: common.Bench, data: Path) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(prefix="turn-", dir=data.parent / "scratch"))
        for source, stem in ((data / "dense10-voc", "a"), (data / f"dense{count}-voc", "b")):
            for path in source.glob("dense.*"):
                text = path.read_bytes().replace(b"dense.jpg", f"{stem}.jpg".encode())
                (folder / f"{stem}{path.suffix}").write_bytes(text)
        bench.timed(lambda: bench.peer.open_folder(str(folder)), want_paint=False)
        bench.wait_background()
        forth, back = bench.peer.window.studio_actions["action.image.next"], "action.image.previous"
        times = []
        for _ in range(TURNS):
            times.append(bench.timed(forth.trigger))
            bench.timed(bench.peer.window.studio_actions[back].trigger)
        shutil.rmtree(folder)
        return {"turn_ms": common.ms(times[2:])}

    return scenario


def saving(scenario: Callable[[common.Bench, Path], dict[str, Any]]) -> Callable[[common.Bench, Path], dict[str, Any]]:
    """The harness's scenario, and what its saves were made of; the first one warms up."""

    def extended(bench: common.Bench, data: Path) -> dict[str, Any]:
        out, saves = scenario(bench, data), bench.peer.saves
        for name in ("edit", "committed", "written"):
            out[f"{name}_ms"] = common.ms([getattr(save, name) for save in saves[1:]])
        changed = [a.digest != b.digest for a, b in pairwise(saves)]
        out["saves_that_changed_the_file"] = f"{sum(changed)}/{len(changed)}"
        out["left_pending"] = sum(save.pending for save in saves)
        return out

    return extended


def showing(folder: str) -> Callable[[common.Bench, Path], dict[str, Any]]:
    """A scenario: from the press of "next" to the paint of the canvas that shows the next picture; the harness's own
    figure ends when nothing is left to do, and the first paint may be one without a picture."""

    def scenario(bench: common.Bench, data: Path) -> dict[str, Any]:
        out, times = {"open": common.open_folder(bench, data / folder)}, []
        canvas, paint, seen = bench.peer.canvas(), bench.core.QEvent.Type.Paint, [0]

        class Watch(bench.core.QObject):  # type: ignore[name-defined,misc]
            def eventFilter(self, _canvas: object, event: Any) -> bool:
                seen[0] += event.type() == paint and canvas.image_shown
                return False

        watch = Watch()
        canvas.installEventFilter(watch)
        for _ in range(SHOWN):
            start, before = time.perf_counter(), seen[0]
            bench.peer.next_image()
            while seen[0] == before:
                bench.app.processEvents()
            times.append(time.perf_counter() - start)
            bench.settle(want_paint=False)
        return {**out, "shown_ms": common.ms(times[WARM_UP:])}

    return scenario


common.TIMED.update({f"turn{count}": (turning(count), 3, 300) for count in (10, 1000, 5000)})
common.TIMED.update({f"shown{name}": (showing(f"folder{name}-voc"), 3, 300) for name in ("10k", "100k")})
for dense in ("dense10", "dense1000", "dense5000"):
    function, repeats, limit_s = common.TIMED[dense]
    common.TIMED[dense] = (saving(function), repeats, limit_s)


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        prepare(Path(os.environ["PEERS_WORK"]).resolve())
    elif sys.argv[1:2] == ["import"]:
        import_folder(Path(sys.argv[2]))
    else:
        common.main(RcnnStudio)
