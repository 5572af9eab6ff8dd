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

# Inputs and targets `[batch, columns]`, key of dropout, factor of the loss; the
# summed loss and the gradients.
Gradients = Callable[
    [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    tuple[tf.Tensor, list[tf.Tensor]],
]


def side_by_side(gradients: Gradients, cores: int) -> Gradients:
    """The same function of a batch, by parts that do not wait for each other.

    Args:
      gradients: a sum over the sentences of a batch.
      cores: how many parts; some are empty where there are fewer sentences.
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
            for rows in _cut(tf.shape(inputs)[0], cores)
        ]
        losses, by_part = zip(*found, strict=True)
        return tf.add_n(losses), [
            tf.add_n(of_weight) for of_weight in zip(*by_part, strict=True)
        ]

    return of_batch


def _cut(rows: tf.Tensor, cores: int) -> Iterator[slice]:
    """Slices of 0 to `rows`, none longer than another by more than 1."""
    for part in range(cores):
        yield slice(rows * part // cores, rows * (part + 1) // cores)
