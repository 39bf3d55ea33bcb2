"""Names that come out of dataset files never lead out of their folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.formats.bundled import resources_dir, sample_projects_dir
from rcnn_studio.formats.paths import natural_key, resolve_inside, scan


@pytest.mark.parametrize("name", ["a.png", "sub/a.png", "sub\\a.png", "./a.png", "sub//a.png", "ä#%@ b.png", "..a.png"])
def test_a_name_inside_is_resolved(tmp_path: Path, name: str) -> None:
    assert resolve_inside(tmp_path, name).is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        ".",
        "/",
        "..",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "..\\x",
        "a\\..\\..\\x",
        "C:\\x",
        "C:x",
        "c:/x",
        "\\\\host\\share\\x",
        "\\x",
        "//host/x",
        "a\x00b",
        "a\nb",
    ],
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError) as caught:
        resolve_inside(tmp_path, name)
    assert caught.value.path == tmp_path


def test_a_link_out_of_the_folder_is_refused_and_a_loop_too(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to("/")
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root" / "loop")
    with pytest.raises(FormatError, match="leads out"):
        resolve_inside(tmp_path / "root", "out/etc/passwd")
    with pytest.raises(FormatError):
        resolve_inside(tmp_path / "root", "loop/x")


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["a10", "a2", "A3", "a", "10", "9", "b", "a1b2", "a1"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "a1", "a1b2", "a2", "A3", "a10", "b"]


def parts_of(text: str) -> tuple[list[object], str]:
    """A name in its parts: numbers by their size, then by how they are written."""
    parts: list[object] = list(re.split("([0-9]+)", text.casefold()))
    parts[1::2] = [(int(str(digits)), digits) for digits in parts[1::2]]
    return parts, text


@given(st.lists(st.text("aAb019 .-_/\u00e9\u00df\u4e2d", max_size=6), max_size=12))
def test_names_sort_by_their_parts(names: list[str]) -> None:
    assert sorted(names, key=natural_key) == sorted(names, key=parts_of)


def test_a_number_may_have_more_digits_than_python_reads() -> None:
    long = "9" * 10_000
    assert sorted([f"a{long}1", f"a{long}", "a1"], key=natural_key) == ["a1", f"a{long}", f"a{long}1"]


def test_a_project_among_pictures_is_not_listed_wherever_its_mark_stands(tmp_path: Path) -> None:
    for name in ("a/1.png", "p/0.png", "p/zz.png", "p/project.rcnn", "p/runs/1.png", "b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert scan(tmp_path, {".png"}).names == ["a/1.png", "b.png"]


def test_bundled_folders_of_a_checkout_are_its_own(repository: Path) -> None:
    assert resources_dir() == repository / "resources"
    assert sample_projects_dir() == repository / "sample_projects"
