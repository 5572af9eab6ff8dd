"""Encoder and decoder layers: sections 3.1 and 3.3, figure 1."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.hparam import HParams
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.attention import MultiHeadAttention
from t2t_repro.layers.dropout import dropout
from t2t_repro.layers.dropout import seed_of
from t2t_repro.layers.linear import Linear


class LayerNorm(keras.layers.Layer):
    """Layer normalisation over the last axis, in float32."""

    def __init__(self, hparams: HParams, name: str):
        """Makes the layer."""
        super().__init__(name=name, autocast=False)
        self._epsilon = hparams.norm_epsilon

    def build(self, input_shape: tuple) -> None:
        """Makes scale and bias, `[hidden]` each."""
        size = (input_shape[-1],)
        self.scale = self.add_weight(
            shape=size, initializer="ones", name="scale"
        )
        self.bias = self.add_weight(
            shape=size, initializer="zeros", name="bias"
        )

    def call(self, x: Any) -> Any:
        """`[..., hidden]` -> the same; population variance."""
        y = _normalized(ops.cast(x, "float32"), self._epsilon)
        return ops.cast(y * self.scale + self.bias, x.dtype)


def _normalized(x: Any, epsilon: float) -> Any:
    """`[..., hidden]` with mean 0 and variance 1 over the last axis.

    The derivative is written out: automatic differentiation makes twice as
    many passes over what is as large as `x`, and a step has 30 of these.
    """

    @ops.custom_gradient
    def of_input(x: Any) -> tuple[Any, Callable[..., Any]]:
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        inverse = ops.rsqrt(variance + epsilon)
        normal = centred * inverse

        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            # One backend gives it by position, another by name.
            given = arguments[0] if upstream is None else upstream
            mean = ops.mean(given, axis=-1, keepdims=True)
            slope = ops.mean(given * normal, axis=-1, keepdims=True)
            return (given - mean - normal * slope) * inverse

        return normal, gradient

    return of_input(x)


class Residual(keras.layers.Layer):
    """LayerNorm(x + Dropout(f(x))), or x + Dropout(f(LayerNorm(x)))."""

    def __init__(self, hparams: HParams, place: str, name: str):
        """Makes the frame around one sub-layer f."""
        super().__init__(name=name)
        self._norm_before = hparams.layer_preprocess_sequence == "n"
        self._norm_after = hparams.layer_postprocess_sequence == "dan"
        self._norms = {
            when: LayerNorm(hparams, f"norm_{when}")
            for when, wanted in (
                ("before", self._norm_before),
                ("after", self._norm_after),
            )
            if wanted
        }
        self._dropout = hparams.layer_prepostprocess_dropout
        self._place = f"{place}/residual"

    def build(self, input_shape: tuple) -> None:
        """Builds the norms for `[batch, length, hidden]`."""
        for norm in self._norms.values():
            norm.build(input_shape)

    def around(self, x: Any, sublayer: Callable[[Any], Any], mode: Mode) -> Any:
        """`[batch, length, hidden]` through the sub-layer, same shape."""
        before = self._norms["before"](x) if self._norm_before else x
        seed = seed_of(mode.dropout_key, self._place)
        # Of quantized weights comes what is narrower than what it is added to.
        change = ops.cast(sublayer(before), x.dtype)
        y = x + dropout(change, self._dropout, seed)
        return self._norms["after"](y) if self._norm_after else y


class FeedForward(keras.layers.Layer):
    """max(0, x W1 + b1) W2 + b2, equation 2."""

    def __init__(self, hparams: HParams, place: str, name: str):
        """Makes the layer."""
        super().__init__(name=name, autocast=False)
        self._filter_size = hparams.filter_size
        self._inner = Linear(hparams.filter_size, True, "inner")
        self._outer = Linear(hparams.hidden_size, True, "outer")
        self._dropout = hparams.relu_dropout
        self._place = f"{place}/relu"

    def build(self, input_shape: tuple) -> None:
        """Builds both matrices for `[batch, length, hidden]`."""
        self._inner.build(input_shape)
        self._outer.build((*input_shape[:-1], self._filter_size))

    def call(self, x: Any, mode: Mode) -> Any:
        """`[batch, length, hidden]` -> the same."""
        seed = seed_of(mode.dropout_key, self._place)
        inner = dropout(ops.relu(self._inner(x)), self._dropout, seed)
        return self._outer(inner)


class EncoderLayer(keras.layers.Layer):
    """Self-attention and feed-forward."""

    def __init__(self, hparams: HParams, place: str, name: str):
        """Makes the layer; `place` is its path in the model."""
        super().__init__(name=name, autocast=False)
        here = f"{place}/{name}"
        self._attention = MultiHeadAttention(
            hparams, f"{here}/self_attention", "self_attention"
        )
        self._feed_forward = FeedForward(
            hparams, f"{here}/feed_forward", "feed_forward"
        )
        self._around_attention = Residual(
            hparams, f"{here}/self_attention", "self_attention_residual"
        )
        self._around_feed_forward = Residual(
            hparams, f"{here}/feed_forward", "feed_forward_residual"
        )

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
          bias: `[batch, 1, 1, source]`.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """

        def self_attention(y: Any) -> Any:
            query = self._attention.project_query(y)
            key, value = self._attention.project_memory(y)
            return self._attention(query, key, value, bias, mode=mode)

        x = self._around_attention.around(x, self_attention, mode)
        return self._around_feed_forward.around(
            x, lambda y: self._feed_forward(y, mode=mode), mode
        )


