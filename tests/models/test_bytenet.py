"""ByteNet's chains of convolutions equal tensor2tensor's; the rest by hand.

tensor2tensor 1.15.7 has other blocks than the paper: all dilations in one, full
width, a norm at the end; and it masks nothing: everything is padded with zeros
to a multiple of 50 columns, on which its logits depend. So its network is put
together here, of the same chains, and ByteNet's own is held by the contract
test and by the numbers below.
"""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.bytenet import bytenet_tiny, bytenet_wmt_ende
from t2t_repro.errors import UsageError
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.losses import normalizing_constant, token_losses
from t2t_repro.models.bytenet import ByteNet
from t2t_repro.models.bytenet_layers import Chain, Convolution
from tests.models import gradients, sixteen_bits

_FOLDER = pathlib.Path(__file__).parents[1] / "testdata/rivals/bytenet"
_VOCABULARY = 26
_TOLERANCE = dict(rtol=0, atol=2e-5)
_TABLES = {
    "input_emb": "source",
    "target_emb": "target",
    "softmax": "softmax",
}


class _Theirs(keras.Model):
    """tensor2tensor's byte_net, of our chains."""

    def __init__(self, size, layers, repeats, width, columns):
        super().__init__()
        self.columns = columns
        self.tables = {
            name: Embedding(_VOCABULARY, size, True, name)
            for name in _TABLES.values()
        }
        block = tuple(
            Convolution(size, size, width, 1 << i) for i in range(layers)
        )
        self.blocks = {
            stack: [
                Chain(block, f"{stack}_repeat_{i}", norm_last=True)
                for i in range(repeats)
            ]
            for stack in ("encoder", "decoder")
        }
        self.join = Chain(
            (Convolution(2 * size, size, width),), "conv_block", False, True
        )
        for layer in self._flatten_layers(include_self=False):
            if isinstance(layer, Chain | Embedding):
                layer.build((None, None, None))
        self.built = True

    def encode(self, inputs):
        x = self._padded(self.tables["source"](inputs))
        for block in self.blocks["encoder"]:
            x = x + block.encode(x, tf.constant(1.0))
        return x

    def call(self, inputs, targets):
        x = self._padded(self.tables["target"](targets))
        x = tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        x = self.join.decode(tf.concat([self.encode(inputs), x], axis=-1))
        for block in self.blocks["decoder"]:
            x = x + block.decode(x)
        return x

    def logits(self, x):
        return x @ self.tables["softmax"].softmax_kernel()

    def greedy(self, inputs, steps):
        """By steps, as ByteNet takes them."""
        encoded = self.encode(inputs)
        rows = len(inputs)
        chains = [self.join, *self.blocks["decoder"]]
        states = [chain.start(rows, 1) for chain in chains]
        found = np.zeros((rows, steps), np.int32)
        ids = np.zeros((rows, 1), np.int32)
        for position in range(steps):
            x = self.tables["target"](ids)
            x = tf.concat([encoded[:, position : position + 1], x], axis=-1)
            x, states[0] = self.join.step(x, states[0])
            for i, block in enumerate(self.blocks["decoder"], 1):
                y, states[i] = block.step(x, states[i])
                x = x + y
            ids = np.argmax(self.logits(x), axis=-1).astype(np.int32)
            found[:, position] = ids[:, 0]
        return found

    def _padded(self, x):
        return tf.pad(x, [[0, 0], [0, self.columns - x.shape[1]], [0, 0]])


# Size, dilations of a block, blocks, width, columns.
_CASES = {
    "layers2_repeat2": (12, 2, 2, 3, 50),
    "layers3_repeat1_k5": (10, 3, 1, 5, 100),
}


def _by_path(arrays, prefix):
    """Weights or gradients by our paths and in our shapes."""
    found = {}
    for key in arrays:
        if not key.startswith(f"{prefix}/"):
            continue
        *_, place, kind, last = key.split("/")
        value = arrays[key]
        if last == "weights_0":
            found[f"{_TABLES[kind]}/matrix"] = value
            continue
        chain = "conv_block"
        if "/repeat_" in key:
            stack = "encoder" if "/encoder/" in key else "decoder"
            chain = f"{stack}_repeat_{key.split('/repeat_')[1][0]}"
        if last == "kernel":
            part = f"conv_{kind.split('_')[2]}/kernel"
            value = value.reshape(-1, value.shape[-1])
        else:
            norm = 0 if kind == "lnorm" else int(kind.split("_")[-1]) + 1
            part = f"norm_{norm}/{last.removeprefix('layer_norm_')}"
        found[f"{chain}/{part}"] = value
    return found


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    arrays = dict(np.load(_FOLDER / f"{request.param}.npz"))
    model = _Theirs(*_CASES[request.param])
    values = _by_path(arrays, "weights")
    weights = {weight.path: weight for weight in model.weights}
    assert values.keys() == weights.keys()
    for path, weight in weights.items():
        weight.assign(values[path])
    return arrays, model, weights


def test_body_and_logits_and_loss(case):
    arrays, model, _ = case
    targets = arrays["targets"]
    x = model(arrays["inputs"], targets)
    np.testing.assert_allclose(x, arrays["body_output"], **_TOLERANCE)
    logits = model.logits(x)
    np.testing.assert_allclose(logits, arrays["logits_eval"], **_TOLERANCE)
    losses = token_losses(logits[:, : targets.shape[1]], targets, 0.0)
    mean = np.asarray(losses).sum() / (targets != 0).sum()
    np.testing.assert_allclose(mean, arrays["eval_loss_training"], rtol=1e-5)


