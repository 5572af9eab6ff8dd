"""Brackets and their sums: figures worked out by hand, and real EVALB."""

import re

import pytest

from t2t_repro.errors import InputError
from t2t_repro.metrics.bracketing import (
    BracketCounts,
    Status,
    evaluate,
    read_bracketing,
    score_sentence,
)

_GOLD = (
    "(TOP (S (NP (DT The) (NN owl)) (, ,) (VP (VBZ sees) (NP (NN rain)))"
    " (. .)))"
)


def _score(gold, test):
    return score_sentence(read_bracketing(gold), read_bracketing(test))


def _counts(gold, test):
    brackets = _score(gold, test).brackets
    return brackets.matched, brackets.gold, brackets.test


def test_equal_trees():
    score = _score(_GOLD, _GOLD)
    assert score.status == Status.SCORED
    # S, NP, VP, NP: neither TOP nor the tags.
    assert score.brackets == BracketCounts(4, 4, 4)
    assert score.brackets.complete
    # Six words with punctuation, four without.
    assert (score.length, score.words, score.correct_tags) == (6, 4, 4)
    assert score.crossing == 0
    assert score.reason is None


def test_ratios_by_hand():
    test = (
        "(TOP (S (NP (DT The) (NN owl) (, ,)) (VP (NN sees) (NN rain)) (. .)))"
    )
    score = _score(_GOLD, test)
    # The comma is deleted first, so where it hangs makes no difference.
    assert score.brackets == BracketCounts(3, 4, 3)
    assert score.brackets.recall == 75
    assert score.brackets.precision == 100
    assert score.brackets.f1 == pytest.approx(600 / 7)
    assert score.tagging_accuracy == 75


@pytest.mark.parametrize(
    ("gold", "test", "counts"),
    [
        # Equal brackets match one to one, not one to many.
        ("(NP (NP (NN a)))", "(NP (NN a))", (1, 2, 1)),
        ("(NP (NN a))", "(NP (NP (NP (NN a))))", (1, 1, 3)),
        ("(NP (NP (NN a)))", "(NP (VP (NP (NN a))))", (2, 2, 3)),
        # ADVP and PRT are one label, in unary chains too.
        ("(PRT (RP a))", "(ADVP (RP a))", (1, 1, 1)),
        ("(PRT (ADVP (RP a)))", "(ADVP (ADVP (RP a)))", (2, 2, 2)),
        # A label ends at its first - or =.
        ("(NP-SBJ=1 (NN a))", "(NP=2 (NN a))", (1, 1, 1)),
        ("(NP|X (NN a))", "(NP (NN a))", (0, 1, 1)),
        # So -NONE- over words is a label without a name, and TOP-1 is TOP.
        ("(-NONE- (NN a))", "(-X (NN a))", (1, 1, 1)),
        ("(TOP-1 (NP (NN a)))", "(NP (NN a))", (1, 1, 1)),
        # Constituents emptied by deletion are deleted, as are empty ones.
        ("(S (NN a) (NP (-NONE- *)))", "(S (NN a) (PRN (: -)))", (1, 1, 1)),
        ("(S (NN a) (NP))", "(S (NN a))", (1, 1, 1)),
        # A bracket without a label counts, unlike TOP.
        ("( (S (NN a)))", "(TOP (S (NN a)))", (1, 2, 1)),
        # Several trees on a line are one sentence.
        ("(NP (NN a)) (VP (VB b))", "(NP (NN a)) (VP (VB b))", (2, 2, 2)),
    ],
)
def test_which_brackets_match(gold, test, counts):
    assert _score(gold, test).status == Status.SCORED
    assert _counts(gold, test) == counts


def test_tags_are_compared_whole_but_for_advp_and_prt():
    score = _score(
        "(S (NN a) (NN-X b) (PRT c) (NN d))",
        "(S (NN a) (NN b) (ADVP c) (VB d))",
    )
    assert score.correct_tags == 2
    assert score.tagging_accuracy == 50


def test_empty_word_is_a_word():
    # EVALB takes `(NP )` for a tag over an empty word, `(NP)` for no word.
    assert read_bracketing("(S (NP ) (VB a))").words == ("", "a")
    assert read_bracketing("(S (NP) (VB a))").words == ("a",)


def test_length_counts_deleted_punctuation_but_no_traces():
    read = read_bracketing("(S (, ,) (-NONE- *) (: --) (NN a) (.-1 .))")
    assert read.length == 4
    # The tag .-1 is not in the list, and tags are not trimmed.
    assert read.words == ("a", ".")


