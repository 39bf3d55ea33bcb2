"""The demo's steps: open, draw, correct, undo, train, watch, accept, undo; each timed and checked on disk."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
from lxml import etree
from PySide6.QtCore import QPointF, Qt

from rcnn_studio.domain.dataset import Box, ImageState
from rcnn_studio.formats.bundled import sample_projects_dir
from rcnn_studio.ui.demo.driver import Driver, Script, Wait, pause
from rcnn_studio.ui.demo.lag import LagMeter
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.ui.theme import ThemeMode
from rcnn_studio.workspace.session import Session

log = logging.getLogger(__name__)

SAMPLE = "hardware"
PRESET = "quick-look"
WINDOW_SIZE = (1440, 900)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
DIGITS = {str(n): Qt.Key(Qt.Key.Key_0.value + n) for n in range(10)}
TRAIN_TIMEOUT_S = 900.0
SHORT_S = 30.0


@dataclass(slots=True)
class Report:
    """What report.json holds."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)
    gui_lag_ms: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "train": self.train,
            "gui_lag_ms": self.gui_lag_ms,
            "seconds": round(self.seconds, 1),
        }


def run(out: Path, make_window: Callable[[Path | None], MainWindow]) -> dict[str, Any]:
    """Play the demo on a fresh copy of the sample in `out`. -> the report, also written to out/report.json"""
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    sample = out / SAMPLE
    shutil.rmtree(sample, ignore_errors=True)
    shutil.copytree(sample_projects_dir() / SAMPLE, sample, copy_function=shutil.copyfile)
    window = make_window(None)
    window.set_theme(ThemeMode.LIGHT)
    window.resize(*WINDOW_SIZE)
    window.show()
    window.activateWindow()
    demo = Demo(Driver(window, out / "screenshots"), sample)
    started = time.monotonic()
    try:
        demo.driver.play(demo.script())
    finally:
        demo.report.seconds = time.monotonic() - started
        window.close_without_asking()
        window.close()
        report = demo.report.as_json()
        (out / "report.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return report


def xml_corners(path: Path) -> list[tuple[str, int, int, int, int]]:
    """(name, xmin, ymin, xmax, ymax) of every object of a VOC file, as written; none where there is no file."""
    if not path.exists():
        return []
    rows = []
    for node in etree.parse(path).getroot().iter("object"):
        corners = (int(float(node.findtext(f"bndbox/{tag}", "0"))) for tag in ("xmin", "ymin", "xmax", "ymax"))
        rows.append((node.findtext("name", ""), *corners))
    return rows


class Demo:
    """One play of the script. Every step states what must be true after it."""

    def __init__(self, driver: Driver, sample: Path) -> None:
        self.driver = driver
        self.sample = sample
        self.report = Report()
        self._box: Box | None = None
        self._before = b""

    @property
    def window(self) -> MainWindow:
        return self.driver.window

    @property
    def session(self) -> Session:
        if self.window.session is None:
            raise RuntimeError("no project is open")
        return self.window.session

    def script(self) -> Script:
        """All steps in order; a step that fails ends the play, named in the report."""
        for name, step in (
            ("open the sample", self.open_sample),
            ("draw a box", self.draw),
            ("correct the box", self.correct),
            ("undo and redo", self.undo_redo),
            ("train", self.train),
            ("look at the result", self.look),
            ("see detections", self.see_detections),
            ("accept one", self.accept),
            ("undo the acceptance", self.undo_acceptance),
            ("dark theme", self.dark),
        ):
            started = time.monotonic()
            row = {"name": name, "ok": False, "seconds": 0.0}
            self.report.steps.append(row)
            try:
                yield from step()
                row["ok"] = True
            except (TimeoutError, AssertionError, RuntimeError) as error:
                log.error("demo step %s: %s", name, error)
                row["error"] = str(error)
                self.driver.take_picture("failed")
                return
            finally:
                row["seconds"] = round(time.monotonic() - started, 2)

    # --- steps ------------------------------------------------------------------------------------

    def open_sample(self) -> Script:
        yield self._until(self.window.isActiveWindow, "the window in front")
        self.driver.take_picture("welcome")
        self.window.open_path(self.sample)
        yield self._until(lambda: self.window.session is not None, "the project")
        yield self._until(lambda: self.driver.canvas.image_shown, "the first picture")
        yield self._until(lambda: bool(self.session.project.boxes), "its boxes")
        yield pause(0.6)
        self.driver.take_picture("label")

    def draw(self) -> Script:
        """Delete the largest box by key, then draw it anew, six pixels short, and give it its class by key."""
        target = max(self.session.project.boxes, key=lambda b: b.width * b.height)
        category = self.session.project.category(target.category_id)
        _expect(category is not None and category.hotkey is not None, "the sample's classes have hotkeys")
        assert category is not None
        self.session.project.set_selection([target.id])
        self.driver.key(Qt.Key.Key_Delete)
        self.driver.key(Qt.Key.Key_W)
        yield from self.driver.drag_image(target.x1, target.y1, target.x2 - 6, target.y2 - 6)
        self.driver.key(DIGITS[str(category.hotkey)])
        drawn = self._selected()
        _expect(drawn.id != target.id and drawn.category_id == target.category_id, "a new box with the chosen class")
        _expect(drawn.xyxy == (target.x1, target.y1, target.x2 - 6, target.y2 - 6), f"exact corners, not {drawn.xyxy}")
        self._box = target

    def correct(self) -> Script:
        """Drag the new box's bottom right handle to where the object ends; the XML on disk follows."""
        target, drawn = self._target(), self._selected()
        yield from self.driver.drag_image(drawn.x2, drawn.y2, target.x2, target.y2)
        _expect(self._selected().xyxy == target.xyxy, f"corrected corners, not {self._selected().xyxy}")
        self.driver.take_picture("draw")
        wanted = tuple(round(v) for v in (target.x1 + 1, target.y1 + 1, target.x2, target.y2))
        yield self._until(lambda: any(row[1:] == wanted for row in xml_corners(self._xml())), "the box in the XML file")

    def undo_redo(self) -> Script:
        corrected = self._selected().xyxy
        self.driver.key(Qt.Key.Key_Z, CTRL)
        _expect(self._selected().xyxy != corrected, "undo takes the correction back")
        self.driver.key(Qt.Key.Key_Z, CTRL | SHIFT)
        _expect(self._selected().xyxy == corrected, "redo brings it back")
        self.driver.key(Qt.Key.Key_Escape)
        self.driver.key(Qt.Key.Key_Escape)
        yield pause(0.1)

    def train(self) -> Script:
        """Start by mouse; while it trains, draw, undo, pan and zoom without a break, and measure the lag."""
        training = self.session.training
        self.driver.key(Qt.Key.Key_2, CTRL)
        yield pause(0.3)
        panel = self.window.room.train if self.window.room is not None else None
        _expect(panel is not None, "the train panel")
        assert panel is not None
        panel.preset.setFocus()
        panel.preset.setCurrentIndex(panel.preset.findData(PRESET))
        yield pause(0.2)
        meter = LagMeter(self.window)
        meter.start()
        self.driver.click(panel.start_button)
        _expect(training.running, f"the training runs {training.error}")
        yield from self._label_meanwhile(lambda: not training.running, len_of=lambda: len(training.steps))
        meter.stop()
        self.report.gui_lag_ms = meter.summary()
        self._judge_training()

    def look(self) -> Script:
        yield pause(0.5)
        self.driver.take_picture("train-done")

    def see_detections(self) -> Script:
        """Go to an unlabelled image; the model's detections appear by themselves."""
        self.driver.key(Qt.Key.Key_3, CTRL)
        yield from self._go_to_unlabelled(enough=4)
        self._before = self._xml().read_bytes() if self._xml().exists() else b""
        yield pause(0.4)
        self.driver.take_picture("review")

    def accept(self) -> Script:
        """Enter takes the detection in focus; its box reaches the XML file."""
        count = len(self.session.project.boxes)
        self.driver.key(Qt.Key.Key_Return)
        _expect(len(self.session.project.boxes) == count + 1, "one box more")
        yield self._until(lambda: len(xml_corners(self._xml())) == count + 1, "the accepted box in the XML file")
        self.driver.take_picture("accepted")

    def undo_acceptance(self) -> Script:
        self.driver.key(Qt.Key.Key_Z, CTRL)
        _expect(not self.session.project.boxes, "no box left")
        yield self._until(
            lambda: (self._xml().read_bytes() if self._xml().exists() else b"") == self._before,
            "the XML file as it was before",
        )

    def dark(self) -> Script:
        self.window.set_theme(ThemeMode.DARK)
        for number, name in ((1, "label"), (2, "train"), (3, "review")):
            self.driver.key(Qt.Key(Qt.Key.Key_0.value + number), CTRL)
            if name == "label":
                yield from self._go_to_boxes()
            if name == "review":
                yield from self._go_to_unlabelled(enough=4)
            yield pause(0.6)
            self.driver.take_picture(f"{name}-dark")
        self.window.set_theme(ThemeMode.LIGHT)
        yield pause(0.2)

    # --- parts ------------------------------------------------------------------------------------

    def _label_meanwhile(self, done: Callable[[], bool], *, len_of: Callable[[], int]) -> Script:
        """Gestures round and round until the training ends; every drawn box is undone again."""
        deadline = time.monotonic() + TRAIN_TIMEOUT_S
        pictured = False
        for turn in cycle(range(4)):
            if done():
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"the training took more than {TRAIN_TIMEOUT_S:.0f} s")
            yield from (self._draw_and_undo, self._pan, self._zoom, self._turn_page)[turn]()
            yield pause(0.15)
            if not pictured and len(self.session.training.evaluations) >= 4 and len_of() > 40:
                pictured = True
                self.driver.take_picture("train")

    def _draw_and_undo(self) -> Script:
        self.driver.key(Qt.Key.Key_W)
        yield from self.driver.drag_image(40, 40, 130, 120)
        yield pause(0.1)
        self.driver.key(Qt.Key.Key_Z, CTRL)
        self.driver.key(Qt.Key.Key_Escape)

    def _pan(self) -> Script:
        middle = QPointF(self.driver.canvas.rect().center())
        for sign in (1, -1):
            yield from self.driver.drag(
                middle, middle + QPointF(60 * sign, 40 * sign), button=Qt.MouseButton.MiddleButton
            )

    def _zoom(self) -> Script:
        middle = QPointF(self.driver.canvas.rect().center())
        for notches in (1, 1, -1, -1):
            self.driver.wheel(middle, notches)
            yield pause(0.05)
        self.driver.key(Qt.Key.Key_F)

    def _turn_page(self) -> Script:
        for key in (Qt.Key.Key_D, Qt.Key.Key_A):
            self.driver.key(key)
            yield pause(0.1)

    def _go_to_unlabelled(self, *, enough: int) -> Script:
        """Page on to an unlabelled image in which the model sees at least so many objects."""
        project, review = self.session.project, self.session.review
        for _turn in range(len(project.rows)):
            self.driver.key(Qt.Key.Key_D)
            yield pause(0.02)
            record = project.record
            if record is not None and record.state == ImageState.UNLABELLED:
                yield self._until(lambda: not review.waiting, "detections")
                if len(review.visible()) >= enough:
                    return
        raise TimeoutError("no unlabelled image with detections")

    def _go_to_boxes(self) -> Script:
        project = self.session.project
        for _turn in range(len(project.rows)):
            if len(project.boxes) >= 5:
                return
            self.driver.key(Qt.Key.Key_A)
            yield pause(0.02)

    def _judge_training(self) -> None:
        training = self.session.training
        ended, steps = training.ended, training.steps
        _expect(ended is not None and bool(steps), f"the training ended well: {training.error}")
        assert ended is not None
        share = max(1, len(steps) // 20)
        first = sum(s.loss for s in steps[:share]) / share
        last = sum(s.loss for s in steps[-share:]) / share
        self.report.train = {
            "epochs": ended.epochs,
            "steps": len(steps),
            "seconds": round(ended.seconds, 1),
            "first_loss": round(first, 4),
            "last_loss": round(last, 4),
            "best_AP": round(ended.best_AP, 4),
            "best_AP50": round(ended.best_AP50, 4),
        }
        _expect(ended.status == "finished", f"finished, not {ended.status}: {ended.message}")

    def _until(self, condition: Callable[[], bool], what: str) -> Wait:
        return Wait(condition, timeout_s=SHORT_S, what=what)

    def _selected(self) -> Box:
        selected = self.session.project.selected_boxes()
        _expect(len(selected) == 1, f"one box is selected, not {len(selected)}")
        return selected[0]

    def _target(self) -> Box:
        _expect(self._box is not None, "the box drawn before")
        assert self._box is not None
        return self._box

    def _xml(self) -> Path:
        record = self.session.project.record
        _expect(record is not None, "an open image")
        assert record is not None
        return self.sample / "Annotations" / f"{Path(record.path).stem}.xml"


def _expect(condition: bool, what: str) -> None:
    """Raises AssertionError that says what was expected."""
    if not condition:
        raise AssertionError(f"expected: {what}")
