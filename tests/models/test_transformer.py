"""The model as a whole: what it sees, what it counts, what decoding sees."""

import keras
import numpy as np
import pytest

from hparams.transformer import transformer_tiny
from t2t_repro.layers.attention import MASKED
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.attention import padding_bias
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


def test_no_position_sees_a_later_target(model):
    before = np.asarray(model(_INPUTS, _TARGETS))
    changed = _TARGETS.copy()
    changed[0, 2] = 10
    after = np.asarray(model(_INPUTS, changed))
    # Targets are shifted right: id 2 is first seen by position 3.
    np.testing.assert_array_equal(before[0, :3], after[0, :3])
    assert np.abs(before[0, 3] - after[0, 3]).max() > 1e-3


def test_padding_and_neighbours_change_nothing(model):
    together = np.asarray(model(_INPUTS, _TARGETS))
    alone = np.asarray(model(_INPUTS[1:, :2], _TARGETS[1:, :2]))
    np.testing.assert_allclose(together[1, :2], alone[0], atol=1e-5)


def test_steps_with_a_cache_equal_the_whole_pass(model):
    # Beam 1 takes other ids from its second on, then becomes a child of beam
    # 0, and so does beam 0 of beam 1: each must see its own ancestors alone.
    histories = np.array([_TARGETS, _TARGETS]).transpose(1, 0, 2).copy()
    histories[:, 1, :2] = [[9, 8], [7, 6]]
    histories[:, :, :2] = histories[:, ::-1, :2]
    ancestors = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    memory = model.memory(model.encode(_INPUTS))
    bias, past = padding_bias(_INPUTS), model.empty_past(2)
    last = np.zeros((2, 2), np.int32)
    for position in range(4):
        # Until position 2 the beams lie in their first order.
        seen = ancestors if position >= 2 else np.array([[0, 0], [1, 1]])
        visible = seen[:, : position + 1, None] == np.arange(2)
        hidden = np.where(visible, 0.0, MASKED).astype(np.float32)
        hidden = np.tile(hidden.reshape(1, 1, 2, -1), (2, 1, 1, 1))
        x, past = model.step(
            last, np.int32(position), memory, bias, past, hidden
        )
        logits = np.asarray(x) @ np.asarray(model.softmax_kernel())
        own = histories if position >= 2 else histories[:, ::-1]
        for beam in range(2):
            decoded = np.asarray(model(_INPUTS, own[:, beam]))
            whole = np.asarray(model.logits(decoded.reshape(-1, 16)))
            expected = whole.reshape(2, 4, 11)[:, position]
            np.testing.assert_allclose(logits[:, beam], expected, atol=1e-4)
        # The id at this position; after position 1 the beams change places.
        now = histories if position >= 1 else histories[:, ::-1]
        last = now[:, :, position]


def test_maps_hold_every_attention(model):
    maps: dict = {}
    model(_INPUTS, _TARGETS, mode=Mode(maps=maps))
    assert len(maps) == 2 + 2 * 2
    weights = np.asarray(maps["decoder/layer_1/encdec_attention"])
    assert weights.shape == (2, 4, 4, 4)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-5)
    assert weights[1, :, :, 2:].max() < 1e-6  # padding of the source


def test_dropout_follows_the_key(model):
    def run(key):
        mode = Mode(dropout_key=np.array(key, np.int32))
        return np.asarray(model(_INPUTS, _TARGETS, mode=mode))

    np.testing.assert_array_equal(run([1, 1]), run([1, 1]))
    assert np.abs(run([1, 1]) - run([1, 2])).max() > 1e-3


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
