"""Encoder and decoder layers: sections 3.1 and 3.3, figure 1."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import (
    EVALUATION,
    KeysValues,
    Mode,
    MultiHeadAttention,
)
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm
from t2t_repro.models.transformer_hparams import TransformerHParams

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu,
    "swish": ops.silu,
    "gelu": functools.partial(ops.gelu, approximate=False),
}


class Residual(keras.layers.Layer):
    """LayerNorm(x + Dropout(f(x))), or x + Dropout(f(LayerNorm(x)))."""

    def __init__(self, hparams: TransformerHParams, name: str):
        """Makes the frame around one sub-layer f, `name` with "_residual"."""
        super().__init__(name=name, autocast=False)
        self._norms = {
            when: LayerNorm(hparams.norm_epsilon, f"norm_{when}")
            for when, wanted in (
                ("before", hparams.layer_preprocess_sequence == "n"),
                ("after", hparams.layer_postprocess_sequence == "dan"),
            )
            if wanted
        }
        self._dropout = hparams.layer_prepostprocess_dropout

    def build(self, input_shape: tuple) -> None:
        """Builds the norms for `[batch, length, hidden]`."""
        for norm in self._norms.values():
            norm.build(input_shape)

    def before(self, x: Any) -> Any:
        """What the sub-layer reads; `[batch, length, hidden]` -> the same."""
        return self._norms["before"](x) if "before" in self._norms else x

    def call(self, x: Any, change: Any, mode: Mode) -> Any:
        """Adds what the sub-layer made.

        Args:
          x: `[batch, length, hidden]`, as it was before `before`.
          change: of the same shape, from the sub-layer.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """
        # The name under which masks are drawn since the first version.
        place = f"{self.path.removesuffix('_residual')}/residual"
        seed = seed_of(mode.dropout_key, place)
        # Of quantized weights comes what is narrower than what it is added to.
        y = x + dropout(ops.cast(change, x.dtype), self._dropout, seed)
        return self._norms["after"](y) if "after" in self._norms else y


class FeedForward(keras.layers.Layer):
    """max(0, x W1 + b1) W2 + b2, equation 2; or another activation."""

    def __init__(self, hparams: TransformerHParams, name: str):
        """Makes the layer."""
        super().__init__(name=name, autocast=False)
        self._filter_size = hparams.filter_size
        self._inner = Linear(hparams.filter_size, True, "inner")
        self._outer = Linear(hparams.hidden_size, True, "outer")
        self._activate = _ACTIVATIONS[hparams.ffn_activation]
        self._dropout = hparams.relu_dropout

    def build(self, input_shape: tuple) -> None:
        """Builds both matrices for `[batch, length, hidden]`."""
        self._inner.build(input_shape)
        self._outer.build((*input_shape[:-1], self._filter_size))

    def call(self, x: Any, mode: Mode) -> Any:
        """`[batch, length, hidden]` -> the same."""
        seed = seed_of(mode.dropout_key, f"{self.path}/relu")
        inner = dropout(self._activate(self._inner(x)), self._dropout, seed)
        return self._outer(inner)


class EncoderLayer(keras.layers.Layer):
    """Self-attention and feed-forward."""

    def __init__(
        self,
        hparams: TransformerHParams,
        self_attention: MultiHeadAttention,
        feed_forward: keras.layers.Layer,
        name: str,
    ):
        """Makes the layer.

        Args:
          hparams: sizes and rates.
          self_attention: its first sub-layer.
          feed_forward: its second: position by position, called with a mode.
          name: unique within the stack.
        """
        super().__init__(name=name, autocast=False)
        self._attention = self_attention
        self._feed_forward = feed_forward
        self._around_attention = Residual(hparams, "self_attention_residual")
        self._around_feed_forward = Residual(hparams, "feed_forward_residual")

    def build(self, input_shape: tuple) -> None:
        """Builds everything for `[batch, length, hidden]`."""
        for layer in (
            self._attention,
            self._feed_forward,
            self._around_attention,
            self._around_feed_forward,
        ):
            layer.build(input_shape)

    def call(self, x: Any, bias: Any, mode: Mode) -> Any:
        """One layer of the left half of figure 1.

        Args:
          x: `[batch, source, hidden]`.
          bias: of self-attention, `[batch, 1, 1, source]`.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """
        y = self._around_attention.before(x)
        y = self._attention.within(y, bias, mode)
        x = self._around_attention(x, y, mode=mode)
        y = self._around_feed_forward.before(x)
        y = self._feed_forward(y, mode=mode)
        return self._around_feed_forward(x, y, mode=mode)


class DecoderLayer(keras.layers.Layer):
    """Masked self-attention, attention to the encoder, feed-forward."""

    def __init__(
        self,
        hparams: TransformerHParams,
        self_attention: MultiHeadAttention,
        feed_forward: keras.layers.Layer,
        name: str,
    ):
        """Makes the layer; see `EncoderLayer`."""
        super().__init__(name=name, autocast=False)
        self._self = self_attention
        self._cross = attention(hparams, "encdec_attention")
        self._feed_forward = feed_forward
        self._around_self = Residual(hparams, "self_attention_residual")
        self._around_cross = Residual(hparams, "encdec_attention_residual")
        self._around_feed_forward = Residual(hparams, "feed_forward_residual")

    def build(self, input_shape: tuple) -> None:
        """Builds everything for `[batch, length, hidden]`."""
        for layer in (
            self._self,
            self._cross,
            self._feed_forward,
            self._around_self,
            self._around_cross,
            self._around_feed_forward,
        ):
            layer.build(input_shape)

    def memory(self, encoded: Any) -> KeysValues:
        """Keys and values of the encoder's output, once per sentence.

        Args:
          encoded: `[batch, source, hidden]`.
        """
        return self._cross.keys_values(encoded)

    def call(
        self,
        x: Any,
        memory: KeysValues,
        memory_bias: Any,
        self_bias: Any,
        mode: Mode,
    ) -> Any:
        """One layer of the right half of figure 1, all positions at once.

        Args:
          x: `[batch, target, hidden]`.
          memory: from `memory`.
          memory_bias: `[batch, 1, 1, source]`.
          self_bias: `[1, 1, target, target]`.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """
        y = self._around_self.before(x)
        y = self._self.within(y, self_bias, mode)
        x = self._around_self(x, y, mode=mode)
        return self._rest(x, memory, memory_bias, mode)

    def step(
        self,
        x: Any,
        memory: KeysValues,
        memory_bias: Any,
        cache: KeysValues,
        cache_bias: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, KeysValues]:
        """One new position of every beam, with cached keys and values.

        Beams lie where positions lie in `call`: one copy of memory and cache
        serves all beams of a sentence, whatever ancestors they have.

        Args:
          x: `[batch, beams, hidden]`.
          memory: from `memory`.
          memory_bias: `[batch, 1, 1, source]`.
          cache: keys `[batch, heads, entries, d_k]` and values
            `[batch, heads, entries, d_v]` of all beams at earlier positions.
          cache_bias: `[batch, 1, beams, entries + beams]`, hides what is no
            ancestor of a beam; None where there is one beam.
          mode: evaluation or looking inside.

        Returns:
          As `x`, and the cache with `beams` entries more.
        """
        y = self._around_self.before(x)
        key, value = self._self.keys_values(y)
        cache = (
            ops.concatenate([cache[0], key], axis=2),
            ops.concatenate([cache[1], value], axis=2),
        )
        y = self._self(y, cache, cache_bias, mode=mode)
        x = self._around_self(x, y, mode=mode)
        return self._rest(x, memory, memory_bias, mode), cache

    def step_beside(
        self,
        x: Any,
        memory: KeysValues,
        memory_bias: Any,
        cache: KeysValues,
        cache_bias: Any,
    ) -> tuple[Any, KeysValues]:
        """As `step`, with a cache that someone else keeps.

        Args:
          x: `[batch, beams, hidden]`.
          memory: from `memory`.
          memory_bias: `[batch, 1, 1, source]`.
          cache: see `step`.
          cache_bias: `[batch, 1, beams, entries]`, hides what is no ancestor
            of a beam.

        Returns:
          As `x`, and the keys and values that the cache is to have for it.
        """
        y = self._around_self.before(x)
        y, own = self._self.beside(y, cache, cache_bias)
        x = self._around_self(x, y, mode=EVALUATION)
        return self._rest(x, memory, memory_bias, EVALUATION), own

    def _rest(
        self, x: Any, memory: KeysValues, memory_bias: Any, mode: Mode
    ) -> Any:
        """Attention to the encoder and feed-forward, alike in both modes."""
        y = self._around_cross.before(x)
        y = self._cross(y, memory, memory_bias, mode=mode)
        x = self._around_cross(x, y, mode=mode)
        y = self._around_feed_forward.before(x)
        y = self._feed_forward(y, mode=mode)
        return self._around_feed_forward(x, y, mode=mode)


def attention(
    hparams: TransformerHParams,
    name: str,
    kind: Callable[..., MultiHeadAttention] = MultiHeadAttention,
) -> MultiHeadAttention:
    """An attention of the sizes that the hparams give.

    Args:
      hparams: sizes and rates.
      name: unique within the layer.
      kind: what makes it.
    """
    return kind(
        hidden_size=hparams.hidden_size,
        num_heads=hparams.num_heads,
        key_channels=hparams.key_channels,
        value_channels=hparams.value_channels,
        use_bias=hparams.attention_bias,
        rate=hparams.attention_dropout,
        name=name,
    )
