"""How far a training is, by a clock that the test sets."""

import logging
import sys
import time

import pytest

from t2t_repro.train.progress import Progress
from t2t_repro.train.progress import duration


class _Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def lines(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("t2t_repro"), "propagate", True)
    caplog.set_level(logging.INFO, logger="t2t_repro")
    return caplog


def _steps(progress, clock, numbers, seconds):
    for number in numbers:
        clock.now += seconds
        progress.step(number)


def _pause(progress, clock, seconds):
    clock.now += seconds
    progress.pause(seconds)


def test_time_left_is_of_the_middle_step(clock):
    progress = Progress(0, 1000)
    _steps(progress, clock, range(1, 11), 60.0)  # traced
    assert progress.left() == ""  # ten tell nothing
    _steps(progress, clock, range(11, 41), 2.0)
    # 960 steps of 2 seconds; the mean of all 40 were 16.5.
    assert progress.left() == "32 min left"


def test_evaluations_are_time_left_but_no_step_time(clock):
    progress = Progress(0, 1000, pause_every=250)
    _steps(progress, clock, range(1, 101), 1.0)
    assert progress.left() == "15 min + 4 evaluations left"
    _steps(progress, clock, range(101, 251), 1.0)
    assert progress.left().endswith("+ 4 evaluations left")  # one is due now
    _pause(progress, clock, 500.0)  # traced
    _steps(progress, clock, range(251, 501), 1.0)
    # 500 seconds and 3 evaluations, of which the first says nothing.
    assert progress.left() == "8 min + 3 evaluations left"
    _pause(progress, clock, 100.0)
    _steps(progress, clock, range(501, 502), 1.0)
    # 499 steps of 1 second, 2 evaluations of 100: 699 seconds.
    assert progress.left() == "12 min left"
    _steps(progress, clock, range(502, 751), 1.0)
    before = progress.left()  # 250 + 2 x 100 = 450 seconds
    _pause(progress, clock, 100.0)
    _steps(progress, clock, range(751, 752), 1.0)
    # 249 + 100: less by what the evaluation took, and no jump.
    assert (before, progress.left()) == ("8 min left", "6 min left")


def test_a_last_step_that_is_no_multiple_is_evaluated(clock):
    progress = Progress(0, 105, pause_every=50)
    _steps(progress, clock, range(1, 31), 1.0)
    assert progress.left() == "75 s + 3 evaluations left"


def test_lines(clock, lines):
    progress = Progress(0, 16000)
    _steps(progress, clock, [1], 5.0)
    _steps(progress, clock, range(2, 21), 1.0)
    _steps(progress, clock, range(21, 31), 1.5)  # 15 + 19 seconds since
    progress.report(5.31, "0.5 s/step")
    assert lines.messages == [
        "step 1 of 16000 (0.0%)",
        "step 28 of 16000 (0.2%), 4 h 26 min left",
        "step 30 of 16000 (0.2%), loss 5.3100, 0.5 s/step, 4 h 26 min left",
    ]


def test_a_line_of_a_step_alone(lines):
    Progress(30, 30).say("dev nll 1.5", "BLEU 30.00")
    assert lines.messages == ["step 30, dev nll 1.5, BLEU 30.00"]


def test_a_bar_on_a_terminal(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress(10, 40)
    _steps(progress, clock, range(11, 31), 1.0)
    progress.report(2.5)
    _steps(progress, clock, range(31, 41), 1.0)
    progress.close()
    bar = capsys.readouterr().err
    assert "step 10 of 40" in bar  # at once
    assert "step 40 of 40, loss 2.5000, 0 s left" in bar


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (89.0, "89 s"),
        (90.1, "2 min"),
        (840.0, "14 min"),
        (5400.0, "1 h 30 min"),
        (172_799.0, "2 d 0 h"),
        (190_800.0, "2 d 5 h"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
