"""The Transformer's weights and maps; what it computes: test_contract.py."""

import keras
import numpy as np
import pytest

from hparams.transformer import transformer_tiny
from t2t_repro.layers.attention import Mode
from t2t_repro.models.transformer import Transformer

_HPARAMS = transformer_tiny().replace(hidden_size=16, filter_size=32)
_INPUTS = np.array([[5, 6, 7, 1], [8, 1, 0, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 1], [3, 1, 0, 0]], np.int32)


def _model(**changes):
    keras.utils.set_random_seed(1)
    return Transformer(_HPARAMS.replace(**changes), vocab_size=11)


@pytest.fixture(scope="module")
def model():
    return _model()


def test_weights_have_readable_unique_paths(model):
    paths = model.weights_by_path()
    assert "embedding/matrix" in paths
    assert "encoder/layer_1/self_attention/query/kernel" in paths
    assert "decoder/layer_0/encdec_attention_residual/norm_after/scale" in paths
    # Per layer: encoder 4 + 4 + 2 * 2, decoder 8 + 4 + 3 * 2; 2 layers each.
    assert len(paths) == 1 + 2 * 12 + 2 * 18


def test_maps_hold_every_attention(model):
    maps: dict = {}
    model(_INPUTS, _TARGETS, mode=Mode(maps=maps))
    assert len(maps) == 2 + 2 * 2
    weights = np.asarray(maps["decoder/layer_1/encdec_attention"])
    assert weights.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)
    assert weights[1, :, :, 2:].max() < 1e-6  # padding of the source


@pytest.mark.parametrize(
    "changes, matrices",
    [
        (dict(shared_embedding_and_softmax_weights=True), 1),
        (
            dict(
                shared_embedding_and_softmax_weights=False,
                shared_embedding=True,
            ),
            2,
        ),
        (dict(shared_embedding_and_softmax_weights=False), 3),
    ],
)
def test_embeddings_share_what_they_are_told_to(changes, matrices):
    paths = _model(num_hidden_layers=1, **changes).weights_by_path()
    assert sum(path.endswith("matrix") for path in paths) == matrices


def test_pre_norm_has_a_norm_at_the_end_of_each_stack():
    paths = _model(
        num_hidden_layers=1,
        layer_preprocess_sequence="n",
        layer_postprocess_sequence="da",
        use_target_space_embedding=True,
    ).weights_by_path()
    assert {"encoder_norm/scale", "decoder_norm/scale"} <= paths.keys()
    assert paths["target_space_embedding/matrix"].shape == (32, 16)


def test_encoder_and_decoder_may_differ_in_depth():
    paths = _model(num_encoder_layers=1, num_decoder_layers=3)
    names = {"/".join(path.split("/")[:2]) for path in paths.weights_by_path()}
    assert {n for n in names if "layer_" in n} == {
        "encoder/layer_0",
        "decoder/layer_0",
        "decoder/layer_1",
        "decoder/layer_2",
    }