def test_gradients(case):
    arrays, model, weights = case
    targets = arrays["targets"]
    with tf.GradientTape() as tape:
        x = model(arrays["inputs"], targets)[:, : targets.shape[1]]
        losses = token_losses(model.logits(x), targets, 0.1)
        loss = tf.reduce_sum(losses) / (targets != 0).sum()
    np.testing.assert_allclose(
        loss - normalizing_constant(0.1, _VOCABULARY),
        arrays["train_loss_training"],
        rtol=1e-5,
    )
    found = gradients.by_path(tape, loss, weights)
    expected = _by_path(arrays, "gradients")
    gradients.assert_near(found, expected, rtol=1e-3, atol=2e-5)


def test_greedy_by_steps(case):
    arrays, model, _ = case
    expected = arrays["greedy_ids"]
    found = model.greedy(arrays["inputs"], expected.shape[1])
    for row, ids in enumerate(expected):
        length = np.flatnonzero(ids == 1)[0] + 1
        np.testing.assert_array_equal(found[row, :length], ids[:length])


def _model(**changes):
    keras.utils.set_random_seed(1)
    hparams = bytenet_tiny().replace(
        hidden_size=4, num_hidden_layers=2, **changes
    )
    return ByteNet(hparams, 11)


def test_the_decoder_is_unfolded_over_the_columns():
    model = _model()
    inputs = np.array([[5, 6, 7, 8, 9, 1], [8, 9, 1, 0, 0, 0]], np.int32)
    columns = np.asarray(model.encode(inputs).columns)
    # 1.2 * 6 = 7.2 and 1.2 * 3 = 3.6, rounded up.
    assert columns.shape == (2, 8, 8)
    assert (np.abs(columns[0]).sum(axis=-1) > 0).all()
    np.testing.assert_array_equal(
        np.abs(columns[1]).sum(axis=-1) > 0, [True] * 4 + [False] * 4
    )
    # Wider than the source by b columns more.
    more = _model(length_extra=2).encode(inputs).columns
    assert more.shape == (2, 10, 8)


def test_position_reads_its_column_and_those_before():
    model = _model()
    inputs = np.array([[5, 6, 7, 8, 1]], np.int32)
    targets = np.array([[4, 5, 6, 7, 8, 9, 4, 5, 1]], np.int32)
    encoded = model.encode(inputs)
    whole = np.asarray(model.decode(targets, encoded))
    changed = np.array(encoded.columns)
    changed[:, 3] += 1.0
    other = np.asarray(model.decode(targets, type(encoded)(changed)))
    difference = np.abs(whole - other).max(axis=(0, 2))
    assert (difference[:3] == 0.0).all()
    # 3 of the join, 3 of dilation 1, 3 of dilation 2: 2 + 2 + 4 behind.
    assert (difference[3:] > 1e-6).all()


def test_steps_go_on_past_the_last_column():
    model = _model()
    # 1.2 * 3 and 1.2 * 2, rounded up: four columns and three.
    inputs = np.array([[8, 9, 1], [8, 1, 0]], np.int32)
    targets = np.array([[4, 5, 6, 7, 8, 9, 4, 1]] * 2, np.int32)
    encoded = model.encode(inputs)
    whole = model.decode(targets, encoded)
    assert encoded.columns.shape[1] == 4
    memory, state = model.start(encoded, 1)
    last = np.zeros((2, 1), np.int32)
    for position in range(8):
        x, state = model.step(last, np.int32(position), memory, state)
        np.testing.assert_allclose(x[:, 0], whole[:, position], atol=1e-5)
        last = targets[:, position : position + 1]


def test_the_paper_has_six_sets_of_five_dilations():
    hparams = bytenet_wmt_ende()
    rates = [hparams.dilation(i) for i in range(hparams.num_hidden_layers)]
    assert rates == [1, 2, 4, 8, 16] * 6
    assert hparams.columns(10) == 12
    # 1.2 * 25 = 30 in whatever precision.
    assert hparams.columns(25) == 30
    found = hparams.columns(tf.constant([25, 26, 0]))
    np.testing.assert_array_equal(found, [30, 32, 0])


def test_bfloat16():
    sixteen_bits.assert_step_is_near(_model(dropout=0.1), atol=0.1)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(length_ratio=0.9), "expected 1 or more"),
        (dict(kernel_width=4), "expected an odd number"),
        (dict(dilation_rates=0), "expected a value above 0"),
        (dict(length_extra=-1), "expected 0 or a value above"),
    ],
)
def test_what_cannot_be_built_is_named(change, words):
    with pytest.raises(UsageError, match=words):
        bytenet_tiny().replace(**change)


def test_operations():
    hparams = bytenet_tiny().replace(hidden_size=4, num_hidden_layers=2)
    # A block: 2 * (8 * 4 + 3 * 4 * 4 + 4 * 8) = 224, two of them 448. The
    # source of 3 has 4 columns: 1792. Input 2 * 3 * 16 * 8 = 768, output
    # 2 * 8 * 8 = 128, softmax of 10 ids 2 * 8 * 10 = 160: 1504 with 448.
    assert hparams.forward_flops((1, 3, 2), 10) == 1792 + 2 * 1504
    assert hparams.decoding_flops((5, 3, 2), 10, 4) == 5 * (1792 + 8 * 1504)
