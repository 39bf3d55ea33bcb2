"""What is shown while a command works, and how it is stopped."""

from __future__ import annotations

import os
import signal

import pytest

from rcnn_studio.commands.terminal import StopSignal, Terminal, clock, number, scores_text
from rcnn_studio.domain.progress import Progress
from rcnn_studio.domain.runs import EpochEvaluated, RunStarted, Scores, StepDone, Warned

NOTHING = dict.fromkeys(("AP", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), -1.0)


def step(number: int) -> StepDone:
    return StepDone(
        step=number, epoch=1, loss=0.5, losses=(0.1, 0.1, 0.1, 0.2), lr=1e-3, images_per_s=7.0, data_wait=0.0,
        elapsed_s=1.0, left_s=61.0,
    )  # fmt: skip


def test_without_a_terminal_a_training_says_a_line_an_epoch_and_other_work_nothing(capsys):
    terminal = Terminal()
    with terminal.live():
        for done in range(100):
            terminal.report(Progress("Reading", done, 100))
        terminal.report(
            RunStarted(run_id="r", device="CPU", train_images=8, val_images=2, epochs=3, steps_per_epoch=2, boxes=20)
        )
        terminal.report(step(1))
        terminal.report(step(2))
        terminal.report(EpochEvaluated(epoch=1, step=2, scores=Scores(**NOTHING, AP50=0.25), best=True, elapsed_s=1.0))
        terminal.report(Warned(message="a.jpg is gone"))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "r: 8 images, 20 boxes, on CPU",
        "epoch 1/3  loss 0.500  AP50 0.250  7.0 images/s  1:01 left",
        "warning: a.jpg is gone",
    ]


def test_the_first_ctrl_c_asks_and_the_second_one_ends():
    stop = StopSignal()
    before = signal.getsignal(signal.SIGINT)
    with stop.listening():
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (192.4, "3:12"), (4000, "1:06:40"), (-3, "0:00")]
)
def test_times_are_written_as_on_a_clock(seconds, text):
    assert clock(seconds) == text


def test_what_nothing_was_scored_on_is_a_dash():
    assert number(-1.0) == "-"
    assert "AP50   0.250" in scores_text(Scores(**NOTHING, AP50=0.25))
