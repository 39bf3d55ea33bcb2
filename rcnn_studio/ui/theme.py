"""Light and dark: one set of colours each, made into a palette and one stylesheet. Decides no layout."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QApplication

from rcnn_studio.domain.dataset import ImageState
from rcnn_studio.formats.bundled import resources_dir

SPIN_TEXT_LEFT = 8


class ThemeMode(StrEnum):
    """What the person chose; SYSTEM follows the desktop as it changes."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colors:
    """Every colour the window uses, as #rrggbb. Text on its background keeps 4.5 : 1 (WCAG AA)."""

    dark: bool
    window: str
    panel: str
    raised: str
    hover: str
    selected: str
    border: str
    border_strong: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    canvas: str
    canvas_edge: str
    good: str
    warning: str
    bad: str
    neutral: str


LIGHT = Colors(
    dark=False,
    window="#f3f4f6",
    panel="#ffffff",
    raised="#ffffff",
    hover="#e9edf2",
    selected="#dbe9fb",
    border="#d9dde3",
    border_strong="#b9c0ca",
    text="#1b2027",
    muted="#57606c",
    disabled="#9aa2ad",
    accent="#0b62c4",
    on_accent="#ffffff",
    canvas="#dde0e5",
    canvas_edge="#aab1bb",
    good="#1a7440",
    warning="#96590a",
    bad="#bb2a2a",
    neutral="#626b77",
)

DARK = Colors(
    dark=True,
    window="#1e2126",
    panel="#17191d",
    raised="#272b31",
    hover="#2a2f36",
    selected="#1f3a5c",
    border="#30353d",
    border_strong="#49505b",
    text="#e4e7eb",
    muted="#9ba4b0",
    disabled="#656d78",
    accent="#5aa5ff",
    on_accent="#0b1420",
    canvas="#101215",
    canvas_edge="#3a404a",
    good="#55c07f",
    warning="#e3a548",
    bad="#f27b76",
    neutral="#8b95a2",
)


def colors_of(palette: QPalette) -> Colors:
    """The set of colours a widget with this palette lives in."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def state_color(state: ImageState, colors: Colors) -> str:
    """Colour of an image's state badge; its icon says the same by shape."""
    return {
        ImageState.UNLABELLED: colors.neutral,
        ImageState.LABELLED: colors.accent,
        ImageState.CONFIRMED_EMPTY: colors.neutral,
        ImageState.VERIFIED: colors.good,
        ImageState.NEEDS_FIX: colors.warning,
    }[state]


STATE_ICONS = {
    ImageState.UNLABELLED: "state-unlabelled",
    ImageState.LABELLED: "state-labelled",
    ImageState.CONFIRMED_EMPTY: "state-empty",
    ImageState.VERIFIED: "state-verified",
    ImageState.NEEDS_FIX: "state-needs-fix",
}


def contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio of two opaque colours, 1..21 (WCAG 2.2, "contrast ratio")."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def text_on(background: QColor) -> QColor:
    """Black or white, whichever reads better on this colour."""
    black, white = QColor("#000000"), QColor("#ffffff")
    return max((black, white), key=lambda ink: contrast(ink, background))


def make_palette(c: Colors) -> QPalette:
    """The Qt palette of a set of colours."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    values = {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.panel,
        role.AlternateBase: c.window,
        role.Text: c.text,
        role.PlaceholderText: c.muted,
        role.Button: c.raised,
        role.ButtonText: c.text,
        role.BrightText: c.bad,
        role.ToolTipBase: c.raised,
        role.ToolTipText: c.text,
        role.Highlight: c.accent,
        role.HighlightedText: c.on_accent,
        role.Accent: c.accent,
        role.Link: c.accent,
        role.LinkVisited: c.accent,
        role.Light: c.hover,
        role.Midlight: c.border,
        role.Mid: c.border_strong,
        role.Dark: c.border_strong,
        role.Shadow: "#000000",
    }
    for which, color in values.items():
        palette.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, which, QColor(c.disabled))
    palette.setColor(group.Disabled, role.Highlight, QColor(c.border_strong))
    return palette


class Theme(QObject):
    """Keeps the application in light or dark and follows the system where the person has not chosen."""

    def __init__(self, app: QApplication, mode: ThemeMode = ThemeMode.SYSTEM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._mode = mode
        self._shown: Colors | None = None
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        self._show()

    @property
    def mode(self) -> ThemeMode:
        return self._mode

    @property
    def colors(self) -> Colors:
        """The colours in use now."""
        if self._mode == ThemeMode.SYSTEM:
            return DARK if self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._mode == ThemeMode.DARK else LIGHT

    def set_mode(self, mode: ThemeMode) -> None:
        self._mode = mode
        self._show()

    def _on_scheme_changed(self, _scheme: Qt.ColorScheme) -> None:
        self._show()

    def _show(self) -> None:
        colors = self.colors
        if colors is not self._shown:
            self._shown = colors
            self._app.setPalette(make_palette(colors))
            self._app.setStyleSheet(stylesheet(colors))


def pad(box: QAbstractSpinBox) -> None:
    """Let a number begin where the text of a line edit does: style sheets do not reach into a spin box."""
    box.lineEdit().setTextMargins(SPIN_TEXT_LEFT, 0, 0, 0)


def stylesheet(c: Colors) -> str:
    """The window's one stylesheet. Widgets opt in by dynamic property: role (see roles.py), tone, level."""
    arrows = (resources_dir() / "icons").as_posix()
    values = {name: getattr(c, name) for name in Colors.__slots__}
    return _SHEET.format_map({**values, "arrows": arrows, "name": "dark" if c.dark else "light"})


