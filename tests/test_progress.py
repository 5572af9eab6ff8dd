"""A bar on a terminal; elsewhere lines, and none for what takes no time."""

import io
import sys

import pytest

from t2t_repro import progress
from t2t_repro.progress import Progress


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
