"""Stochastic gradient descent, as plain as it is: no momentum, no moments.

What Luong et al. 2015 and Sukhbaatar et al. 2015 trained with; see
train/adam.py, whose interface this is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2t_repro.hparam import HParams


class Sgd:
    """The weights alone."""

    def __init__(self, hparams: HParams, weights: Mapping[str, Any]):
        """Keeps the weights; no hparam is of use here."""
        del hparams
        self._weights = weights

    def variables(self) -> dict[str, tf.Variable]:
        """Nothing that a checkpoint must hold."""
        return {}

    def apply(
        self,
        gradients: Sequence[tf.Tensor],
        rate: tf.Tensor,
        updates_done: tf.Tensor,
    ) -> None:
        """Updates this replica's copy of every weight: `w -= rate * g`.

        Args:
          gradients: summed over replicas, in the order of the weights.
          rate: scalar.
          updates_done: of no use here.
        """
        del updates_done
        for weight, gradient in zip(
            self._weights.values(), gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyGradientDescent(
                var=weight.handle, alpha=rate, delta=gradient
            )
