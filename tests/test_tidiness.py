"""What a reader may count on anywhere: short functions, one purpose a file, nothing that nobody uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_FILE, LONGEST_FUNCTION = 500, 60
TABLE_STATEMENTS = 2
"""A function that only builds a table may be as long as the table."""
SETTERS = {
    "setText",
    "setToolTip",
    "setWindowTitle",
    "setPlaceholderText",
    "setAccessibleName",
    "QLabel",
    "QPushButton",
}


@pytest.fixture(scope="module")
def sources(repository: Path) -> dict[str, str]:
    """Every file of the program by its path."""
    files = sorted((repository / "rcnn_studio").rglob("*.py"))
    assert len(files) > 200
    return {str(file.relative_to(repository)): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def trees(sources: dict[str, str]) -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources.items()}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_file_says_what_it_is_for(trees: dict[str, ast.Module]) -> None:
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_no_file_and_no_function_is_too_long_to_read(sources: dict[str, str], trees: dict[str, ast.Module]) -> None:
    assert {name: text.count("\n") for name, text in sources.items() if text.count("\n") > LONGEST_FILE} == {}
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees.items()
        for node in functions(tree)
        if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION and len(node.body) > TABLE_STATEMENTS
    ]
    assert long == []


def test_nobody_reaches_for_the_parent_of_a_parent(sources: dict[str, str]) -> None:
    assert [name for name, text in sources.items() if re.search(r"parent(Widget)?\(\)\.parent", text)] == []


def test_every_signal_is_sent_and_heard(sources: dict[str, str]) -> None:
    """Its name stands where it is declared, where it is emitted or passed on, and where somebody listens."""
    text = "\n".join(sources.values())
    names = re.findall(r"^    (\w+)(?:: \w+)? = Signal\(", text, re.MULTILINE)
    assert len(names) > 50
    assert [name for name in names if len(re.findall(rf"\b{name}\b", text)) < 3] == []


def test_every_icon_is_used(repository: Path, sources: dict[str, str]) -> None:
    text = "\n".join(sources.values())
    built = tuple(re.findall(r'f"([a-z]+-)\{', text))
    styled = set(re.findall(r"/([a-z-]+)-\{name\}\.svg", text))
    unused = [
        name
        for name in (file.stem for file in (repository / "resources" / "icons").glob("*.svg"))
        if f'"{name}"' not in text and not name.startswith(built) and name.rpartition("-")[0] not in styled
    ]
    assert unused == []


def test_every_role_of_the_style_sheet_is_given_and_every_given_one_has_a_look(sources: dict[str, str]) -> None:
    theme = sources["rcnn_studio/ui/theme.py"]
    looks = set(re.findall(r'\[role="(\w+)"\]', theme))
    rest = "\n".join(text for name, text in sources.items() if name != "rcnn_studio/ui/theme.py")
    assert sorted(role for role in looks if f'"{role}"' not in rest) == []
    assert set(re.findall(r'setProperty\("role", "(\w+)"\)', rest)) - looks == set()


def test_no_text_of_the_window_goes_untranslated(trees: dict[str, ast.Module]) -> None:
    plain = [
        f"{name}:{call.lineno} {words}"
        for name, tree in trees.items()
        if name.startswith("rcnn_studio/ui/")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in SETTERS
        for words in (arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
        if re.search(r"[A-Za-z]{3,} ?", words) and words != "RCNN Studio"
    ]
    assert plain == []
