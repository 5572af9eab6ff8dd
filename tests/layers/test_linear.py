"""The matrix product over the last axis."""

import numpy as np

from t2t_repro.layers.linear import Linear


def test_product_and_bias_over_the_last_axis():
    layer = Linear(2, True, "linear")
    layer.build((None, None, 3))
    kernel, bias = [[1, 0], [0, 1], [1, 1]], [10, 20]
    layer.set_weights([np.array(kernel), np.array(bias)])
    x = np.array([[[1, 2, 3]], [[0, 0, 1]]], np.float32)
    np.testing.assert_allclose(layer(x), [[[14, 25]], [[11, 21]]])


def test_without_bias_there_is_one_weight():
    layer = Linear(2, False, "linear")
    layer.build((None, 3))
    assert [weight.name for weight in layer.weights] == ["kernel"]
