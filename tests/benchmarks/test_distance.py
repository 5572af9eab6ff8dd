"""Distances by hand."""

from benchmarks import distance


def test_how_far_a_symbol_is_from_where_it_is_written():
    # a b c | c b a: c is next to c, b three on, a five.
    assert distance.distances(3, is_reversed=True) == [1, 3, 5]
    # a b c | a b c: each three on.
    assert distance.distances(3, is_reversed=False) == [3, 3, 3]
