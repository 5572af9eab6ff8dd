"""Sums of brackets against figures worked out by hand, and real EVALB."""

import re

import pytest

from t2t_repro.errors import InputError
from t2t_repro.metrics.bracketing import BracketCounts
from t2t_repro.metrics.bracketing_report import evaluate

_GOLD = (
    "(TOP (S (NP (DT The) (NN owl)) (, ,) (VP (VBZ sees) (NP (NN rain)))"
    " (. .)))"
)


def test_summaries_by_hand():
    flat = "(S (DT The) (NN owl) (, ,) (NN sees) (NN rain) (. .))"
    report = evaluate(
        [_GOLD] * 4,
        [_GOLD, flat, "", "(S (NN a))"],
        repaired=[False, True, False, False],
    )
    summary = report.all
    assert (summary.sentences, summary.valid) == (4, 2)
    assert (summary.errors, summary.skipped, summary.failures) == (1, 1, 2)
    assert summary.brackets == BracketCounts(5, 8, 5)
    assert summary.brackets.recall == 62.5
    assert summary.complete_match == 50
    assert summary.tagging_accuracy == 87.5
    assert (summary.average_crossing, summary.no_crossing) == (0, 100)
    # Failures as zero recall: their eight brackets were to be found, too.
    strict = summary.brackets_with_failures
    assert strict == BracketCounts(5, 16, 5)
    assert strict.recall == 31.25
    assert strict.precision == 100
    assert strict.f1 == pytest.approx(1000 / 21)
    assert summary.complete_match_with_failures == 25
    assert summary.repaired == 1
    assert report.short == summary


def test_crossing_summary_by_hand():
    words = [f"(X {letter})" for letter in "abcdefgh"]
    one, *rest = words
    gold = f"(S (A {' '.join(words[:-1])}) {words[-1]})"

    def crossed(times):
        opened = "(C " * times
        return f"(S {one} {opened}{' '.join(rest)}{')' * times})"

    tests = [crossed(times) for times in (0, 1, 2, 3)]
    summary = evaluate([gold] * 4, tests).all
    assert summary.crossing == 6
    assert summary.average_crossing == 1.5
    assert summary.no_crossing == 25
    assert summary.at_most_two_crossing == 75


def test_short_sentences_are_those_of_at_most_forty_words():
    def tree(count):
        return f"(S {'(NN a) ' * (count - 1)}(. .))"

    lines = [tree(40), tree(41), ""]
    report = evaluate(lines, [lines[0], lines[1], ""])
    assert [score.length for score in report.sentences] == [40, 41, 0]
    assert report.all.sentences == 3
    assert (report.short.sentences, report.short.skipped) == (2, 1)
    assert report.short.words == 39
    assert report.short.repaired is None


def test_nothing_matched_gives_zero_not_nan():
    summary = evaluate(["(NN a)"], ["(NN a)"]).all
    assert summary.brackets == BracketCounts(0, 0, 0)
    assert summary.brackets.f1 == 0
    assert summary.complete_match == 100
    assert evaluate([], []).all.complete_match == 0


def test_unequal_numbers_of_lines():
    with pytest.raises(InputError, match="g has 2 lines and t has 1"):
        evaluate(["", ""], [""], gold_name="g", test_name="t")


def test_broken_gold_tree():
    with pytest.raises(InputError, match="^g, line 2, column 4: .*balanced"):
        evaluate([_GOLD, "(S (NP (NN a)"], [_GOLD] * 2, gold_name="g")


def test_both_summaries_agree_with_evalb(shared):
    folder = shared("oracle/evalb")
    report = evaluate(
        (folder / "gold.trees").read_text().split("\n")[:-1],
        (folder / "test.trees").read_text().split("\n")[:-1],
    )
    output = (folder / "evalb_output.txt").read_text()
    total, _, both = output.rpartition("=== Summary ===")
    everything, _, short = both.partition("-- len<=40 --")
    for text, summary in [(everything, report.all), (short, report.short)]:
        printed = re.findall(r"= +([\d.]+)$", text, re.MULTILINE)
        assert printed == [
            str(summary.sentences),
            str(summary.errors),
            str(summary.skipped),
            str(summary.valid),
            f"{summary.brackets.recall:.2f}",
            f"{summary.brackets.precision:.2f}",
            f"{summary.brackets.f1:.2f}",
            f"{summary.complete_match:.2f}",
            f"{summary.average_crossing:.2f}",
            f"{summary.no_crossing:.2f}",
            f"{summary.at_most_two_crossing:.2f}",
            f"{summary.tagging_accuracy:.2f}",
        ]
    assert total.splitlines()[-1].split()[2:8] == [
        str(report.all.brackets.matched),
        str(report.all.brackets.gold),
        str(report.all.brackets.test),
        str(report.all.crossing),
        str(report.all.words),
        str(report.all.correct_tags),
    ]
