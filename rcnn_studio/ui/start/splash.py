"""A sign that the program is starting, on the screen before its larger parts are loaded. Imports none of them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtSvgWidgets import QSvgWidget
from PySide6.QtWidgets import QApplication, QWidget

from rcnn_studio import __version__

WIDTH, HEIGHT, SIGN = 380, 150, 72
LIGHT, DARK = ("#ffffff", "#1b2027", "#57606c", "#b9c0ca"), ("#1e2126", "#e4e7eb", "#9ba4b0", "#49505b")


class Splash(QWidget):
    """Shown at once, in the middle of the screen; close it when the window is there."""

    def __init__(self, sign: str, *, dark: bool) -> None:
        super().__init__(None, Qt.WindowType.SplashScreen | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("splash")
        self._ground, self._ink, self._muted, self._edge = DARK if dark else LIGHT
        self.setFixedSize(WIDTH, HEIGHT)
        picture = QSvgWidget(sign, self)
        picture.setGeometry(28, (HEIGHT - SIGN) // 2, SIGN, SIGN)
        screen = QApplication.primaryScreen().availableGeometry()
        self.move(screen.center() - self.rect().center())

    def show_now(self) -> None:
        """Show and paint it, also though no event loop runs yet."""
        self.show()
        QApplication.processEvents()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._ground))
        painter.setPen(QColor(self._edge))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.9)
        font.setWeight(QFont.Weight.DemiBold)
        area = QRectF(28 + SIGN + 22, 0, WIDTH - SIGN - 60, HEIGHT)
        left = int(Qt.AlignmentFlag.AlignLeft)
        painter.setFont(font)
        painter.setPen(QColor(self._ink))
        painter.drawText(area.adjusted(0, 38, 0, 0), left, QCoreApplication.translate("Splash", "RCNN Studio"))
        painter.setFont(self.font())
        painter.setPen(QColor(self._muted))
        text = QCoreApplication.translate("Splash", "Version {0} is starting …").format(__version__)
        painter.drawText(area.adjusted(0, 86, 0, 0), left, text)
        painter.end()
