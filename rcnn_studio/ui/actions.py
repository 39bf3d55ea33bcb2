"""The one table of actions: menus, toolbar, shortcuts, the key sheet and the tests all read it.

It only makes QActions. What an action does is connected where that is done: box and view actions in the
canvas (`Canvas.bind`), image actions in the image list (`ImagePanel.bind`), the rest in the main window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import QMenu, QWidget

from rcnn_studio.ui import icons

Scope = Literal["window", "canvas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One row. keys: portable QKeySequence texts, the first one is shown in menus.

    scope "canvas": the keys act only while the canvas or (in_list) the image list has the focus, so that text
    fields and tables keep their letters. held_keys: keys that the canvas itself listens for because they are
    held down or move the focus elsewhere; shown, never a shortcut.
    """

    id: str
    text: str
    keys: tuple[str, ...] = ()
    held_keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    scope: Scope = "window"
    menu: str = ""
    in_list: bool = True
    checkable: bool = False
    checked: bool = False
    repeats: bool = False


def _row(name: str, text: str, *keys: str, **options: object) -> ActionSpec:
    return ActionSpec(id=f"action.{name}", text=text, keys=keys, **options)  # type: ignore[arg-type]


def _canvas(name: str, text: str, *keys: str, **options: object) -> ActionSpec:
    return _row(name, text, *keys, scope="canvas", **options)


def mark(text: str) -> str:
    """Marks a text of the table for translation (lupdate: -tr-function-alias QT_TRANSLATE_NOOP=mark)."""
    return str(QT_TRANSLATE_NOOP("actions", text))


def _nudges() -> tuple[ActionSpec, ...]:
    """Sixteen keys of the arrows: move and grow, by 1 and by 10 pixels."""
    rows: list[ActionSpec] = []
    sides = ("left", "right", "up", "down")
    moves = (mark("Move left"), mark("Move right"), mark("Move up"), mark("Move down"))
    right_bottom = (mark("Right edge left"), mark("Right edge right"), mark("Bottom edge up"), mark("Bottom edge down"))
    left_top = (mark("Left edge left"), mark("Left edge right"), mark("Top edge up"), mark("Top edge down"))
    tens = mark("by 10 pixels")
    options: dict[str, object] = {"in_list": False, "repeats": True, "menu": "box.move"}
    for side, text, far, near in zip(sides, moves, right_bottom, left_top, strict=True):
        arrow = side.capitalize()
        rows.append(_canvas(f"box.nudge_{side}", text, arrow, icon=f"arrow-{side}", **options))
        rows.append(_canvas(f"box.nudge_{side}_10", text, f"Shift+{arrow}", tip=tens, **options))
        rows.append(_canvas(f"box.grow_far_{side}", far, f"Ctrl+{arrow}", **options))
        rows.append(_canvas(f"box.grow_far_{side}_10", far, f"Ctrl+Shift+{arrow}", tip=tens, **options))
        rows.append(_canvas(f"box.grow_near_{side}", near, f"Alt+{arrow}", **options))
        rows.append(_canvas(f"box.grow_near_{side}_10", near, f"Alt+Shift+{arrow}", tip=tens, **options))
    return tuple(rows)


def _category_keys() -> tuple[ActionSpec, ...]:
    return tuple(
        _canvas(f"category.{n}", mark("Class on key {0}").format(n % 10), str(n % 10), menu="") for n in range(1, 11)
    )


