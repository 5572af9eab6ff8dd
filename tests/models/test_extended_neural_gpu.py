"""The Neural GPUs equal their authors' program, from which these arrays are.

It has one table of ids more and pads a batch to a length of its own, its bin,
as `length_step` does here. Its first unit also reads another image, which is
always zero: that half of the kernel is not here. Id 0 has no vector: there it
is set to zero before every step, whatever its gradient.
"""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.extended_neural_gpu import (
    diagonal_neural_gpu,
    extended_neural_gpu,
    extended_neural_gpu_tiny,
    neural_gpu,
    neural_gpu_tiny,
)
from t2t_repro.decode.beam_search import greedy_search
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.conv_gru import ConvGRU, DiagonalConvGRU, diagonal_shift
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.losses import normalizing_constant, token_losses
from t2t_repro.models.extended_neural_gpu import ExtendedNeuralGPU
from tests.models import gradients, sixteen_bits

_FOLDER = pathlib.Path(__file__).parents[1] / "testdata/rivals"
_BARE = extended_neural_gpu().replace(
    hidden_size=8, multiply_embedding_mode="none", length_ratio=1.0
)
# Sizes, and how many ids there are.
_CASES = {
    "extended_h4": (_BARE.replace(length_step=8), 17),
    "original_h2": (
        _BARE.replace(length_step=7, image_height=2, output_tape=False),
        14,
    ),
}
_PLACES = {
    "embedding": "source_embedding/matrix",
    "target_embedding": "target_embedding/matrix",
    "output_w": "softmax/matrix",
    "input/CvK": "encoder/input/kernel",
    "input/CvB": "encoder/input/bias",
    "input/layer_norm_scale": "encoder/input_norm/scale",
    "input/layer_norm_bias": "encoder/input_norm/bias",
}
_UNITS = {"first": "encoder/first"}
_UNITS |= {f"ecgru_{i}": f"encoder/unit_{i}" for i in range(2)}
_UNITS |= {f"dcgru_{i}": f"decoder/unit_{i}" for i in range(2)}


