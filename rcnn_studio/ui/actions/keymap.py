"""Which keys every action has now: a preset, and the person's own changes to it, kept in the settings.

Draws nothing; the shortcut editor changes it, everything else reads the QActions that it keeps up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from rcnn_studio.ui.actions.keys import tooltip
from rcnn_studio.ui.actions.presets import PRESETS, STUDIO, Keys, Preset, Wheel, locked_keys, portable, resolve
from rcnn_studio.ui.actions.table import SPECS
from rcnn_studio.workspace.settings import Settings

PRESET, OWN, WHEEL, ASKS = "keys.preset", "keys.own", "keys.wheel", "keys.ask_class"


class Keymap(QObject):
    """changed: some action has other keys, or the wheel another meaning."""

    changed = Signal()

    def __init__(self, settings: Settings, actions: Mapping[str, QAction], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._actions = actions
        self._keys: dict[str, Keys] = {}
        self._apply()

    @property
    def preset(self) -> Preset:
        return PRESETS.get(str(self._settings.get(PRESET)), STUDIO)

    @property
    def wheel(self) -> Wheel:
        """What the wheel does over the image: as chosen, else as the preset has it."""
        chosen = self._settings.get(WHEEL)
        if chosen == "zoom":
            return "zoom"
        return "scroll" if chosen == "scroll" else self.preset.wheel

    @property
    def asks(self) -> bool:
        """The class is asked for after each box: as chosen, else as the preset has it."""
        chosen = self._settings.get(ASKS)
        return chosen if isinstance(chosen, bool) else self.preset.asks

    def keys(self, action_id: str) -> Keys:
        """The action's keys that can be changed, the one shown in menus first."""
        return self._keys[action_id]

    def is_own(self, action_id: str) -> bool:
        """The person has changed this action's keys."""
        return action_id in self._own()

    def owner(self, key: str, *, besides: str) -> str | None:
        """The other action that has this key."""
        key = portable(key)
        holder = locked_keys().get(key) or next((i for i, keys in self._keys.items() if key in keys), None)
        return holder if holder != besides else None

    def is_locked(self, key: str) -> bool:
        """Held keys and Esc belong to one action for good."""
        return portable(key) in locked_keys()

    def set_preset(self, name: str) -> None:
        """Take another preset, with its wheel and its question; changes made to each preset are kept with it."""
        self._settings.set(PRESET, PRESETS[name].name)
        self._settings.set(WHEEL, PRESETS[name].wheel)
        self._settings.set(ASKS, PRESETS[name].asks)
        self._apply()

    def set_wheel(self, wheel: Wheel) -> None:
        self._settings.set(WHEEL, wheel)
        self.changed.emit()

    def set_asks(self, on: bool) -> None:
        if on != self.asks:
            self._settings.set(ASKS, on)
            self.changed.emit()

    def set_keys(self, action_id: str, keys: Sequence[str]) -> None:
        """Give an action these keys; whoever had one of them loses it. Raises ValueError for a locked key."""
        wanted = tuple(dict.fromkeys(portable(key) for key in keys))
        locked = [key for key in wanted if key in locked_keys()]
        if locked:
            raise ValueError(f"{locked[0]} cannot be given to another action")
        own = self._own()
        for other, held in self._keys.items():
            if other != action_id and not set(held).isdisjoint(wanted):
                own[other] = tuple(key for key in held if key not in wanted)
        own[action_id] = wanted
        self._store(own)

    def reset(self, action_id: str) -> None:
        """Back to the preset's keys, which are taken from whoever was given them since."""
        own = self._own()
        own.pop(action_id, None)
        back = set(resolve(self.preset, {})[action_id])
        for other, keys in list(own.items()):
            if not back.isdisjoint(keys):
                own[other] = tuple(key for key in keys if key not in back)
        self._store(own)

    def reset_all(self) -> None:
        self._settings.set(WHEEL, self.preset.wheel)
        self._settings.set(ASKS, self.preset.asks)
        self._store({})

    def _own(self) -> dict[str, Keys]:
        stored = self._settings.get(f"{OWN}.{self.preset.name}")
        if not isinstance(stored, dict):
            return {}
        known = {i: keys for i, keys in stored.items() if i in SPECS and isinstance(keys, list)}
        return {i: tuple(key for key in keys if isinstance(key, str)) for i, keys in known.items()}

    def _store(self, own: Mapping[str, Keys]) -> None:
        plain = resolve(self.preset, {})
        kept = {i: list(keys) for i, keys in own.items() if keys != plain[i]}
        self._settings.set(f"{OWN}.{self.preset.name}", kept)
        self._apply()

    def _apply(self) -> None:
        self._keys = resolve(self.preset, self._own())
        for action_id, keys in self._keys.items():
            spec, action = SPECS[action_id], self._actions[action_id]
            action.setShortcuts([QKeySequence(key) for key in (*keys, *spec.fixed_keys)])
            action.setToolTip(tooltip(spec, (*keys, *spec.fixed_keys, *spec.held_keys)))
        self.changed.emit()
