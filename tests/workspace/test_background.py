"""The small pool behind pictures: the newest wish first, the oldest forgotten, nothing left at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rcnn_studio.workspace.background import NewestFirst


class Held:
    """A pool of one thread that is busy until `release`, so that what is put meanwhile waits."""

    def __init__(self, *, limit: int = 200) -> None:
        self.done: list[object] = []
        self.go, busy = threading.Event(), threading.Event()
        self.pool = NewestFirst(name="decode", threads=1, limit=limit)

        def hold() -> None:
            busy.set()
            self.go.wait(20)

        self.pool.put("hold", hold)
        assert busy.wait(10)

    def put(self, key: str, *, urgent: bool = True) -> None:
        self.pool.put(key, lambda: self.done.append(key), urgent=urgent)

    def release(self) -> None:
        """Lets the pool work and waits until it is through."""
        through = threading.Event()
        self.pool.put("through", through.set, urgent=False)
        self.go.set()
        assert through.wait(10)

    def close(self) -> None:
        self.go.set()
        self.pool.close()


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.close()


def test_the_newest_wish_is_served_first(held: Held) -> None:
    for key in "abc":
        held.put(key)
    held.release()
    assert held.done == ["c", "b", "a"]


def test_a_wish_repeated_moves_to_the_front_and_is_served_once(held: Held) -> None:
    for key in "abca":
        held.put(key)
    held.release()
    assert held.done == ["a", "c", "b"]


def test_what_is_not_urgent_waits_for_all_that_is(held: Held) -> None:
    held.put("later", urgent=False)
    held.put("now")
    held.put("now", urgent=False)
    held.put("last", urgent=False)
    held.release()
    assert held.done == ["now", "later", "last"]


def test_the_oldest_wishes_are_forgotten_when_there_are_too_many(qtbot) -> None:
    held = Held(limit=3)
    for key in "abcde":
        held.put(key)
    held.go.set()
    qtbot.waitUntil(lambda: len(held.done) == 3, timeout=10_000)
    held.close()
    assert held.done == ["e", "d", "c"]


@pytest.mark.parametrize("expected_warnings", [["background work failed"]])
def test_a_failure_is_logged_and_the_next_one_runs(held: Held, caplog, expected_warnings) -> None:
    held.put("after")
    held.pool.put("bad", lambda: [][0])
    held.release()
    assert held.done == ["after"]
    assert [r.exc_info[0] for r in caplog.records if r.exc_info] == [IndexError]


def test_closing_forgets_what_waits_ends_the_threads_and_takes_nothing_more(qtbot) -> None:
    before = set(threading.enumerate())
    held = Held()
    held.put("waits")
    closer = threading.Thread(target=held.pool.close)
    closer.start()
    qtbot.waitUntil(lambda: held.pool._closed, timeout=10_000)
    held.put("too late")
    held.go.set()
    closer.join(10)
    assert set(threading.enumerate()) <= before
    assert held.done == []
