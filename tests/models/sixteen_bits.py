"""The passes of a model in bfloat16, beside its exact one."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_repro.layers.attention import Mode


class Passes(NamedTuple):
    """What a model says of one batch.

    Attributes:
      exact: logits `[batch, target, vocabulary]` in 32 bits, as an array.
      trained: output of the decoder as training has it, not yet logits.
      whole: logits of all positions, products in 16 bits.
      first: logits `[batch, 1, vocabulary]` of the search's first step, so too.
    """

    exact: np.ndarray
    trained: Any
    whole: Any
    first: Any


def passes(
    model: Any, inputs: np.ndarray, targets: np.ndarray, dropout_key: Any = None
) -> Passes:
    """Runs them; the model multiplies in 16 bits from then on.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32.
      targets: `[batch, target]` int32.
      dropout_key: of the pass of training; None: nothing is dropped.
    """
    mode = Mode(dropout_key=dropout_key, dtype="bfloat16")
    trained = model(inputs, targets, mode=mode)
    exact = np.asarray(model.logits(model(inputs, targets)))
    model.multiply_in("bfloat16")
    whole = model.logits(model(inputs, targets))
    memory, state = model.start(model.encode(inputs), 1)
    nothing = np.zeros((len(inputs), 1), np.int32)
    x, _ = model.step(nothing, np.int32(0), memory, state)
    first = model.logits(x, model.output_kernel())
    return Passes(exact, trained, whole, first)


def assert_step_is_near(model: Any, atol: float) -> None:
    """Training of a sentence is in 16 bits, and its first step near the exact.

    Args:
      model: a `Seq2Seq`, whose dropout is on in training.
      atol: absolute tolerance of a logit.
    """
    inputs = np.array([[5, 6, 1]], np.int32)
    found = passes(model, inputs, inputs, tf.constant([1, 2]))
    assert found.trained.dtype == tf.bfloat16
    np.testing.assert_allclose(found.first, found.exact[:, :1], atol=atol)
