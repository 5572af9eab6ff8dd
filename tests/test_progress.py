"""A bar on a terminal; elsewhere lines, and none for what takes no time."""

import io
import sys

import pytest

from t2t_repro import progress
from t2t_repro.progress import Progress, TrainingProgress, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(
        progress.logger, "info", lambda text, *of: lines.append(text % of)
    )
    return lines


def test_lines_with_the_time_left(clock, said):
    with Progress("translating", "lines", 100) as done:
        clock.now += 20
        done.update(10)
        assert not said  # 30 seconds have not passed
        clock.now += 20
        done.update(10)
        clock.now += 10
        done.update(5)
    assert said == [
        # 20 in 40 s: the other 80 take 160 s.
        "translating: 20 of 100 lines (20 %), 0.5 lines/s, 02:40 left",
        "translating: 25 lines in 50.0 s, 0.5 lines/s",
    ]


def test_without_a_total_there_is_none_left(clock, said):
    with Progress("reading", "pairs") as done:
        assert list(done.track("ab")) == ["a", "b"]
        clock.now += 40
        done.update(2)
    assert said[0] == "reading: 4 pairs, 0.1 pairs/s"


def test_what_takes_no_time_says_nothing(clock, said):
    with Progress("reading", "pairs", 1) as done:
        done.update()
    with pytest.raises(ValueError), Progress("reading", "pairs"):
        clock.now += 40
        raise ValueError
    assert not said


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("with_bar", [True, False])
def test_a_bar_on_a_terminal(monkeypatch, with_bar):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("translating", "lines", 4, with_bar=with_bar) as done:
        done.update(2)
        done._bar.refresh()
    assert ("2/4" in terminal.getvalue()) == with_bar


def _steps(progress, clock, numbers, seconds):
    for number in numbers:
        clock.now += seconds
        progress.step(number)


def _pause(progress, clock, seconds):
    clock.now += seconds
    progress.pause(seconds)


def test_time_left_is_of_the_middle_step(clock):
    progress = TrainingProgress(0, 1000)
    _steps(progress, clock, range(1, 11), 60.0)  # traced
    assert progress.left() == ""  # ten tell nothing
    _steps(progress, clock, range(11, 41), 2.0)
    # 960 steps of 2 seconds; the mean of all 40 were 16.5.
    assert progress.left() == "32 min left"


def test_evaluations_are_time_left_but_no_step_time(clock):
    progress = TrainingProgress(0, 1000, pause_every=250)
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
    progress = TrainingProgress(0, 105, pause_every=50)
    _steps(progress, clock, range(1, 31), 1.0)
    assert progress.left() == "75 s + 3 evaluations left"


def test_the_lines_of_a_training(clock, said):
    progress = TrainingProgress(0, 16000)
    _steps(progress, clock, [1], 5.0)
    _steps(progress, clock, range(2, 21), 1.0)
    _steps(progress, clock, range(21, 31), 1.5)  # 15 + 19 seconds since
    progress.report(5.31, "0.5 s/step")
    assert said == [
        "step 1 of 16000 (0.0%)",
        "step 28 of 16000 (0.2%), 4 h 26 min left",
        "step 30 of 16000 (0.2%), loss 5.3100, 0.5 s/step, 4 h 26 min left",
    ]


def test_a_line_of_a_step_alone(said):
    TrainingProgress(30, 30).log("dev nll 1.5", "BLEU 30.00")
    assert said == ["step 30, dev nll 1.5, BLEU 30.00"]


def test_the_bar_of_a_training(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = TrainingProgress(10, 40)
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
