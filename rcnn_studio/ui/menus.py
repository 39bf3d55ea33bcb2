"""Menu bar and toolbar, filled from the one table of actions."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QLabel, QMenu, QMenuBar, QSizePolicy, QToolBar, QWidget

from rcnn_studio.ui.actions import fill_menu

Actions = dict[str, QAction]
DEVICE_WIDTH = 240


def tr(text: str) -> str:
    return QCoreApplication.translate("menus", text)


def fill_menu_bar(bar: QMenuBar, actions: Actions, recent: QMenu) -> QMenu:
    """All menus; recent goes below Open. -> View > Panels, which later takes the docks' own actions"""
    titles = {
        "file": tr("&File"),
        "edit": tr("&Edit"),
        "view": tr("&View"),
        "image": tr("&Image"),
        "box": tr("&Box"),
        "train": tr("&Train"),
        "review": tr("&Review"),
        "help": tr("&Help"),
    }
    menus = {}
    for name, title in titles.items():
        menus[name] = bar.addMenu(title)
        fill_menu(menus[name], name, actions)
    menus["file"].insertMenu(actions["action.project.import"], recent)
    fill_menu(menus["box"].addMenu(tr("Class")), "box.class", actions)
    fill_menu(menus["box"].addMenu(tr("Move and Resize")), "box.move", actions)
    fill_menu(menus["box"].addMenu(tr("Arrange")), "box.arrange", actions)
    fill_menu(menus["view"].addMenu(tr("Theme")), "view.theme", actions)
    fill_menu(menus["help"].addMenu(tr("Keys of")), "help.presets", actions)
    panels = menus["view"].addMenu(tr("Panels"))
    fill_menu(panels, "view.panels", actions)
    panels.addSeparator()
    for menu in (menu for menu in bar.findChildren(QMenu) if menu is not recent):
        add_mnemonics(menu)
        menu.aboutToShow.connect(partial(add_mnemonics, menu))
    return panels


def add_mnemonics(menu: QMenu) -> None:
    """Underline a letter of every entry, each letter once in a menu while there are letters; a word's first is best."""
    entries = [action for action in menu.actions() if not action.isSeparator()]
    texts = [mnemonic_free(action.text()) for action in entries]
    owner: dict[str, int] = {}  # letter -> entry

    def give(entry: int, tried: set[str]) -> bool:
        """A letter for this entry, others moving to another of theirs where they can (a matching by augmenting)."""
        letters = [texts[entry][n].casefold() for n in _candidates(texts[entry])]
        for letter in [*(c for c in letters if c not in owner), *letters]:
            if letter not in tried:
                tried.add(letter)
                if letter not in owner or give(owner[letter], tried):
                    owner[letter] = entry
                    return True
        return False

    for entry in range(len(entries)):
        give(entry, set())
    letters = {entry: letter for letter, entry in owner.items()}
    for entry, (action, text) in enumerate(zip(entries, texts, strict=True)):
        at = next((n for n in _candidates(text) if text[n].casefold() == letters.get(entry)), None)
        marked = _escaped(text) if at is None else f"{_escaped(text[:at])}&{_escaped(text[at:])}"
        if marked != action.text():
            action.setText(marked)


def menu_keys(bar: QMenuBar) -> dict[str, str]:
    """Alt and the letter of each menu -> what the menu is called: no action can have these."""
    titles = [action.text() for action in bar.actions()]
    return {f"Alt+{title[title.index('&') + 1].upper()}": mnemonic_free(title) for title in titles if "&" in title}


def mnemonic_free(text: str) -> str:
    """A menu's text as it is read."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _escaped(text: str) -> str:
    return text.replace("&", "&&")


def _candidates(text: str) -> list[int]:
    """Places of the letters that can be underlined, the beginnings of words first."""
    letters = [n for n, letter in enumerate(text) if letter.isascii() and letter.isalnum()]
    return sorted(letters, key=lambda n: n > 0 and text[n - 1] != " ")


def group_choices(actions: Actions, prefix: str, parent: QWidget) -> None:
    """Make the actions below a prefix exclude each other."""
    group = QActionGroup(parent)
    for name, action in actions.items():
        if name.startswith(prefix):
            group.addAction(action)


class Toolbar(QToolBar):
    """Tools, undo and redo, the activity switch, and the line that says what a training would run on."""

    def __init__(self, actions: Actions, device_line: QLabel, parent: QWidget) -> None:
        super().__init__(tr("Toolbar"), parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for names in (
            ("tool.select", "tool.draw"),
            ("edit.undo", "edit.redo"),
            ("image.previous", "image.next", "image.verify"),
            ("view.fit", "view.actual_size", "view.boxes", "view.detections"),
        ):
            if self.actions():
                self.addSeparator()
            for name in names:
                self.addAction(actions[f"action.{name}"])
        self._spring()
        self._add_activities(actions)
        self._spring()
        device_line.setProperty("role", "muted")
        device_line.setContentsMargins(6, 0, 8, 0)
        device_line.setMinimumWidth(DEVICE_WIDTH)  # the activity switch must not jump when the text comes
        device_line.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addWidget(device_line)

    def _add_activities(self, actions: Actions) -> None:
        for name in ("label", "train", "review"):
            action = actions[f"action.activity.{name}"]
            self.addAction(action)
            button = self.widgetForAction(action)
            button.setProperty("toolButtonStyle", Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setAccessibleName(action.text())

    def _spring(self) -> None:
        spring = QWidget()
        spring.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spring)
