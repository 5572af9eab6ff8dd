"""The GPUs of this machine, or the cluster of workers that TF_CONFIG names.

One machine has MirroredStrategy, as in tensor2tensor's `--worker_gpu`. Where
the environment variable TF_CONFIG names several workers, each of them runs the
same command and all take each step together, all-reducing over the network;
they share the data and the run directory, and worker 0, the chief, alone writes
checkpoints. Left out: tensor2tensor's parameter servers and asynchronous
workers.
"""

import dataclasses
import json
import os
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.errors import UsageError

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
_BITS = 31  # of the numbers that workers compare


@dataclasses.dataclass(frozen=True)
class Worker:
    """Which worker of how many this process is."""

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this is the one that writes checkpoints."""
        return self.index == 0


def make_strategy(worker_gpu: int) -> tf.distribute.MirroredStrategy:
    """MirroredStrategy over so many GPUs (0: all), or over the CPU.

    Raises:
      UsageError: there are fewer GPUs.
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


def this_worker() -> Worker:
    """What TF_CONFIG says about this process.

    Raises:
      UsageError: it is not understood.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return Worker()
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
        return Worker()
    if set(cluster) != {"worker"} or kind != "worker" or index >= count:
        raise UsageError(
            f"TF_CONFIG names {', '.join(sorted(cluster))} and makes this"
            f" {kind} {index}: expected workers alone, and an index below their"
            f" number, {count}; worker 0 is the chief."
        )
    return Worker(index, count)


def join(worker_gpu: int) -> tf.distribute.Strategy | None:
    """Waits for the workers of TF_CONFIG; call it before TensorFlow is used.

    Returns:
      None where this process trains alone.

    Raises:
      UsageError: see `this_worker`; or there is a number of GPUs, of which
        several workers take none.
    """
    if this_worker().count == 1:
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
    return this_worker().count > 1 and isinstance(error, _LOST)


class Agreement:
    """Lets all workers act on what one of them knows; all of them must ask."""

    def __init__(self, strategy: tf.distribute.Strategy):
        """Makes the sum over the replicas of the strategy."""
        self._strategy = strategy
        self._alone = this_worker().count == 1
        self._sum: Any = tf.function(self._sum_over_all)

    def on(self, number: int) -> int:
        """All workers' numbers, or-ed bit by bit."""
        if self._alone:
            return number
        counts = self._bit_counts(number)
        return sum(1 << bit for bit, count in enumerate(counts) if count)

    def is_same(self, number: int) -> bool:
        """Whether all workers have this number."""
        replicas = self._strategy.num_replicas_in_sync
        return self._alone or set(self._bit_counts(number)) <= {0, replicas}

    def _bit_counts(self, number: int) -> list[int]:
        """On how many replicas each bit is set, the lowest first."""
        bits = [float(number >> bit & 1) for bit in range(_BITS)]
        return np.rint(self._sum(tf.constant(bits))).astype(int).tolist()

    def _sum_over_all(self, bits: tf.Tensor) -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # A copy has a device, which all_reduce asks for.
            mine = tf.identity(bits)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

        values = self._strategy.run(of_replica)
        return self._strategy.experimental_local_results(values)[0]
