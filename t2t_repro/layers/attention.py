"""Attention: sections 3.2.1 and 3.2.2 of the paper."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.linear import Linear, reshape

KeysValues = tuple[Any, Any]

# Added to the logit of a key that must not be seen; tensor2tensor's value.
MASKED = -1e9


def attention_weights(query: Any, key: Any, bias: Any) -> Any:
    """softmax(Q K^T / sqrt(d_k) + bias), equation 1, in float32.

    Args:
      query: `[batch, heads, query, d_k]`.
      key: `[batch, heads, key, d_k]`.
      bias: broadcast to `[batch, heads, query, key]`, 0 or `MASKED`; None
        where every key may be seen.

    Returns:
      `[batch, heads, query, key]`; each row sums to 1.
    """
    scale = query.shape[-1] ** -0.5
    logits = ops.matmul(query * scale, ops.swapaxes(key, 2, 3))
    logits = ops.cast(logits, "float32")
    return ops.softmax(logits if bias is None else logits + bias)


def weighted_values(weights: Any, value: Any) -> Any:
    """The other half of equation 1: softmax(...) V.

    Args:
      weights: `[batch, heads, query, key]`.
      value: `[batch, heads, key, d_v]`.

    Returns:
      `[batch, heads, query, d_v]`.
    """
    return ops.matmul(ops.cast(weights, value.dtype), value)


def attend(
    query: Any, key: Any, value: Any, bias: Any, rate: float, seed: Any
) -> tuple[Any, Any]:
    """Scaled dot-product attention, with dropout of the weights.

    Args:
      query: `[batch, heads, query, d_k]`.
      key: `[batch, heads, key, d_k]`.
      value: `[batch, heads, key, d_v]`.
      bias: as in `attention_weights`.
      rate: share of the weights that is dropped.
      seed: from `seed_of`, or None for no dropout.

    Returns:
      `[batch, heads, query, d_v]`, and the weights before dropout
      `[batch, heads, query, key]`.
    """
    weights = attention_weights(query, key, bias)
    return weighted_values(dropout(weights, rate, seed), value), weights


def attend_beside(
    query: Any, cache: KeysValues, own: KeysValues, bias: Any
) -> Any:
    """Attention of each query to a cache, and to its own key beside it.

    What `attend` makes of the cache with the new keys behind it, of which each
    query sees its own, without a copy of the cache.

    Args:
      query: `[batch, heads, query, d_k]`.
      cache: keys `[batch, heads, entries, d_k]` and values
        `[batch, heads, entries, d_v]`.
      own: of the queries' positions, `[batch, heads, query, d_k]` and
        `[batch, heads, query, d_v]`.
      bias: broadcast to `[batch, heads, query, entries]`, 0 or `MASKED`.

    Returns:
      `[batch, heads, query, d_v]`.
    """
    query = query * query.shape[-1] ** -0.5
    before = ops.matmul(query, ops.swapaxes(cache[0], 2, 3)) + bias
    itself = ops.sum(query * own[0], axis=-1, keepdims=True)
    weights = ops.softmax(ops.concatenate([before, itself], axis=-1))
    return ops.matmul(weights[..., :-1], cache[1]) + weights[..., -1:] * own[1]


@dataclasses.dataclass(frozen=True)
class Mode:
    """What differs between training, evaluation and looking inside.

    Attributes:
      dropout_key: of this step and replica, see `seed_of`; None: no dropout.
      maps: receives `[batch, heads, query, key]` weights of every attention
        by place, such as `encoder/layer_0/self_attention`, unless None.
      losses: receives auxiliary losses, scalars in nats a token, that layers
        want minimised beside the cross entropy, unless None; or functions that
        make one of the `[batch, target]` cross entropies, once these are known.
      present: `[batch, length]` bool of the stack that runs, False at padding,
        for layers in which positions compete; None: all take part.
      is_packed: whether a row holds several sentences, each up to its end;
        read by the models of families whose hparams can say so.
      attend: the attention function, so that a trainer can compile it.
      dtype: of the matrix products and of what lies between them, from the
        embeddings on. Weights, softmax and norms are float32 at any. Keras'
        dtype policies would also turn these, and `MASKED`, into 16 bits, so
        the layers take what comes (`autocast=False`).
    """

    dropout_key: Any = None
    maps: dict[str, Any] | None = None
    losses: list[Any] | None = None
    present: Any = None
    is_packed: bool = False
    attend: Callable[..., tuple[Any, Any]] = attend
    dtype: str = "float32"


EVALUATION = Mode()


def padding_bias(ids: Any) -> Any:
    """Hides padding keys.

    Args:
      ids: `[batch, key]`, 0 = padding.

    Returns:
      `[batch, 1, 1, key]` float32.
    """
    hidden = ops.cast(ops.equal(ids, 0), "float32")
    # LiteRT's converter makes nothing of `[:, None, None]` between two sizes
    # that only a run knows.
    return ops.expand_dims(hidden, (1, 2)) * MASKED


def causal_bias(length: Any) -> Any:
    """Hides later positions (section 3.2.3, masking in the decoder).

    Args:
      length: number of target positions.

    Returns:
      `[1, 1, query, key]` float32.
    """
    position = ops.arange(length)
    later = position[None, :] > position[:, None]
    return ops.cast(later, "float32")[None, None] * MASKED


def with_itself(ancestors: Any) -> Any:
    """`[batch, beams, position]` -> the same with the beam's own number."""
    batch, beams = ops.shape(ancestors)[:2]
    own = ops.broadcast_to(
        ops.arange(beams, dtype="int32")[None, :, None], (batch, beams, 1)
    )
    return ops.concatenate([ancestors, own], axis=2)


