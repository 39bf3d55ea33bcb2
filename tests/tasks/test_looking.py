"""Looking at images: what is remembered, and how it is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from rcnn_studio.domain.errors import Cancelled
from rcnn_studio.formats import images
from rcnn_studio.tasks.looking import look_at
from tests.tasks import checkable


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """More images than are looked at before the first question whether to stop."""
    paths = [tmp_path / f"{number:02}.png" for number in range(70)]
    for number, path in enumerate(paths):
        checkable.picture(number).resize((40, 30)).save(path)
    return paths


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that were decoded."""
    names: list[str] = []
    decode = images.decode

    def counting(path: Path, *, max_side: int | None = None):
        names.append(path.name)
        return decode(path, max_side=max_side)

    monkeypatch.setattr(images, "decode", counting)
    return names


def test_looking_stops_when_asked_and_remembers_what_it_saw(pictures: list[Path], decoded: list[str]):
    with pytest.raises(Cancelled):
        look_at(pictures, should_stop=lambda: len(decoded) > 0)
    seen = list(decoded)
    assert 0 < len(seen) < len(pictures)
    decoded.clear()
    looks = look_at(pictures)
    assert sorted([*seen, *decoded]) == [path.name for path in pictures]
    assert all(look.signature is not None and look.size == look.stored == (40, 30) for look in looks)


def test_an_image_that_cannot_be_decoded_is_tried_again(tmp_path: Path, decoded: list[str]):
    bad = tmp_path / "a.png"
    checkable.picture(1).save(bad)
    bad.write_bytes(bad.read_bytes()[: bad.stat().st_size // 2])
    for _ in range(2):
        (look,) = look_at([bad])
        assert look.error is not None
        assert look.size == (checkable.WIDTH, checkable.HEIGHT)
    assert decoded == ["a.png", "a.png"]


def test_a_folder_that_cannot_hold_a_cache_is_done_without(pictures: list[Path], own_home: Path):
    (own_home / "cache").write_text("in the way")
    assert all(look.signature is not None for look in look_at(pictures[:3]))
