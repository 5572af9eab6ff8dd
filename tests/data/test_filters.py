"""What the filters drop, by hand, and how each is counted."""

import dataclasses

import pytest

from t2t_repro.data import filters
from t2t_repro.data.filters import Counts, Filters


def _kept(rules, pairs):
    counts = Counts()
    kept = list(filters.PairFilter(rules).kept(pairs, counts))
    assert counts.pairs_read == len(pairs)
    assert counts.pairs_kept == len(kept)
    return kept, {
        name: count
        for name, count in dataclasses.asdict(counts).items()
        if count and name.endswith("_dropped")
    }


def test_by_default_only_empty_sides_go():
    pairs = [("a", "b"), ("a", ""), ("\t ", "b"), ("a", "b"), ("", "")]
    kept, dropped = _kept(Filters(), pairs)
    assert kept == [("a", "b"), ("a", "b")]
    assert dropped == {"empty_dropped": 3}


def test_evaluation_keeps_everything():
    pairs = [("a", "b"), ("a", ""), ("", ""), ("a", "b")]
    assert _kept(None, pairs) == (pairs, {})


def test_length():
    # Punctuation counts, apostrophes and hyphens too: l ' eau , - 3 . = 7.
    seven = "l'eau, -3."
    eight = seven + "."
    pairs = [("a", seven), (eight, "a"), ("a", eight)]
    kept, dropped = _kept(Filters(max_tokens=7), pairs)
    assert kept == [("a", seven)]
    assert dropped == {"too_long_dropped": 2}


def test_ratio():
    # 3 : 2 is 1.5 and stays; 4 : 2 and 2 : 1 go, whichever side is longer.
    pairs = [
        ("a b c", "d e"),
        ("a b", "c d e"),
        ("a b c d", "e f"),
        ("a", "b c"),
    ]
    kept, dropped = _kept(Filters(max_ratio=1.5), pairs)
    assert kept == pairs[:2]
    assert dropped == {"ratio_dropped": 2}


def test_a_pair_is_counted_once_under_the_first_rule():
    rules = Filters(max_tokens=3, max_ratio=1.5, drop_duplicates=True)
    pairs = [("", ""), ("a b c d", "e"), ("a b c", "d"), ("a", "b"), ("a", "b")]
    kept, dropped = _kept(rules, pairs)
    assert kept == [("a", "b")]
    assert dropped == {
        "empty_dropped": 1,
        "too_long_dropped": 1,
        "ratio_dropped": 1,
        "duplicates_dropped": 1,
    }


@pytest.mark.parametrize("latest", [1, 3, 2**20])
def test_duplicates_wherever_their_digest_lies(monkeypatch, latest):
    monkeypatch.setattr(filters, "_LATEST", latest)
    new = [(f"a {i}", "b") for i in range(10)]
    # Where source ends and target begins is part of the pair.
    new += [("a b", "c"), ("a", "b c")]
    kept, dropped = _kept(Filters(drop_duplicates=True), new + new[::-1])
    assert kept == new
    assert dropped == {"duplicates_dropped": 12}


def test_duplicates_of_another_corpus():
    one = filters.PairFilter(Filters(drop_duplicates=True))
    first, second = Counts(), Counts()
    assert list(one.kept([("a", "b")], first)) == [("a", "b")]
    assert list(one.kept([("a", "b"), ("c", "d")], second)) == [("c", "d")]
    assert (first.duplicates_dropped, second.duplicates_dropped) == (0, 1)