def ancestry_bias(ancestors: Any) -> Any:
    """Hides a cache's entries of beams that are no ancestors.

    The cache of all beams stays as it is when they change places; what changes
    is who its entries are visible to.

    Args:
      ancestors: `[batch, beams, position]`.

    Returns:
      `[batch, 1, beams, position * beams]`, 0 or `MASKED`.
    """
    beams = ancestors.shape[1]
    ancestors = ops.expand_dims(ancestors, -1)
    visible = ops.equal(ancestors, ops.arange(beams, dtype="int32"))
    bias = ops.where(visible, 0.0, MASKED)
    return ops.reshape(bias, (-1, 1, beams, ops.shape(bias)[2] * beams))


class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with free d_k and d_v."""

    def __init__(
        self,
        hidden_size: int,
        num_heads: int,
        key_channels: int,
        value_channels: int,
        use_bias: bool,
        rate: float,
        name: str,
    ):
        """Makes the layer.

        Args:
          hidden_size: d_model, of the result.
          num_heads: h.
          key_channels: h * d_k.
          value_channels: h * d_v.
          use_bias: whether the four projections have biases.
          rate: dropout of the weights.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._heads = num_heads
        self._query = Linear(key_channels, use_bias, "query")
        self._key = Linear(key_channels, use_bias, "key")
        self._value = Linear(value_channels, use_bias, "value")
        self._output = Linear(hidden_size, use_bias, "output")
        self._value_channels = value_channels
        self._dropout = rate

    def build(self, input_shape: tuple) -> None:
        """Builds the four projections for `[batch, length, hidden]`."""
        for layer in (self._query, self._key, self._value):
            layer.build(input_shape)
        self._output.build((*input_shape[:-1], self._value_channels))

    def keys_values(self, memory: Any) -> KeysValues:
        """Keys and values of what is attended to.

        Args:
          memory: `[batch, key, hidden]`.

        Returns:
          `[batch, heads, key, d_k]` and `[batch, heads, key, d_v]`.
        """
        return self._split(self._key(memory)), self._split(self._value(memory))

    def call(
        self, x: Any, keys_values: KeysValues, bias: Any, mode: Mode
    ) -> Any:
        """Attends from `x`.

        Args:
          x: `[batch, query, hidden]`.
          keys_values: from `keys_values`.
          bias: broadcast to `[batch, heads, query, key]`, or None.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, query, hidden]`.
        """
        seed = seed_of(mode.dropout_key, f"{self.path}/weights")
        context, weights = mode.attend(
            self._split(self._query(x)), *keys_values, bias, self._dropout, seed
        )
        if mode.maps is not None:
            mode.maps[self.path] = weights
        return self._joined(context)

    def within(self, x: Any, bias: Any, mode: Mode) -> Any:
        """Self-attention, over all positions at once.

        Args:
          x: `[batch, length, hidden]`.
          bias: broadcast to `[batch, heads, length, length]`, or None.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """
        return self(x, self.keys_values(x), bias, mode=mode)

    def beside(
        self, x: Any, cache: KeysValues, bias: Any
    ) -> tuple[Any, KeysValues]:
        """Self-attention of new positions to a cache, and each to itself.

        Args:
          x: `[batch, beams, hidden]`.
          cache: see `attend_beside`.
          bias: broadcast to `[batch, heads, beams, entries]`.

        Returns:
          As `x`, and keys and values of `x`, which are not in the cache yet.
        """
        own = self.keys_values(x)
        query = self._split(self._query(x))
        return self._joined(attend_beside(query, cache, own, bias)), own

    def _joined(self, context: Any) -> Any:
        """`[batch, heads, length, d_v]` -> `[batch, length, hidden]`."""
        context = ops.swapaxes(context, 1, 2)
        joined = (*ops.shape(context)[:2], self._value_channels)
        return self._output(reshape(context, joined))

    def _split(self, x: Any) -> Any:
        """`[batch, length, heads * d]` -> `[batch, heads, length, d]`."""
        depth = x.shape[-1] // self._heads
        x = reshape(x, (*ops.shape(x)[:-1], self._heads, depth))
        return ops.swapaxes(x, 1, 2)
