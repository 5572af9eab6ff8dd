"""Distances by hand."""

import numpy as np

from benchmarks import distance
from t2t_repro.data.records import Pairs, Sequences


def test_how_far_a_symbol_is_from_where_it_is_written():
    # a b c | c b a: c is next to c, b three on, a five.
    assert distance.distances(3, is_reversed=True) == [1, 3, 5]
    # a b c | a b c: each three on.
    assert distance.distances(3, is_reversed=False) == [3, 3, 3]


class _Forgetful:
    """Writes what is right, but symbols from the fourth on as 9."""

    def __call__(self, inputs, targets):
        ids = np.where(np.arange(targets.shape[1]) < 3, targets, 9)
        return np.where(targets == 1, 1, ids)

    def logits(self, ids):
        return np.eye(10)[ids]


def test_accuracy_by_distance():
    # 2 3 and 4 5 6 7 8, each with its end; all symbols are read at once.
    values = np.array([2, 3, 1, 4, 5, 6, 7, 8, 1], np.int32)
    forwards = Sequences(values, np.array([0, 3, 9]))
    backwards = Sequences(
        np.array([3, 2, 1, 8, 7, 6, 5, 4, 1], np.int32), forwards.starts
    )
    whole, right = distance.by_distance(
        _Forgetful(), Pairs(forwards, backwards), True, 4
    )
    assert whole == 0.5
    # Distances 1 and 3; then 5 (right) and 7; then 9.
    assert right == {0: 1.0, 1: 0.5, 2: 0.0}
