"""Dropout as a function of its seed."""

import numpy as np
import pytest

from t2t_repro.layers.dropout import (
    dropout,
    gaussian,
    seed_at,
    seed_of,
    uniform,
)

_ONES = np.ones((200, 50), np.float32)


def _mask(key, place="a"):
    seed = seed_of(np.array(key, np.int32), place)
    return np.asarray(dropout(_ONES, 0.25, seed))


def test_values_are_zero_or_scaled_up():
    mask = _mask([1, 2])
    assert set(np.unique(mask)) == {0.0, np.float32(1 / 0.75)}
    # 10,000 draws: the share lies within 4 standard deviations, 0.0173.
    assert abs((mask == 0).mean() - 0.25) < 0.0174


def test_the_same_seed_gives_the_same_mask_and_others_do_not():
    first = _mask([1, 2])
    np.testing.assert_array_equal(first, _mask([1, 2]))
    for other in (_mask([2, 2]), _mask([1, 3]), _mask([1, 2], "b")):
        # Independent masks agree on 0.25^2 + 0.75^2 = 0.625 of the places.
        assert abs((other == first).mean() - 0.625) < 0.02


def test_noise_is_standard_normal_and_follows_its_seed():
    seed = seed_of(np.array([1, 2], np.int32), "a")
    noise = np.asarray(gaussian((200, 50), seed))
    # 10,000 draws: four standard deviations are 0.04, and 0.028.
    assert abs(noise.mean()) < 0.04
    assert abs(noise.std() - 1.0) < 0.03
    np.testing.assert_array_equal(noise, gaussian((200, 50), seed))
    other = seed_of(np.array([1, 2], np.int32), "b")
    assert (noise != np.asarray(gaussian((200, 50), other))).any()


def test_no_key_or_no_rate_changes_nothing():
    assert dropout(_ONES, 0.25, seed_of(None, "a")) is _ONES
    assert dropout(_ONES, 0.0, np.array([1, 2], np.int32)) is _ONES


def test_uniform_numbers_follow_their_seed():
    first, again, other = (
        np.asarray(uniform((100, 100), np.array(seed, np.int32)))
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert first.min() >= 0.0 and first.max() < 1.0
    # 10,000 draws: the mean lies within 4 of its deviations, 0.0115.
    assert abs(first.mean() - 0.5) < 0.0116
    # Independent ones differ by a third on the average.
    assert abs(np.abs(first - other).mean() - 1 / 3) < 0.01


@pytest.mark.parametrize("shape", [(7, 8), (7, 3), (7, 1), (7, 2, 5, 5)])
def test_a_part_of_a_batch_has_its_rows_of_the_mask(shape):
    # 8 values are a block of the generator: rows of 3 begin within one.
    ones = np.ones(shape, np.float32)
    place = "some/place"
    whole = dropout(ones, 0.5, seed_of(np.array([1, 2], np.int32), place))
    for begin, end in ((0, 4), (4, 7), (3, 4)):
        key = np.array([1, 2, begin], np.int32)
        part = dropout(ones[begin:end], 0.5, seed_of(key, place))
        np.testing.assert_array_equal(part, whole[begin:end])


@pytest.mark.parametrize("draw", [uniform, gaussian])
def test_a_part_of_a_batch_has_its_rows_of_the_numbers(draw):
    whole = np.asarray(draw((7, 3), seed_of(np.array([1, 2], np.int32), "x")))
    for begin, end in ((0, 4), (4, 7), (3, 4)):
        seed = seed_of(np.array([1, 2, begin], np.int32), "x")
        part = np.asarray(draw((end - begin, 3), seed))
        np.testing.assert_allclose(part, whole[begin:end], rtol=0, atol=1e-6)


@pytest.mark.parametrize("key", [[1, 2], [1, 2, 3]])
def test_every_step_of_a_loop_has_a_seed_of_its_own(key):
    seed = seed_of(np.array(key, np.int32), "x")
    first, second = (
        np.asarray(seed_at(seed, np.int32(step))) for step in (1, 2)
    )
    assert first[0] != second[0]
    np.testing.assert_array_equal(first[1:], np.asarray(seed)[1:])
