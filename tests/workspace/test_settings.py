"""What is remembered between starts, and what happens when it cannot be read or written."""

from __future__ import annotations

import errno
import json
import logging
import threading
from pathlib import Path

import pytest

from rcnn_studio.workspace.settings import MAX_RECENT, Settings


def test_a_value_is_there_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    Settings(path).set("theme", "dark")
    assert Settings(path).get("theme") == "dark"
    assert Settings(path).get("unknown", 7) == 7


def test_without_a_path_the_settings_lie_in_the_home_of_the_program(own_home: Path) -> None:
    Settings().set("theme", "dark")
    assert json.loads((own_home / "settings.json").read_text()) == {"theme": "dark"}


@pytest.mark.parametrize("content", [b"{", b"\x00\xff", b"", b"[1, 2]", b"null"])
def test_a_damaged_file_is_set_aside_and_the_defaults_are_used(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings = Settings(path)
    assert settings.get("theme", "system") == "system"
    assert (tmp_path / "settings.broken.json").read_bytes() == content
    assert not path.exists()
    settings.set("theme", "dark")
    assert Settings(path).get("theme") == "dark"


def test_a_good_file_that_cannot_be_read_now_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    Settings(path).set("theme", "dark")
    content = path.read_bytes()

    def refuse(_path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        settings = Settings(path)
    assert settings.get("theme", "system") == "system"
    settings.set("theme", "light")
    assert settings.get("theme") == "light", "it holds for this session"
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]
    assert Settings(path).get("theme") == "dark"


@pytest.mark.parametrize("recent", [None, 5, "text", {"a": 1}, [1, None, "\0", "/nowhere/at/all"]])
def test_a_recent_list_edited_by_hand_never_stops_the_start(tmp_path: Path, recent: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"recent": recent}))
    settings = Settings(path)
    assert settings.recent() == []
    settings.add_recent(tmp_path)
    assert Settings(path).recent() == [str(tmp_path)]


def test_settings_that_cannot_be_written_hold_for_this_session(tmp_path: Path, caplog) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    settings = Settings(in_the_way / "settings.json")
    with caplog.at_level(logging.INFO, logger="rcnn_studio"):
        settings.set("theme", "dark")
    assert settings.get("theme") == "dark"
    assert "settings not saved" in caplog.text


def test_settings_that_the_disk_refuses_hold_for_this_session(tmp_path: Path, caplog) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)
    path.mkdir()  # nothing can be renamed over a folder
    (path / "something").write_text("")
    with caplog.at_level(logging.INFO, logger="rcnn_studio"):
        settings.set("theme", "dark")
    assert settings.get("theme") == "dark"
    assert "settings not saved" in caplog.text


def test_the_newest_project_comes_first_once_and_the_list_ends(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    folders = [tmp_path / f"project {n}" for n in range(MAX_RECENT + 3)]
    for folder in folders:
        folder.mkdir()
        settings.add_recent(folder)
    settings.add_recent(folders[5])
    expected = [folders[5], *(f for f in reversed(folders) if f != folders[5])][:MAX_RECENT]
    assert settings.recent() == [str(f) for f in expected]
    folders[5].rmdir()
    assert settings.recent() == [str(f) for f in expected[1:]], "a project that is gone is not offered"


def test_a_project_whose_drive_is_away_comes_back_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "stick" / "project"
    folder.mkdir(parents=True)
    settings = Settings(tmp_path / "settings.json")
    settings.add_recent(folder)
    folder.rmdir()
    settings.add_recent(tmp_path)
    assert settings.recent() == [str(tmp_path)]
    assert settings.all_recent() == [str(tmp_path), str(folder)]
    folder.mkdir()
    assert settings.recent() == [str(tmp_path), str(folder)]
    settings.clear_recent()
    assert Settings(tmp_path / "settings.json").all_recent() == []


def test_what_a_job_sets_at_the_same_time_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)

    def fill(name: str) -> None:
        for number in range(15):
            settings.set(f"{name}{number}", number)

    threads = [threading.Thread(target=fill, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())) == 30


def test_when_a_project_was_opened_is_known_for_those_in_the_list_only(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    for number in range(MAX_RECENT + 2):
        settings.add_recent(tmp_path / f"p{number}")
    again = Settings(tmp_path / "settings.json")
    assert again.opened_at(str(tmp_path / f"p{MAX_RECENT}")) > 1_600_000_000
    assert again.opened_at(str(tmp_path / "p0")) == 0.0, "it has left the list"
    again.set("recent_at", ["damaged"])
    assert again.opened_at(str(tmp_path / "p3")) == 0.0
