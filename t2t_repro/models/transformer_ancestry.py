"""Which entries of a cache a beam may see: those of its ancestors.

A cache of all beams stays as it is when beams change places. What changes is
who its entries are visible to.
"""

from typing import Any

from keras import ops

from t2t_repro.layers.attention import MASKED


def with_itself(ancestors: Any) -> Any:
    """`[batch, beams, position]` -> the same with the beam's own number."""
    batch, beams = ops.shape(ancestors)[:2]
    own = ops.broadcast_to(
        ops.arange(beams, dtype="int32")[None, :, None], (batch, beams, 1)
    )
    return ops.concatenate([ancestors, own], axis=2)


def ancestry_bias(ancestors: Any) -> Any:
    """Hides the cache's entries of beams that are no ancestors.

    Args:
      ancestors: `[batch, beams, position]`.

    Returns:
      `[batch, 1, beams, position * beams]`, 0 or `MASKED`.
    """
    beams = ancestors.shape[1]
    visible = ops.equal(ancestors[..., None], ops.arange(beams, dtype="int32"))
    bias = ops.where(visible, 0.0, MASKED)
    return ops.reshape(bias, (-1, 1, beams, ops.shape(ancestors)[2] * beams))
