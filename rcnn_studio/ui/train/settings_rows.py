"""One row of the Train form and the short ways to say it. Holds no value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from rcnn_studio.ui.train.fields import Choice, ChoiceEditor, Editor, RealEditor, SwitchEditor, WholeEditor

Make = Callable[[], Editor]


def tr(text: str) -> str:
    return QCoreApplication.translate("TrainForm", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the form: the TrainConfig key, its label, a hint, and how its editor is made.

    section: the title it stands under among the advanced ones; empty for the few that are always seen.
    """

    key: str
    label: str
    hint: str
    make: Make
    section: str = ""

    @property
    def advanced(self) -> bool:
        return bool(self.section)


def row(key: str, label: str, hint: str, make: Make, section: str = "") -> Setting:
    return Setting(key=key, label=label, hint=hint, make=make, section=section)


def choice(found: tuple[Choice, ...]) -> Make:
    return lambda: ChoiceEditor(found)


def whole(low: int, high: int, unit: str = "", step: int = 1, zero: str = "") -> Make:
    return lambda: WholeEditor(low, high, unit=unit, step=step, zero=zero)


def real(hint: str = "", zero: str = "") -> Make:
    return lambda: RealEditor(hint=hint, zero=zero)


def switch(text: str) -> Make:
    return lambda: SwitchEditor(text)
