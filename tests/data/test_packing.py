"""Rows of several pairs: which ones, in what order, and all of them."""

import numpy as np
import pytest

from t2t_repro.data import packing, records
from t2t_repro.data.records import Pairs, Sequences
from t2t_repro.errors import InputError


def _planned(lengths, limit, rng=None):
    """The rows, as lists of pairs."""
    order, sizes = packing.plan_rows(np.array(lengths), np.array(limit), rng)
    return [row.tolist() for row in np.split(order, np.cumsum(sizes)[:-1])]


def test_the_largest_begins_and_the_emptier_side_is_filled():
    lengths = [(2, 2), (5, 4), (2, 4), (3, 4)]
    # In a row of 8 and 8 the pair 5, 4 leaves 3 and 4: 2, 2 would leave a side
    # of 2, 2, 4 one of 1, and 3, 4 none.
    assert _planned(lengths, [8, 8]) == [[1, 3], [2, 0]]


def test_sides_are_measured_by_the_row():
    # 4 of 16 is as much as 2 of 8: 4, 6 is larger than 10, 2 and comes first.
    # It leaves 12 and 2: 10, 2 then leaves an eighth of the sources, while
    # 3, 2 and 2, 1 would leave more.
    lengths = [(3, 2), (10, 2), (4, 6), (2, 1)]
    assert _planned(lengths, [16, 8]) == [
        [
            2,
            1,
        ],
        [0, 3],
    ]


def test_a_row_is_repeated_while_there_are_pairs_for_it():
    lengths = [(3, 3), (1, 1)] * 3 + [(3, 3)]
    # 3 + 1 fill a row of 4, three times; alike are taken in their order.
    assert _planned(lengths, [4, 4]) == [[0, 1], [2, 3], [4, 5], [6]]
    # Three ones fill what a three leaves of a row of six.
    assert _planned(lengths, [6, 6]) == [[0, 2], [4, 6], [1, 3, 5]]


def test_what_fits_into_no_row_is_in_none():
    assert _planned([(9, 1), (2, 2), (1, 9)], [8, 8]) == [[1]]
    order, sizes = packing.plan_rows(
        np.zeros((0, 2), np.int64), np.array([8, 8]), None
    )
    assert len(order) == len(sizes) == 0


def _corpus(count):
    """`[count, 2]` lengths that go together, about as those of sentences."""
    rng = np.random.default_rng(3)
    sources = rng.integers(3, 30, count)
    targets = np.maximum(sources + rng.integers(-3, 6, count), 1)
    return np.stack([sources, targets], axis=1)


def test_rows_are_full_and_hold_every_pair_once():
    lengths = _corpus(5000)
    limit = packing.row_limit(lengths, 64)
    # Sources of 29, targets of 34; there are 16.0 and 17.0 a pair, and so the
    # side of 34 takes 34 * 16 / 17 = 32 beside it.
    assert limit.tolist() == [32, 34]
    order, sizes = packing.plan_rows(lengths, limit, None)
    assert sorted(order.tolist()) == list(range(5000))
    rows = packing.row_lengths(lengths, limit)
    assert len(rows) == len(sizes)
    assert (rows <= limit).all()
    assert rows.sum(axis=0).tolist() == lengths.sum(axis=0).tolist()
    assert rows.sum() / (len(rows) * limit.sum()) > 0.95


def test_the_generator_shuffles_pairs_of_the_same_lengths_alone():
    lengths = _corpus(500)
    limit = np.array([32, 34])
    plans = [
        packing.plan_rows(lengths, limit, rng)
        for rng in (None, *map(np.random.default_rng, (1, 1, 2)))
    ]
    orders = [order.tolist() for order, _ in plans]
    assert orders[1] == orders[2]
    assert len(set(map(tuple, orders))) == 3
    for order, sizes in plans[1:]:
        np.testing.assert_array_equal(lengths[order], lengths[plans[0][0]])
        np.testing.assert_array_equal(sizes, plans[0][1])


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        # Twice as many sources: 6 hold the longest target of 3, and more than
        # the longest source.
        ([(5, 3), (5, 2)], [6, 3]),
        # The longest source of 7 decides: 7 * 9 / 10 = 6.3.
        ([(7, 3), (3, 6)], [7, 7]),
        # No side is longer than allowed.
        ([(8, 1), (2, 4)], [8, 4]),
        ([(8, 8), (8, 1)], [8, 8]),
    ],
)
def test_rows_hold_the_longest_pair(lengths, expected):
    found = packing.row_limit(np.array(lengths), 8)
    assert found.tolist() == expected


def _sequences(rows):
    values = np.array([number for row in rows for number in row], np.int32)
    starts = np.cumsum([0, *map(len, rows)])
    return Sequences(values, starts)


def test_a_row_is_its_pairs_one_behind_another():
    pairs = Pairs(
        _sequences([[5, 1], [6, 7, 8, 1], [9, 1]]),
        _sequences([[15, 1], [16, 1], [17, 18, 1]]),
    )
    rng = np.random.default_rng(1)
    rows = packing.pack(pairs, np.array([6, 6]), rng)
    # The second, of 4 + 2, is the largest. It leaves 2 and 4: with the third
    # there remain 0 and 1, with the first 0 and 2.
    assert len(rows) == 2
    assert rows.inputs.row(0).tolist() == [6, 7, 8, 1, 9, 1]
    assert rows.targets.row(0).tolist() == [16, 1, 17, 18, 1]
    assert rows.inputs.row(1).tolist() == [5, 1]
    assert rows.targets.row(1).tolist() == [15, 1]
    assert rows.inputs.values.dtype == np.int32


def test_nothing_is_packed_into_nothing():
    empty = records.concatenate([])
    rng = np.random.default_rng(1)
    assert len(packing.pack(empty, np.array([6, 6]), rng)) == 0


@pytest.mark.parametrize("side", [[5, 1, 6, 1], [5, 1, 6], [5, 6]])
def test_pairs_that_could_not_be_told_apart_are_refused(side):
    good = _sequences([[5, 1], [6, 1]])
    bad = _sequences([[5, 1], side])
    for pairs in (Pairs(good, bad), Pairs(bad, good)):
        with pytest.raises(InputError, match="pack_dataset=true needs pairs"):
            packing.check_ends(pairs)
    packing.check_ends(Pairs(good, good))