ACTIONS: tuple[ActionSpec, ...] = (
    _row("project.new", mark("New Project..."), "Ctrl+N", icon="project-new", menu="file"),
    _row("project.open", mark("Open..."), "Ctrl+O", icon="folder-open", menu="file"),
    _row(
        "project.import",
        mark("Open File or Zip..."),
        "Ctrl+I",
        icon="import",
        menu="file",
        tip=mark("A COCO file, a data.yaml, a CSV table, a zip archive of a dataset, or an image"),
    ),
    _row("project.export", mark("Export..."), "Ctrl+E", icon="export", menu="file"),
    _row(
        "project.write_back",
        mark("Write Files Now"),
        "Ctrl+S",
        icon="write-back",
        menu="file",
        tip=mark("Every edit is saved already; this brings the linked VOC and COCO files up to date at once"),
    ),
    _row(
        "files.changes",
        mark("What Changes on Disk..."),
        "Ctrl+Shift+S",
        icon="eye",
        menu="file",
        tip=mark("The files that your labels change, line by line, and their earlier versions"),
    ),
    _row(
        "files.check",
        mark("Check Dataset"),
        icon="verify",
        menu="file",
        tip=mark("Looks for damaged images, odd boxes and copies, and lists what it finds"),
    ),
    _row("project.show_folder", mark("Show Folder"), icon="folder-open", menu="file"),
    _row("app.quit", mark("Quit"), "Ctrl+Q", icon="quit", menu="file"),
    _row("edit.undo", mark("Undo"), "Ctrl+Z", icon="undo", menu="edit", repeats=True),
    _row("edit.redo", mark("Redo"), "Ctrl+Shift+Z", "Ctrl+Y", icon="redo", menu="edit", repeats=True),
    _canvas("edit.cut", mark("Cut"), "Ctrl+X", icon="cut", menu="edit"),
    _canvas("edit.copy", mark("Copy"), "Ctrl+C", icon="copy", menu="edit"),
    _canvas("edit.paste", mark("Paste"), "Ctrl+V", icon="paste", menu="edit"),
    _canvas(
        "box.paste_previous",
        mark("Paste Boxes of Previous Image"),
        "Ctrl+Shift+V",
        icon="paste-previous",
        menu="edit",
        tip=mark("Adds to what is there, never overwrites"),
    ),
    _canvas("edit.select_all", mark("Select All Boxes"), "Ctrl+A", icon="select-all", menu="edit"),
    _row("image.find", mark("Find Images"), "Ctrl+F", icon="find", menu="edit"),
    _row("image.go_to", mark("Go to Image..."), "Ctrl+G", icon="go-to", menu="edit"),
    _canvas("tool.select", mark("Select"), "V", "Esc", icon="tool-select", menu="box", checkable=True, checked=True),
    _canvas(
        "tool.draw",
        mark("Draw Boxes"),
        "W",
        "R",
        "N",
        icon="tool-draw",
        menu="box",
        checkable=True,
        tip=mark("Drag, or click two corners; Shift: square, Alt: from the centre"),
    ),
    *_category_keys(),
    _canvas("category.pick", mark("Choose Class..."), "L", "/", icon="category", menu="box"),
    _canvas("box.next", mark("Next Box"), "]", held_keys=("Tab",), icon="box-next", menu="box", repeats=True),
    _canvas(
        "box.previous",
        mark("Previous Box"),
        "[",
        held_keys=("Shift+Tab",),
        icon="box-previous",
        menu="box",
        repeats=True,
    ),
    _canvas("box.duplicate", mark("Duplicate"), "Ctrl+D", icon="duplicate", menu="box"),
    _canvas("box.delete", mark("Delete"), "Del", "Backspace", icon="trash", menu="box"),
    _canvas("box.occluded", mark("Occluded"), "Q", icon="occluded", menu="box", tip=mark("Partly hidden")),
    _canvas(
        "box.truncated", mark("Truncated"), "T", icon="truncated", menu="box", tip=mark("Cut by the image's border")
    ),
    _canvas(
        "box.difficult", mark("Difficult"), "G", icon="difficult", menu="box", tip=mark("Hard to tell; not scored")
    ),
    _canvas("box.crowd", mark("Crowd"), "I", icon="crowd", menu="box", tip=mark("Many objects in one box (COCO)")),
    *_nudges(),
    _canvas("image.previous", mark("Previous Image"), "A", icon="image-previous", menu="image", repeats=True),
    _canvas("image.next", mark("Next Image"), "D", icon="image-next", menu="image", repeats=True),
    _canvas(
        "image.verify",
        mark("Verify and Next"),
        "Space",
        icon="verify",
        menu="image",
        tip=mark("This image is right; held down, Space drags the view"),
    ),
    _canvas(
        "image.confirm_empty",
        mark("Nothing Here and Next"),
        "B",
        icon="empty",
        menu="image",
        tip=mark("This image shows none of the classes: the model learns from that too"),
    ),
    _row(
        "image.thumbnails",
        mark("Make All Thumbnails"),
        icon="images",
        menu="image",
        tip=mark("Once made they are there at once; this is begun by itself unless it was cancelled"),
    ),
    _canvas("detection.accept", mark("Accept Detection"), "Return", "Enter", icon="accept", menu="review"),
    _canvas("detection.reject", mark("Reject Detection"), "X", icon="reject", menu="review"),
    _canvas(
        "detection.accept_all",
        mark("Accept All Shown"),
        "Shift+Return",
        "Shift+Enter",
        icon="accept-all",
        menu="review",
    ),
    _canvas("detection.edit", mark("Accept and Edit"), "E", icon="edit", menu="review"),
    _row("predict.current", mark("Predict This Image"), icon="predict", menu="review"),
    _row("predict.unlabelled", mark("Predict Unlabelled Images"), icon="predict", menu="review"),
    _row("predict.all", mark("Predict All Images"), icon="predict-all", menu="review"),
    _canvas(
        "view.peek", mark("Peek Under the Boxes"), "H", icon="peek", menu="view", tip=mark("Hides the boxes while held")
    ),
    _canvas("view.boxes", mark("Boxes"), "Shift+H", icon="boxes", menu="view", checkable=True, checked=True),
    _canvas("view.detections", mark("Detections"), "P", icon="detections", menu="view", checkable=True, checked=True),
    _canvas("view.fit", mark("Fit Image"), "F", icon="fit", menu="view"),
    _canvas("view.actual_size", mark("Actual Size"), "Shift+F", icon="actual-size", menu="view"),
    _canvas("view.zoom_box", mark("Zoom to Box"), "Z", icon="zoom-box", menu="view"),
    _canvas("view.zoom_in", mark("Zoom In"), "+", "=", icon="zoom-in", menu="view", repeats=True),
    _canvas("view.zoom_out", mark("Zoom Out"), "-", icon="zoom-out", menu="view", repeats=True),
    _row("view.zoom_reset", mark("Reset Zoom"), "Ctrl+0", icon="zoom-reset", menu="view"),
    _row("activity.label", mark("Label"), "Ctrl+1", icon="label", menu="view", checkable=True, checked=True),
    _row("activity.train", mark("Train"), "Ctrl+2", icon="train", menu="view", checkable=True),
    _row("activity.review", mark("Review"), "Ctrl+3", icon="review", menu="view", checkable=True),
    _row("files.problems", mark("Problems"), icon="warning", menu="view", checkable=True),
    _row("files.history", mark("History"), icon="history", menu="view", checkable=True),
    _row(
        "files.conflicts",
        mark("Files Changed by Others..."),
        icon="refresh",
        menu="view",
        tip=mark("Files that another program has changed: choose whose version stays"),
    ),
    _row(
        "view.reset_layout", mark("Reset Panels"), menu="view", tip=mark("Every panel back to its first place and size")
    ),
    _row("view.theme_system", mark("Follow the System"), icon="theme", menu="view.theme", checkable=True),
    _row("view.theme_light", mark("Light"), menu="view.theme", checkable=True),
    _row("view.theme_dark", mark("Dark"), menu="view.theme", checkable=True),
    _row("train.start", mark("Start Training"), "Ctrl+R", icon="play", menu="train"),
    _row("train.stop", mark("Stop and Keep Best"), "Ctrl+.", icon="stop", menu="train"),
    _row("help.keys", mark("Keys"), "F1", icon="keys", menu="help"),
)

