"""16 bits where they are wanted, float32 where they would hurt."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro.layers.attention import Mode, attention_weights
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm
from t2t_repro.models.transformer import Transformer
from t2t_repro.train import loss_scale
from t2t_repro.train.step import TrainStep

_HPARAMS = transformer_tiny().replace(
    hidden_size=16,
    filter_size=32,
    num_heads=2,
    num_hidden_layers=1,
    layer_prepostprocess_dropout=0.0,
    learning_rate_schedule="constant",
    learning_rate_constant=0.01,
    optimizer_adam_epsilon=1e-4,
)
# The last sentence is padding alone: all its keys are masked.
_INPUTS = np.array([[[5, 6, 7, 8, 1], [9, 4, 1, 0, 0], [0] * 5]], np.int32)
_TARGETS = np.array([[[3, 4, 5, 1], [2, 1, 0, 0], [0] * 4]], np.int32)


def _make(kind, nan_policy="stop"):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = Transformer(_HPARAMS, 13)
        step = TrainStep(_HPARAMS, model, strategy, 5, "off", nan_policy, kind)
    return step, model


def _values(step):
    return {name: value.numpy() for name, value in step.variables().items()}


@pytest.fixture(scope="module")
def float32_run():
    step, _ = _make("float32")
    return [step(_INPUTS, _TARGETS) for _ in range(3)], _values(step)


def test_norms_are_float32():
    # bfloat16 has 8 significant bits: it has no 257, the mean of 256 and 258,
    # and no 1 + 2^-9. With these rounded to 256 and 1 there would come
    # (0 - 1, sqrt(2) - 1) or (-1 - 1, 1 - 1).
    norm = LayerNorm(_HPARAMS.norm_epsilon, "norm")
    norm.build((1, 2))
    norm.scale.assign([1 + 2.0**-9] * 2)
    norm.bias.assign([-1.0, -1.0])
    found = norm(tf.constant([[256, 258]], tf.bfloat16))
    assert found.dtype == tf.bfloat16
    found = tf.cast(found, tf.float32)
    # -1 - 2^-9 - 1 is rounded to -2 only now.
    np.testing.assert_allclose(found, [[-2.0, 2.0**-9]], rtol=2**-8)


def test_softmax_is_float32():
    query = tf.zeros([1, 1, 1, 4], tf.bfloat16)
    key = tf.zeros([1, 1, 3, 4], tf.bfloat16)
    weights = attention_weights(query, key, None)
    # A third has no end in binary: bfloat16's is 0.33398.
    np.testing.assert_allclose(weights, [[[[1 / 3] * 3]]], rtol=1e-6)


def test_masked_keys_do_not_overflow_float16():
    # -1e9 is minus infinity in float16, and where all keys are masked, the
    # softmax NaN.
    query = tf.zeros([1, 1, 1, 4], tf.float16)
    key = tf.zeros([1, 1, 2, 4], tf.float16)
    bias = tf.constant([-1e9, -1e9])[None, None, None]
    weights = attention_weights(query, key, bias)
    np.testing.assert_array_equal(weights, [[[[0.5, 0.5]]]])


def test_the_gradient_of_a_bias_is_summed_in_float32():
    layer = Linear(8, True, "linear")
    layer.build((None, 1))
    with tf.GradientTape() as tape:
        y = layer(tf.ones([10_000, 1], tf.float16))
    assert y.dtype == tf.float16
    (bias,) = (w.value for w in layer.weights if w.shape == (8,))
    gradient = tape.gradient(y, bias)
    # From 2,048 on, one more makes no difference to float16.
    assert gradient.numpy().tolist() == [10_000.0] * 8


def test_bfloat16_is_near_float32(float32_run):
    step, model = _make("bfloat16")
    results = [step(_INPUTS, _TARGETS) for _ in range(3)]
    for found, expected in zip(results, float32_run[0], strict=True):
        # A rounding to 8 bits is off by 2^-8 = 0.4 % at most, and about ten
        # follow upon one another (embedding, query, logits, context, output,
        # filter, norms): 0.4 % * sqrt(10) = 1.3 % of a logit, of which none is
        # above 2, so the loss is off by less than 0.03.
        assert abs(float(found.loss - expected.loss)) < 0.03
        assert float(found.loss) != float(expected.loss)
        # As many again on the way back.
        np.testing.assert_allclose(
            found.gradient_norm, expected.gradient_norm, rtol=0.03
        )
        assert found.is_finite
    # No variable has 16 bits, and there are none that float32 does without.
    values = _values(step)
    assert values.keys() == float32_run[1].keys()
    kinds = {v.dtype for n, v in values.items() if n != "global_step"}
    assert kinds == {np.dtype(np.float32)}
    # Whoever does not ask for 16 bits, as decoding and evaluation, has 32.
    assert model(_INPUTS[0], _TARGETS[0]).dtype == tf.float32
    mode = Mode(dtype="bfloat16")
    assert model(_INPUTS[0], _TARGETS[0], mode=mode).dtype == tf.bfloat16


def test_loss_scale():
    scale = loss_scale.LossScale()
    value, finite_steps = scale.variables().values()
    assert value.numpy() == 32768
    yes, no = tf.constant(True), tf.constant(False)
    finite_steps.assign(1998)
    scale.update(was_applied=yes, overflowed=no)
    assert (value.numpy(), finite_steps.numpy()) == (32768, 1999)
    scale.update(was_applied=yes, overflowed=no)
    assert (value.numpy(), finite_steps.numpy()) == (65536, 0)
    scale.update(was_applied=yes, overflowed=no)
    scale.update(was_applied=no, overflowed=no)  # a loss of NaN
    assert (value.numpy(), finite_steps.numpy()) == (65536, 1)
    scale.update(was_applied=no, overflowed=yes)
    assert (value.numpy(), finite_steps.numpy()) == (32768, 0)
    value.assign(1.0)
    scale.update(was_applied=no, overflowed=yes)
    assert value.numpy() == 1.0
    value.assign(2.0**64)
    finite_steps.assign(1999)
    scale.update(was_applied=yes, overflowed=no)
    assert value.numpy() == 2.0**64


def test_float16_scales_the_loss_and_halves_on_overflow(float32_run):
    step, model = _make("float16")
    variables = step.variables()
    scale = variables["adam/loss_scale"]
    finite_steps = variables["adam/finite_steps"]
    skipped = variables["adam/updates_skipped"]
    # 2^40 does not fit into float16, whose end is 65,504.
    scale.assign(2.0**40)
    before = {name: weight.numpy() for name, weight in step.weights.items()}
    result = step(_INPUTS, _TARGETS)
    assert not np.isfinite(result.gradient_norm)
    assert result.is_finite  # in order: no reason to stop
    for name, value in before.items():
        np.testing.assert_array_equal(step.weights[name].numpy(), value)
    assert (step.updates_done.numpy(), skipped.numpy()) == (1, 1)
    assert (scale.numpy(), finite_steps.numpy()) == (2.0**39, 0)
    # 11 bits: 8 times as near as bfloat16 at most; and the scale, 16, is out of
    # everything that is seen.
    scale.assign(16.0)
    finite_steps.assign(1998)
    for expected in float32_run[0]:
        result = step(_INPUTS, _TARGETS)
        assert abs(float(result.loss - expected.loss)) < 0.03 / 8
        np.testing.assert_allclose(
            result.gradient_norm, expected.gradient_norm, rtol=0.03 / 8
        )
    assert (scale.numpy(), finite_steps.numpy()) == (32, 1)
    assert (step.updates_done.numpy(), skipped.numpy()) == (4, 1)
    # A loss that is not finite is none of the scale's business.
    matrix = step.weights["embedding/matrix"]
    matrix.assign(np.full(matrix.shape, 1e30, np.float32))
    result = step(_INPUTS, _TARGETS)
    assert not result.is_finite
    assert (scale.numpy(), finite_steps.numpy()) == (32, 1)
    assert step.updates_done.numpy() == 4
