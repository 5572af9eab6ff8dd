"""Leaks of a random split, counted by hand."""

import pytest

from benchmarks import leaks
from tests.benchmarks import run_benchmark


def test_shares_and_the_look_up():
    # Whoever is drawn for test has its English sentence in training twice.
    pairs = [("Look at me now, please.", "Sieh mich jetzt bitte an.")] * 20
    found = leaks.leaks(pairs, seed=1)
    assert (found["pairs"], found["test pairs"]) == (20, 3)
    assert found["English in training"] == 1.0
    assert found["either side in training"] == 1.0
    assert found["BLEU of a look-up"] == pytest.approx(100.0)


def test_a_side_is_told_by_its_words():
    # Every sentence is another one but for case and punctuation.
    pairs = [("A b c d" + "!" * n, f"w{n} x{n} y{n} z{n}") for n in range(20)]
    found = leaks.leaks(pairs, seed=1)
    assert found["English in training"] == 1.0
    # The translations have no word in common.
    assert found["BLEU of a look-up"] < 5.0


def test_nothing_leaks_where_all_differ():
    pairs = [(f"a{n}", f"b{n}") for n in range(20)]
    found = leaks.leaks(pairs, seed=1)
    assert found["English in training"] == 0.0
    assert found["either side in training"] == 0.0
    assert found["BLEU of a look-up"] is None


def test_it_reads_the_archives(capsys, shared):
    record = run_benchmark.record_of(
        capsys,
        leaks,
        f"--tmp_dir={shared('data/tatoeba')}",
        "--problems=translate_ende_tatoeba",
    )
    (row,) = record["rows"]
    assert row["pairs"] == 169_813
    assert 0.2 < row["English in training"] < row["either side in training"]


def test_flags_are_required(capsys):
    assert leaks.main([]) == 2
    assert "--tmp_dir is required" in capsys.readouterr().err
    assert leaks.main(["--tmp_dir=/", "--problems=translate_toy"]) == 2
    assert "--problems=translate_toy" in capsys.readouterr().err
