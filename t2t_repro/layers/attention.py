"""Attention: sections 3.2.1 and 3.2.2 of the paper."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.hparam import HParams
from t2t_repro.layers.dropout import dropout
from t2t_repro.layers.dropout import seed_of
from t2t_repro.layers.linear import Linear

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
      seed: `[2]` int32, or None for no dropout.

    Returns:
      `[batch, heads, query, d_v]`, and the weights before dropout
      `[batch, heads, query, key]`.
    """
    weights = attention_weights(query, key, bias)
    return weighted_values(dropout(weights, rate, seed), value), weights


@dataclasses.dataclass(frozen=True)
class Mode:
    """What differs between training, evaluation and looking inside.

    Attributes:
      dropout_key: `[2]` int32 of this step and replica; None: no dropout.
      maps: receives `[batch, heads, query, key]` weights of every attention
        by place, such as `encoder/layer_0/self_attention`, unless None.
      attend: the attention function, so that a trainer can compile it.
      dtype: of the matrix products and of what lies between them, from the
        embeddings on. Weights, softmax and norms are float32 at any. Keras'
        dtype policies would also turn these, and `MASKED`, into 16 bits, so
        the layers take what comes (`autocast=False`).
    """

    dropout_key: Any = None
    maps: dict[str, Any] | None = None
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
    return hidden[:, None, None, :] * MASKED


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


class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention with free d_k and d_v."""

    def __init__(self, hparams: HParams, place: str, name: str):
        """Makes the layer.

        Args:
          hparams: sizes and the dropout rate of the weights.
          place: path in the model; keys the dropout, names the maps.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._heads = hparams.num_heads
        self._place = place
        bias = hparams.attention_bias
        self._query = Linear(hparams.key_channels, bias, "query")
        self._key = Linear(hparams.key_channels, bias, "key")
        self._value = Linear(hparams.value_channels, bias, "value")
        self._output = Linear(hparams.hidden_size, bias, "output")
        self._value_channels = hparams.value_channels
        self._dropout = hparams.attention_dropout

    def build(self, input_shape: tuple) -> None:
        """Builds the four projections for `[batch, length, hidden]`."""
        for layer in (self._query, self._key, self._value):
            layer.build(input_shape)
        self._output.build((*input_shape[:-1], self._value_channels))

    def project_query(self, x: Any) -> Any:
        """`[batch, query, hidden]` -> `[batch, heads, query, d_k]`."""
        return self._split(self._query(x))

    def project_memory(self, memory: Any) -> tuple[Any, Any]:
        """Keys and values of what is attended to.

        Args:
          memory: `[batch, key, hidden]`.

        Returns:
          `[batch, heads, key, d_k]` and `[batch, heads, key, d_v]`.
        """
        return self._split(self._key(memory)), self._split(self._value(memory))

    def call(
        self, query: Any, key: Any, value: Any, bias: Any, mode: Mode
    ) -> Any:
        """Attends with projected heads and joins them.

        Args:
          query: `[batch, heads, query, d_k]` from `project_query`.
          key: `[batch, heads, key, d_k]` from `project_memory`.
          value: `[batch, heads, key, d_v]` from `project_memory`.
          bias: broadcast to `[batch, heads, query, key]`, or None.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, query, hidden]`.
        """
        seed = seed_of(mode.dropout_key, f"{self._place}/weights")
        context, weights = mode.attend(
            query, key, value, bias, self._dropout, seed
        )
        if mode.maps is not None:
            mode.maps[self._place] = weights
        context = ops.swapaxes(context, 1, 2)
        joined = (*ops.shape(context)[:2], self._value_channels)
        return self._output(ops.reshape(context, joined))

    def _split(self, x: Any) -> Any:
        """`[batch, length, heads * d]` -> `[batch, heads, length, d]`."""
        depth = x.shape[-1] // self._heads
        x = ops.reshape(x, (*ops.shape(x)[:-1], self._heads, depth))
        return ops.swapaxes(x, 1, 2)
