"""A core of the processor for each part of a batch.

A step of a small model is thousands of small operations. Where the cores share
every one of them they wait for each other after each, as searches do
(`decode/parallel.py`). Here each operation has one thread, a batch is cut into
as many parts as there are cores, and the parts' forward and backward passes are
branches of one program, which TensorFlow runs side by side. There is one copy
of the weights, and one update.

The batch stays what it was: losses and gradients are sums over its tokens,
which may be summed in parts, and a part draws its rows of the whole batch's
dropout. So a step's numbers are the same with any number of cores, but for
rounding, and a run may go on with another number. tensor2tensor had no such
thing: on a processor it trained as TensorFlow's threads went.
"""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams

# A part of a few sentences is not worth its own sum of gradients.
_MOST = 8
# Products of wider models keep all cores busy by themselves, and the sum of a
# second set of gradients costs more. In units of `hidden_size`.
_SMALL = 256

# Inputs and targets `[batch, columns]`, key of dropout, factor of the loss; the
# summed loss and the gradients.
Gradients = Callable[
    [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    tuple[tf.Tensor, list[tf.Tensor]],
]


def choose(worker_cpu: int, hparams: HParams, has_gpu: bool) -> int:
    """How many cores get a part each; 1: they share every operation.

    Args:
      worker_cpu: what the user wants; 0: all, up to 8, for a small model.
      hparams: of the model.
      has_gpu: whether the processor is not what trains.

    Raises:
      UsageError: there are fewer cores, they are not what trains, or the loss
        is not what its parts add up to.
    """
    available = parallel.available_cores()
    if worker_cpu > 1 and has_gpu:
        raise UsageError(
            f"--worker_cpu={worker_cpu}, but here is a GPU, which trains: leave"
            " the flag out, or set CUDA_VISIBLE_DEVICES=-1 to train on the"
            " processor."
        )
    if worker_cpu > available:
        raise UsageError(
            f"--worker_cpu={worker_cpu}, but this process may use {available}"
            " cores: ask for at most that many, or leave the flag out."
        )
    if worker_cpu > 1 and not hparams.is_sum_over_sentences:
        raise UsageError(
            f"--worker_cpu={worker_cpu}: a part of the loss of"
            f" {hparams.MODEL} compares the sentences of a whole batch, which"
            " cannot be cut: leave the flag out."
        )
    if worker_cpu:
        return worker_cpu
    is_small = hparams.hidden_size <= _SMALL and hparams.is_sum_over_sentences
    is_small = is_small and not has_gpu
    return min(available, _MOST) if is_small else 1


def side_by_side(gradients: Gradients, cores: int) -> Gradients:
    """The same function of a batch, by parts that do not wait for each other.

    Args:
      gradients: a sum over the sentences of a batch.
      cores: how many parts, where there are as many sentences.
    """
    if cores == 1:
        return gradients

    def of_batch(
        inputs: Any, targets: Any, key: Any, factor: Any
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        found = [
            gradients(
                inputs[rows],
                targets[rows],
                tf.concat([key, [rows.start]], axis=0),
                factor,
            )
            for rows in _cut(inputs.shape[0], cores)
        ]
        losses, by_part = zip(*found, strict=True)
        return tf.add_n(losses), [
            tf.add_n(of_weight) for of_weight in zip(*by_part, strict=True)
        ]

    return of_batch


def _cut(rows: int, cores: int) -> Iterator[slice]:
    """Slices of 0 to `rows`, none longer than another by more than 1."""
    parts = min(rows, cores)
    for part in range(parts):
        yield slice(rows * part // parts, rows * (part + 1) // parts)
