"""One optimizer step on every replica.

The loss of a step is the sum over all non-padding tokens of all replicas and
all accumulated micro-batches, divided by their number: the same value however
they are dealt out, and 0, not NaN, where there are none. Gradients are summed,
then clipped, then applied. A weight that is not trainable is a moving average:
it goes a tenth of the way down its gradient, which is how far it lies above the
mean of this step. XLA compiles forward and backward or the attention
alone; collectives and updates stay outside, where it cannot go. A step whose
loss or gradient is not finite changes no weight and no moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams
from t2t_repro.layers import losses
from t2t_repro.layers.attention import Mode, attend
from t2t_repro.train.cores import side_by_side
from t2t_repro.train.learning_rate import learning_rate
from t2t_repro.train.loss_scale import SMALLEST_SCALE, LossScale
from t2t_repro.train.optimizers import OPTIMIZERS, Sgd
from t2t_repro.train.options import NAN_POLICIES, PRECISIONS

# The weight of a step in a moving average, as in Xu et al. 2015.
_AVERAGED = 0.1
# What checkpoints hold only at some policies and precisions.
OPTIONAL = frozenset(
    {
        checkpoints.UPDATES_SKIPPED,
        checkpoints.LOSS_SCALE,
        checkpoints.FINITE_STEPS,
    }
)


class StepResult(NamedTuple):
    """Scalars of a step, equal on every replica.

    Attributes:
      loss: mean over all tokens, smoothed, as it is minimised.
      tokens: non-padding target tokens.
      gradient_norm: global norm of the summed gradient, before clipping.
      learning_rate: of this update.
      is_finite: False where the loss or a gradient, summed over all replicas,
        was not: then nothing was updated. In float16 a gradient that a smaller
        loss scale may mend is finite: nothing was updated, nothing is wrong.
    """

    loss: tf.Tensor
    tokens: tf.Tensor
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor
    is_finite: tf.Tensor


class TrainStep:
    """Weights, moments and counters of a run under a strategy.

    Attributes:
      weights: variables by path.
      xla: what XLA compiles, "auto" resolved.
      updates_done: steps that count.
      updates_skipped: of these, the ones that changed nothing; Adam's own
        count leaves them out.
    """

    def __init__(
        self,
        hparams: HParams,
        model: Any,
        strategy: tf.distribute.Strategy,
        seed: int,
        xla: str,
        nan_policy: str = "stop",
        precision: str = "float32",
        cores: int = 1,
    ):
        """Makes moments and counters; call within `strategy.scope()`.

        Args:
          hparams: of the run.
          model: built under the same scope.
          strategy: MirroredStrategy, of one or more replicas.
          seed: of dropout.
          xla: what XLA compiles: "replica" (forward and backward pass),
            "attention" (that function alone), "off", or "auto": the first on
            GPUs, nothing on the CPU, where TensorFlow's kernels are faster.
          nan_policy: whether a step that is not finite counts: "skip", so that
            data and dropout go on after it, or "stop", so that it can be done
            again.
          precision: of forward and backward pass, one of PRECISIONS.
          cores: of the processor, each of which has a part of a batch; see
            `train/cores.py`.

        Raises:
          UsageError: there is no such policy or precision.
        """
        _check("nan_policy", nan_policy, NAN_POLICIES)
        _check("precision", precision, PRECISIONS)
        self._nan_policy = nan_policy
        self._precision = precision
        self._hparams = hparams
        self._model = model
        self._strategy = strategy
        self._seed = seed
        self.xla = xla
        if xla == "auto":
            has_gpu = bool(tf.config.list_logical_devices("GPU"))
            self.xla = "replica" if has_gpu else "off"
        # One small program per shape, for all layers.
        compiled = tf.function(attend, jit_compile=True)
        self._attend = compiled if self.xla == "attention" else attend
        trained, averages = (
            {
                path: weight.value
                for path, weight in model.weights_by_path().items()
                if weight.trainable is wanted
            }
            for wanted in (True, False)
        )
        self.weights = trained | averages
        self._averages = list(averages.values())
        self._descent = Sgd(hparams, averages)
        self._optimizer = OPTIMIZERS[hparams.optimizer](hparams, trained)
        self.updates_done = _counter()
        self.updates_skipped = _counter()
        self._loss_scale = LossScale() if precision == "float16" else None
        self._forward_backward = side_by_side(
            tf.function(
                self._summed_gradients,
                jit_compile=self.xla == "replica" or None,
                autograph=False,
            ),
            cores,
        )
        # One program for every shape of batches, where nothing that is
        # compiled wants to know it: tracing takes seconds.
        parts = [strategy.num_replicas_in_sync, hparams.accumulate_steps]
        ids = tf.TensorSpec([*parts, None, None], tf.int32)
        self._run = tf.function(
            self._run_all,
            input_signature=[ids, ids] if self.xla == "off" else None,
            autograph=False,
        )

    def variables(self) -> dict[str, tf.Variable]:
        """All that a checkpoint must hold to go on, by name."""
        skips = self._nan_policy == "skip" or self._loss_scale is not None
        optional = self._optional() if skips or self.updates_skipped > 0 else {}
        return {
            **self.weights,
            **self._optimizer.variables(),
            checkpoints.STEP: self.updates_done,
            **optional,
        }

    def restore_optional(
        self, values: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Takes the OPTIONAL ones of a checkpoint's values, returns the rest.

        A run may go on with another policy or precision than it began with:
        what its checkpoint lacks begins anew, what has no use is dropped.
        """
        for name, variable in self._optional().items():
            if name in values:
                variable.assign(values[name])
        return {n: v for n, v in values.items() if n not in OPTIONAL}

    def _optional(self) -> dict[str, tf.Variable]:
        scale = self._loss_scale.variables() if self._loss_scale else {}
        return {checkpoints.UPDATES_SKIPPED: self.updates_skipped, **scale}

    def __call__(self, inputs: Any, targets: Any) -> StepResult:
        """Takes one step.

        Args:
          inputs: `[replicas * accumulate, batch, source]` int32 numpy array.
          targets: `[replicas * accumulate, batch, target]`.
        """
        return self._run(self._by_replica(inputs), self._by_replica(targets))

    def _by_replica(self, array: Any) -> tf.Tensor:
        """`[replicas, accumulate, batch, columns]`."""
        count = self._strategy.num_replicas_in_sync
        return tf.constant(array.reshape(count, -1, *array.shape[1:]), tf.int32)

    def _run_all(self, inputs: Any, targets: Any) -> StepResult:
        values = self._strategy.run(self._replica_step, (inputs, targets))
        local = self._strategy.experimental_local_results
        result, was_applied = tf.nest.map_structure(
            lambda value: local(value)[0], values
        )
        counts = result.is_finite | (self._nan_policy == "skip")
        is_skip = counts & ~was_applied
        self.updates_done.assign_add(tf.cast(counts, tf.int64))
        self.updates_skipped.assign_add(tf.cast(is_skip, tf.int64))
        if self._loss_scale is not None:
            overflowed = is_skip & tf.math.is_finite(result.loss)
            self._loss_scale.update(was_applied, overflowed)
        return result

    def _replica_step(
        self, inputs: tf.Tensor, targets: tf.Tensor
    ) -> tuple[StepResult, tf.Tensor]:
        """One replica's of `[replicas, accumulate, batch, columns]`.

        Returns:
          The result, and whether there was an update.
        """
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, tf.int32)
        inputs, targets = inputs[replica], targets[replica]
        done = self.updates_done.read_value()
        # Known before the backward pass, it divides the loss, one number,
        # and not every gradient.
        tokens = context.all_reduce(
            tf.distribute.ReduceOp.SUM, losses.token_count(targets)
        )
        factor = self._loss_factor(tokens)
        loss, gradients = None, None
        for part in range(inputs.shape[0]):
            key = self._dropout_key(done, replica * inputs.shape[0] + part)
            part_loss, part_gradients = self._forward_backward(
                inputs[part], targets[part], key, factor
            )
            if gradients is None:
                loss, gradients = part_loss, part_gradients
            else:
                loss = loss + part_loss
                gradients = [
                    a + b
                    for a, b in zip(gradients, part_gradients, strict=True)
                ]
        loss, *gradients = context.all_reduce(
            tf.distribute.ReduceOp.SUM, [loss, *(gradients or [])]
        )
        if self._loss_scale is not None:
            scale = self._loss_scale.value()
            gradients = [gradient / scale for gradient in gradients]
        trained = len(gradients) - len(self._averages)
        gradients, distances = gradients[:trained], gradients[trained:]
        norm = tf.linalg.global_norm(gradients)
        if self._hparams.clip_grad_norm:
            limit = self._hparams.clip_grad_norm
            clip = limit / tf.maximum(norm, limit)
            gradients = [gradient * clip for gradient in gradients]
        rate = learning_rate(self._hparams, done)
        loss_is_finite = tf.math.is_finite(loss)
        # The norm is at hand and is finite only where every gradient is. It
        # overflows for one above 1e19, with which nothing good can be done.
        # Every replica finds the same: it looks at sums over all of them.
        was_applied = loss_is_finite & tf.math.is_finite(norm)
        self._update_if(was_applied, gradients, distances, rate, done)
        is_finite = was_applied
        if self._loss_scale is not None:
            can_shrink = self._loss_scale.value() > SMALLEST_SCALE
            is_finite = was_applied | (loss_is_finite & can_shrink)
        mean = loss / tf.maximum(tokens, 1.0)
        result = StepResult(mean, tokens, norm, rate, is_finite)
        return result, was_applied

    def _update_if(
        self,
        condition: tf.Tensor,
        gradients: list[tf.Tensor],
        distances: list[tf.Tensor],
        rate: tf.Tensor,
        done: tf.Tensor,
    ) -> None:
        """Updates, or nothing at all: with gradients of 0 moments decay."""
        count = done - self.updates_skipped.read_value()

        def update() -> None:
            self._optimizer.apply(gradients, rate, count)
            self._descent.apply(distances, tf.constant(_AVERAGED), count)

        tf.cond(condition, update, lambda: None)

    def _loss_factor(self, tokens: tf.Tensor) -> tf.Tensor:
        """Times the summed loss: the scaled mean, which is differentiated."""
        factor = 1.0 / tf.maximum(tokens, 1.0)
        if self._loss_scale is None:
            return factor
        return factor * self._loss_scale.value()

    def _dropout_key(self, done: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        """`[2]` int32, different for every step, replica and micro-batch."""
        parts = (
            self._strategy.num_replicas_in_sync * self._hparams.accumulate_steps
        )
        counter = tf.cast(done, tf.int32) * parts + part
        return tf.stack([tf.constant(self._seed, tf.int32), counter])

    def _summed_gradients(
        self,
        inputs: tf.Tensor,
        targets: tf.Tensor,
        dropout_key: tf.Tensor,
        factor: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Summed loss of `[batch, columns]`; gradients of `factor` times it."""
        with tf.GradientTape() as tape:
            tape.watch(self._averages)
            token_losses, auxiliary = self._losses(inputs, targets, dropout_key)
            loss = tf.reduce_sum(token_losses)
            if auxiliary:
                # Each is a mean over tokens: so the whole stays one, whatever
                # the micro-batches and replicas hold.
                loss += tf.add_n(auxiliary) * losses.token_count(targets)
            scaled = loss * factor
        gradients = tape.gradient(scaled, list(self.weights.values()))
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _losses(
        self, inputs: tf.Tensor, targets: tf.Tensor, dropout_key: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """`[batch, target]` cross entropies, and the layers' own losses."""
        auxiliary: list[Any] = []
        mode = Mode(
            dropout_key=dropout_key,
            attend=self._attend,
            dtype=self._precision,
            losses=auxiliary,
            is_packed=self._hparams.is_packed,
        )
        decoded = self._model(inputs, targets, mode=mode)
        token_losses = losses.token_losses(
            self._model.logits(decoded), targets, self._hparams.label_smoothing
        )
        return token_losses, [
            loss(token_losses) if callable(loss) else loss for loss in auxiliary
        ]

    def micro_batches(
        self, inputs: Any, targets: Any
    ) -> Iterator[tuple[tf.Tensor, dict[str, tf.Tensor]]]:
        """Runs the micro-batches of the step that was just done once more.

        They run one by one and outside the step's program, with the weights and
        the dropout that they had; arguments are those of that step.

        Yields:
          `[batch, target]` token losses, and gradients by path.
        """
        done = self.updates_done - int(self._nan_policy == "skip")
        factor = self._loss_factor(losses.token_count(targets))
        for part, pair in enumerate(zip(inputs, targets, strict=True)):
            source, target = map(tf.constant, pair)
            key = self._dropout_key(done, tf.constant(part))
            _, gradients = self._summed_gradients(source, target, key, factor)
            by_token, _ = self._losses(source, target, key)
            yield by_token, dict(zip(self.weights, gradients, strict=True))


def _check(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(
            f"--{name}={value}: expected one of {', '.join(known)}."
        )


def _counter() -> tf.Variable:
    """Of steps, equal on all replicas."""
    return tf.Variable(
        0,
        dtype=tf.int64,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
