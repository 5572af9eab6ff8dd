"""Dropout (section 5.4) without state: the mask is a function of its seed.

So is other noise.

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
_BLOCK = 4  # values of 32 bits that Philox makes at a time, from one counter
# A float32 from 0 to 1 takes 23 of them.
_SHIFT, _STEP = 9, 2.0**-23
_SQRT_2 = 2.0**0.5


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
    keep = _sixteen_bits(x, seed) >= dropped
    # In float32, where the factor is exact enough: bfloat16 makes 1.109 of
    # 1.111.
    factor = ops.cast(keep, "float32") * (_LEVELS / (_LEVELS - dropped))
    return ops.cast(ops.cast(x, "float32") * factor, x.dtype)


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


def seed_at(seed: Any, step: Any) -> Any:
    """Another seed for every step of a loop through one place.

    Args:
      seed: from `seed_of`.
      step: scalar int32.
    """
    others = seed.shape[0] - 1
    return ops.bitwise_xor(seed, ops.pad(ops.reshape(step, (1,)), (0, others)))


def key_of_blocks(key: Any, blocks: Any) -> Any:
    """The key of a batch of which every row was cut into so many.

    Args:
      key: see `seed_of`.
      blocks: scalar int32, how many rows became of each.
    """
    if key is None or key.shape[0] < 3:
        return key
    return ops.stack([key[0], key[1], key[2] * blocks])


def uniform(shape: tuple[Any, ...], seed: Any) -> Any:
    """Numbers from 0 up to, not including, 1.

    Args:
      shape: of what is drawn, `[batch, ...]`.
      seed: `[2]` or `[3]` int32 from `seed_of`.

    Returns:
      Of `shape`, float32: multiples of 2^-23.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.random.uniform(shape, dtype="float32", seed=_Seed(seed))
    import tensorflow as tf  # noqa: PLC0415 - other backends do without it

    shape = tf.convert_to_tensor(shape)
    count = tf.reduce_prod(shape)
    begin = _first_value(seed, count, shape)
    bits = _thirty_two_bits(begin, count, seed)
    numbers = tf.cast(tf.bitwise.right_shift(bits, _SHIFT), tf.float32) * _STEP
    return tf.reshape(numbers, shape)


def gaussian(shape: tuple[Any, ...], seed: Any) -> Any:
    """Standard normal noise, drawn as masks are; see `uniform`."""
    # In the middle of each interval of `uniform`: 0 would be infinitely far.
    return _SQRT_2 * ops.erfinv(2.0 * uniform(shape, seed) - 1.0 + _STEP)


def _sixteen_bits(x: Any, seed: Any) -> Any:
    """Integers from 0 to 65,535, all as likely, in the shape of `x`."""
    if keras.backend.backend() != "tensorflow":
        shape = ops.shape(x)
        return keras.random.randint(shape, 0, _LEVELS, seed=_Seed(seed))
    # keras.random makes floats or reduces by a range; both take longer.
    import tensorflow as tf  # noqa: PLC0415 - other backends do without it

    shape, count = tf.shape(x), tf.size(x)
    begin = _first_value(seed, count, shape)
    odd = begin % 2
    pairs = _thirty_two_bits(begin // 2, (odd + count + 1) // 2, seed)
    values = tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])
    return tf.reshape(values[odd : odd + count], shape)


def _first_value(seed: Any, count: Any, shape: Any) -> Any:
    """Where a part's `count` values of a shape begin in the whole's."""
    if seed.shape[0] == 2:
        return 0
    # A core may have no sentence at all.
    return seed[2] * (count // ops.maximum(shape[0], 1))


def _thirty_two_bits(begin: Any, count: Any, seed: Any) -> Any:
    """`[count]` uint32 of the seed's sequence, from the `begin`-th on."""
    import tensorflow as tf  # noqa: PLC0415 - other backends do without it

    skipped = begin % _BLOCK
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed[:2])
    blocks = tf.cast([begin // _BLOCK, 0], tf.uint64)
    values = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[skipped + count],
        key=key,
        counter=counter + blocks,
        alg=tf.random.Algorithm.PHILOX.value,
        dtype=tf.uint32,
    )
    return values[skipped:]


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
