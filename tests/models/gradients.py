"""Gradients of a whole model, beside another program's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf


def by_path(
    tape: tf.GradientTape, loss: Any, weights: Mapping[str, Any]
) -> dict[str, Any]:
    """Gradients of a loss that was recorded, by the weights' paths."""
    values = [weight.value for weight in weights.values()]
    return dict(zip(weights, tape.gradient(loss, values), strict=True))


def assert_near(
    found: Mapping[str, Any],
    expected: Mapping[str, np.ndarray],
    rtol: float,
    atol: float,
) -> None:
    """Compares those that are expected.

    Args:
      found: from `by_path`.
      expected: the other program's, by our paths.
      rtol: relative tolerance.
      atol: absolute tolerance, as a share of each one's largest value.
    """
    for path, gradient in expected.items():
        np.testing.assert_allclose(
            tf.convert_to_tensor(found[path]),
            gradient,
            rtol=rtol,
            atol=atol * np.abs(gradient).max(),
            err_msg=path,
        )
