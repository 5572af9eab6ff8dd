"""The layers of ConvS2S: sections 3.2 to 3.5 of Gehring et al. 2017."""

import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import Mode, padding_bias
from t2t_repro.layers.convolution import shift_window, start_window, windows
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.weight_norm import NormalizedLinear
from t2t_repro.models.convs2s_hparams import Convolution, ConvS2SHParams

# The sum of two values of variance 1 has it again (section 3.4).
HALF = math.sqrt(0.5)


class Encoded(NamedTuple):
    """A source that was read, and what a decoder attends to.

    Attributes:
      inputs: `[batch, source]` ids, which say where the padding is.
      keys: `[batch, 1, source, hidden]`, the encoder's output.
      values: of the same shape, with the embeddings added (equation 2).
    """

    inputs: Any
    keys: Any
    values: Any


class Table(Embedding):
    """Vectors of ids or of positions, N(0, 0.1) as in section 3.5."""

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the `[rows, hidden]` matrix."""
        del input_shape
        self.matrix = self.add_weight(
            shape=self._shape,
            initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="matrix",
        )


class Attention(keras.layers.Layer):
    """From a decoder layer to the encoder: equations 1 and 2."""

    def __init__(self, hidden_size: int, channels: int, name: str):
        """Makes the layer.

        Args:
          hidden_size: of embeddings, keys and values.
          channels: of the decoder layer.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._query = NormalizedLinear(hidden_size, 1.0, "query")
        self._output = NormalizedLinear(channels, 1.0, "output")
        self._sizes = hidden_size, channels

    def build(self, input_shape: tuple) -> None:
        """Builds both projections."""
        hidden_size, channels = self._sizes
        self._query.build((*input_shape[:-1], channels))
        self._output.build((*input_shape[:-1], hidden_size))

    def call(self, x: Any, embedded: Any, encoded: Encoded, mode: Mode) -> Any:
        """Attends from every position, or from every beam.

        Args:
          x: `[batch, query, channels]`.
          embedded: `[batch, query, hidden]`, what the decoder read there.
          encoded: the source.
          mode: training, evaluation or looking inside.

        Returns:
          As `x`.
        """
        query = (self._query(x) + embedded) * HALF
        # Scores are not scaled here, as `attend` does.
        query = query[:, None] * math.sqrt(query.shape[-1])
        context, weights = mode.attend(
            query,
            encoded.keys,
            encoded.values,
            padding_bias(encoded.inputs),
            0.0,
            None,
        )
        if mode.maps is not None:
            mode.maps[self.path] = weights
        # A mean of n vectors has a smaller variance than one has.
        count = ops.sum(ops.cast(encoded.inputs != 0, "float32"), axis=1)
        scale = ops.cast(ops.sqrt(count), context.dtype)[:, None, None]
        return (self._output(context[:, 0] * scale) + x) * HALF


