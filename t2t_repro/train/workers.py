"""Who trains: the GPUs of this machine, or the workers of TF_CONFIG.

One machine has MirroredStrategy, as in tensor2tensor's `--worker_gpu`. Where
the environment variable TF_CONFIG names several workers, each of them runs the
same command and all take each step together, all-reducing over the network;
they share the data and the run directory, and worker 0, the chief, alone writes
checkpoints. What tensor2tensor had besides, parameter servers and asynchronous
workers, is left out.
"""

import dataclasses
import json
import os
from typing import Any

import tensorflow as tf

from t2t_repro.errors import UsageError

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Which worker of how many this process is."""

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this is the one that writes checkpoints."""
        return self.index == 0


def make_strategy(worker_gpu: int) -> tf.distribute.MirroredStrategy:
    """MirroredStrategy over the GPUs, or over the CPU where there is none.

    Args:
      worker_gpu: GPUs to use, 0 for all.

    Raises:
      UsageError: fewer GPUs are there.
    """
    found = len(tf.config.list_logical_devices("GPU"))
    if worker_gpu > found:
        raise UsageError(
            f"--worker_gpu={worker_gpu}, but TensorFlow sees {found} GPUs here:"
            " ask for at most that many, or leave the flag out."
        )
    count = worker_gpu or found
    devices = [f"GPU:{i}" for i in range(count)] or ["CPU:0"]
    return tf.distribute.MirroredStrategy(devices)


def place() -> Place:
    """What TF_CONFIG says about this process.

    Raises:
      UsageError: it is not understood.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return Place()
    try:
        config = json.loads(text)
        cluster, task = config.get("cluster", {}), config.get("task", {})
        kind, index = task.get("type", "worker"), int(task.get("index", 0))
        count = len(cluster.get("worker", []))
        tasks = sum(map(len, cluster.values()))
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"TF_CONFIG is not understood ({error}): expected"
            ' {"cluster": {"worker": ["host:port", ...]}, "task": {"type":'
            ' "worker", "index": 0}}.'
        ) from error
    if tasks < 2:
        return Place()
    if set(cluster) != {"worker"} or kind != "worker" or index >= count:
        raise UsageError(
            f"TF_CONFIG names {', '.join(sorted(cluster))} and makes this"
            f" {kind} {index}: expected workers alone, and an index below their"
            f" number, {count}; worker 0 is the chief."
        )
    return Place(index, count)


def join(worker_gpu: int) -> tf.distribute.Strategy | None:
    """Waits for the workers of TF_CONFIG; call it before TensorFlow is used.

    Args:
      worker_gpu: as in `make_strategy`; several workers take no number.

    Returns:
      None where this process trains alone.

    Raises:
      UsageError: see `place`.
    """
    if place().count == 1:
        return None
    if worker_gpu:
        raise UsageError(
            f"--worker_gpu={worker_gpu} with the workers of TF_CONFIG: each"
            " takes all GPUs that it sees. Leave the flag out, and set"
            " CUDA_VISIBLE_DEVICES for fewer."
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_loss_of_worker(error: tf.errors.OpError) -> bool:
    """Whether a step failed because another worker did."""
    return place().count > 1 and isinstance(error, _LOST)


class Agreement:
    """What one worker knows and all must act on at the same step."""

    def __init__(self, strategy: tf.distribute.Strategy):
        """Prepares to ask the workers of a strategy."""
        self._strategy = strategy
        self._alone = place().count == 1
        self._sum: Any = tf.function(self._sum_over_all)

    def on(self, number: int) -> int:
        """All workers' numbers, or-ed bit by bit; every worker must ask.

        Args:
          number: from 0 to 127.
        """
        if self._alone:
            return number
        bits = [float(number >> bit & 1) for bit in range(7)]
        counts = self._sum(tf.constant(bits)).numpy()
        return sum(1 << bit for bit, count in enumerate(counts) if count)

    def is_same(self, number: int) -> bool:
        """Whether all workers give this number; every worker must ask.

        Args:
          number: from 0 to 10,000,000.
        """
        if self._alone:
            return True
        # n values are equal where n * (sum of squares) is (sum)^2; whole
        # numbers of this size are exact in float64.
        terms = tf.constant([1.0, number, number * number], tf.float64)
        count, total, squares = self._sum(terms).numpy()
        return bool(count * squares == total * total)

    def _sum_over_all(self, bits: tf.Tensor) -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # A copy has a device, which all_reduce asks for.
            mine = tf.identity(bits)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        values = self._strategy.run(of_replica)
        return self._strategy.experimental_local_results(values)[0]