SPECS = {spec.id: spec for spec in ACTIONS}


class _IconTint(QObject):
    """Gives the actions' icons new colours when the window's palette changes."""

    def __init__(self, actions: dict[str, QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange and isinstance(watched, QWidget):
            tint_actions(self._actions, watched.palette())
        return super().eventFilter(watched, event)


def build_actions(parent: QObject) -> dict[str, QAction]:
    """One QAction a row, by id. Window-wide keys act in `parent`; attach the others with attach_canvas_actions."""
    actions: dict[str, QAction] = {}
    for spec in ACTIONS:
        action = QAction(_translated(spec.text), parent)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setAutoRepeat(spec.repeats)
        action.setToolTip(tooltip(spec))
        action.setCheckable(spec.checkable)
        action.setChecked(spec.checked)
        in_canvas = spec.scope == "canvas"
        context = Qt.ShortcutContext
        action.setShortcutContext(context.WidgetWithChildrenShortcut if in_canvas else context.WindowShortcut)
        if isinstance(parent, QWidget) and not in_canvas:
            parent.addAction(action)
        actions[spec.id] = action
    if isinstance(parent, QWidget):
        tint_actions(actions, parent.palette())
        _IconTint(actions, parent)
    else:
        tint_actions(actions, QGuiApplication.palette())
    return actions


def attach_canvas_actions(widget: QWidget, actions: Mapping[str, QAction], *, image_list: bool = False) -> None:
    """Let the canvas-scope keys act while this widget has the focus; the image list keeps its arrows."""
    for spec in ACTIONS:
        if spec.scope == "canvas" and (spec.in_list or not image_list):
            widget.addAction(actions[spec.id])


def tint_actions(actions: Mapping[str, QAction], palette: QPalette) -> None:
    """Icons in the palette's colours."""
    for spec in ACTIONS:
        if spec.icon:
            actions[spec.id].setIcon(icons.themed(spec.icon, palette, checkable=spec.checkable))


def tooltip(spec: ActionSpec) -> str:
    """Text with the first key, and the hint below it."""
    text = _translated(spec.text).rstrip(".")
    shown = [*spec.keys, *spec.held_keys]
    if shown:
        text = f"{text} ({key_text(shown[0])})"
    return f"{text}\n{_translated(spec.tip)}" if spec.tip else text


def key_text(key: str) -> str:
    """A portable key as the platform writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def fill_menu(menu: QMenu, name: str, actions: Mapping[str, QAction]) -> None:
    """Add the rows of a menu in the table's order, with a line where the subject changes."""
    before = ""
    for spec in ACTIONS:
        if spec.menu != name:
            continue
        subject = spec.id.split(".")[1]
        if before and subject != before:
            menu.addSeparator()
        before = subject
        menu.addAction(actions[spec.id])


def key_rows() -> Iterable[tuple[str, str, str]]:
    """(menu, text, keys as the platform writes them) of every action with a key, for the key sheet."""
    for spec in ACTIONS:
        keys = [key_text(key) for key in (*spec.keys, *spec.held_keys)]
        if keys:
            text = _translated(spec.text).rstrip(".")
            yield spec.menu, f"{text} ({_translated(spec.tip)})" if spec.tip else text, ", ".join(keys)


def _translated(text: str) -> str:
    return QCoreApplication.translate("actions", text)