def _by_path(arrays, prefix, vocab_size):
    """Weights or gradients by our paths and in our shapes."""
    names = [key for key in arrays if key.startswith(f"{prefix}/model/")]
    theirs = {
        key.removeprefix(f"{prefix}/model/"): arrays[key] for key in names
    }
    found = {
        ours: theirs[name] for name, ours in _PLACES.items() if name in theirs
    }
    source = found["source_embedding/matrix"]
    source = np.pad(source, ((0, vocab_size - len(source)), (0, 0)))
    found["source_embedding/matrix"] = source
    found["softmax/matrix"] = found["softmax/matrix"].T
    found["encoder/input/kernel"] = found["encoder/input/kernel"][0, 0]
    for name, unit in _UNITS.items():
        if f"{name}/c/CvK" not in theirs:
            continue
        for part, gates in (("candidate", "c"), ("gates", "rg")):
            kernels = [theirs[f"{name}/{gate}/CvK"] for gate in gates]
            biases = [theirs[f"{name}/{gate}/CvB"] for gate in gates]
            kernel = np.concatenate(kernels, axis=-1)
            if name == "first":
                kernel = kernel[:, :, kernel.shape[2] // 2 :]
            found[f"{unit}/{part}/kernel"] = kernel
            found[f"{unit}/{part}/bias"] = np.concatenate(biases)
    return found


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    file = _FOLDER / f"extended_neural_gpu/{request.param}.npz"
    arrays = dict(np.load(file))
    hparams, vocab_size = _CASES[request.param]
    model = ExtendedNeuralGPU(hparams, vocab_size)
    values = _by_path(arrays, "weights", vocab_size)
    weights = model.weights_by_path()
    assert values.keys() == weights.keys()
    for path, weight in weights.items():
        weight.assign(values[path])
    return arrays, model


def _ids(arrays):
    """Sources and targets, each in the one row that the program fills."""
    assert not arrays["inputs"][:, 1:].any()
    return arrays["inputs"][:, 0], arrays["targets"][:, 0]


def test_encoder(case):
    arrays, model = case
    encoded = model.encode(_ids(arrays)[0])
    np.testing.assert_allclose(
        encoded.image, arrays["after_encoder"], rtol=0, atol=2e-6
    )


def test_probabilities_and_loss(case):
    arrays, model = case
    inputs, targets = _ids(arrays)
    logits = model.logits(model(inputs, targets))
    np.testing.assert_allclose(
        tf.nn.softmax(logits), arrays["probabilities"], rtol=0, atol=2e-6
    )
    np.testing.assert_allclose(logits, arrays["logits_numpy"], atol=1e-5)
    losses = np.asarray(token_losses(logits, targets, 0.0))
    mean = losses.sum() / (targets != 0).sum()
    np.testing.assert_allclose(mean, arrays["loss_hard"], rtol=1e-5)


def test_gradients(case):
    arrays, model = case
    inputs, targets = _ids(arrays)
    with tf.GradientTape() as tape:
        logits = model.logits(model(inputs, targets))
        losses = token_losses(logits, targets, 0.0)
        loss = tf.reduce_sum(losses) / (targets != 0).sum()
    found = gradients.by_path(tape, loss, model.weights_by_path())
    expected = _by_path(arrays, "gradients", model.vocab_size)
    assert found.keys() == expected.keys()
    expected["source_embedding/matrix"][0] = 0.0
    gradients.assert_near(found, expected, rtol=2e-3, atol=2e-5)


def test_greedy_by_steps(case):
    arrays, model = case
    expected = arrays["greedy_ids"]
    # Our end of sentence is an id as any other there.
    assert not (expected == 1).any()
    inputs, _ = _ids(arrays)
    limits = tf.fill([len(expected)], expected.shape[1])
    found = greedy_search(model, tf.constant(inputs), limits).ids
    np.testing.assert_array_equal(found[:, 0], expected)


# tensor2tensor's.


class _Diagonal(DiagonalConvGRU):
    """Whose channels walk along an axis of one row."""

    def _kept(self, image):
        return diagonal_shift(image, 2)


class _Theirs(keras.Model):
    """tensor2tensor's two models, of our units."""

    def __init__(self, is_diagonal, size, units, vocab_size):
        super().__init__()
        self.is_diagonal = is_diagonal
        self.tables = {
            name: Embedding(vocab_size, size, True, name)
            for name in ("source", "softmax")
        }
        cell = _Diagonal if is_diagonal else ConvGRU
        self.units = [
            cell(size, (3, 1), 1, False, f"unit_{i}") for i in range(units)
        ]
        for table in self.tables.values():
            table.build()
        for unit in self.units:
            unit.build((None, None, 1, size))
        self.built = True

    def call(self, inputs):
        """What is read, and the cost of a Diagonal Neural GPU's gates."""
        first = image = self.tables["source"](inputs)[:, :, None]
        everywhere = tf.ones_like(image[..., :1])
        costs, images = [], []
        for token in range(inputs.shape[1]):
            x = image
            for unit in self.units:
                x, cost = unit.step(x, None, everywhere, "float32")
            goes_on = (inputs[:, token] != 0)[:, None, None, None]
            image = tf.where(goes_on, x, image)
            images.append(image)
            costs.append(tf.reduce_mean(cost))
        body = images[0 if self.is_diagonal else -1][:, :, 0]
        return first[:, :, 0], body, 2.0 * tf.reduce_mean(costs)

    def logits(self, x):
        return x @ self.tables["softmax"].softmax_kernel()


# Whether it is diagonal, size, units.
_TENSOR2TENSOR = {
    "neural_gpu_1layer": (False, 12, 1),
    "diagonal_neural_gpu_2layer": (True, 12, 2),
}


def _by_path_of_theirs(arrays, prefix):
    """Weights or gradients by our paths, but for the unused targets."""
    names = [key for key in arrays if key.startswith(f"{prefix}/")]
    parts = {tuple(key.split("/")[-3:]): arrays[key] for key in names}
    found = {}
    for (unit, kind, last), value in parts.items():
        if kind == "input_emb":
            found["source/matrix"] = value
        elif kind == "softmax":
            found["softmax/matrix"] = value
        elif kind.startswith("candidate"):
            found[f"unit_{unit[-1]}/candidate/{last}"] = value
        elif kind.startswith("reset"):
            other = parts[unit, kind.replace("reset", "gate"), last]
            found[f"unit_{unit[-1]}/gates/{last}"] = np.concatenate(
                [value, other], axis=-1
            )
    return found


@pytest.fixture(scope="module", params=_TENSOR2TENSOR)
def their_case(request):
    arrays = dict(np.load(_FOLDER / f"neural_gpu/{request.param}.npz"))
    model = _Theirs(*_TENSOR2TENSOR[request.param], vocab_size=20)
    values = _by_path_of_theirs(arrays, "weights")
    weights = {weight.path: weight for weight in model.weights}
    assert values.keys() == weights.keys()
    for path, weight in weights.items():
        weight.assign(values[path])
    return arrays, model, weights


def test_tensor2tensors_body_and_losses(their_case):
    arrays, model, _ = their_case
    embedded, body, extra = model(arrays["inputs"])
    np.testing.assert_array_equal(embedded, arrays["inputs_embedded"])
    np.testing.assert_allclose(body, arrays["body_output"], rtol=0, atol=2e-5)
    logits = model.logits(body)
    np.testing.assert_allclose(logits, arrays["logits_eval"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(
        extra, arrays["eval_loss_extra"], rtol=1e-5, atol=1e-9
    )
    targets = arrays["targets"]
    losses = np.asarray(token_losses(logits, targets, 0.0))
    mean = losses.sum() / (targets != 0).sum()
    np.testing.assert_allclose(mean, arrays["eval_loss_training"], rtol=1e-5)


def test_tensor2tensors_gradients(their_case):
    arrays, model, weights = their_case
    targets = arrays["targets"]
    with tf.GradientTape() as tape:
        _, body, extra = model(arrays["inputs"])
        losses = token_losses(model.logits(body), targets, 0.1)
        loss = tf.reduce_sum(losses) / (targets != 0).sum()
        loss -= normalizing_constant(0.1, 20)
        total = loss + extra
    np.testing.assert_allclose(loss, arrays["train_loss_training"], rtol=1e-5)
    np.testing.assert_allclose(total, arrays["train_loss_total"], rtol=1e-5)
    np.testing.assert_allclose(
        extra, arrays["train_loss_extra"], rtol=1e-5, atol=1e-9
    )
    found = gradients.by_path(tape, total, weights)
    expected = _by_path_of_theirs(arrays, "gradients")
    gradients.assert_near(found, expected, rtol=1e-3, atol=2e-5)


def test_the_set_neural_gpu_is_tensor2tensors_where_nothing_is_padded():
    arrays = dict(np.load(_FOLDER / "neural_gpu/neural_gpu_1layer.npz"))
    model = ExtendedNeuralGPU(neural_gpu().replace(hidden_size=12), 20)
    values = _by_path_of_theirs(arrays, "weights")
    for path, weight in model.weights_by_path().items():
        name = path.replace("encoder/", "").replace(
            "source_embedding", "source"
        )
        weight.assign(values[name])
    logits = model.logits(model(arrays["inputs"], arrays["targets"]))
    np.testing.assert_allclose(
        logits[0], arrays["logits_eval"][0], rtol=0, atol=2e-5
    )


# What is this project's own.


def _model(hparams=None, **changes):
    keras.utils.set_random_seed(1)
    hparams = hparams or extended_neural_gpu_tiny()
    return ExtendedNeuralGPU(hparams.replace(hidden_size=8, **changes), 11)


_INPUTS = np.array([[5, 6, 7, 8, 9, 1], [8, 9, 1, 0, 0, 0]], np.int32)


def test_a_source_has_columns_of_its_own():
    model = _model()
    encoded = model.encode(_INPUTS)
    # 1.2 * 6 = 7.2 and 1.2 * 3 = 3.6, rounded up.
    np.testing.assert_array_equal(encoded.own, [8, 4])
    image = np.abs(encoded.image).sum(axis=(2, 3))
    np.testing.assert_array_equal(image[1] > 0, [True] * 4 + [False] * 4)
    assert (image[0] > 0).all()
    # 1.2 * 25 = 30 in whatever precision.
    assert model.hparams.columns(25) == 30
    found = model.hparams.columns(tf.constant([25, 26, 0]))
    np.testing.assert_array_equal(found, [30, 32, 0])
    # 6 and 3 in fives.
    encoded = _model(length_ratio=1.0, length_step=5).encode(_INPUTS)
    np.testing.assert_array_equal(encoded.own, [10, 5])


def test_a_long_translation_goes_on_in_the_last_column():
    model = _model()
    targets = np.array([[4, 5, 6, 7, 8, 9, 4]] * 2, np.int32)
    encoded = model.encode(_INPUTS)
    memory, state = model.start(encoded, 1)
    last = np.zeros((2, 1), np.int32)
    whole = model.decode(targets, encoded)
    for position in range(7):
        x, state = model.step(last, np.int32(position), memory, state)
        np.testing.assert_allclose(x[:, 0], whole[:, position], atol=1e-5)
        last = targets[:, position : position + 1]
    # The six words before; of the second source the last three were written
    # one over the other.
    words = np.asarray(model._word(targets[0]))
    tape = np.asarray(state.tape)[:, 0, :, 1]
    np.testing.assert_array_equal(tape[0, :6], words[:6])
    np.testing.assert_array_equal(tape[1, :4], words[[0, 1, 2, 5]])
    assert not tape[0, 6:].any() and not tape[1, 4:].any()


def test_without_a_tape_no_word_depends_on_another():
    model = _model(neural_gpu_tiny())
    targets = np.array([[4, 5, 6, 7]] * 2, np.int32)
    others = np.array([[9, 8, 7, 6]] * 2, np.int32)
    np.testing.assert_array_equal(
        model(_INPUTS, targets), model(_INPUTS, others)
    )
    alone = model(_INPUTS[1:, :3], targets[1:])
    np.testing.assert_allclose(model(_INPUTS, targets)[1], alone[0], atol=1e-5)
    limits = tf.constant([5, 9])
    found = greedy_search(model, tf.constant(_INPUTS), limits).ids[:, 0]
    best = np.argmax(model.logits(model(_INPUTS, found)), axis=-1)
    for row, ids in zip(best, np.asarray(found), strict=True):
        np.testing.assert_array_equal(row[ids != 0], ids[ids != 0])


def test_gates_of_a_diagonal_unit_have_a_cost_whatever_the_padding():
    model = _model(diagonal_neural_gpu())
    for weight in model.weights:
        if weight.path.endswith("gates/bias"):
            weight.assign([2.0] * 16)
    costs: list = []
    for inputs in (_INPUTS, _INPUTS[:1], _INPUTS[1:, :3]):
        model.encode(inputs, Mode(losses=costs))
    both, first, second = (float(cost) for cost in costs)
    assert first > 1.0 and second > 1.0
    assert both == pytest.approx((first + second) / 2, rel=1e-5)


def test_every_application_drops_other_cells():
    model = _model(dropout=0.5)
    mode = Mode(dropout_key=tf.constant([1, 2]))
    image = tf.ones((1, 4, 2, 8))
    first, second, again = (
        np.asarray(model._drop(image, "encoder/image", step, mode))
        for step in map(tf.constant, (1, 2, 1))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


def test_bfloat16():
    key = tf.constant([1, 2])
    found = sixteen_bits.passes(_model(dropout=0.1), _INPUTS, _INPUTS, key)
    assert found.trained.dtype == tf.bfloat16
    np.testing.assert_allclose(found.whole, found.exact, atol=0.2)
    assert np.abs(found.whole - found.exact).max() > 0.0


def test_units_see_farther_and_farther():
    hparams = extended_neural_gpu().replace(num_hidden_layers=3)
    assert [hparams.dilation(i) for i in range(3)] == [1, 1, 1]
    hparams = hparams.replace(atrous=True)
    assert [hparams.dilation(i) for i in range(3)] == [1, 2, 4]


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(length_ratio=0.9), "expected 1 or more"),
        (dict(length_step=0), "expected a value above 0"),
        (dict(image_height=0), "expected a value above 0"),
        (dict(kernel_height=-1), "expected a value above 0"),
        (dict(saturation_cost=-1.0), "expected 0 or a value above"),
        (dict(cell="gru"), "expected one of 'cgru', 'dcgru'"),
        (dict(dropout=1.0), "expected a rate"),
    ],
)
def test_what_cannot_be_built_is_named(change, words):
    with pytest.raises(UsageError, match=words):
        extended_neural_gpu_tiny().replace(**change)


def test_operations():
    hparams = extended_neural_gpu_tiny().replace(
        hidden_size=4, num_hidden_layers=1, kernel_height=1
    )
    # A source of 3 has 4 columns of two rows, 8 cells. A product of all of
    # them 2 * 4 * 4 * 8 = 256; a unit of three convolutions of three columns
    # 9 * 256 = 2304. Input 256 + 2304, four applications 9216: 11776.
    # A position: twice the channels 4608, softmax of 10 ids 2 * 4 * 10 = 80.
    assert hparams.forward_flops((1, 3, 2), 10) == 11776 + 2 * 4688
    assert hparams.decoding_flops((5, 3, 2), 10, 4) == 5 * (11776 + 8 * 4688)
    hparams = hparams.replace(output_tape=False, input_unit=False)
    assert hparams.forward_flops((1, 3, 2), 10) == 9216 + 2 * 80
