"""Weight normalisation, worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.layers.weight_norm import NormalizedLinear


@pytest.fixture
def layer():
    made = NormalizedLinear(2, 1.0, "linear")
    made.build((None, None, 2))
    made.direction.assign([[3.0, 0.0], [4.0, 2.0]])  # columns of norm 5 and 2
    made.norm.assign([10.0, 1.0])
    made.bias.assign([0.0, 0.5])
    return made


def test_columns_have_the_length_they_are_told(layer):
    # 10 (3, 4) / 5 and 1 (0, 2) / 2.
    np.testing.assert_allclose(layer.matrix(), [[6.0, 0.0], [8.0, 1.0]])
    # 6 + 2 * 8 = 22, and 2 * 1 + 0.5.
    np.testing.assert_allclose(layer(np.array([[[1.0, 2.0]]])), [[[22.0, 2.5]]])


def test_gradient_is_across_the_direction(layer):
    with tf.GradientTape() as tape:
        # The first column of the sum of both rows of w.
        loss = tf.reduce_sum(layer.matrix()[:, 0])
    by_direction, by_norm = tape.gradient(
        loss, [layer.direction.value, layer.norm.value]
    )
    # d/dg: (3 + 4) / 5. d/dv: g / |v| ((1, 1) - 7 / 25 (3, 4))
    # = 2 (0.16, -0.12).
    np.testing.assert_allclose(by_norm, [1.4, 0.0], rtol=1e-6)
    np.testing.assert_allclose(by_direction[:, 0], [0.32, -0.24], rtol=1e-5)


def test_it_begins_with_the_length_of_the_direction():
    keras.utils.set_random_seed(1)
    layer = NormalizedLinear(50, 4.0, "linear")
    layer.build((None, 200))
    np.testing.assert_allclose(layer.matrix(), layer.direction, rtol=1e-5)
    # Variance 4 over 200 inputs: 0.02.
    assert np.asarray(layer.direction).var() == pytest.approx(0.02, rel=0.03)


def test_narrow_products_give_what_came_in(layer):
    layer.multiply_in("bfloat16")
    found = layer(np.array([[1.0, 2.0]], np.float32))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, [[22.0, 2.5]], rtol=0.01)
