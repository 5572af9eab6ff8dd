"""Adam (section 5.3, Kingma & Ba 2015) and gradient descent, fused operations.

Keras' optimizers clip gradients of each replica before they are summed and
fail on accumulation under tf.distribute, so the step of this project sums,
clips and counts by itself; what is left is the update, which TensorFlow has as
a kernel for each variable. Every replica applies the same to its own copy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro.hparam import HParams


class Adam:
    """The moments of every weight."""

    def __init__(self, hparams: HParams, weights: Mapping[str, Any]):
        """Makes zero moments; call it under the scope of the weights."""
        self._beta1 = hparams.optimizer_adam_beta1
        self._beta2 = hparams.optimizer_adam_beta2
        self._epsilon = hparams.optimizer_adam_epsilon
        self._weights = weights
        self._moments = {
            path: tuple(
                tf.Variable(tf.zeros(weight.shape), trainable=False)
                for _ in range(2)
            )
            for path, weight in weights.items()
        }

    def variables(self) -> dict[str, tf.Variable]:
        """All moments, by `checkpoints.moment`."""
        return {
            checkpoints.moment(name, path): variable
            for path, pair in self._moments.items()
            for name, variable in zip("mv", pair, strict=True)
        }

    def apply(
        self,
        gradients: Sequence[tf.Tensor],
        rate: tf.Tensor,
        updates_done: tf.Tensor,
    ) -> None:
        """Updates this replica's copy of every weight.

        `w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)`
        with t = updates_done + 1.

        Args:
          gradients: summed over replicas, in the order of the weights.
          rate: scalar.
          updates_done: scalar int64.
        """
        count = tf.cast(updates_done + 1, tf.float32)
        # Once for all weights: a number becomes an operation of the graph
        # wherever it is given, and each takes its time until the first step.
        beta1, beta2, epsilon = map(
            tf.constant, (self._beta1, self._beta2, self._epsilon)
        )
        beta1_power, beta2_power = tf.pow(beta1, count), tf.pow(beta2, count)
        for (path, weight), gradient in zip(
            self._weights.items(), gradients, strict=True
        ):
            first, second = self._moments[path]
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=beta1_power,
                beta2_power=beta2_power,
                lr=rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=gradient,
            )


class Sgd:
    """Stochastic gradient descent, as plain as it is: no momentum, no moments.

    What Luong et al. 2015 and Sukhbaatar et al. 2015 trained with.
    """

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


# By the hparam `optimizer`.
OPTIMIZERS: dict[str, type[Adam] | type[Sgd]] = {"adam": Adam, "sgd": Sgd}
