"""Batch shapes: every pair fits, few shapes, little padding."""

import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from t2t_repro.data import shapes
from t2t_repro.data.shapes import BatchShape


def _lengths(*groups):
    """`(count, source, target)` groups as `[pairs, 2]`."""
    return np.array([pair for n, *pair in groups for _ in range(n)])


def _padded(chosen, lengths):
    limits = shapes.limits_of(chosen)
    return int(limits[shapes.assign(limits, lengths)].sum())


def test_one_shape_holds_the_longest_of_both_sides():
    lengths = _lengths((1, 7, 3), (1, 2, 9), (5, 4, 4))
    # 40 tokens / 9 columns = 4 sentences.
    assert shapes.choose_shapes(lengths, 40, 1) == [BatchShape(4, 7, 9)]


def test_two_clusters_get_a_shape_each():
    lengths = _lengths((10, 4, 5), (10, 10, 8))
    # 60 / 10 = 6 and 60 / 5 = 12; nothing is padded.
    chosen = shapes.choose_shapes(lengths, 60, 2)
    assert chosen == [BatchShape(6, 10, 8), BatchShape(12, 4, 5)]
    assert _padded(chosen, lengths) == lengths.sum()


def test_as_many_shapes_as_clusters_are_enough():
    lengths = _lengths((10, 4, 5), (10, 10, 8))
    assert len(shapes.choose_shapes(lengths, 60, 8)) == 2


def test_the_cut_falls_where_it_saves_most():
    # Ten of length 2, nine of 3, one of 10, two shapes. Cutting at 2 pads
    # 10 * 4 + 10 * 20 = 240; cutting at 3 pads 19 * 6 + 20 = 134.
    lengths = _lengths((10, 2, 2), (9, 3, 3), (1, 10, 10))
    chosen = shapes.choose_shapes(lengths, 30, 2)
    assert chosen == [BatchShape(3, 10, 10), BatchShape(10, 3, 3)]
    assert _padded(chosen, lengths) == 134


def test_limits_need_not_be_square():
    lengths = _lengths((10, 3, 6), (1, 12, 12))
    chosen = shapes.choose_shapes(lengths, 24, 2)
    assert chosen == [BatchShape(2, 12, 12), BatchShape(4, 3, 6)]


def test_a_sentence_longer_than_a_batch_goes_alone():
    chosen = shapes.choose_shapes(_lengths((1, 50, 20), (9, 5, 5)), 20, 2)
    assert chosen == [BatchShape(1, 50, 20), BatchShape(4, 5, 5)]


def test_one_pair():
    assert shapes.choose_shapes(np.array([[1, 1]]), 8, 8) == [
        BatchShape(8, 1, 1)
    ]


def test_assign_takes_the_cheapest_that_holds():
    limits = np.array([[9, 9], [3, 8], [6, 4]])
    lengths = np.array([[2, 2], [3, 5], [6, 5], [6, 4], [10, 1], [1, 10]])
    # (2, 2) fits into all: 6 + 4 = 10 is the least.
    assert shapes.assign(limits, lengths).tolist() == [2, 1, 0, 2, -1, -1]
    # The first of two equally cheap ones.
    equal = np.array([[5, 4], [4, 5]])
    assert shapes.assign(equal, lengths[:1]).tolist() == [0]
    assert shapes.assign(limits[:0], lengths[:1]).tolist() == [-1]


def test_limits_of():
    assert shapes.limits_of([BatchShape(5, 3, 4)]).tolist() == [[3, 4]]


_CORPORA = strategies.lists(
    strategies.tuples(strategies.integers(1, 40), strategies.integers(1, 40)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(_CORPORA, strategies.integers(1, 200), strategies.integers(1, 8))
def test_whatever_the_corpus(pairs, batch_size, count):
    lengths = np.array(pairs)
    chosen = shapes.choose_shapes(lengths, batch_size, count)
    assert 1 <= len(chosen) <= count
    index = shapes.assign(shapes.limits_of(chosen), lengths)
    assert set(index) == set(range(len(chosen)))  # all fit, none is idle
    for shape in chosen:
        rows = shape.batch
        longer = max(shape.source, shape.target)
        assert rows == 1 or rows * longer <= batch_size
        assert (rows + 1) * longer > batch_size
    sizes = [shape.source + shape.target for shape in chosen]
    assert sizes == sorted(sizes, reverse=True)
    # No worse than one shape for all.
    assert _padded(chosen, lengths) <= len(lengths) * lengths.max(axis=0).sum()


@pytest.mark.parametrize("seed", range(5))
def test_as_good_as_trying_all(seed):
    rng = np.random.default_rng(seed)
    source = rng.geometric(0.3, 80).clip(1, 8)
    lengths = np.stack([source, source + rng.integers(0, 4, 80)], 1)
    longest = lengths.max(axis=0)
    limits = list(np.ndindex(*longest + 1))
    best = min(
        (trial[shapes.assign(trial, lengths)]).sum()
        for two in itertools.combinations(limits, 2)
        for trial in (np.array([longest, *two]),)
    )
    assert _padded(shapes.choose_shapes(lengths, 100, 3), lengths) == best


def test_more_shapes_waste_less():
    rng = np.random.default_rng(0)
    source = rng.geometric(0.08, 3000).clip(1, 60)
    lengths = np.stack([source, (source + rng.integers(-2, 4, 3000))], 1)
    lengths = lengths.clip(1, 60)
    padded = [
        _padded(shapes.choose_shapes(lengths, 1000, count), lengths)
        for count in (1, 2, 4, 8)
    ]
    assert padded == sorted(padded, reverse=True)
    assert lengths.sum() / padded[-1] > 0.8


def test_multi30k_lengths_waste_little(shared):
    """Words stand for pieces: the same curve, without a vocabulary."""
    folder = shared("data/multi30k")
    counts = [
        [
            len(line.split()) + 1
            for line in gzip.decompress(
                (folder / f"train.{language}.gz").read_bytes()
            )
            .decode()
            .removesuffix("\n")
            .split("\n")
        ]
        for language in ("en", "de")
    ]
    lengths = np.array(counts).T
    assert lengths.shape == (29_000, 2)
    chosen = shapes.choose_shapes(lengths, 1024, 8)
    assert lengths.sum() / _padded(chosen, lengths) > 0.89