class DecoderLayer(keras.layers.Layer):
    """Masked self-attention, attention to the encoder, feed-forward."""

    def __init__(self, hparams: HParams, place: str, name: str):
        """Makes the layer; `place` is its path in the model."""
        super().__init__(name=name, autocast=False)
        here = f"{place}/{name}"
        self._self = MultiHeadAttention(
            hparams, f"{here}/self_attention", "self_attention"
        )
        self._cross = MultiHeadAttention(
            hparams, f"{here}/encdec_attention", "encdec_attention"
        )
        self._feed_forward = FeedForward(
            hparams, f"{here}/feed_forward", "feed_forward"
        )
        self._around_self = Residual(
            hparams, f"{here}/self_attention", "self_attention_residual"
        )
        self._around_cross = Residual(
            hparams, f"{here}/encdec_attention", "encdec_attention_residual"
        )
        self._around_feed_forward = Residual(
            hparams, f"{here}/feed_forward", "feed_forward_residual"
        )

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

    def project_memory(self, encoder_output: Any) -> tuple[Any, Any]:
        """Keys and values of the encoder's output, once per sentence.

        Args:
          encoder_output: `[batch, source, hidden]`.

        Returns:
          `[batch, heads, source, d_k]` and `[batch, heads, source, d_v]`.
        """
        return self._cross.project_memory(encoder_output)

    def call(
        self,
        x: Any,
        memory: tuple[Any, Any],
        memory_bias: Any,
        self_bias: Any,
        mode: Mode,
    ) -> Any:
        """One layer of the right half of figure 1, all positions at once.

        Args:
          x: `[batch, target, hidden]`.
          memory: from `project_memory`.
          memory_bias: `[batch, 1, 1, source]`.
          self_bias: `[1, 1, target, target]`.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """

        def self_attention(y: Any) -> Any:
            query = self._self.project_query(y)
            key, value = self._self.project_memory(y)
            return self._self(query, key, value, self_bias, mode=mode)

        x = self._around_self.around(x, self_attention, mode)
        return self._rest(x, memory, memory_bias, mode)

    def step(
        self,
        x: Any,
        memory: tuple[Any, Any],
        memory_bias: Any,
        past: tuple[Any, Any],
        past_bias: Any,
    ) -> tuple[Any, tuple[Any, Any]]:
        """One new position of every beam, with cached keys and values.

        Beams lie where positions lie in `call`: one copy of memory and past
        serves all beams of a sentence, whatever ancestors they have.

        Args:
          x: `[batch, beams, hidden]`.
          memory: from `project_memory`.
          memory_bias: `[batch, 1, 1, source]`.
          past: keys `[batch, heads, past, d_k]` and values
            `[batch, heads, past, d_v]` of all beams at earlier positions.
          past_bias: `[batch, 1, beams, past + beams]`, hides what is no
            ancestor of a beam.

        Returns:
          As `x`, and the past with `beams` entries more.
        """
        grown: tuple[Any, Any] = past

        def self_attention(y: Any) -> Any:
            nonlocal grown
            query = self._self.project_query(y)
            key, value = self._self.project_memory(y)
            grown = (
                ops.concatenate([past[0], key], axis=2),
                ops.concatenate([past[1], value], axis=2),
            )
            return self._self(query, *grown, past_bias, mode=EVALUATION)

        x = self._around_self.around(x, self_attention, EVALUATION)
        return self._rest(x, memory, memory_bias, EVALUATION), grown

    def _rest(
        self,
        x: Any,
        memory: tuple[Any, Any],
        memory_bias: Any,
        mode: Mode,
    ) -> Any:
        """Attention to the encoder and feed-forward, alike in both modes."""

        def cross_attention(y: Any) -> Any:
            query = self._cross.project_query(y)
            return self._cross(query, *memory, memory_bias, mode=mode)

        x = self._around_cross.around(x, cross_attention, mode)
        return self._around_feed_forward.around(
            x, lambda y: self._feed_forward(y, mode=mode), mode
        )
