"""Gradient descent by hand."""

import numpy as np
import tensorflow as tf

from hparams.memn2n import memn2n_tiny
from t2t_repro.train.sgd import Sgd


def test_a_step_is_the_rate_times_the_gradient():
    weights = {"a": tf.Variable([1.0, 2.0]), "b": tf.Variable([[3.0]])}
    sgd = Sgd(memn2n_tiny(), weights)
    assert sgd.variables() == {}
    gradients = [tf.constant([10.0, -4.0]), tf.constant([[2.0]])]
    for done in range(2):
        sgd.apply(gradients, tf.constant(0.1), tf.constant(done, tf.int64))
    # 1 - 2 * 0.1 * 10, 2 + 2 * 0.1 * 4, 3 - 2 * 0.1 * 2.
    np.testing.assert_allclose(weights["a"], [-1.0, 2.8], rtol=1e-6)
    np.testing.assert_allclose(weights["b"], [[2.6]], rtol=1e-6)
