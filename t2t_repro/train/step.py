"""One optimizer step on every replica.

The loss of a step is the sum over all non-padding tokens of all replicas and
all accumulated micro-batches, divided by their number: the same value however
they are dealt out, and 0, not NaN, where there are none. Gradients are summed,
then clipped, then applied. XLA compiles forward and backward or the attention
alone; collectives and updates stay outside, where it cannot go.
"""

from typing import Any
from typing import NamedTuple

import tensorflow as tf

from t2t_repro.hparam import HParams
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.attention import attend
from t2t_repro.train import losses
from t2t_repro.train.adam import Adam
from t2t_repro.train.schedule import learning_rate


class StepResult(NamedTuple):
    """Scalars of a step, equal on every replica.

    Attributes:
      loss: mean over all tokens, smoothed, as it is minimised.
      tokens: non-padding target tokens.
      gradient_norm: global norm of the summed gradient, before clipping.
      learning_rate: of this update.
    """

    loss: tf.Tensor
    tokens: tf.Tensor
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor


class TrainStep:
    """Weights, moments and step counter of a run under a strategy."""

    def __init__(
        self,
        hparams: HParams,
        model: Any,
        strategy: tf.distribute.Strategy,
        seed: int,
        xla: str,
    ):
        """Makes moments and counter; call within `strategy.scope()`.

        Args:
          hparams: of the run.
          model: built under the same scope.
          strategy: MirroredStrategy, of one or more replicas.
          seed: of dropout.
          xla: what XLA compiles: "replica" (forward and backward pass),
            "attention" (that function alone) or "off".
        """
        self._hparams = hparams
        self._model = model
        self._strategy = strategy
        self._seed = seed
        self._attend = _compiled_attend() if xla == "attention" else attend
        self.weights = {
            path: weight.value
            for path, weight in model.weights_by_path().items()
        }
        self.adam = Adam(hparams, self.weights)
        self.updates_done = tf.Variable(
            0,
            dtype=tf.int64,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self._forward_backward = tf.function(
            self._summed_gradients,
            jit_compile=xla == "replica" or None,
        )
        self._run = tf.function(self._run_all, reduce_retracing=False)

    def variables(self) -> dict[str, tf.Variable]:
        """All that a checkpoint must hold to go on, by name."""
        return {
            **self.weights,
            **self.adam.variables(),
            "global_step": self.updates_done,
        }

    def __call__(self, inputs: Any, targets: Any) -> StepResult:
        """Takes one step.

        Args:
          inputs: `[replicas * accumulate, batch, source]` int32 numpy array.
          targets: `[replicas * accumulate, batch, target]`.
        """
        count = self._strategy.num_replicas_in_sync
        inputs = inputs.reshape(count, -1, *inputs.shape[1:])
        targets = targets.reshape(count, -1, *targets.shape[1:])

        def of_replica(array: Any) -> Any:
            return self._strategy.experimental_distribute_values_from_function(
                lambda c: tf.constant(array[c.replica_id_in_sync_group])
            )

        return self._run(of_replica(inputs), of_replica(targets))

    def _run_all(self, inputs: Any, targets: Any) -> StepResult:
        result = self._strategy.run(self._replica_step, (inputs, targets))
        self.updates_done.assign_add(1)
        local = self._strategy.experimental_local_results
        return StepResult(*(local(scalar)[0] for scalar in result))

    def _replica_step(
        self, inputs: tf.Tensor, targets: tf.Tensor
    ) -> StepResult:
        """What one replica does with `[accumulate, batch, columns]`."""
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
        done = self.updates_done.read_value()
        loss, gradients = None, None
        for part in range(inputs.shape[0]):
            key = self._dropout_key(done, replica * inputs.shape[0] + part)
            part_loss, part_gradients = self._forward_backward(
                inputs[part], targets[part], key
            )
            if gradients is None:
                loss, gradients = part_loss, part_gradients
            else:
                loss = loss + part_loss
                gradients = [
                    a + b
                    for a, b in zip(gradients, part_gradients, strict=True)
                ]
        loss, tokens, *gradients = context.all_reduce(
            tf.distribute.ReduceOp.SUM,
            [loss, losses.token_count(targets), *(gradients or [])],
        )
        safe = tf.maximum(tokens, 1.0)
        gradients = [gradient / safe for gradient in gradients]
        norm = tf.linalg.global_norm(gradients)
        if self._hparams.clip_grad_norm:
            limit = self._hparams.clip_grad_norm
            scale = limit / tf.maximum(norm, limit)
            gradients = [gradient * scale for gradient in gradients]
        rate = learning_rate(self._hparams, done)
        self.adam.apply(gradients, rate, done)
        return StepResult(loss / safe, tokens, norm, rate)

    def _dropout_key(self, done: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        """`[2]` int32, different for every step, replica and micro-batch."""
        parts = (
            self._strategy.num_replicas_in_sync * self._hparams.accumulate_steps
        )
        counter = tf.cast(done, tf.int32) * parts + part
        return tf.stack([tf.constant(self._seed, tf.int32), counter])

    def _summed_gradients(
        self, inputs: tf.Tensor, targets: tf.Tensor, dropout_key: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Loss and gradients summed (not averaged) over a micro-batch.

        Args:
          inputs: `[batch, source]`.
          targets: `[batch, target]`.
          dropout_key: `[2]`.
        """
        with tf.GradientTape() as tape:
            mode = Mode(dropout_key=dropout_key, attend=self._attend)
            decoded = self._model(inputs, targets, mode=mode)
            loss = summed_loss(
                self._model, decoded, targets, self._hparams.label_smoothing
            )
        gradients = tape.gradient(loss, list(self.weights.values()))
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]


def _compiled_attend() -> Any:
    """Attention under XLA: one small program per shape, for all layers."""

    # The rate is a Python number: each value has a graph of its own.
    return tf.function(attend, jit_compile=True)


def summed_loss(
    model: Any, decoded: Any, targets: Any, smoothing: float
) -> tf.Tensor:
    """Cross entropy summed over the non-padding targets.

    Args:
      model: gives the logits.
      decoded: `[batch, target, hidden]`.
      targets: `[batch, target]` int32.
      smoothing: epsilon_ls.
    """
    labels = tf.reshape(targets, [-1])
    rows = tf.reshape(decoded, [-1, decoded.shape[-1]])
    token_loss = losses.cross_entropy(model.logits(rows), labels, smoothing)
    return tf.reduce_sum(tf.where(labels == 0, 0.0, token_loss))
