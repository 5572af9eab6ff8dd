"""Norm, residual frame and feed-forward on numbers worked by hand."""

import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro.layers import blocks
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.layers.attention import Mode

_HPARAMS = transformer_tiny().replace(hidden_size=4, filter_size=2)
_X = np.array([[[1, 3, 1, 3]]], np.float32)


def test_layer_norm_uses_the_population_variance():
    norm = blocks.LayerNorm(_HPARAMS, "norm")
    norm.build((None, None, 4))
    norm.scale.assign([2, 2, 2, 2])
    norm.bias.assign([0, 0, 0, 5])
    # Mean 2, variance 1: -1 1 -1 1, times 2, plus the bias.
    np.testing.assert_allclose(norm(_X), [[[-2, 2, -2, 7]]], atol=1e-5)


def test_derivative_of_layer_norm():
    norm = blocks.LayerNorm(_HPARAMS.replace(norm_epsilon=1e-9), "norm")
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


@pytest.mark.parametrize(
    "before, after, expected",
    [
        # LayerNorm(x + 3 x): 4 12 4 12 has mean 8 and deviation 4.
        ("none", "dan", [-1, 1, -1, 1]),
        # x + 3 LayerNorm(x).
        ("n", "da", [1 - 3, 3 + 3, 1 - 3, 3 + 3]),
    ],
)
def test_residual_is_post_norm_or_pre_norm(before, after, expected):
    hparams = _HPARAMS.replace(
        layer_preprocess_sequence=before, layer_postprocess_sequence=after
    )
    frame = blocks.Residual(hparams, "here", "residual")
    frame.build((None, None, 4))
    result = frame.around(_X, lambda y: 3 * y, EVALUATION)
    np.testing.assert_allclose(result, [[expected]], atol=1e-5)


def test_residual_drops_the_sublayer_and_not_the_input():
    hparams = _HPARAMS.replace(
        layer_preprocess_sequence="n",
        layer_postprocess_sequence="da",
        layer_prepostprocess_dropout=0.5,
    )
    frame = blocks.Residual(hparams, "here", "residual")
    frame.build((None, None, 4))
    x = np.ones((1, 100, 4), np.float32)
    mode = Mode(dropout_key=np.array([1, 1], np.int32))
    result = frame.around(x, lambda y: 0 * y + 2, mode)
    assert set(np.unique(result)) == {1.0, 1.0 + 2.0 / 0.5}


def test_feed_forward_is_equation_2():
    layer = blocks.FeedForward(_HPARAMS, "here", "feed_forward")
    layer.build((None, None, 4))
    inner, outer = np.zeros((4, 2)), np.zeros((2, 4))
    inner[0, 0], inner[1, 1] = 1, -1
    outer[0], outer[1] = 10, 100
    biases = np.array([0, 4]), np.array([0, 0, 0, 7])
    layer.set_weights([inner, biases[0], outer, biases[1]])
    # x W1 + b1 = (1, -3 + 4), both positive: 10 + 100, plus b2.
    result = layer(_X, mode=EVALUATION)
    np.testing.assert_allclose(result, [[[110, 110, 110, 117]]])
    # Now the second unit is cut off at 0.
    result = layer(np.array([[[1, 9, 0, 0]]], np.float32), mode=EVALUATION)
    np.testing.assert_allclose(result, [[[10, 10, 10, 17]]])
