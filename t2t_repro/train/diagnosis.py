"""Words for a step whose loss or gradient was not finite."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST_NAMED = 5


def of_weights(weights: Mapping[str, Any]) -> str | None:
    """Names the first weight that is not finite, in a clause; None: all are.

    Args:
      weights: variables by path.
    """
    for path, weight in weights.items():
        if not _finite(weight):
            return f"the weight {path} was not finite before the step"
    return None


def of_micro_batch(
    name: str, token_losses: Any, gradients: Mapping[str, Any]
) -> str | None:
    """Says what is not finite in a micro-batch, in a clause; None: nothing.

    Args:
      name: of the micro-batch, such as `micro-batch 1 of 2`.
      token_losses: `[batch, target]`.
      gradients: by path of the weight.
    """
    bad = [path for path, value in gradients.items() if not _finite(value)]
    if not bad and _finite(token_losses):
        return None
    return (
        f"the loss of {name} is {_finiteness(np.asarray(token_losses))}, and of"
        f" {len(gradients)} gradients {len(bad)} are not"
        f"{', first that of ' + bad[0] if bad else ''}"
    )


def _finite(value: Any) -> bool:
    return bool(np.isfinite(np.asarray(value)).all())


def _finiteness(token_losses: np.ndarray) -> str:
    """Whether a loss `[batch, target]` is finite; if not, of which rows."""
    rows = np.flatnonzero(~np.isfinite(token_losses).all(axis=1)) + 1
    if not rows.size:
        return f"finite ({token_losses.sum():.4g})"
    named = ", ".join(str(row) for row in rows[:_MOST_NAMED])
    more = ", ..." if rows.size > _MOST_NAMED else ""
    return (
        f"not finite in {rows.size} of its {len(token_losses)} sentences"
        f" ({named}{more}; the first is 1)"
    )
