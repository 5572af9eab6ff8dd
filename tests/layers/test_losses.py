"""Label-smoothed cross entropy on numbers that can be worked by hand."""

import math

import numpy as np
import pytest

from t2t_repro.layers import losses


def test_without_smoothing_it_is_minus_log_p():
    # Softmax of (0, ln 3) is (1/4, 3/4).
    logits = np.array([[0.0, math.log(3)]], np.float32)
    loss = losses.cross_entropy(logits, np.array([1]), 0.0)
    np.testing.assert_allclose(loss, [-math.log(0.75)], rtol=1e-6)


def test_smoothing_spreads_epsilon_over_the_other_ids():
    # V = 3, epsilon 0.2: 0.8 on the label, 0.1 on each other id.
    # Probabilities 1/6, 2/6, 3/6.
    logits = np.log(np.array([[1.0, 2.0, 3.0]], np.float32))
    expected = -(
        0.1 * math.log(1 / 6) + 0.8 * math.log(2 / 6) + 0.1 * math.log(3 / 6)
    )
    loss = losses.cross_entropy(logits, np.array([1]), 0.2)
    np.testing.assert_allclose(loss, [expected], rtol=1e-6)


def test_large_logits_do_not_overflow():
    logits = np.array([[1000.0, 0.0]], np.float32)
    loss = losses.cross_entropy(logits, np.array([1]), 0.0)
    np.testing.assert_allclose(loss, [1000.0])


def test_the_constant_is_the_smallest_loss():
    # The loss is smallest where the prediction is the smoothed target.
    target = np.full(5, 0.1 / 4)
    target[2] = 0.9
    logits = np.log(target)[None].astype(np.float32)
    loss = losses.cross_entropy(logits, np.array([2]), 0.1)
    constant = losses.normalizing_constant(0.1, 5)
    np.testing.assert_allclose(loss, [constant], rtol=1e-5)
    assert losses.normalizing_constant(0.0, 5) == pytest.approx(0.0)


def test_padding_is_not_counted():
    assert float(losses.token_count(np.array([[3, 1, 0], [1, 0, 0]]))) == 3
