"""What the sets of the recurrent family differ in, beside the original.

The models against tensor2tensor: test_rnn.py; scores and windows against the
programs that have them: tests/layers/test_recurrent_attention.py.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.losses import token_losses
from t2t_repro.models.rnn import Rnn

_INPUTS = np.array([[5, 6, 7, 9, 1], [8, 1, 0, 0, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 1], [3, 1, 0, 0]], np.int32)
# Every order of cells and attention, every window, both cells.
_SETS = {
    "lstm_seq2seq": dict(),
    "lstm_bahdanau_attention_multi": dict(attention_layer_size=4),
    "gru_rnnsearch": dict(attention_layer_size=5),
    "luong_attention": dict(num_hidden_layers=2, attention_layer_size=8),
    "luong_local_m_general": dict(
        num_hidden_layers=2, attention_layer_size=8, attention_window_width=1
    ),
    "luong_local_p_general": dict(
        num_hidden_layers=2, attention_layer_size=8, attention_window_width=2
    ),
    "rnn_hard_attention_tiny": dict(attention_layer_size=8),
}
_HARD = "rnn_hard_attention_tiny"


def _new_model(name, **changes):
    keras.utils.set_random_seed(1)
    changes = {**_SETS[name], **changes}
    hparams = registry.hparams(name).replace(hidden_size=8, **changes)
    model = Rnn(hparams, 11)
    rng = np.random.default_rng(2)
    for weight in model.weights:  # biases too
        values = rng.normal(size=weight.shape) * 0.5
        weight.assign(values.astype(np.float32))
    return model


@pytest.fixture(scope="module", params=_SETS)
def model(request):
    return _new_model(request.param)


def test_steps_equal_the_whole_pass(model):
    maps: dict = {}
    whole = np.asarray(model(_INPUTS, _TARGETS, mode=Mode(maps=maps)))
    memory, state = model.start(model.encode(_INPUTS), 2)
    ids = np.zeros((2, 2), np.int32)
    for position in range(4):
        step_maps: dict = {}
        x, state = model.step(
            ids, np.int32(position), memory, state, Mode(maps=step_maps)
        )
        for beam in range(2):
            np.testing.assert_allclose(
                x[:, beam], whole[:, position], rtol=0, atol=1e-5
            )
            for place, weights in step_maps.items():
                np.testing.assert_allclose(
                    weights[:, :, beam],
                    maps[place][:, :, position],
                    rtol=0,
                    atol=1e-5,
                )
        ids = np.repeat(_TARGETS[:, position : position + 1], 2, axis=1)


def test_padding_and_neighbours_change_nothing(model):
    together = np.asarray(model(np.pad(_INPUTS, ((0, 0), (0, 3))), _TARGETS))
    alone = model(_INPUTS[1:, :2], _TARGETS[1:, :2])
    np.testing.assert_allclose(together[1:, :2], alone, rtol=0, atol=1e-5)


def test_maps_are_weights_of_real_words(model):
    maps: dict = {}
    model(_INPUTS, _TARGETS, mode=Mode(maps=maps))
    if model.hparams.score == "none":
        assert not maps
        return
    weights = np.asarray(maps["decoder/layer_0/encdec_attention"])
    assert weights.shape == (2, model.hparams.num_heads, 4, 5)
    assert not weights[1, :, :, 2:].any()
    sums = weights.sum(axis=-1)
    if model.hparams.is_hard:
        assert set(np.unique(weights)) == {0.0, 1.0}
    if model.hparams.attention_window == "local_p":
        assert (sums > 0.0).all() and (sums <= 1.0).all()
    else:
        np.testing.assert_allclose(sums, 1.0, rtol=1e-5)
    if model.hparams.attention_window == "local_m":
        # D = 1 around position t: nothing from t + 2 on.
        assert not weights[0, :, 0, 2:].any() and weights[0, :, 0, :2].all()


def test_bfloat16_is_near(model):
    exact = np.asarray(model(_INPUTS, _TARGETS))
    key = np.array([1, 2], np.int32)
    rounded = model(_INPUTS, _TARGETS, mode=Mode(dtype="bfloat16"))
    assert keras.backend.standardize_dtype(rounded.dtype) == "bfloat16"
    rounded = np.asarray(keras.ops.cast(rounded, "float32"))
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=0.2)
    dropped = model(
        _INPUTS, _TARGETS, mode=Mode(dtype="bfloat16", dropout_key=key)
    )
    assert np.isfinite(np.asarray(keras.ops.cast(dropped, "float32"))).all()


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def test_rnnsearch_is_bahdanaus_appendix():
    """Appendix A of Bahdanau et al. 2015 in NumPy, word by word."""
    model = _new_model("gru_rnnsearch")
    weights = {
        path: np.asarray(weight, np.float64)
        for path, weight in model.weights_by_path().items()
    }

    def gru(place, word, state, fed=()):
        """Equations of A.1.1 and A.2.2; `fed` is the context."""

        def of(name):
            return weights[f"{place}/layer_0/{name}"]

        size = len(state)
        z, r, new = np.split(word @ of("input/kernel") + of("input/bias"), 3)
        gates = np.concatenate([fed, state]) @ of("gates/kernel")
        z, r = _sigmoid(z + gates[:size]), _sigmoid(r + gates[size:])
        new = new + np.concatenate([fed, r * state]) @ of("candidate/kernel")
        return (1.0 - z) * state + z * np.tanh(new)

    words = weights["source_embedding/matrix"][_INPUTS[0]]
    size = model.hparams.hidden_size
    forward, backward = [np.zeros(size)], [np.zeros(size)]
    for word in words:
        forward.append(gru("encoder/forward", word, forward[-1]))
    for word in words[::-1]:
        backward.append(gru("encoder/backward", word, backward[-1]))
    memory = np.concatenate([forward[1:], backward[:0:-1]], axis=1)
    start = "decoder/start_0_0"
    state = np.tanh(
        backward[-1] @ weights[f"{start}/kernel"] + weights[f"{start}/bias"]
    )
    word = np.zeros(size)
    place = "decoder/encdec_attention"
    expected = []
    for target in _TARGETS[0]:
        query = state @ weights[f"{place}/attention/query/kernel"]
        keys = memory @ weights[f"{place}/attention/key/kernel"]
        scores = np.tanh(query + keys) @ weights[f"{place}/attention/v"][0]
        shares = np.exp(scores) / np.exp(scores).sum()
        context = shares @ memory
        # t_i reads the state before, s_{i-1}.
        read = np.concatenate([state, context, word])
        pieces = read @ weights[f"{place}/head_0/kernel"]
        expected.append(pieces.reshape(-1, 2).max(axis=1))
        state = gru("decoder", word, state, context)
        word = weights["target_embedding/matrix"][target]
    found = model(_INPUTS, _TARGETS)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["luong_local_p_general", "gru_rnnsearch"])
def test_steps_in_quantized_products_are_near(name):
    model = _new_model(name)
    outputs = []
    for dtype in ("float32", "bfloat16"):
        if dtype != "float32":
            model.multiply_in(dtype)
        memory, state = model.start(model.encode(_INPUTS), 1)
        for position in range(2):
            ids = _TARGETS[:, position : position + 1] * position
            x, state = model.step(ids, np.int32(position), memory, state)
        outputs.append(np.asarray(keras.ops.cast(x, "float32")))
    np.testing.assert_allclose(*outputs, rtol=0, atol=0.2)
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-4


# Hard attention in both orders: all positions at once, and one by one.
_KINDS = {
    "at once": {},
    "fed": dict(attention_feeding="same"),
    "heads": dict(
        attention_mechanism="concat", num_heads=2, attention_feeding="next"
    ),
    "local": dict(attention_window="local_p", attention_window_width=2),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_hard_attention_draws_while_training(kind):
    changes = dict(hard_attention_sampled=1.0, **_KINDS[kind])
    model = _new_model(_HARD, **changes)
    heads = model.hparams.distinct_heads
    # 400 sentences alike.
    inputs, targets = (
        np.repeat(_INPUTS[:1], 400, 0),
        np.repeat(_TARGETS[:1], 400, 0),
    )
    drawn, maps = [], {}
    for key in ([1, 1], [1, 1], [1, 2]):
        mode = Mode(dropout_key=np.array(key, np.int32), maps=maps)
        model(inputs, targets, mode=mode)
        drawn.append(np.asarray(maps["decoder/layer_0/encdec_attention"]))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_array_equal(drawn[0].sum(axis=-1), 1.0)
    # At the first position all see alike: as often as soft weights say.
    soft = _new_model(_HARD, **{**changes, "attention_kind": "soft"})
    for path, weight in soft.weights_by_path().items():
        weight.assign(model.weights_by_path()[path])
    soft(inputs[:1], targets[:1], mode=Mode(maps=maps))
    weights = np.asarray(maps["decoder/layer_0/encdec_attention"])[0, :, 0]
    weights = weights / weights.sum(axis=-1, keepdims=True)
    shares = drawn[0][:, :, 0].mean(axis=0)
    assert shares.shape == (heads, 5)
    # Within 4 deviations of 400 draws.
    assert np.abs(shares - weights).max() < 4 * 0.5 / 20


@pytest.mark.parametrize("kind", ["at once", "fed"])
def test_hard_attention_learns_in_its_step_alone(kind):
    """The scores' gradient comes from the loss that REINFORCE adds."""
    model = _new_model(_HARD, hard_attention_sampled=1.0, **_KINDS[kind])
    (key,) = (w for w in model.weights if w.path.endswith("key/kernel"))
    gradients = []
    for losses in (None, []):
        mode = Mode(dropout_key=np.array([1, 2], np.int32), losses=losses)
        with tf.GradientTape() as tape:
            decoded = model(_INPUTS, _TARGETS, mode=mode)
            by_token = token_losses(model.logits(decoded), _TARGETS, 0.0)
            loss = tf.reduce_sum(by_token)
            for of_losses in losses or ():
                loss += of_losses(by_token)
        gradients.append(tape.gradient(loss, key.value))
    if kind == "at once":  # nothing else reads the weights
        assert not np.any(gradients[0])
    assert np.abs(gradients[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("lstm_seq2seq", {}),
        ("gru_rnnsearch", {}),
        # XLA draws other numbers from a seed: where nothing is drawn.
        (_HARD, dict(attention_feeding="next", hard_attention_sampled=0.0)),
    ],
)
def test_xla_can_differentiate_it(name, changes):
    """Loops must say how long they are: GPUs train under XLA."""
    model = _new_model(name, **changes)
    inputs, targets = tf.constant(_INPUTS), tf.constant(_TARGETS)
    # Without the embeddings, whose gradients are of rows.
    weights = [weight.value for weight in model.trainable_weights][3:]

    def gradients():
        mode = Mode(dropout_key=tf.constant([1, 2]), losses=[])
        with tf.GradientTape() as tape:
            by_token = tf.reduce_sum(
                tf.square(model(inputs, targets, mode=mode)), axis=-1
            )
            loss = tf.reduce_sum(by_token)
            for of_losses in mode.losses:
                loss += of_losses(by_token)
        return list(map(tf.convert_to_tensor, tape.gradient(loss, weights)))

    compiled = tf.function(gradients, jit_compile=True)()
    for ours, plain in zip(compiled, gradients(), strict=True):
        scale = float(tf.reduce_max(tf.abs(plain))) + 1e-6
        np.testing.assert_allclose(ours / scale, plain / scale, atol=1e-4)
