"""Mouse and keys for the real window, and what stands on disk."""

from __future__ import annotations

from pathlib import Path

from lxml import etree
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from rcnn_studio.ui.label.canvas import Canvas
from rcnn_studio.ui.main_window import MainWindow
from rcnn_studio.workspace.session import Session


class Hands:
    """Mouse and keys on the canvas of a window."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    @property
    def canvas(self) -> Canvas:
        assert self.window.room is not None
        return self.window.room.canvas

    @property
    def session(self) -> Session:
        assert self.window.session is not None
        return self.window.session

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, key, modifiers)

    def drag(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Press, move and release the left button, in image pixels."""
        start, end = self.canvas.image_to_widget(x1, y1), self.canvas.image_to_widget(x2, y2)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, start, none, none)
        self._send(QEvent.Type.MouseButtonPress, start, left, left)
        for share in (0.2, 0.5, 0.8, 1.0):
            self._send(QEvent.Type.MouseMove, start + (end - start) * share, none, left)
        self._send(QEvent.Type.MouseButtonRelease, end, left, none)

    def click(self, x: float, y: float) -> None:
        at = self.canvas.image_to_widget(x, y)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, at, none, none)
        self._send(QEvent.Type.MouseButtonPress, at, left, left)
        self._send(QEvent.Type.MouseButtonRelease, at, left, none)

    def _send(self, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        where = QPointF(self.canvas.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, where, button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.canvas, event)

    def xml(self) -> Path:
        """Where the open image's labels are written."""
        record = self.session.project.record
        assert record is not None
        image = self.session.project.image_path(record.id)
        return image.parent.parent / "Annotations" / f"{image.stem}.xml"


def objects(path: Path) -> list[tuple[str, int, int, int, int]]:
    """(name, xmin, ymin, xmax, ymax) of every object of a VOC file as it stands on disk."""
    if not path.exists():
        return []
    root = etree.parse(path).getroot()
    return [
        (
            node.findtext("name") or "",
            *(int(node.findtext(f"bndbox/{tag}") or -1) for tag in ("xmin", "ymin", "xmax", "ymax")),
        )
        for node in root.iter("object")
    ]


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Every annotation file below a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "Annotations").glob("*.xml"))}
