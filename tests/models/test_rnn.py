"""The recurrent family against the original tensor2tensor 1.15.7.

`tests/testdata/rivals/lstm` holds small networks with random weights, biases
included, that were trained a little to copy, and what tensor2tensor computed
with them in float32. Its attention has no mask: these cases set the hparam that
does without, so that every row can be compared.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.layers import losses
from t2t_repro.models.rnn import Rnn

_DATA = pathlib.Path(__file__).resolve().parents[1] / "testdata/rivals/lstm"
_EOS = 1
# Of each: the set, what its config changes, and ids on each side.
_CASES = {
    "seq2seq_2layer": ("lstm_seq2seq", dict(hidden_size=16), 30),
    "luong_2layer": (
        "lstm_luong_attention",
        dict(hidden_size=16, attention_layer_size=16),
        30,
    ),
    "luong_multi4_2layer": (
        "lstm_luong_attention_multi",
        dict(hidden_size=16, attention_layer_size=8),
        30,
    ),
    "bahdanau_1layer_att12": (
        "lstm_bahdanau_attention",
        dict(hidden_size=20, num_hidden_layers=1, attention_layer_size=12),
        31,
    ),
    "bahdanau_context_out": (
        "lstm_bahdanau_attention",
        dict(
            hidden_size=16,
            num_hidden_layers=1,
            attention_layer_size=12,
            output_attention=False,
        ),
        30,
    ),
    "bahdanau_bidirectional": (
        "lstm_seq2seq_attention_bidirectional_encoder",
        dict(hidden_size=12, num_hidden_layers=1, attention_layer_size=24),
        30,
    ),
}
# How the original calls our weights, after what all names begin with.
_THEIRS = {
    "source_embedding/matrix": "input_emb/weights_0",
    "target_embedding/matrix": "target_emb/weights_0",
    "softmax/matrix": "softmax/weights_0",
    "encdec_attention/attention/key/kernel": "memory_layer/kernel",
    "encdec_attention/attention/query/kernel": "query_layer/kernel",
    "encdec_attention/join/kernel": "decoder/dense/kernel",
    "encdec_attention/join/bias": "decoder/dense/bias",
}


def _their_array(arrays, path, weight):
    """The original's array for one of our weights."""

    def named(end, *parts):
        (found,) = (
            array
            for name, array in arrays.items()
            if name.endswith(end) and all(part in name for part in parts)
        )
        return found

    *place, layer, last = path.split("/")
    for ours, theirs in _THEIRS.items():
        if path.endswith(ours):
            return named(theirs)
    if last == "v":
        return named("attention_v")[None]
    if layer.startswith("head_"):
        end = layer.removeprefix("head_").replace("0", "")
        end = f"_{end}" if end else ""
        return named(f"/attention_layer{end}/kernel")
    # A cell: one kernel over [x; fed; h] there, one of x and one of [fed; h]
    # here.
    number = place[-1].removeprefix("layer_")
    parts = [f"/{place[0]}/", f"/cell_{number}/"]
    if any("/bidirectional_rnn/" in name for name in arrays):
        parts += {"forward": ["/fw/"], "backward": ["/bw/"]}.get(place[1], [])
    array = named(last, "/lstm_cell/", *parts)
    if last == "bias":
        return array
    rows = weight.shape[0]
    return array[:rows] if layer == "input" else array[-rows:]


class Case:
    """One network: its arrays, and a model that has its weights."""

    def __init__(self, name):
        made_from, changes, self.vocabulary = _CASES[name]
        self.hparams = registry.hparams(made_from).replace(
            **changes, attention_over_padding=True, dropout=0.0
        )
        self.folder = _DATA / name
        self.model = Rnn(self.hparams, self.vocabulary)
        values = self.by_path("weights")
        for path, weight in self.model.weights_by_path().items():
            weight.assign(values[path])
        self.forward = self.arrays("forward")
        self.inputs = self.forward["inputs"]
        self.targets = self.forward["targets"]
        # The original unrolls one position more than a row has, and then
        # gives zeros.
        length = (self.targets != 0).sum(axis=1, keepdims=True)
        self.computed = np.arange(self.targets.shape[1]) <= length

    def arrays(self, name):
        with np.load(self.folder / f"{name}.npz") as file:
            return dict(file)

    def by_path(self, name):
        arrays = self.arrays(name)
        return {
            path: _their_array(arrays, path, weight)
            for path, weight in self.model.weights_by_path().items()
        }


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    return Case(request.param)


