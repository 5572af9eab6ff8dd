"""The project's training step, as a benchmark wants it."""

from collections.abc import Callable
from typing import Any

from benchmarks import devices, measure
from t2t_repro import registry
from t2t_repro.hparam import HParams, Shape

XLA = ("off", "attention", "replica")
PRECISIONS = ("float32", "bfloat16")
_SEED = 1


def new_step(
    hparams: HParams,
    vocab_size: int,
    replicas: int,
    xla: str,
    precision: str,
    cores: int = 1,
) -> Any:
    """A step with fresh weights; TensorFlow must have been started.

    Args:
      hparams: of the model and the optimizer.
      vocab_size: ids.
      replicas: GPUs, or logical devices of the processor.
      xla: one of `XLA`.
      precision: one of `PRECISIONS`.
      cores: that take a part of each batch.
    """
    import keras

    from t2t_repro.train.step import TrainStep

    keras.utils.set_random_seed(_SEED)
    strategy = devices.strategy(replicas)
    with strategy.scope():
        model = registry.model(hparams.MODEL)(hparams, vocab_size)
        return TrainStep(
            hparams,
            model,
            strategy,
            _SEED,
            xla,
            precision=precision,
            cores=cores,
        )


def new_round(
    hparams: HParams,
    shape: Shape,
    vocab_size: int,
    replicas: int,
    xla: str,
    precision: str,
    cores: int = 1,
) -> Callable[[], float]:
    """A step on random ids that takes the same batch again and again.

    Args:
      hparams: of the model and the optimizer.
      shape: sentences of a replica, source and target positions.
      vocab_size: ids.
      replicas: as in `new_step`, as all that follows.
      xla: one of `XLA`.
      precision: one of `PRECISIONS`.
      cores: that take a part of each batch.

    Returns:
      What takes a step and says how many seconds that took.
    """
    import numpy as np

    step = new_step(hparams, vocab_size, replicas, xla, precision, cores)
    rng = np.random.default_rng(_SEED)
    batch, *lengths = shape
    inputs, targets = (
        rng.integers(2, vocab_size, (replicas, batch, length)).astype(np.int32)
        for length in lengths
    )
    # Fetching the loss waits for the device.
    return measure.clocked(lambda: float(step(inputs, targets).loss))
