"""Label-smoothed cross entropy: section 5.4 (Szegedy et al. 2015).

The smoothed target is `high = 1 - epsilon` on the label and
`low = epsilon / (V - 1)` on every other id, as in tensor2tensor. It sums to 1,
so the cross entropy of log probabilities l is

    -(high - low) * l[label] - low * sum(l)

and its gradient by the logits softmax - target. Both are written out, with as
few passes over the logits, the largest tensor of a step, as may be: what
automatic differentiation makes of the first formula takes several times as
long. One softmax serves both. It divides exp(logit - largest) by their sum, so
its largest value is 1 / sum, and l = logits - (largest + log(sum)).
"""

import math
from collections.abc import Callable
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
    vocabulary = logits.shape[-1]
    high, low = 1.0 - smoothing, smoothing / (vocabulary - 1)
    rows = ops.arange(ops.size(labels), dtype=labels.dtype)
    places = ops.stack([rows, labels], axis=1)

    @ops.custom_gradient
    def of_logits(logits: Any) -> tuple[Any, Callable[..., Any]]:
        probs = ops.softmax(logits)
        largest = ops.max(logits, axis=-1)
        normalizer = largest - ops.log(ops.max(probs, axis=-1))
        label = _of_labels(logits, labels) - normalizer
        loss = -(high - low) * label
        if smoothing:
            total = ops.sum(logits, axis=-1) - vocabulary * normalizer
            loss = loss - low * total

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            # One backend gives it by position, another by name.
            given = arguments[0] if upstream is None else upstream
            at_label = (_of_labels(probs, labels) - high) * given
            elsewhere = (probs - low) * given[:, None]
            return ops.scatter_update(elsewhere, places, at_label)

        return loss, gradient

    return of_logits(ops.cast(logits, "float32"))


def _of_labels(values: Any, labels: Any) -> Any:
    """`[rows]`: of each row of `[rows, vocabulary]` what its label has."""
    return ops.take_along_axis(values, labels[:, None], axis=-1)[:, 0]


def token_losses(logits: Any, targets: Any, smoothing: float) -> Any:
    """Cross entropy of every target, in nats.

    Args:
      logits: `[batch, target, vocabulary]`.
      targets: `[batch, target]` int32.
      smoothing: epsilon_ls.

    Returns:
      `[batch, target]` float32, 0 for padding.
    """
    rows = ops.reshape(logits, (-1, logits.shape[-1]))
    labels = ops.reshape(targets, (-1,))
    loss = cross_entropy(rows, labels, smoothing)
    loss = ops.where(ops.equal(labels, 0), 0.0, loss)
    return ops.reshape(loss, ops.shape(targets))


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
