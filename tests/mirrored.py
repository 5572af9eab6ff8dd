"""Strategies over the logical CPU devices of tests/conftest.py."""

import itertools

import tensorflow as tf

_key_bases = itertools.count(1000, step=1000)


def strategy(devices: int) -> tf.distribute.MirroredStrategy:
    """One whose collectives meet those of no other strategy in the process.

    TensorFlow numbers them from the same start for each: on two devices, the
    sums of a second model have the keys, but not the sizes, of the first's.

    Args:
      devices: how many, 1 or 2.
    """

    class Mirrored(tf.distribute.MirroredStrategy):
        _collective_key_base = next(_key_bases)

    return Mirrored([f"CPU:{i}" for i in range(devices)])
