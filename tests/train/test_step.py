"""One step: the same result however the batch is dealt out.

Two logical CPU devices stand for two GPUs; `tests/conftest.py` makes them
before TensorFlow starts.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro.models.transformer import Transformer
from t2t_repro.train.step import TrainStep

_HPARAMS = transformer_tiny().replace(
    hidden_size=16,
    filter_size=32,
    num_heads=2,
    num_hidden_layers=1,
    layer_prepostprocess_dropout=0.0,
    learning_rate_warmup_steps=2,
    learning_rate_constant=0.1,
    # With the paper's 1e-9 the rounding of a zero gradient becomes a full step.
    optimizer_adam_epsilon=1e-4,
)
_VOCABULARY = 13
# Four sentences of very different length; the last one is padding alone.
_INPUTS = np.array(
    [[5, 6, 7, 8, 1], [9, 1, 0, 0, 0], [4, 4, 1, 0, 0], [0, 0, 0, 0, 0]]
)
_TARGETS = np.array([[3, 4, 5, 1], [2, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
_TOKENS = 4 + 2 + 1


def _train(devices, parts, steps=3, xla="off", **changes):
    """Trains on the four sentences in `parts` equal parts.

    Returns:
      The results of the steps, and the weights.
    """
    strategy = tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(devices)]
    )
    keras.utils.set_random_seed(3)
    hparams = _HPARAMS.replace(
        optimizer_multistep_accumulate_steps=parts // devices, **changes
    )
    with strategy.scope():
        model = Transformer(hparams, _VOCABULARY)
        step = TrainStep(hparams, model, strategy, seed=5, xla=xla)

    def deal(ids):
        return ids.reshape(parts, -1, ids.shape[1]).astype(np.int32)

    results = [step(deal(_INPUTS), deal(_TARGETS)) for _ in range(steps)]
    return results, {n: v.numpy() for n, v in step.weights.items()}


@pytest.fixture(scope="module")
def reference():
    return _train(devices=1, parts=1, clip_grad_norm=0.5)


def test_scalars(reference):
    results, _ = reference
    assert [float(r.tokens) for r in results] == [_TOKENS] * 3
    # Untrained logits are small: the loss is near ln 13 = 2.56.
    assert 2.0 < float(results[0].loss) < 4.0
    assert float(results[2].loss) < float(results[0].loss)
    # 0.1 * 16^-0.5 * min(step^-0.5, step * 2^-1.5)
    expected = [2**-1.5 / 40, 2 * 2**-1.5 / 40, 3**-0.5 / 40]
    rates = [float(r.learning_rate) for r in results]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "devices, parts, xla",
    [
        (2, 2, "off"),  # the second replica has one token
        (2, 4, "off"),  # the second replica's second micro-batch has none
        (2, 2, "attention"),
        (2, 2, "replica"),
    ],
)
def test_dealing_the_batch_out_changes_nothing(reference, devices, parts, xla):
    results, weights = _train(devices, parts, xla=xla, clip_grad_norm=0.5)
    for result, expected in zip(results, reference[0], strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    for name, expected in reference[1].items():
        np.testing.assert_allclose(weights[name], expected, atol=1e-5)


def test_clipping_bounds_the_gradient_that_is_applied(reference):
    norm = float(reference[0][0].gradient_norm)
    assert norm > 0.5  # reported before clipping
    _, unclipped = _train(devices=1, parts=1, clip_grad_norm=0.0)
    _, same = _train(devices=1, parts=1, clip_grad_norm=1e9)
    for name, expected in unclipped.items():
        np.testing.assert_allclose(same[name], expected, atol=1e-6)


def test_replicas_draw_different_dropout():
    # The same sentence on both replicas: with equal masks the loss of the two
    # would be the loss of one.
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    hparams = _HPARAMS.replace(layer_prepostprocess_dropout=0.5)
    with strategy.scope():
        model = Transformer(hparams, _VOCABULARY)
        step = TrainStep(hparams, model, strategy, seed=5, xla="off")
    keys = [
        tuple(step._dropout_key(tf.constant(done), tf.constant(part)).numpy())
        for done in range(3)
        for part in range(2)
    ]
    assert len(set(keys)) == 6
