"""The project's training step, as a benchmark wants it."""

from typing import Any

from benchmarks import devices
from t2t_repro import registry
from t2t_repro.hparam import HParams

XLA = ("off", "attention", "replica")
PRECISIONS = ("float32", "bfloat16")
_SEED = 1


def new_step(
    hparams: HParams,
    vocab_size: int,
    replicas: int,
    xla: str,
    precision: str,
) -> Any:
    """A step with fresh weights; TensorFlow must have been started.

    Args:
      hparams: of the model and the optimizer.
      vocab_size: ids.
      replicas: GPUs, or logical devices of the processor.
      xla: one of `XLA`.
      precision: one of `PRECISIONS`.
    """
    import keras

    from t2t_repro.train.step import TrainStep

    keras.utils.set_random_seed(_SEED)
    strategy = devices.strategy(replicas)
    with strategy.scope():
        model = registry.model(hparams.MODEL)(hparams, vocab_size)
        return TrainStep(
            hparams, model, strategy, _SEED, xla, precision=precision
        )