class ConvolutionLayer(keras.layers.Layer):
    """Convolution, gated linear unit, attention in the decoder, residual."""

    def __init__(
        self,
        convolution: Convolution,
        hparams: ConvS2SHParams,
        attends: bool,
        name: str,
    ):
        """Makes a layer of the encoder or the decoder."""
        super().__init__(name=name, autocast=False)
        self._shape = convolution
        self._dropout = hparams.dropout
        inputs, channels, _ = convolution
        keep = 1.0 - hparams.dropout
        # A gated unit keeps a quarter of the variance (section 3.5).
        self._convolution = NormalizedLinear(
            2 * channels, 4.0 * keep, "convolution"
        )
        self._residual = None
        if inputs != channels:
            self._residual = NormalizedLinear(channels, 1.0, "residual")
        self._attention = None
        if attends:
            size = hparams.hidden_size
            self._attention = Attention(size, channels, "encdec_attention")

    def build(self, input_shape: tuple) -> None:
        """Builds everything; the number of channels is known."""
        inputs, _, width = self._shape
        self._convolution.build((*input_shape[:-1], width * inputs))
        for layer in (self._residual, self._attention):
            if layer is not None:
                layer.build((*input_shape[:-1], inputs))

    def encode(self, x: Any, present: Any, mode: Mode) -> Any:
        """A layer that sees both sides, and no padding.

        Args:
          x: `[batch, source, inputs]`.
          present: `[batch, source, 1]`, 0 at padding, else 1.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, source, channels]`.
        """
        width = self._shape.width
        seen = windows(self._drop(x * present, mode), width, (width - 1) // 2)
        return self._add(self._gated(seen), x)

    def decode(
        self, x: Any, embedded: Any, encoded: Encoded, mode: Mode
    ) -> Any:
        """A layer that sees no later position.

        Args:
          x: `[batch, target, inputs]`.
          embedded: `[batch, target, hidden]`, what the decoder read.
          encoded: the source.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, channels]`.
        """
        width = self._shape.width
        seen = windows(self._drop(x, mode), width, width - 1)
        return self._add(self._attended(seen, embedded, encoded, mode), x)

    def start(self, batch: Any, beams: int) -> tuple[Any, ...]:
        """The window before the first position."""
        inputs, _, width = self._shape
        return start_window(batch, beams, width, inputs)

    def step(
        self,
        x: Any,
        window: tuple[Any, ...],
        embedded: Any,
        encoded: Encoded,
        mode: Mode,
    ) -> tuple[Any, tuple[Any, ...]]:
        """`decode` of one position of every beam.

        Args:
          x: `[batch, beams, inputs]`.
          window: from `start` or the step before.
          embedded: `[batch, beams, hidden]`.
          encoded: the source.
          mode: evaluation or looking inside.

        Returns:
          `[batch, beams, channels]`, and the next window.
        """
        seen, window = shift_window(window, x)
        return self._add(
            self._attended(seen, embedded, encoded, mode), x
        ), window

    def _drop(self, x: Any, mode: Mode) -> Any:
        seed = seed_of(mode.dropout_key, f"{self.path}/input")
        return dropout(x, self._dropout, seed)

    def _gated(self, seen: Any) -> Any:
        """`[..., k * inputs]` -> `[..., channels]` (section 3.2)."""
        y, gate = ops.split(self._convolution(seen), 2, axis=-1)
        return y * ops.sigmoid(gate)

    def _attended(
        self, seen: Any, embedded: Any, encoded: Encoded, mode: Mode
    ) -> Any:
        y = self._gated(seen)
        if self._attention is None:
            return y
        return self._attention(y, embedded, encoded, mode=mode)

    def _add(self, y: Any, x: Any) -> Any:
        return (y + (x if self._residual is None else self._residual(x))) * HALF


class Stack(keras.layers.Layer):
    """The encoder's or the decoder's convolutions, and what lies around them.

    Attributes:
      into: from embeddings to the first layer's channels.
      layers: the convolutions.
      out: from the last layer's channels.
    """

    def __init__(
        self,
        convolutions: tuple[Convolution, ...],
        attended: Collection[int],
        units: int,
        hparams: ConvS2SHParams,
        name: str,
    ):
        """Makes the stack.

        Args:
          convolutions: one a layer.
          attended: which of them attend to the encoder.
          units: size of what `out` gives.
          hparams: sizes and rates.
          name: "encoder" or "decoder".
        """
        super().__init__(name=name, autocast=False)
        self._hidden_size = hparams.hidden_size
        self._last_channels = convolutions[-1].channels
        self._dropout = hparams.dropout
        keep = 1.0 - hparams.dropout
        self._positions = Table(
            hparams.max_length, hparams.hidden_size, False, "positions"
        )
        self.into = NormalizedLinear(convolutions[0].inputs, keep, "input")
        self.layers = [
            ConvolutionLayer(shape, hparams, i in attended, f"layer_{i}")
            for i, shape in enumerate(convolutions)
        ]
        self.out = NormalizedLinear(units, 1.0, "output")

    def build(self, input_shape: tuple) -> None:
        """Builds everything for `[batch, length, hidden]`."""
        self._positions.build()
        self.into.build(input_shape)
        for layer in self.layers:
            layer.build(input_shape)
        self.out.build((*input_shape[:-1], self._last_channels))

    def embed(self, vectors: Any, positions: Any, mode: Mode) -> Any:
        """Adds learned positions (section 3.1).

        Args:
          vectors: `[batch, length, hidden]` of the ids.
          positions: `[length]` int32. There are max_length of them: whatever
            lies beyond takes the last one.
          mode: training, evaluation or looking inside.

        Returns:
          As `vectors`, in the mode's dtype.
        """
        table = self._positions.matrix
        places = ops.minimum(positions, table.shape[0] - 1)
        x = vectors + ops.take(table, places, axis=0)
        return self.drop("embedding", ops.cast(x, mode.dtype), mode)

    def drop(self, place: str, x: Any, mode: Mode) -> Any:
        """Dropout at an end of the stack; as `x`."""
        seed = seed_of(mode.dropout_key, f"{self.path}/{place}")
        return dropout(x, self._dropout, seed)


def scale_gradient(x: Any, factor: float) -> Any:
    """`x`, whose gradient is multiplied by `factor` (section 3.5)."""

    @ops.custom_gradient
    def of_input(x: Any) -> tuple[Any, Callable[..., Any]]:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            # One backend gives it by position, another by name.
            given = arguments[0] if upstream is None else upstream
            return given * factor

        return x, gradient

    return of_input(x)
