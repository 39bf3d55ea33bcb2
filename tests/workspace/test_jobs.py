"""Long work on its own thread: how it ends, what it says meanwhile, and that it can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject

from rcnn_studio.domain.errors import FormatError
from rcnn_studio.domain.progress import Progress, Report, ShouldStop, check
from rcnn_studio.domain.runs import Warned
from rcnn_studio.workspace.job import Job, JobBoard
from tests.workspace.hearing import Heard

Run = Callable[[Callable[[Report, ShouldStop], Any]], Heard]


def listen(job: Job) -> Heard:
    return Heard(
        event=job.event_received, progress=job.progress_changed, finished=job.job_finished, failed=job.job_failed,
        cancelled=job.job_cancelled,
    )  # fmt: skip


@pytest.fixture
def run(qtbot) -> Iterator[Run]:
    """Runs work as a job named "Counting" to its end. -> everything it said"""
    parent = QObject()

    def start(work: Callable[[Report, ShouldStop], Any]) -> Heard:
        job = Job(work, name="Counting", parent=parent)
        heard = listen(job)
        with qtbot.waitSignal(job.finished, timeout=10_000):
            job.start()
        qtbot.waitUntil(lambda: not {"finished", "failed", "cancelled"}.isdisjoint(heard.names), timeout=10_000)
        return heard

    yield start
    for job in parent.findChildren(Job):
        job.wait()


@pytest.fixture
def board(qapp) -> Iterator[JobBoard]:
    made = JobBoard()
    yield made
    assert made.stop_all(timeout_ms=10_000)


def until_stopped(started: threading.Event) -> Callable[[Report, ShouldStop], None]:
    def work(_report: Report, should_stop: ShouldStop) -> None:
        started.set()
        while True:
            check(should_stop)
            threading.Event().wait(0.005)

    return work


def test_the_result_comes_to_the_main_thread(run: Run) -> None:
    threads: list[threading.Thread] = []

    def work(_report: Report, _should_stop: ShouldStop) -> dict[str, int]:
        threads.append(threading.current_thread())
        return {"images": 3}

    heard = run(work)
    assert heard.all == [("finished", {"images": 3})]
    assert heard.off_thread == []
    assert threads[0] is not threading.main_thread()


def test_an_expected_error_is_passed_on_as_it_is(run: Run) -> None:
    error = FormatError("a.xml", "object[3]", "has no name. Give it one.")

    def work(_report: Report, _should_stop: ShouldStop) -> None:
        raise error

    assert run(work).all == [("failed", error)]


@pytest.mark.parametrize("expected_warnings", [["^Counting failed$"]])
def test_an_unexpected_error_becomes_a_sentence_and_one_log_entry(run: Run, caplog, expected_warnings) -> None:
    def work(_report: Report, _should_stop: ShouldStop) -> None:
        raise ZeroDivisionError("no boxes")

    heard = run(work)
    assert heard.names == ["failed"]
    text = str(heard.of("failed")[0])
    assert text == "Counting failed: ZeroDivisionError: no boxes. Details are in the log."
    errors = [record for record in caplog.records if record.name.startswith("rcnn_studio")]
    assert [record.levelname for record in errors] == ["ERROR"]
    assert errors[0].exc_info is not None, "the traceback is in the log"


def test_stopping_ends_the_work_as_cancelled(qtbot, board: JobBoard) -> None:
    started = threading.Event()
    job = board.prepare("Waiting", until_stopped(started))
    heard = listen(job)
    board.start(job)
    assert started.wait(10)
    assert not job.stopping
    with qtbot.waitSignal(job.job_cancelled, timeout=10_000):
        job.stop()
        assert job.stopping
    assert heard.names == ["cancelled"]


def test_events_come_in_order_before_the_end_and_on_the_main_thread(run: Run) -> None:
    def work(report: Report, _should_stop: ShouldStop) -> str:
        for number in range(200):
            report(Warned(message=str(number)))
        return "done"

    heard = run(work)
    assert [event.message for event in heard.of("event")] == [str(number) for number in range(200)]
    assert heard.all[-1] == ("finished", "done")
    assert heard.off_thread == []


def test_progress_is_thinned_out_but_the_last_one_comes(run: Run) -> None:
    def work(report: Report, _should_stop: ShouldStop) -> None:
        for number in range(1, 5001):
            report(Progress("Reading", number, 5000))

    shown = run(work).of("progress")
    assert shown[0].done == 1
    assert shown[-1] == Progress("Reading", 5000, 5000)
    assert len(shown) < 100


def test_the_last_progress_comes_where_the_total_is_not_known(run: Run) -> None:
    def work(report: Report, _should_stop: ShouldStop) -> None:
        for number in range(1, 501):
            report(Progress("Reading", number))

    heard = run(work)
    assert heard.of("progress")[-1] == Progress("Reading", 500)
    assert heard.names[-1] == "finished"


def test_a_new_kind_of_work_is_named_at_once(run: Run) -> None:
    def work(report: Report, _should_stop: ShouldStop) -> None:
        for text in ("Reading the labels", "Loading PyTorch", "Finding objects"):
            report(Progress(text))

    assert [p.text for p in run(work).of("progress")] == ["Reading the labels", "Loading PyTorch", "Finding objects"]


def test_a_job_is_on_the_board_from_its_preparation_to_its_end(qtbot, board: JobBoard) -> None:
    job = board.prepare("Short", lambda _report, _stop: None)
    assert board.jobs == (job,)
    with qtbot.waitSignals([job.job_finished, board.changed], timeout=10_000):
        board.start(job)
    qtbot.waitUntil(lambda: board.jobs == (), timeout=10_000)


def test_the_board_says_whose_progress_has_changed(qtbot, board: JobBoard) -> None:
    job = board.prepare("Short", lambda report, _stop: report(Progress("Half", 1, 2)))
    heard = Heard(progressed=board.progressed)
    with qtbot.waitSignal(job.job_finished, timeout=10_000):
        board.start(job)
    assert heard.of("progressed") == [job]
    assert job.last_progress == Progress("Half", 1, 2)


def test_stopping_the_board_ends_every_job(qtbot, board: JobBoard) -> None:
    started = [threading.Event() for _ in range(3)]
    jobs = [board.prepare(f"Waiting {n}", until_stopped(event)) for n, event in enumerate(started)]
    for job in jobs:
        board.start(job)
    assert all(event.wait(10) for event in started)
    assert board.stop_all(timeout_ms=10_000)
    assert all(job.isFinished() for job in jobs)
    qtbot.waitUntil(lambda: board.jobs == (), timeout=10_000)


def test_a_job_that_does_not_end_in_time_is_told_and_the_others_are_waited_for(board: JobBoard) -> None:
    release, started = threading.Event(), threading.Event()
    stubborn = board.prepare("Stubborn", lambda _report, _stop: release.wait(20))
    willing = board.prepare("Willing", until_stopped(started))
    for job in (stubborn, willing):
        board.start(job)
    assert started.wait(10)
    assert not board.stop_all(timeout_ms=300)
    assert willing.isFinished()
    release.set()
    assert board.stop_all(timeout_ms=10_000)
