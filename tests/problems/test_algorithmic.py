"""Copy and reverse: what is drawn, and how often."""

import collections
import itertools

import pytest

from t2t_repro import registry


def _pairs(name, split="dev", most=1000):
    problem = registry.problem(name)
    samples = problem.generate_samples(split, None)
    return [
        (source.split(), target.split())
        for source, target in itertools.islice(samples, most)
    ]


@pytest.mark.parametrize("kind", ["binary40", "decimal40"])
def test_the_same_and_the_same_backwards(kind):
    for source, target in _pairs(f"algorithmic_identity_{kind}"):
        assert source == target
    for source, target in _pairs(f"algorithmic_reverse_{kind}"):
        assert source[::-1] == target


def test_lengths_and_symbols_are_uniform():
    sources = [s for s, _ in _pairs("algorithmic_reverse_decimal40")]
    lengths = [len(source) for source in sources]
    assert (min(lengths), max(lengths)) == (1, 40)
    # The mean of 1 to 40 is 20.5; of 1,000 it deviates by 11.5 / sqrt(1000).
    assert sum(lengths) / 1000 == pytest.approx(20.5, abs=1.5)
    counts = collections.Counter(itertools.chain(*sources))
    assert set(counts) == set(map(str, range(10)))
    assert max(counts.values()) < 1.15 * min(counts.values())


def test_test_sequences_are_longer_than_any_that_was_trained_on():
    sources = [s for s, _ in _pairs("algorithmic_reverse_binary40", "test")]
    assert 380 < max(map(len, sources)) <= 400


def test_frequent_symbols_are_as_frequent_as_zipf_says():
    sources = [s for s, _ in _pairs("algorithmic_reverse_nlplike8k")]
    lengths = [len(source) for source in sources]
    # int(|N(35, 7)| + 1): half a symbol above 35 in the mean.
    assert sum(lengths) / 1000 == pytest.approx(35.5, abs=0.7)
    counts = collections.Counter(itertools.chain(*sources))
    # 1, 2^-1.3 and 10^-1.3 of the first.
    assert counts["1"] / counts["0"] == pytest.approx(0.406, rel=0.08)
    assert counts["9"] / counts["0"] == pytest.approx(0.050, rel=0.15)


def test_splits_differ_and_stay():
    name = "algorithmic_identity_decimal40"
    train, dev = (_pairs(name, split, 20) for split in ("train", "dev"))
    assert train != dev
    assert train == _pairs(name, "train", 20)
