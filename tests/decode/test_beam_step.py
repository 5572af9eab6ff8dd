"""The best of many logits; the search around it is tested in
`test_beam_search`."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.decode import beam_step


def test_the_largest_by_hand():
    logits = np.zeros((1, 2, 1000), np.float32)
    # Two in the last block, which is not full; one in the first.
    logits[0, 0, [998, 999, 5]] = [2, 3, 1]
    logits[0, 1] = -4
    logits[0, 1, 700] = -3
    values, indices = beam_step.largest(tf.constant(logits), 3)
    np.testing.assert_array_equal(values, [[[3, 2, 1], [-3, -4, -4]]])
    np.testing.assert_array_equal(indices, [[[999, 998, 5], [700, 0, 1]]])


@pytest.mark.parametrize("vocabulary", [3, 128, 129, 1024, 1025, 5000])
@pytest.mark.parametrize("kinds", [3, 100_000])
def test_they_are_those_of_a_sort(vocabulary, kinds):
    # Of three kinds of values nearly all are equal to others.
    rng = np.random.default_rng(vocabulary)
    logits = rng.integers(-kinds, 0, (4, 3, vocabulary)).astype(np.float32)
    count = min(8, vocabulary)
    values, indices = beam_step.largest(tf.constant(logits), count)
    expected = np.argsort(-logits, axis=2, kind="stable")[:, :, :count]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(
        values, np.take_along_axis(logits, expected, axis=2)
    )
