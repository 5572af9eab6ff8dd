"""Dropout (section 5.4) without state: the mask is a function of its seed.

Keras' own seed generators are variables: under tf.distribute every replica
draws the same mask from them, XLA refuses their updates, and checkpoints miss
them. Here a mask depends on (run seed, step, replica) and on the place in the
model, so a resumed run draws the same masks and nothing has to be saved.

Random numbers are a visible share of a step on CPU, so a value gets 16 random
bits, half of what a uniform float takes: a rate is exact to 1 / 65,536.

A batch that several cores share keeps its mask: each draws the rows that it
has, from where they lie in Philox' sequence (Salmon et al. 2011), whose n-th
block can be had without the ones before.
"""

import zlib
from typing import Any

import keras
from keras import ops

_LEVELS = 1 << 16
_BLOCK = 8  # values of 16 bits that Philox makes at a time, from one counter


def dropout(x: Any, rate: float, seed: Any) -> Any:
    """Zeroes a share of the values and scales up the rest.

    Args:
      x: `[batch, ...]`.
      rate: share of values zeroed.
      seed: `[2]` or `[3]` int32 from `seed_of`, or None to change nothing.

    Returns:
      As `x`.
    """
    if seed is None or rate == 0.0:
        return x
    dropped = round(rate * _LEVELS)
    keep = ops.reshape(_sixteen_bits(x, seed) >= dropped, ops.shape(x))
    # In float32, where the factor is exact enough: bfloat16 makes 1.109 of
    # 1.111.
    factor = ops.cast(keep, "float32") * (_LEVELS / (_LEVELS - dropped))
    return ops.cast(ops.cast(x, "float32") * factor, x.dtype)


def uniform(shape: tuple[Any, ...], seed: Any) -> Any:
    """Numbers from 0 up to, not including, 1.

    Args:
      shape: of what is drawn.
      seed: `[2]` int32 from `seed_of`.

    Returns:
      Of `shape`, float32: multiples of 2^-23.
    """
    return keras.random.uniform(shape, dtype="float32", seed=_Seed(seed))


def seed_of(key: Any, place: str) -> Any:
    """The seed of one place in the model.

    Args:
      key: `[2]` int32 of this step and replica, or None. A third number: the
        batch is a part of a larger one and begins at this row of it
        (TensorFlow only).
      place: name of the place, different from all others in the model.

    Returns:
      As `key`, or None where there is none.
    """
    if key is None:
        return None
    number = zlib.crc32(place.encode()) & 0x7FFFFFFF
    changes = [number] + [0] * (key.shape[0] - 1)
    return ops.bitwise_xor(key, ops.convert_to_tensor(changes, "int32"))


def _sixteen_bits(x: Any, seed: Any) -> Any:
    """As many integers from 0 to 65,535 as `x` has values, all as likely."""
    count = ops.size(x)
    if keras.backend.backend() != "tensorflow":
        return keras.random.randint((count,), 0, _LEVELS, seed=_Seed(seed))
    # keras.random makes floats or reduces by a range; both take longer.
    import tensorflow as tf  # noqa: PLC0415 - other backends do without it

    skipped = 0
    if seed.shape[0] == 2:
        pairs = tf.random.stateless_uniform(
            [(count + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32
        )
    else:
        before = seed[2] * (count // ops.shape(x)[0])
        skipped = before % _BLOCK
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed[:2])
        blocks = tf.cast([before // _BLOCK, 0], tf.uint64)
        pairs = tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=[(skipped + count + 1) // 2],
            key=key,
            counter=counter + blocks,
            alg=tf.random.Algorithm.PHILOX.value,
            dtype=tf.uint32,
        )
    return tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])[
        skipped : skipped + count
    ]


class _Seed(keras.random.SeedGenerator):
    """A seed that is a value: what Keras' random functions ask `next` of."""

    def __init__(self, value: Any):
        # The base class would make the state variable that this one avoids.
        # The name is the base's: PyTorch's dropout looks whether it is None,
        # which would mean that any seed will do.
        is_jax = keras.backend.backend() == "jax"  # keys are unsigned there
        self._initial_seed = ops.cast(value, "uint32") if is_jax else value

    def next(self, ordered: bool = True) -> Any:
        del ordered
        return self._initial_seed
