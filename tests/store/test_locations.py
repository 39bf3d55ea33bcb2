"""Paths of linked files as they are stored: one by one, or for all files of an import."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.store.locations import StoredPaths, from_stored, to_stored


@pytest.mark.parametrize(
    "place", ["near/p/a.xml", "near/p/data/a.xml", "near/a.xml", "near/data/ä b/a.xml", "far/a.xml", "a.xml"]
)
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_of_an_import_is_stored_as_a_file_alone_is(tmp_path: Path, place: str, linked: bool) -> None:
    project = tmp_path / "near" / "p"
    project.mkdir(parents=True)
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if linked:
        (tmp_path / "near" / "target.xml").touch()
        path.symlink_to(tmp_path / "near" / "target.xml")
    else:
        path.touch()
    stored = StoredPaths(project)
    text, relative = stored.of(str(path))
    assert (text, relative) == stored.of(str(path)) == to_stored(path, project)
    assert relative == (linked or place.startswith("near/"))
    assert from_stored(text, relative, project).resolve() == path.resolve()


def test_a_folder_that_is_a_link_into_the_projects_surroundings_is_seen_through(tmp_path: Path) -> None:
    project = tmp_path / "near" / "p"
    (tmp_path / "near" / "data").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "near" / "data")
    (tmp_path / "link" / "a.xml").touch()
    assert StoredPaths(project).of(str(tmp_path / "link" / "a.xml")) == ("../data/a.xml", True)
