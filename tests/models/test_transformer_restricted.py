"""The restricted Transformer's caches, maps and costs.

What it computes: test_contract.py, and tests/layers/test_restricted_attention.
"""

import keras
import numpy as np
import pytest

from hparams.transformer_restricted import (
    transformer_restricted_r8,
    transformer_restricted_r16,
    transformer_restricted_r32,
    transformer_restricted_tiny,
)
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.models.transformer import Transformer
from t2t_repro.models.transformer_restricted import TransformerRestricted

_HPARAMS = transformer_restricted_tiny().replace(
    hidden_size=16, filter_size=32, num_heads=2, attention_neighbourhood=3
)
_INPUTS = np.array([[5, 6, 7, 4, 3, 1], [8, 1, 0, 0, 0, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 3, 2, 1], [3, 1, 0, 0, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return TransformerRestricted(_HPARAMS, vocab_size=11)


def test_maps_are_zero_outside_the_window(model):
    maps: dict = {}
    model(_INPUTS, _TARGETS, mode=Mode(maps=maps))
    assert len(maps) == 2 + 2 * 2
    distance = np.arange(6)[None, :] - np.arange(6)[:, None]
    for stack, visible in (
        ("encoder", abs(distance) <= 1),
        ("decoder", (distance >= -2) & (distance <= 0)),
    ):
        weights = np.asarray(maps[f"{stack}/layer_1/self_attention"])[0]
        assert weights.shape == (2, 6, 6)
        np.testing.assert_array_equal(weights > 0, [visible] * 2)
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)


def test_weights_are_the_transformers(model):
    keras.utils.set_random_seed(1)
    whole = Transformer(_HPARAMS, vocab_size=11)
    weights = whole.weights_by_path()
    assert weights.keys() == model.weights_by_path().keys()
    # A neighbourhood of all positions is no restriction; the seed is the same.
    keras.utils.set_random_seed(1)
    wide = _HPARAMS.replace(attention_neighbourhood=20)
    unrestricted = TransformerRestricted(wide, vocab_size=11)
    expected = np.asarray(whole(_INPUTS, _TARGETS))
    found = np.asarray(unrestricted(_INPUTS, _TARGETS))
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[1, :2], expected[1, :2], atol=1e-5)
    assert np.abs(np.asarray(model(_INPUTS, _TARGETS)) - expected).max() > 0.01


@pytest.mark.parametrize("r, beams", [(3, 2), (3, 1), (1, 2)])
def test_a_cache_stops_growing(r, beams):
    hparams = _HPARAMS.replace(attention_neighbourhood=r)
    model = TransformerRestricted(hparams, vocab_size=11)
    memory, state = model.start(model.encode(_INPUTS), beams)
    ids = np.zeros((2, beams), np.int32)
    for position in range(5):
        _, state = model.step(ids, np.int32(position), memory, state)
        kept = min(position + 1, r - 1)
        for key, value in state.cache:
            assert key.shape == value.shape == (2, 2, kept * beams, 8)
        for ancestors in state.ancestors:
            assert ancestors.shape == (2, beams, kept)


def test_neighbourhoods():
    # Of 8 positions 4 lie before, 3 behind; of 5 two on either side.
    assert transformer_restricted_r8().windows == {
        "encoder": (4, 3),
        "decoder": (7, 0),
    }
    odd = _HPARAMS.replace(attention_neighbourhood=5)
    assert odd.windows == {"encoder": (2, 2), "decoder": (4, 0)}
    assert transformer_restricted_r16().attention_neighbourhood == 16
    assert transformer_restricted_r32().architecture()["r"] == 32


@pytest.mark.parametrize("r", [0, -3])
def test_nothing_can_be_seen_in_no_neighbourhood(r):
    with pytest.raises(UsageError, match=f"attention_neighbourhood={r}"):
        _HPARAMS.replace(attention_neighbourhood=r)


def test_operations():
    hparams = _HPARAMS.replace(hidden_size=4, filter_size=8)
    # Four projections 4 x 4: 128; r = 3 keys, 2 * 3 * (4 + 4) = 48.
    assert hparams.self_attention_flops(10) == 128 + 48
    # Two keys where there are no more.
    assert hparams.self_attention_flops(2) == 128 + 32
    # As the Transformer's, test_transformer_hparams.py, over n = m = 10 and two
    # layers a stack. Encoder: 2 * 10 * (176 + 2 * 2 * 32 = 304) = 6080.
    # Decoder: 10 * (176 + 64 + 2 * 10 * 8 + 128) + 10 * 64 = 5920, twice.
    # Softmax of 10 ids: 10 * 2 * 4 * 10 = 800.
    assert hparams.forward_flops((1, 10, 10), 10) == 6080 + 11840 + 800
    # A step of the third position and one of the tenth cost the same.
    costs = [hparams.decoding_flops((1, 5, n), 10, 4) for n in (3, 4, 9, 10)]
    assert costs[1] - costs[0] == costs[3] - costs[2]