def test_every_weight_is_the_originals(case):
    theirs = sum(array.size for array in case.arrays("weights").values())
    assert theirs == sum(w.shape.num_elements() for w in case.model.weights)


def test_body_and_logits(case):
    body = case.model(case.inputs, case.targets)
    for ours, name in (
        (body, "body_output"),
        (case.model.logits(body), "logits_eval"),
    ):
        np.testing.assert_allclose(
            np.asarray(ours)[case.computed],
            case.forward[name][case.computed],
            rtol=0,
            atol=2e-5,
            err_msg=name,
        )


@tf.function
def _loss_and_gradients(model, inputs, targets, smoothing):
    with tf.GradientTape() as tape:
        logits = model.logits(model(inputs, targets))
        loss = tf.reduce_sum(losses.token_losses(logits, targets, smoothing))
        loss /= losses.token_count(targets)
    weights = [weight.value for weight in model.weights_by_path().values()]
    return loss, tape.gradient(loss, weights)


def test_losses_and_gradients(case):
    arguments = case.model, tf.constant(case.inputs), tf.constant(case.targets)
    plain, _ = _loss_and_gradients(*arguments, 0.0)
    expected = float(case.forward["eval_loss_training"])
    assert float(plain) == pytest.approx(expected, rel=1e-5)
    loss, gradients = _loss_and_gradients(*arguments, 0.1)
    loss = float(loss) - losses.normalizing_constant(0.1, case.vocabulary)
    expected = float(case.forward["train_loss_training"])
    assert loss == pytest.approx(expected, rel=1e-5)
    theirs = case.by_path("gradients")
    for path, gradient in zip(theirs, gradients, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient),
            theirs[path],
            rtol=1e-3,
            atol=2e-5 * np.abs(theirs[path]).max(),
            err_msg=path,
        )


@tf.function
def _search(model, inputs, limits, beams):
    if beams == 0:
        return greedy_search(model, inputs, limits)
    alpha = 0.6 if beams == 4 else 0.0
    return beam_search(model, inputs, limits, beams, alpha, keep=beams)


def _until_eos(ids):
    ids = [int(number) for number in ids]
    return ids[: ids.index(_EOS) + 1] if _EOS in ids else ids


def test_greedy(case):
    length = case.inputs.shape[1] + 6
    limits = tf.fill([len(case.inputs)], length)
    found = _search(case.model, tf.constant(case.inputs), limits, 0)
    gaps = case.forward["greedy_top1_top2_gap"]
    for row, theirs in enumerate(case.forward["greedy_ids"]):
        theirs = _until_eos(theirs)
        assert gaps[row, : len(theirs)].min() > 1e-3
        assert _until_eos(found.ids[row, 0].numpy()) == theirs


@pytest.mark.parametrize(
    ("beams", "name"), [(1, "beam1"), (4, "beam4_alpha0.6")]
)
def test_beams(case, beams, name):
    limits = tf.fill([len(case.inputs)], case.inputs.shape[1] + 6)
    found = _search(case.model, tf.constant(case.inputs), limits, beams)
    ids = case.forward[f"{name}_ids"].reshape(len(case.inputs), beams, -1)
    same = [
        list(map(_until_eos, ours[:, : ids.shape[2]]))
        == list(map(_until_eos, theirs))
        for ours, theirs in zip(found.ids.numpy(), ids, strict=True)
    ]
    assert all(same), same
    np.testing.assert_allclose(
        found.scores.numpy(), case.forward[f"{name}_scores"], rtol=0, atol=1e-4
    )
