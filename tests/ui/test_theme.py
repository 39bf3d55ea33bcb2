"""Light and dark: readable, and nothing left behind when they change."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from rcnn_studio.domain.dataset import PALETTE, ImageState
from rcnn_studio.ui.theme import DARK, LIGHT, STATE_ICONS, Theme, ThemeMode, contrast, state_color, stylesheet, text_on


@pytest.fixture
def plain_app(qapp: QApplication):
    style = qapp.style().objectName()
    yield qapp
    qapp.setStyleSheet("")
    qapp.setPalette(QPalette())
    qapp.setStyle(style)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(colors) -> None:
    pairs = [
        (ink, ground)
        for ink in ("text", "muted", "accent", "good", "warning", "bad")
        for ground in ("window", "panel", "raised")
    ]
    pairs += [("text", "selected"), ("text", "hover"), ("muted", "selected"), ("on_accent", "accent")]
    weak = {
        pair: round(contrast(QColor(getattr(colors, pair[0])), QColor(getattr(colors, pair[1]))), 2) for pair in pairs
    }
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


def test_names_read_on_every_class_colour() -> None:
    assert all(contrast(text_on(QColor(color)), QColor(color)) >= 4.5 for color in PALETTE)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_every_state_has_a_shape_of_its_own_and_a_visible_colour(colors) -> None:
    assert len(set(STATE_ICONS.values())) == len(ImageState)
    assert all(contrast(QColor(state_color(s, colors)), QColor(colors.panel)) >= 3 for s in ImageState)


def test_the_theme_can_be_chosen_and_changes_at_once(plain_app: QApplication) -> None:
    theme = Theme(plain_app, ThemeMode.LIGHT)
    assert plain_app.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)
    theme.set_mode(ThemeMode.DARK)
    assert plain_app.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert plain_app.styleSheet() == stylesheet(DARK)
    theme.deleteLater()
