"""The settings of a training: a preset, and what the person changes on top of it. Trains nothing.

One table says which settings there are; the values live in TrainConfig, made anew by `config()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from rcnn_studio.domain.errors import StudioError
from rcnn_studio.domain.runs import RunInfo, TrainConfig
from rcnn_studio.tasks.presets import Preset, check_config
from rcnn_studio.ui.train.fields import ChangedDot, Editor, WeightsEditor
from rcnn_studio.ui.train.runs import run_title
from rcnn_studio.ui.train.section import FoldButton
from rcnn_studio.ui.train.settings_table import all_settings

FITTED = (
    "backbone",
    "norm",
    "fpn_channels",
    "head_channels",
    "box_head",
    "rpn_convs",
    "roi_pooling",
    "anchor_sizes",
)
"""The architecture: published weights and single-level backbones allow few combinations; a run brings its own."""
COCO_BACKBONES = ("resnet50", "mobilenet_v3_large")
COCO_ARCHITECTURE = {"norm": "frozen_batch", "fpn_channels": 256, "head_channels": 1024}
COCO_ANCHORS = (32.0, 64.0, 128.0, 256.0, 512.0)


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrainForm", text)


class TrainForm(QWidget):
    """The rows over a preset's config. `changed` follows every edit, reset and preset."""

    changed = Signal()

    def __init__(self, preset: Preset, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("train.form")
        self._preset = preset
        self._settings = all_settings()
        self._dots: dict[str, ChangedDot] = {}
        self.editors: dict[str, Editor] = {}
        self.advanced_button = FoldButton(_tr("Advanced"))
        self.advanced_button.setToolTip(_tr("Settings that seldom need a change"))
        self.advanced_button.open_changed.connect(self._advanced_shown)
        self._advanced = QWidget()
        self._advanced.setVisible(False)
        self.problem_label = QLabel(wordWrap=True)
        self.problem_label.setProperty("role", "bad")
        self.problem_label.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._rows(False))
        column.addWidget(self.advanced_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._advanced)
        self._fill_grid(self._advanced, True)
        column.addWidget(self.problem_label)
        self.set_preset(preset)

    # --- values -----------------------------------------------------------------------------------

    @property
    def preset(self) -> Preset:
        return self._preset

    def set_preset(self, preset: Preset) -> None:
        """Take over a preset's values; what the person had changed is forgotten."""
        self._preset = preset
        self._show(preset.config)

    def set_runs(self, runs: Sequence[RunInfo]) -> None:
        """The runs a training may start from."""
        editor = self.editors["weights"]
        assert isinstance(editor, WeightsEditor)
        editor.set_runs([(f"run:{run.id}", run_title(run)) for run in runs if run.best is not None])

    def config(self) -> TrainConfig:
        """The config as the form says it. Raises StudioError that names the setting and what it may be."""
        values: dict[str, Any] = {}
        for setting in self._settings:
            try:
                values[setting.key] = self.editors[setting.key].value()
            except ValueError as error:
                raise StudioError(f"{setting.label}: {error}.") from error
        config = replace(self._preset.config, **values)
        check_config(config)
        return config

    def problem(self) -> str:
        """Why config() would raise; empty where it would not."""
        try:
            self.config()
        except StudioError as error:
            return self._in_words(str(error))
        return ""

    def changed_keys(self) -> list[str]:
        """Settings that differ from the preset."""
        return [s.key for s in self._settings if self._differs(s.key)]

    def reset(self, key: str) -> None:
        """Take the preset's value back."""
        config = self._preset.config
        self.editors[key].set_value(getattr(config, key))
        if key == "epochs":
            self.editors["min_steps"].set_value(config.min_steps)
        if key in ("weights", "backbone"):
            self._take_back(FITTED)
        self._after_edit()

    def summary(self) -> str:
        """The settings in one line, for a folded form."""
        parts = [self.editors["backbone"].text_of(self._value("backbone")).split(" (")[0]]
        parts.append(f"{self._value('image_size')} px")
        parts.append(_tr("{0} epochs").format(self._value("epochs")))
        minutes = self._value("max_minutes")
        if minutes:
            parts.append(_tr("at most {0} min").format(f"{minutes:g}"))
        parts.append(_tr("batch {0}").format(self._value("batch_size")))
        parts.append(_tr("learning rate {0}").format(f"{self._value('lr'):g}"))
        return " · ".join(part.replace(" ", "\u00a0") for part in parts)  # lines break between settings, not in one

    # --- inside -----------------------------------------------------------------------------------

    def _value(self, key: str) -> Any:
        try:
            return self.editors[key].value()
        except ValueError:
            return getattr(self._preset.config, key)

    def _show(self, config: TrainConfig) -> None:
        for setting in self._settings:
            self.editors[setting.key].set_value(getattr(config, setting.key))
        self._after_edit()

    def _differs(self, key: str) -> bool:
        try:
            return bool(self.editors[key].value() != getattr(self._preset.config, key))
        except ValueError:
            return True

    def _after_edit(self) -> None:
        of_run = str(self._value("weights")).startswith("run:")
        for key in ("image_size", *FITTED):
            self.editors[key].setEnabled(not of_run)
        for setting in self._settings:
            value = getattr(self._preset.config, setting.key)
            editor = self.editors[setting.key]
            self._dots[setting.key].show_changed(self._differs(setting.key), setting.label, editor.text_of(value))
        advanced = sum(1 for s in self._settings if s.advanced and self._differs(s.key))
        self.advanced_button.set_title(_tr("Advanced · {0} changed").format(advanced) if advanced else _tr("Advanced"))
        problem = self.problem()
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        self.changed.emit()

    def _in_words(self, message: str) -> str:
        """check_config names keys; people know labels."""
        labels = {s.key: s.label for s in self._settings}
        key, colon, rest = message.partition(":")
        text = f"{labels[key]}{colon}{rest}" if key in labels else message
        for name, label in labels.items():
            if "_" in name:
                text = text.replace(name, label)
        return text

    def _rows(self, advanced: bool) -> QWidget:
        host = QWidget()
        self._fill_grid(host, advanced)
        return host

    def _fill_grid(self, host: QWidget, advanced: bool) -> None:
        grid = QGridLayout(host)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(2, 1)
        section = ""
        for setting in (s for s in self._settings if s.advanced == advanced):
            row = grid.rowCount()
            if setting.section != section:
                section = setting.section
                self._add_heading(grid, row, section)
                row += 1
            editor, dot = setting.make(), ChangedDot()
            label = QLabel(setting.label)
            label.setBuddy(editor)
            for widget in (label, editor):
                widget.setToolTip(setting.hint)
            focus = editor.focusProxy()
            if focus is not None:
                focus.setAccessibleName(setting.label)
                focus.setAccessibleDescription(setting.hint)
            editor.edited.connect(self._on_edited)
            dot.clicked.connect(self._on_reset)
            self.editors[setting.key], self._dots[setting.key] = editor, dot
            grid.addWidget(dot, row, 0)
            grid.addWidget(label, row, 1)
            grid.addWidget(editor, row, 2)
            QWidget.setTabOrder(editor, dot)

    @staticmethod
    def _add_heading(grid: QGridLayout, row: int, title: str) -> None:
        heading = QLabel(title)
        heading.setProperty("role", "muted")
        heading.setContentsMargins(0, 6, 0, 0)
        grid.addWidget(heading, row, 0, 1, 3)

    def _on_edited(self) -> None:
        if self.sender() is self.editors["epochs"]:
            self.editors["min_steps"].set_value(0 if self._differs("epochs") else self._preset.config.min_steps)
        if self.sender() is self.editors["weights"]:
            self._take_back(FITTED)
            self._fit(fit_to_weights(str(self._value("weights")), self._preset.config))
        if self.sender() is self.editors["backbone"]:
            self._fit(fit_to_backbone(str(self._value("backbone")), str(self._value("weights")), self._preset.config))
        self._after_edit()

    def _fit(self, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            self.editors[key].set_value(value)

    def _take_back(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.editors[key].set_value(getattr(self._preset.config, key))

    def _on_reset(self) -> None:
        dot = self.sender()
        key = next((k for k, d in self._dots.items() if d is dot), None)
        if key is not None:
            self.reset(key)
            self.editors[key].setFocus()

    def _advanced_shown(self, shown: bool) -> None:
        self._advanced.setVisible(shown)


def fit_to_weights(weights: str, base: TrainConfig) -> dict[str, Any]:
    """The settings that follow from the first weights: published ones fit few architectures and their frozen batch
    norm; random ones must not sit under a frozen norm. Runs bring their own, files are taken at their word."""
    if weights == base.weights:
        return {}
    if weights == "coco":
        backbone = base.backbone if base.backbone in COCO_BACKBONES else COCO_BACKBONES[0]
        fixed = {"backbone": backbone, "box_head": "mlp", "rpn_convs": 1, "roi_pooling": "align"}
        return {**COCO_ARCHITECTURE, **fixed, "anchor_sizes": COCO_ANCHORS}
    if weights == "imagenet":
        return {"norm": "none" if base.backbone == "vgg16" else "frozen_batch"}
    return {"norm": "none" if base.backbone == "vgg16" else "group"} if weights == "none" else {}


def fit_to_backbone(backbone: str, weights: str, base: TrainConfig) -> dict[str, Any]:
    """The settings that follow from the backbone, as far as the preset's own do not fit it."""
    if weights == "coco":
        return {} if backbone in COCO_BACKBONES else {"backbone": COCO_BACKBONES[0]}
    norm = "group" if weights == "none" else "frozen_batch"
    if backbone == "vgg16":
        return {"norm": "none", "box_head": "mlp"}
    if backbone.endswith("-c4"):
        return {"norm": norm, "box_head": "body"}
    single = base.norm == "none" or base.box_head == "body"
    return {"norm": norm if single else base.norm, "box_head": "mlp", "roi_pooling": "align"}
