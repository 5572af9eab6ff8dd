"""Gated convolutions over an image: the unit that a Neural GPU repeats.

Section 2 of Kaiser and Sutskever 2016 (arXiv:1511.08228), with the saturating
gates and the optional layer norm of the authors' program; and the diagonal unit
of Freivalds and Liepins 2017 (arXiv:1702.08727). An image is a sequence of
columns, `[batch, columns, rows, channels]`; it is float32 at any precision, as
what is carried by other recurrent cells.
"""

from typing import Any

import keras
from keras import ops

from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm

# The authors': orthogonal kernels of 1.8 times 0.8.
_GAIN = 1.44
_EPSILON = 1e-5
# A hard gate pays beyond this.
_SATURATED = 0.9


class Convolution(Linear):
    """`W * x + b` over columns and rows, zeros beyond the edges."""

    def __init__(
        self,
        units: int,
        kernel: tuple[int, int],
        dilation: int,
        biases: tuple[float, ...],
        name: str,
    ):
        """Makes the layer.

        Args:
          units: channels of the result.
          kernel: columns and rows that it sees.
          dilation: from one of these columns to the next.
          biases: what they begin with, in as many equal parts.
          name: unique within the parent.
        """
        super().__init__(units, True, name)
        self._kernel_size = kernel
        self._dilation = dilation
        self._biases = biases

    def build(self, input_shape: tuple) -> None:
        """Makes the weights: kernel `[width, height, channels, units]`."""
        self.kernel = self.add_weight(
            shape=(*self._kernel_size, input_shape[-1], self._units),
            initializer=keras.initializers.Orthogonal(_GAIN),
            name="kernel",
        )
        size = self._units // len(self._biases)
        self.bias = self.add_weight(
            shape=(self._units,),
            initializer=lambda shape, dtype: ops.repeat(
                ops.convert_to_tensor(self._biases, dtype), size
            ),
            name="bias",
        )

    def call(self, x: Any) -> Any:
        """`[batch, columns, rows, channels]` -> `[..., units]` float32."""
        kernel, bias = self._narrow or (self.kernel, self.bias)
        dtype = x.dtype if self._narrow is None else kernel.dtype
        y = ops.conv(
            ops.cast(x, dtype),
            ops.cast(kernel, dtype),
            padding="same",
            data_format="channels_last",
            dilation_rate=(self._dilation, 1),
        )
        return ops.cast(y, "float32") + ops.cast(bias, "float32")


class ConvGRU(keras.layers.Layer):
    """The convolutional gated recurrent unit, CGRU.

    With X = [extra; s], the channels of something else before those of s:
    r = sat(U' * X), u = sat(U'' * X), and u s + (1 - u) tanh(U * [extra; r s]).
    """

    # What the biases of r and u begin with: open gates.
    GATE_BIASES: tuple[float, float] = (1.0, 1.0)

    def __init__(
        self,
        units: int,
        kernel: tuple[int, int],
        dilation: int,
        use_norm: bool,
        name: str,
    ):
        """Makes the layer.

        Args:
          units: channels of the image, m.
          kernel: columns and rows that a convolution sees.
          dilation: from one of these columns to the next.
          use_norm: whether every convolution's result is normalised.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._units = units
        self._gates = Convolution(
            2 * units, kernel, dilation, self.GATE_BIASES, "gates"
        )
        self._candidate = Convolution(
            units, kernel, dilation, (0.0,), "candidate"
        )
        names = ("reset", "update", "candidate") if use_norm else ()
        self._norms = {
            name: LayerNorm(_EPSILON, f"{name}_norm") for name in names
        }

    def build(self, input_shape: tuple) -> None:
        """Builds both products; the shape's channels are those of X."""
        self._gates.build(input_shape)
        self._candidate.build(input_shape)
        for norm in self._norms.values():
            norm.build((*input_shape[:-1], self._units))

    def step(
        self, image: Any, extra: Any, present: Any, dtype: Any
    ) -> tuple[Any, Any]:
        """Applies the unit once.

        Args:
          image: `[batch, columns, rows, units]`, 0 where nothing is.
          extra: `[batch, columns, rows, channels]`, or None.
          present: `[batch, columns, 1, 1]`, 0 where nothing is, else 1.
          dtype: of the convolutions.

        Returns:
          As `image`, and `[batch]`, the mean cost of a gate, or 0.
        """
        reset, update = ops.split(
            self._gates(_joined(extra, image, dtype)), 2, axis=-1
        )
        reset = self._normed("reset", reset)
        update = self._normed("update", update)
        cost = self._cost(reset, update, present)
        reset, update = self._gate(reset), self._gate(update)
        new = self._candidate(_joined(extra, reset * image, dtype))
        new = ops.tanh(self._normed("candidate", new))
        kept = update * self._kept(image)
        return (kept + (1.0 - update) * new) * present, cost

    def _gate(self, x: Any) -> Any:
        return saturating_sigmoid(x)

    def _kept(self, image: Any) -> Any:
        """What an open gate lets through."""
        return image

    def _cost(self, reset: Any, update: Any, present: Any) -> Any:
        """`[batch]` of the gates' arguments, or a number for all."""
        del reset, update, present
        return 0.0

    def _normed(self, name: str, x: Any) -> Any:
        return self._norms[name](x) if self._norms else x


class DiagonalConvGRU(ConvGRU):
    """The diagonal unit, DCGRU: channels that walk, gates that are hard.

    A third of the channels comes from the column before, a third from the one
    behind; what drives a gate far beyond its ends has a cost.
    """

    GATE_BIASES = (0.5, 0.7)

    def _gate(self, x: Any) -> Any:
        return ops.clip(0.5 * x + 0.5, 0.0, 1.0)

    def _kept(self, image: Any) -> Any:
        return diagonal_shift(image, 1)

    def _cost(self, reset: Any, update: Any, present: Any) -> Any:
        cells = ops.sum(present, axis=(1, 2, 3)) * (
            reset.shape[2] * reset.shape[3]
        )
        beyond = sum(ops.relu(ops.abs(x) - _SATURATED) for x in (reset, update))
        total = 0.5 * ops.sum(beyond * present, axis=(1, 2, 3))
        return total / ops.maximum(cells, 1.0)


def saturating_sigmoid(x: Any) -> Any:
    """A sigmoid that reaches 0 and 1: clip(1.2 s(x) - 0.1, 0, 1)."""
    return ops.clip(1.2 * ops.sigmoid(x) - 0.1, 0.0, 1.0)


def diagonal_shift(image: Any, axis: int) -> Any:
    """Moves the last two thirds of the channels, one forwards, one back.

    Args:
      image: `[batch, columns, rows, channels]`.
      axis: 1, along columns, or 2, along rows; zeros come in.

    Returns:
      As `image`.
    """
    channels = image.shape[-1]
    third = channels // 3
    stay, forwards, back = ops.split(
        image, [channels - 2 * third, channels - third], axis=-1
    )
    pad: list[list[int]] = [[0, 0]] * 4
    pad[axis] = [1, 1]
    length = ops.shape(image)[axis]

    def from_place(x: Any, first: int) -> Any:
        padded = ops.pad(x, pad)
        if axis == 1:
            return padded[:, first : first + length]
        return padded[:, :, first : first + length]

    moved = from_place(forwards, 0), from_place(back, 2)
    return ops.concatenate([stay, *moved], axis=-1)


def _joined(extra: Any, image: Any, dtype: Any) -> Any:
    image = ops.cast(image, dtype)
    if extra is None:
        return image
    return ops.concatenate([ops.cast(extra, dtype), image], axis=-1)
