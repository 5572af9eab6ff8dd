"""The matrix product over the last axis."""

import numpy as np
import tensorflow as tf

from t2t_repro.layers.linear import Linear, reshape


def test_product_and_bias_over_the_last_axis():
    layer = Linear(2, True, "linear")
    layer.build((None, None, 3))
    kernel, bias = [[1, 0], [0, 1], [1, 1]], [10, 20]
    layer.set_weights([np.array(kernel), np.array(bias)])
    x = np.array([[[1, 2, 3]], [[0, 0, 1]]], np.float32)
    np.testing.assert_allclose(layer(x), [[[14, 25]], [[11, 21]]])


def test_derivative():
    layer = Linear(2, True, "linear")
    layer.build((None, None, 3))
    layer.set_weights([np.array([[1, 2], [3, 4], [5, 6]]), np.zeros(2)])
    x = tf.constant([[[1.0, 2.0, 3.0]], [[0.0, 0.0, 1.0]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = tf.reduce_sum(layer(x) * [[[1.0, 10.0]], [[100.0, 0.0]]])
    weights = [layer.kernel.value, layer.bias.value]
    by_x, by_kernel, by_bias = tape.gradient(result, [x, *weights])
    # (1, 10) and (100, 0) times the transposed kernel.
    np.testing.assert_allclose(by_x, [[[21, 43, 65]], [[100, 300, 500]]])
    # (1, 2, 3) times (1, 10), and (0, 0, 1) times (100, 0).
    np.testing.assert_allclose(by_kernel, [[1, 10], [2, 20], [103, 30]])
    np.testing.assert_allclose(by_bias, [101, 10])


def test_products_in_fewer_bits():
    layer = Linear(1, True, "linear")
    layer.build((None, 2))
    # bfloat16 has 8 bits: 1 + 2^-9 becomes 1 and 1 + 2^-7 stays.
    layer.set_weights([np.array([[1 + 2**-9], [1 + 2**-7]]), np.array([2**-9])])
    x = np.array([[1, 0], [0, 1]], np.float32)
    exact = [[1 + 2**-8], [1 + 2**-7 + 2**-9]]
    np.testing.assert_array_equal(layer(x), exact)
    layer.multiply_in("bfloat16")
    rounded = layer(x)
    assert rounded.dtype == tf.bfloat16
    # The bias is too small to be seen in a sum of 8 bits.
    np.testing.assert_array_equal(rounded, [[1], [1 + 2**-7]])


def test_without_bias_there_is_one_weight():
    layer = Linear(2, False, "linear")
    layer.build((None, 3))
    assert [weight.name for weight in layer.weights] == ["kernel"]


def test_one_size_follows_from_the_others():
    @tf.function(input_signature=[tf.TensorSpec([None, 6])], autograph=False)
    def cut(x):
        return reshape(x, (tf.shape(x)[0], 2, 3))

    operations = [
        o.type for o in cut.get_concrete_function().graph.get_operations()
    ]
    assert "Pack" not in operations
    assert cut(tf.zeros([4, 6])).shape == (4, 2, 3)
    # Of nothing, no size follows.
    assert reshape(tf.zeros([0, 6]), (0, 2, 3)).shape == (0, 2, 3)
