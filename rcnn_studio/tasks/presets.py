"""Training presets and single settings, read from TOML and from key=value text into a checked TrainConfig.

Decides nothing about training itself: the values and their meaning belong to domain.runs.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from rcnn_studio.domain.errors import EngineError, FormatError
from rcnn_studio.domain.runs import LOSS_NAMES, TrainConfig
from rcnn_studio.formats.bundled import resources_dir

DEFAULT_PRESET = "from-scratch"
_HEAD_KEYS = ("title", "description", "order")
_TYPES: dict[str, Any] = get_type_hints(TrainConfig)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_CHOICES: dict[str, tuple[str, ...]] = {
    "norm": ("group", "frozen_batch", "batch", "none"),
    "amp": ("auto", "bf16", "fp16", "off"),
    "augmentation": ("none", "light", "standard", "strong", "aerial-microscopy"),
    "method": ("faster-rcnn", "fast-rcnn", "alternating"),
    "box_head": ("mlp", "conv", "body"),
    "roi_pooling": ("align", "pool"),
    "proposals_mode": ("fast", "quality"),
}
# key: (least, most); what lies outside cannot train, what lies inside may still be unwise.
_RANGES: dict[str, tuple[float, float]] = {
    "image_size": (32, 8192),
    "image_max_size": (32, 16384),
    "epochs": (1, 1_000_000),
    "min_steps": (0, 1e9),
    "batch_size": (1, 4096),
    "evaluate_every": (1, 1_000_000),
    "lr": (1e-12, 1e3),
    "max_minutes": (0, 1e6),
    "warmup_steps": (0, 1e9),
    "patience": (0, 1e9),
    "weight_decay": (0, 1e3),
    "clip_norm": (0, 1e9),
    "ema_decay": (0, 0.999999),
    "momentum": (0, 0.999999),
    "multi_scale": (0, 0.9),
    "rois_per_image": (1, 100_000),
    "rpn_proposals_train": (1, 100_000),
    "rpn_proposals_test": (1, 100_000),
    "head_dropout": (0, 0.9),
    "rpn_convs": (1, 8),
    "rpn_score": (0, 0.99),
    "positive_fraction": (0.01, 1),
    "background_iou": (0, 0.49),
    "proposals_train": (1, 100_000),
    "proposals_test": (1, 100_000),
    "proposals_side": (32, 4096),
    "repeat_threshold": (0, 1),
    "accumulate": (1, 4096),
    "heads_first_steps": (0, 1e9),
    "save_minutes": (0.01, 1e6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named training. name: of its file; title and description: for people; order: its place in a list."""

    name: str
    title: str
    description: str
    config: TrainConfig
    order: int = 100


def list_presets(folder: Path | None = None) -> list[Preset]:
    """The presets that come with the studio (or lie in `folder`), in their order. Raises FormatError for a bad file."""
    place = folder if folder is not None else resources_dir() / "presets"
    return sorted((_read_preset(path) for path in place.glob("*.toml")), key=lambda p: (p.order, p.name))


def load_preset(name: str, overrides: Mapping[str, str] | None = None) -> TrainConfig:
    """The preset's config with single settings on top ({"epochs": "3"}). Raises EngineError naming what exists."""
    presets = {preset.name: preset for preset in list_presets()}
    if name not in presets:
        raise EngineError(f"There is no preset {name!r}.{_close(name, presets)} Presets: {', '.join(presets)}.")
    return with_overrides(presets[name].config, overrides or {})


def load_config(path: Path, *, preset: str | None = None) -> TrainConfig:
    """The settings of a TOML file on top of a preset: the one named, else the file's own `preset`, else the default.

    Raises FormatError naming the file and the key, EngineError for a preset that is not there.
    """
    values = _read_toml(path)
    for key in _HEAD_KEYS:
        values.pop(key, None)
    named = values.pop("preset", DEFAULT_PRESET)
    return _with_values(load_preset(preset if preset is not None else str(named)), values, path)


def with_overrides(config: TrainConfig, overrides: Mapping[str, str]) -> TrainConfig:
    """The config with key=value text on top, each value read as its field's type. Raises EngineError per setting."""
    changed: dict[str, Any] = {}
    for key, text in overrides.items():
        problem = _unknown(key)
        if problem:
            raise EngineError(problem)
        try:
            changed[key] = _from_text(_TYPES[key], text)
        except ValueError as error:
            raise EngineError(f"{key}: {text!r} is {error}.") from error
    result = replace(config, **changed)
    check_config(result)
    return result


