"""Label-smoothed cross entropy: section 5.4 (Szegedy et al. 2015).

The smoothed target is `1 - epsilon` on the label and `epsilon / (V - 1)` on
every other id, as in tensor2tensor. No `[rows, vocabulary]` tensor of targets
is made: with `low = epsilon / (V - 1)` the cross entropy of a row z is

    logsumexp(z) - (1 - epsilon - low) * z[label] - low * sum(z)
"""

import math
from typing import Any

from keras import ops


def cross_entropy(logits: Any, labels: Any, smoothing: float) -> Any:
    """Cross entropy of each row against its smoothed label, in nats.

    Args:
      logits: `[rows, vocabulary]`, used in float32.
      labels: `[rows]` int32.
      smoothing: epsilon_ls, from 0 up to 1.

    Returns:
      `[rows]` float32. With smoothing it cannot reach 0 but only
      `normalizing_constant`.
    """
    logits = ops.cast(logits, "float32")
    low = smoothing / (logits.shape[-1] - 1)
    peak = ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    logits = logits - peak
    normalizer = ops.log(ops.sum(ops.exp(logits), axis=-1))
    label = ops.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]
    loss = normalizer - (1.0 - smoothing - low) * label
    return loss - low * ops.sum(logits, axis=-1) if smoothing else loss


def normalizing_constant(smoothing: float, vocab_size: int) -> float:
    """The smallest value of `cross_entropy`, which tensor2tensor subtracts.

    It changes the reported loss and no gradient.

    Args:
      smoothing: epsilon_ls.
      vocab_size: V.

    Returns:
      The entropy of the smoothed target, 0 without smoothing.
    """
    if not smoothing:
        return 0.0
    high, low = 1.0 - smoothing, smoothing / (vocab_size - 1)
    return -(
        high * math.log(high) + (vocab_size - 1) * low * math.log(low + 1e-20)
    )


def token_count(targets: Any) -> Any:
    """How many targets are not padding, as float32."""
    return ops.sum(ops.cast(ops.not_equal(targets, 0), "float32"))
