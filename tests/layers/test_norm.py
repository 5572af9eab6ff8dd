"""Layer normalisation on numbers worked by hand."""

import numpy as np
import tensorflow as tf

from t2t_repro.layers.norm import LayerNorm


def test_layer_norm_uses_the_population_variance():
    norm = LayerNorm(1e-6, "norm")
    norm.build((None, None, 4))
    norm.scale.assign([2, 2, 2, 2])
    norm.bias.assign([0, 0, 0, 5])
    x = np.array([[[1, 3, 1, 3]]], np.float32)
    # Mean 2, variance 1: -1 1 -1 1, times 2, plus the bias.
    np.testing.assert_allclose(norm(x), [[[-2, 2, -2, 7]]], atol=1e-5)


def test_derivative_of_layer_norm():
    norm = LayerNorm(1e-9, "norm")
    norm.build((None, 3))
    norm.scale.assign([2, 1, 1])
    x = tf.constant([[0.0, 0.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        first = norm(x)[0, 0]
    weights = [norm.scale.value, norm.bias.value]
    by_x, by_scale, by_bias = tape.gradient(first, [x, *weights])
    # Mean 1, variance 2: n = (-1, -1, 2) / sqrt 2. Of the given g = (2, 0, 0)
    # the mean is 2/3, that of g n is -sqrt 2 / 3, and n times this is
    # (1/3, 1/3, -2/3). What is left, (1, -1, 0), is divided by sqrt 2.
    root = 2**0.5
    np.testing.assert_allclose(by_x, [[1 / root, -1 / root, 0]], atol=1e-6)
    np.testing.assert_allclose(by_scale, [-1 / root, 0, 0], atol=1e-6)
    np.testing.assert_allclose(by_bias, [1, 0, 0])
