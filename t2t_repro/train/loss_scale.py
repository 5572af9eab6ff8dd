"""Loss scaling for training in float16, and what stays in float32 in 16 bits.

Weights, moments, the sums over replicas, softmax, norms and loss are float32 at
any precision; matrix products and what lies between them are not (see
`Mode.dtype`). bfloat16 has the range of float32 and needs nothing more. float16
ends at 65,504 and loses what is below 6e-8, where many gradients lie: the loss
is multiplied by a scale before it is differentiated, and the gradients divided
by it after (Micikevicius et al. 2018, section 3.2). Left out: bfloat16 weights
and Adafactor's 16-bit moments, which tensor2tensor had for TPUs.
"""

import tensorflow as tf

from t2t_repro import checkpoints

# Too large, it costs one skipped step for each halving, once; too small, it
# would cost DOUBLE_AFTER steps of lost gradients for each doubling.
FIRST_SCALE = 2.0**15
# With it the mean over tokens is differentiated as it stands.
SMALLEST_SCALE = 1.0
# Gradients of zeros never overflow, and the scale has to stay within float32.
LARGEST_SCALE = 2.0**64
# The default of TensorFlow's and PyTorch's own scalers: trying a larger scale
# costs one update in 2,000 at most.
DOUBLE_AFTER = 2000


class LossScale:
    """The factor of the loss: halved by an overflow, doubled without for long.

    Powers of two, so that scaling by itself rounds nothing.
    """

    def __init__(self) -> None:
        """Starts at FIRST_SCALE; call within `strategy.scope()`."""
        first_replica = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self._scale = tf.Variable(
            FIRST_SCALE, trainable=False, aggregation=first_replica
        )
        self._finite_steps = tf.Variable(
            0, dtype=tf.int64, trainable=False, aggregation=first_replica
        )

    def variables(self) -> dict[str, tf.Variable]:
        """Scale and count of finite steps, for checkpoints."""
        return {
            checkpoints.LOSS_SCALE: self._scale,
            checkpoints.FINITE_STEPS: self._finite_steps,
        }

    def value(self) -> tf.Tensor:
        """The scale of this step, scalar float32."""
        return self._scale.read_value()

    def update(self, was_applied: tf.Tensor, overflowed: tf.Tensor) -> None:
        """Sets the scale of the next step; not in a replica context.

        Args:
          was_applied: scalar bool, all gradients were finite.
          overflowed: scalar bool, they were not, though the loss was. With
            neither, the step does not count.
        """
        scale, steps = self._scale.read_value(), self._finite_steps.read_value()
        steps = steps + tf.cast(was_applied, tf.int64)
        is_due = steps >= DOUBLE_AFTER
        doubled = tf.where(is_due, scale * 2.0, scale)
        doubled = tf.minimum(doubled, LARGEST_SCALE)
        halved = tf.maximum(scale / 2.0, SMALLEST_SCALE)
        self._scale.assign(tf.where(overflowed, halved, doubled))
        self._finite_steps.assign(
            tf.where(overflowed | is_due, tf.zeros((), tf.int64), steps)
        )