def check_config(config: TrainConfig) -> None:
    """Raises EngineError for the first setting that cannot train; says what it may be."""
    problem = _problem(config)
    if problem:
        raise EngineError(f"{problem[0]}: {problem[1]}")


# --- inside -----------------------------------------------------------------------------------------


def _problem(config: TrainConfig) -> tuple[str, str] | None:
    """The first bad setting as (key, what is wrong and what it may be)."""
    for key, choices in _CHOICES.items():
        value = getattr(config, key)
        if value not in choices:
            return key, f"{value!r} is not known.{_close(str(value), choices)} Use {', '.join(choices)}."
    for key, (least, most) in _RANGES.items():
        value = getattr(config, key)
        if not (math.isfinite(value) and least <= value <= most):
            return key, f"{value:g} is out of range. Use a number from {least:g} to {most:g}."
    for key in ("anchor_sizes", "anchor_ratios"):
        numbers = getattr(config, key)
        if not numbers or not all(math.isfinite(n) and n > 0 for n in numbers):
            return key, f"{numbers!r} is no list of positive numbers."
    weights = config.loss_weights
    if len(weights) != len(LOSS_NAMES) or not all(math.isfinite(w) and w >= 0 for w in weights):
        return "loss_weights", f"{weights!r} is no list of {len(LOSS_NAMES)} numbers, none below 0."
    if config.image_max_size < config.image_size:
        return "image_max_size", f"{config.image_max_size} is less than image_size ({config.image_size}). Raise it."
    return None


def _read_preset(path: Path) -> Preset:
    values = _read_toml(path)
    head = {key: values.pop(key, None) for key in _HEAD_KEYS}
    order = head["order"]
    return Preset(
        name=path.stem,
        title=str(head["title"] or path.stem),
        description=str(head["description"] or ""),
        config=_with_values(TrainConfig(preset=path.stem), values, path),
        order=order if isinstance(order, int) else 100,
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise FormatError(path, "", f"cannot be read ({error.strerror}). Check the path.") from error
    except UnicodeDecodeError as error:
        raise FormatError(path, f"byte {error.start}", "is not UTF-8 text. Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise FormatError(path, "", f"is not TOML: {error}") from error


def _with_values(base: TrainConfig, values: Mapping[str, Any], path: Path) -> TrainConfig:
    changed: dict[str, Any] = {}
    for key, value in values.items():
        problem = _unknown(key)
        if problem:
            raise FormatError(path, key, problem)
        try:
            changed[key] = _from_value(_TYPES[key], value)
        except ValueError as error:
            raise FormatError(path, key, f"{value!r} is {error}.") from error
    result = replace(base, **changed)
    found = _problem(result)
    if found:
        raise FormatError(path, found[0], found[1])
    return result


def _unknown(key: str) -> str:
    """Why a key is none of the settings; empty where it is one."""
    names = [f.name for f in fields(TrainConfig) if f.name not in ("preset", "extra")]
    if key in names:
        return ""
    close = _close(key, names)
    return f"There is no setting {key!r}.{close or ' Settings: ' + ', '.join(names) + '.'}"


def _close(word: str, names: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, list(names), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _from_text(kind: Any, text: str) -> Any:
    """Text as the field's type. Raises ValueError with the end of a sentence ("... is no whole number")."""
    clean = text.strip()
    if kind is str:
        return clean
    if kind is bool:
        if clean.lower() not in _TRUE + _FALSE:
            raise ValueError("neither true nor false")
        return clean.lower() in _TRUE
    if kind is int or kind is float:
        return _number(kind, clean)
    return tuple(_number(float, part) for part in clean.strip("[]()").split(",") if part.strip())


def _number(kind: type[int] | type[float], text: str) -> int | float:
    try:
        value = kind(text)
    except ValueError as error:
        raise ValueError("no whole number" if kind is int else "no number") from error
    if not math.isfinite(value):
        raise ValueError("no finite number")
    return value


def _from_value(kind: Any, value: Any) -> Any:
    """A TOML value as the field's type. Raises ValueError as _from_text does."""
    if kind is bool or kind is str:
        if not isinstance(value, kind):
            raise ValueError("neither true nor false" if kind is bool else "no text")
        return value
    if kind is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("no whole number")
        return value
    if kind is float:
        return _plain_float(value)
    if not isinstance(value, list):
        raise ValueError("no list of numbers")
    return tuple(_plain_float(item) for item in value)


def _plain_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("no finite number")
    return float(value)