def test_only_ascii_spaces_separate():
    assert read_bracketing("(NN\ta\u00a0b)\r").words == ("a\u00a0b",)


def test_crossing_counts_test_brackets():
    gold = "(S (A (X a) (X b)) (B (X c) (X d)))"
    # (b c) crosses both A and B, and counts once; (a b c) crosses B.
    assert _score(gold, "(S (X a) (C (X b) (X c)) (X d))").crossing == 1
    test = "(S (D (X a) (C (X b) (X c))) (X d))"
    assert _score(gold, test).crossing == 2
    # Doubling a crossing test bracket doubles the count.
    test = "(S (X a) (C (C (X b) (X c))) (X d))"
    assert _score(gold, test).crossing == 2
    # What merely nests or touches does not cross.
    assert _score(gold, "(S (A (X a)) (B (X b) (X c) (X d)))").crossing == 1
    assert _score(gold, "(S (A (X a)) (X b) (X c) (B (X d)))").crossing == 0


@pytest.mark.parametrize(
    ("test", "status", "says"),
    [
        ("", Status.SKIPPED, "no words"),
        ("(TOP)", Status.SKIPPED, "no words"),
        ("(TOP (S (, ,) (. .)))", Status.SKIPPED, "no words"),
        ("(((", Status.SKIPPED, "never closed"),
        ("(S (DT The) (NN owl))", Status.ERROR, "4 words, the test tree 2"),
        (_GOLD.replace("owl", "Owl"), Status.ERROR, "'owl' is 'Owl'"),
        # A comma with another tag is a word too many.
        (_GOLD.replace("(, ,)", "(NN ,)"), Status.ERROR, "the test tree 5"),
        ("(S (NN owl rain))", Status.SKIPPED, "column 8: expected a bracket"),
        ("(S (NN owl) rain)", Status.ERROR, "column 13: expected a bracket"),
    ],
)
def test_failures_keep_their_gold_brackets(test, status, says):
    score = _score(_GOLD, test)
    assert score.status == status
    assert says in score.reason
    assert score.brackets == BracketCounts(0, 4, 0)
    assert (score.length, score.words) == (6, 0)


def test_unbalanced_test_tree_is_an_error_with_figures():
    # Figures as printed by EVALB itself.
    gold = "(TOP (S (NP (NN a)) (VP (VB b))))"
    score = _score(gold, gold[:-1])
    assert score.status == Status.ERROR
    assert score.reason == "column 1: this bracket is never closed"
    assert score.brackets == BracketCounts(3, 3, 3)
    score = _score(gold, "(TOP (S (NP (NN a))))) (VP (VB b))")
    assert score.status == Status.ERROR
    assert score.reason == "column 22: this bracket closes nothing"
    assert score.brackets == BracketCounts(2, 3, 3)
    score = _score(gold, "(TOP (S (NP (NN a)) (VP (VB b)")
    assert score.brackets == BracketCounts(1, 3, 3)


def test_more_brackets_than_evalb_can_hold():
    deep = f"{'(NP ' * 400}(NN a){')' * 400}"
    assert _counts(deep, deep) == (400, 400, 400)


# The real EVALB.


def _printed_rows(text):
    pattern = re.compile(r" *\d+ +\d+ +[012] +\d+\.\d\d .*")
    return [line for line in text.splitlines() if pattern.fullmatch(line)]


def test_every_sentence_agrees_with_evalb(shared):
    folder = shared("oracle/evalb")
    report = evaluate(
        (folder / "gold.trees").read_text().split("\n")[:-1],
        (folder / "test.trees").read_text().split("\n")[:-1],
    )
    rows = _printed_rows((folder / "evalb_output.txt").read_text())
    assert len(rows) == len(report.sentences) == 120
    for row, score in zip(rows, report.sentences, strict=True):
        compared = score.status == Status.SCORED
        brackets = score.brackets if compared else BracketCounts(0, 0, 0)
        assert row.split()[1:] == [
            str(score.length),
            str(int(score.status)),
            f"{brackets.recall:.2f}",
            f"{brackets.precision:.2f}",
            str(brackets.matched),
            str(brackets.gold),
            str(brackets.test),
            str(score.crossing),
            str(score.words),
            str(score.correct_tags),
            f"{score.tagging_accuracy:.2f}",
        ]


def test_summaries_by_hand():
    flat = "(S (DT The) (NN owl) (, ,) (NN sees) (NN rain) (. .))"
    report = evaluate([_GOLD] * 4, [_GOLD, flat, "", "(S (NN a))"])
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
