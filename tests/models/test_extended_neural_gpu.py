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
    extended_neural_gpu,
    extended_neural_gpu_tiny,
)
from t2t_repro.decode.beam_search import greedy_search
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.losses import token_losses
from t2t_repro.models.extended_neural_gpu import ExtendedNeuralGPU

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
    weights = model.weights_by_path()
    values = [weight.value for weight in weights.values()]
    found = dict(zip(weights, tape.gradient(loss, values), strict=True))
    expected = _by_path(arrays, "gradients", model.vocab_size)
    assert found.keys() == expected.keys()
    expected["source_embedding/matrix"][0] = 0.0
    for path, gradient in expected.items():
        np.testing.assert_allclose(
            tf.convert_to_tensor(found[path]),
            gradient,
            rtol=2e-3,
            atol=2e-5 * np.abs(gradient).max(),
            err_msg=path,
        )


def test_greedy_by_steps(case):
    arrays, model = case
    expected = arrays["greedy_ids"]
    # Our end of sentence is an id as any other there.
    assert not (expected == 1).any()
    inputs, _ = _ids(arrays)
    limits = tf.fill([len(expected)], expected.shape[1])
    found = greedy_search(model, tf.constant(inputs), limits).ids
    np.testing.assert_array_equal(found[:, 0], expected)
