"""Adam against the formula and against Keras' own; descent by hand."""

import keras
import numpy as np
import tensorflow as tf

from hparams.memn2n import memn2n_tiny
from hparams.transformer import transformer_base
from t2t_repro.train.optimizers import Adam, Sgd


def _run(gradients, rate):
    weight = tf.Variable([1.0, 2.0])
    adam = Adam(transformer_base(), {"w": weight})
    for done, gradient in enumerate(gradients):
        adam.apply(
            [tf.constant(gradient)],
            tf.constant(rate),
            tf.constant(done, tf.int64),
        )
    return weight.numpy(), adam


def test_the_first_update_has_the_size_of_the_rate():
    # m / (1 - beta1) = g and v / (1 - beta2) = g^2: a step of rate * sign(g).
    weight, adam = _run([[0.5, -3.0]], 0.1)
    np.testing.assert_allclose(weight, [0.9, 2.1], rtol=1e-5)
    moments = adam.variables()
    np.testing.assert_allclose(moments["adam/m/w"], [0.05, -0.3], rtol=1e-5)
    np.testing.assert_allclose(moments["adam/v/w"], [0.005, 0.18], rtol=1e-4)


def test_it_equals_keras():
    gradients = np.random.default_rng(1).normal(size=(5, 2)).astype("float32")
    weight, _ = _run(gradients, 0.03)
    other = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.Adam(0.03, 0.9, 0.98, epsilon=1e-9)
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [other])
    np.testing.assert_allclose(weight, other.numpy(), rtol=1e-5)


def test_a_step_of_descent_is_the_rate_times_the_gradient():
    weights = {"a": tf.Variable([1.0, 2.0]), "b": tf.Variable([[3.0]])}
    sgd = Sgd(memn2n_tiny(), weights)
    assert sgd.variables() == {}
    gradients = [tf.constant([10.0, -4.0]), tf.constant([[2.0]])]
    for done in range(2):
        sgd.apply(gradients, tf.constant(0.1), tf.constant(done, tf.int64))
    # 1 - 2 * 0.1 * 10, 2 + 2 * 0.1 * 4, 3 - 2 * 0.1 * 2.
    np.testing.assert_allclose(weights["a"], [-1.0, 2.8], rtol=1e-6)
    np.testing.assert_allclose(weights["b"], [[2.6]], rtol=1e-6)
