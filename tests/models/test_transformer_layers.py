"""Residual frame and feed-forward on numbers worked by hand."""

import numpy as np
import pytest

from hparams.transformer import transformer_tiny
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.models import transformer_layers

_HPARAMS = transformer_tiny().replace(hidden_size=4, filter_size=2)
_X = np.array([[[1, 3, 1, 3]]], np.float32)


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
    frame = transformer_layers.Residual(hparams, "residual")
    frame.build((None, None, 4))
    result = frame(_X, 3 * frame.before(_X), mode=EVALUATION)
    np.testing.assert_allclose(result, [[expected]], atol=1e-5)


def test_residual_drops_the_sublayer_and_not_the_input():
    hparams = _HPARAMS.replace(
        layer_preprocess_sequence="n",
        layer_postprocess_sequence="da",
        layer_prepostprocess_dropout=0.5,
    )
    frame = transformer_layers.Residual(hparams, "residual")
    frame.build((None, None, 4))
    x = np.ones((1, 100, 4), np.float32)
    mode = Mode(dropout_key=np.array([1, 1], np.int32))
    result = frame(x, 0 * x + 2, mode=mode)
    assert set(np.unique(result)) == {1.0, 1.0 + 2.0 / 0.5}


def test_feed_forward_is_equation_2():
    layer = transformer_layers.FeedForward(_HPARAMS, "feed_forward")
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
