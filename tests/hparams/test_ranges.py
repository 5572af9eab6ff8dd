"""Ranges to search."""

import dataclasses
import math

import pytest

from hparams import ranges
from t2t_repro import registry
from t2t_repro.errors import UsageError

_SEEDS = range(200)


def _draws(name):
    base = registry.hparams("transformer_base")
    # Through the parser of --hparams, so that names and types are right, too.
    return [
        dataclasses.asdict(base.override(ranges.sample(name, seed)))
        for seed in _SEEDS
    ]


@pytest.mark.parametrize("name", ranges.RANGES)
def test_draws_stay_inside_and_fill_the_range(name):
    draws = _draws(name)
    for field, values in ranges.RANGES[name].items():
        drawn = [draw[field] for draw in draws]
        if isinstance(values, ranges.Choice):
            # 200 draws of at most 5 values miss one with 5 * 0.8^200 = 2e-19.
            assert set(drawn) == set(values.values)
        else:
            width = values.high - values.low
            assert values.low <= min(drawn) < values.low + 0.1 * width
            assert values.high - 0.1 * width < max(drawn) <= values.high


def test_a_seed_is_a_trial():
    name = "transformer_base_range"
    assert ranges.sample(name, 7) == ranges.sample(name, 7)
    assert len({ranges.sample(name, seed) for seed in _SEEDS}) == len(_SEEDS)


def test_a_logarithmic_range_is_even_in_the_logarithm():
    drawn = [
        draw["learning_rate_constant"]
        for draw in _draws("transformer_base_range")
    ]
    # From 0.3 to 3 the middle is sqrt(0.9) = 0.95; an even draw would have
    # 24 percent below it. Four standard deviations of 200 draws are 0.14.
    below = sum(value < math.sqrt(0.3 * 3.0) for value in drawn) / len(drawn)
    assert below == pytest.approx(0.5, abs=0.14)


def test_an_unknown_range_is_named():
    with pytest.raises(UsageError, match="transformer_base_range"):
        ranges.sample("transformer_base_rnage", 1)