def _luminance(color: QColor) -> float:
    channels = (color.redF(), color.greenF(), color.blueF())
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


_SHEET = """
QMainWindow::separator {{ background: {border}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QDockWidget {{ color: {muted}; }}
QDockWidget::title {{ background: {window}; padding: 6px 10px; border-bottom: 1px solid {border}; }}
QToolBar {{ background: {window}; border: none; border-bottom: 1px solid {border}; spacing: 2px; padding: 3px 6px; }}
QToolBar::separator {{ background: {border}; width: 1px; margin: 5px 6px; }}
QStatusBar {{ background: {window}; color: {muted}; border-top: 1px solid {border}; }}
QStatusBar::item {{ border: none; }}
QMenuBar {{ background: {window}; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {hover}; }}
QMenu {{ background: {raised}; border: 1px solid {border_strong}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 10px; border-radius: 4px; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::icon:checked {{ background: {selected}; border: 1px solid {accent}; border-radius: 4px; padding: 2px;
    margin-left: 5px; }}
QMenu::item:selected {{ background: {selected}; color: {text}; }}
QMenu::item:disabled {{ color: {disabled}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 4px 6px; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {border_strong}; padding: 4px 6px; }}

QToolButton {{ border: 1px solid transparent; border-radius: 5px; padding: 4px; }}
QToolButton:hover {{ background: {hover}; }}
QToolButton:pressed {{ background: {border}; }}
QToolButton:checked {{ background: {selected}; border-color: {accent}; }}
QToolButton:focus {{ border-color: {accent}; }}
QPushButton {{ background: {raised}; border: 1px solid {border_strong}; border-radius: 5px; padding: 5px 12px; }}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed {{ background: {border}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:disabled {{ color: {disabled}; border-color: {border}; }}
QPushButton[role="primary"] {{ background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
QPushButton[role="primary"]:focus {{ border-color: {text}; }}
QPushButton[role="primary"]:disabled {{ background: {border}; color: {disabled}; border-color: {border}; }}
QPushButton[role="quiet"] {{ background: transparent; border-color: {border_strong}; color: {accent};
    padding: 3px 8px; }}
QPushButton[role="quiet"]:hover {{ background: {hover}; }}
QPushButton[role="danger"] {{ color: {bad}; }}
QPushButton[role="toggle"] {{ padding: 2px 9px; }}
QPushButton:checked {{ background: {selected}; border-color: {accent}; }}
QPushButton[role="cap"] {{ padding: 3px 8px; font-weight: 600; }}

QLineEdit, QPlainTextEdit, QTextEdit {{
    background: {panel}; border: 1px solid {border_strong}; border-radius: 5px; padding: 3px 7px;
    selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit {{ min-height: 20px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {accent}; }}
QLineEdit:disabled {{ color: {disabled}; }}
QComboBox, QSpinBox, QDoubleSpinBox {{ background: {panel}; border: 1px solid {border_strong}; border-radius: 5px;
    padding: 3px 4px 3px 9px; min-height: 20px; selection-background-color: {accent};
    selection-color: {on_accent}; }}
QSpinBox, QDoubleSpinBox {{ min-height: 17px; }}
QComboBox:hover, QSpinBox:hover, QDoubleSpinBox:hover {{ background: {hover}; }}
QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {accent}; }}
QComboBox:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {{ color: {disabled}; border-color: {border}; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url("{arrows}/arrow-down-{name}.svg"); width: 12px; height: 12px; }}
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {{
    border: none; width: 16px; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{
    image: url("{arrows}/arrow-up-{name}.svg"); width: 10px; height: 10px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{
    image: url("{arrows}/arrow-down-{name}.svg"); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {border_strong};
    selection-background-color: {selected}; selection-color: {text}; }}
QCheckBox::indicator, QRadioButton::indicator, QGroupBox::indicator, QAbstractItemView::indicator {{
    width: 14px; height: 14px; background: {panel}; border: 1px solid {border_strong}; border-radius: 4px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QCheckBox::indicator:focus, QRadioButton::indicator:focus {{
    border-color: {accent}; }}
QCheckBox::indicator:checked, QGroupBox::indicator:checked, QAbstractItemView::indicator:checked {{
    background: {accent}; border-color: {accent}; image: url("{arrows}/check-{name}.svg"); }}
QRadioButton::indicator:checked {{ background: {on_accent}; border: 4px solid {accent}; width: 8px; height: 8px; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {border}; background: {window}; }}
QAbstractItemView QLineEdit {{ border-radius: 0; padding: 0 3px; min-height: 0; }}
QAbstractItemView QComboBox, QAbstractItemView QDoubleSpinBox {{ border-radius: 0; padding: 0 3px; min-height: 0; }}

QAbstractItemView {{ background: {panel}; border: none; outline: none; alternate-background-color: {window};
    selection-background-color: {selected}; selection-color: {text}; }}
QTableView, QTreeView {{ gridline-color: {border}; }}
QTableView::item:selected, QTreeView::item:selected {{ background: {selected}; color: {text}; }}
QHeaderView {{ background: {window}; border: none; }}
QHeaderView::section {{ background: {window}; color: {muted}; border: none; border-bottom: 1px solid {border};
    padding: 3px 6px; }}
QTabBar::tab {{ background: transparent; color: {muted}; padding: 5px 12px; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabBar::tab:hover {{ color: {text}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {border}; }}

QProgressBar {{ background: {border}; border: none; border-radius: 2px; text-align: center; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 2px; }}
QSlider::groove:horizontal {{ height: 4px; background: {border_strong}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {raised}; border: 2px solid {accent}; width: 12px; height: 12px;
    margin: -6px 0; border-radius: 8px; }}
QSlider::handle:horizontal:focus {{ background: {accent}; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {border_strong}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {neutral}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {border}; }}
QGroupBox {{ border: 1px solid {border}; border-radius: 6px; margin-top: 9px; padding-top: 8px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 9px; padding: 0 4px; color: {muted}; }}

QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; color: {accent}; padding-bottom: 2px; border-bottom: 1px solid {border}; }}
QLabel[role="key"] {{ background: {panel}; border: 1px solid {border_strong}; border-bottom-width: 2px;
    border-radius: 4px; padding: 0 5px; }}
QLabel[role="hero"] {{ font-size: 22pt; font-weight: 600; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="bad"] {{ color: {bad}; }}
QLabel[role="good"] {{ color: {good}; }}
QLabel[role="warning"] {{ color: {warning}; }}
QToolBar#message_line {{ padding: 0; spacing: 0; border: none; border-top: 1px solid {border}; }}
QFrame#message_bar {{ background: {selected}; border: none; border-left: 4px solid {accent}; }}
QFrame#message_bar[level="hint"] {{ background: {window}; border-left-color: {window}; }}
QFrame#message_bar[level="hint"] QLabel {{ color: {muted}; }}
QFrame#message_bar[level="warning"] {{ border-left-color: {warning}; }}
QFrame#message_bar[level="error"] {{ border-left-color: {bad}; }}
QWidget#welcome QScrollArea, QWidget#welcome QScrollArea > QWidget > QWidget {{ background: {window}; }}
QWidget#welcome QListWidget {{ background: {raised}; }}
QWidget#welcome QListWidget::item {{ border-radius: 5px; }}
QWidget#welcome QListWidget::item:hover {{ background: {hover}; }}
QToolButton[role="fold"]:checked {{ background: transparent; border-color: transparent; }}
QToolButton[role="chip"] {{ background: {window}; border: 1px solid {border_strong}; border-radius: 10px;
    padding: 2px 7px; }}
QToolButton[role="chip"]:hover {{ background: {hover}; }}
QToolButton[role="chip"]:checked {{ background: {selected}; border-color: {accent}; color: {text}; }}
QToolButton[role="chip"]:focus {{ border-color: {accent}; }}
QToolButton[role="chip"]:disabled {{ color: {disabled}; border-color: {border}; }}
QToolButton[role="chip"][tone="warning"] {{ border-color: {warning}; color: {warning}; font-weight: 600; }}
QFrame[role="card"] {{ background: {raised}; border: 1px solid {border}; border-radius: 6px; }}
QFrame[role="popup"] {{ background: {raised}; border: 1px solid {border_strong}; border-radius: 7px; }}
"""
