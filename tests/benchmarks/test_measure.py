"""What the benchmarks share."""

import json
import time

import pytest

from benchmarks import measure
from t2t_repro.errors import UsageError


def test_systems_take_turns():
    done = []

    def system(name, seconds):
        def run():
            done.append(name)
            return seconds.pop(0)

        return run

    seconds = measure.in_turn(
        {"a": system("a", [3.0, 1.0]), "b": system("b", [5.0, 7.0])}, 2
    )
    assert done == ["a", "b", "a", "b"]
    assert seconds == {"a": [3.0, 1.0], "b": [5.0, 7.0]}


def test_best_and_median():
    # Sorted: 1, 2, 4, 8; the median lies between 2 and 4.
    times = measure.Times.of([4.0, 1.0, 8.0, 2.0])
    assert (times.best, times.median) == (1.0, 3.0)


def test_the_clock_runs_during_the_work():
    assert measure.clocked(lambda: time.sleep(0.02))() >= 0.02


def test_gigaflops():
    # 3e9 operations in 2 seconds.
    assert measure.gigaflops(3e9, 2.0) == 1.5


def test_choices_are_checked_and_not_repeated():
    assert measure.choices("xla", ["b", "a", "b"], ["a", "b"]) == ["b", "a"]
    for given in ([], ["c"]):
        with pytest.raises(UsageError, match="--xla=.*expected.*a, b"):
            measure.choices("xla", given, ["a", "b"])


def test_a_missing_library_is_a_sentence():
    with pytest.raises(UsageError, match="needs no_such_library"):
        measure.load("no_such_library")


def test_memory_is_counted_in_bytes():
    # Any Python process holds more than 4 MB and less than 1 TB.
    assert 4e6 < measure.peak_memory_bytes() < 1e12


def test_the_last_line_is_json(capsys):
    status = measure.main(
        "nothing",
        "Does nothing.",
        lambda values: None,
        lambda values: {"rows": [{"x": 1}]},
        [],
    )
    assert status == 0
    *table, last = capsys.readouterr().out.splitlines()
    assert table == ["| x |", "| --- |", "| 1 |"]
    record = json.loads(last)
    assert record["benchmark"] == "nothing"
    assert record["rows"] == [{"x": 1}]
    assert record["machine"]["cores"] >= 1


def test_a_wrong_flag_is_exit_2(capsys):
    status = measure.main(
        "nothing", "", lambda values: None, lambda values: {}, ["--rownds=1"]
    )
    assert status == 2
    assert "benchmarks.nothing" in capsys.readouterr().err
