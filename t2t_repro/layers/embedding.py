"""Embeddings, softmax and positions: sections 3.4 and 3.5."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

_LONGEST_WAVELENGTH = 10000.0


class Embedding(keras.layers.Layer):
    """One matrix from ids to vectors, and back to logits.

    Attributes:
      scale: of what is looked up.
    """

    def __init__(
        self, vocab_size: int, hidden_size: int, is_scaled: bool, name: str
    ):
        """Makes the layer.

        Args:
          vocab_size: rows.
          hidden_size: columns, d_model.
          is_scaled: whether what is looked up is multiplied by sqrt(d_model).
          name: unique within the parent.
        """
        super().__init__(name=name)
        self._shape = (vocab_size, hidden_size)
        self.scale = math.sqrt(hidden_size) if is_scaled else 1.0

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the `[vocabulary, hidden]` matrix, rows N(0, 1 / hidden)."""
        del input_shape
        self.matrix = self.add_weight(
            shape=self._shape,
            initializer=keras.initializers.RandomNormal(
                stddev=self._shape[1] ** -0.5
            ),
            name="matrix",
        )

    def call(self, ids: Any) -> Any:
        """Looks ids up; padding becomes zero.

        Args:
          ids: `[...]` int32.

        Returns:
          `[..., hidden]`.
        """
        vectors = ops.take(self.matrix, ids, axis=0)
        present = ops.cast(ops.not_equal(ids, 0), vectors.dtype)
        return vectors * ops.expand_dims(self.scale * present, -1)

    def padding(self) -> Any:
        """`[hidden]`: the vector of padding, as any other id's is looked up."""
        return self.matrix[0] * self.scale

    def softmax_kernel(self) -> Any:
        """The matrix as `[hidden, vocabulary]`, for the linear map to logits.

        Whoever multiplies often with few rows keeps it: a product with a
        matrix that lies the other way takes up to twice as long.
        """
        return ops.transpose(self.matrix)


def matrices(
    new: Callable[[str], Any], source_shares: bool, softmax_shares: bool
) -> dict[str, Any]:
    """The layers of source, target and softmax, of which some may be one.

    Args:
      new: makes the layer of a name: "embedding" where all are one, else
        "target_embedding", "softmax" and "source_embedding".
      source_shares: whether source and target are one.
      softmax_shares: whether softmax and target are one.

    Returns:
      By use: "target", "softmax" and "source".
    """
    is_one = source_shares and softmax_shares
    target = new("embedding" if is_one else "target_embedding")
    return {
        "target": target,
        "softmax": target if softmax_shares else new("softmax"),
        "source": target if source_shares else new("source_embedding"),
    }


class LogitsBias(keras.layers.Layer):
    """A number for every id, to be added to its logit."""

    def __init__(self, vocab_size: int, name: str):
        """Makes the layer."""
        super().__init__(name=name)
        self._size = vocab_size

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the `[vocabulary]` bias, zeros."""
        del input_shape
        self.bias = self.add_weight(
            shape=(self._size,), initializer="zeros", name="bias"
        )


def sinusoids(positions: Any, channels: int, interleaved: bool) -> Any:
    """Positional encodings of section 3.5.

    Args:
      positions: `[...]` numbers, from 0.
      channels: d_model, even.
      interleaved: the paper's form, sine and cosine in turn with exponents
        2i / d_model; otherwise tensor2tensor's, all sines before all cosines
        with exponents i / (d_model / 2 - 1).

    Returns:
      `[..., channels]` float32.
    """
    count = channels // 2
    steps = count if interleaved else max(count - 1, 1)
    exponents = ops.arange(count, dtype="float32") / steps
    rates = ops.exp(-math.log(_LONGEST_WAVELENGTH) * exponents)
    angles = ops.cast(positions, "float32")[..., None] * rates
    sines, cosines = ops.sin(angles), ops.cos(angles)
    if not interleaved:
        return ops.concatenate([sines, cosines], axis=-1)
    pairs = ops.stack([sines, cosines], axis=-1)  # [..., channels / 2, 2]
    return ops.reshape(pairs, (*ops.shape(positions), channels))


class Positions(keras.layers.Layer):
    """Adds positional encodings of the kind that hparam `pos` names."""

    def __init__(self, kind: str, hidden_size: int, max_length: int, name: str):
        """Makes the layer.

        Args:
          kind: "timing_interleaved", "timing", "emb" or "none".
          hidden_size: d_model.
          max_length: how many learned positions there are.
          name: unique within the parent.
        """
        super().__init__(name=name)
        self._kind = kind
        self._shape = (max_length, hidden_size)

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the table of learned positions (Table 3, row E), if any."""
        del input_shape
        if self._kind == "emb":
            self.table = self.add_weight(
                shape=self._shape,
                initializer=keras.initializers.RandomNormal(
                    stddev=self._shape[1] ** -0.5
                ),
                name="table",
            )

    def call(self, x: Any, positions: Any) -> Any:
        """Adds the encoding of each position.

        Args:
          x: `[batch, length, hidden]`.
          positions: `[length]` or `[batch, length]` int32. Learned positions
            end at max_length: whatever lies beyond takes the last one.

        Returns:
          As `x`.
        """
        if self._kind == "none":
            return x
        length, channels = self._shape
        if self._kind == "emb":
            places = ops.minimum(positions, length - 1)
            signal = ops.take(self.table, places, axis=0)
        else:
            interleaved = self._kind == "timing_interleaved"
            signal = sinusoids(positions, channels, interleaved)
        return x + ops.cast(signal, x.dtype)
