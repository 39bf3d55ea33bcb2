"""The studio's own SVG icons (24 x 24, one line width), tinted to fit the theme. Knows no actions."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QToolButton, QWidget

from rcnn_studio.formats.bundled import resources_dir

SIZES = (16, 20, 32, 40)
"""Device pixels: 16 and 20 on plain screens and on those with twice the density."""


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return (resources_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=1024)
def pixmap(name: str, color: str, size: int) -> QPixmap:
    """One icon in one opaque colour (#rrggbb), size x size device pixels. Raises OSError for an unknown name."""
    return _rendered(QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode())), size)


@lru_cache(maxsize=512)
def icon(name: str, color: str, disabled: str, checked: str = "") -> QIcon:
    """An icon with its normal, disabled and (where given) checked colours, sharp at 16 and 20 pixels."""
    made = QIcon()
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode()))
    for size in SIZES:
        normal = _rendered(renderer, size)
        made.addPixmap(normal, QIcon.Mode.Normal, QIcon.State.Off)
        made.addPixmap(_tinted(normal, disabled), QIcon.Mode.Disabled, QIcon.State.Off)
        if checked:
            made.addPixmap(_tinted(normal, checked), QIcon.Mode.Normal, QIcon.State.On)
    return made


def _rendered(renderer: QSvgRenderer, size: int) -> QPixmap:
    drawn = QPixmap(size, size)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return drawn


def _tinted(drawn: QPixmap, color: str) -> QPixmap:
    """The same shape in another colour; cheaper than drawing it again."""
    tinted = QPixmap(drawn)
    painter = QPainter(tinted)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(tinted.rect(), QColor(color))
    painter.end()
    return tinted


def themed(name: str, palette: QPalette, *, checkable: bool = False) -> QIcon:
    """The icon in the palette's button text colours; a checkable one takes the accent colour where it is checked."""
    group = QPalette.ColorGroup
    role = QPalette.ColorRole.ButtonText
    return icon(
        name,
        palette.color(group.Active, role).name(),
        palette.color(group.Disabled, role).name(),
        palette.color(group.Active, QPalette.ColorRole.Accent).name() if checkable else "",
    )


class IconButton(QToolButton):
    """A small flat button with an icon that follows the theme, a tooltip and an accessible name."""

    def __init__(self, name: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = name
        self.setAutoRaise(True)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setIconSize(QSize(16, 16))
        self.setIcon(themed(name, self.palette()))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.setIcon(themed(self._icon_name, self.palette()))
        super().changeEvent(event)
