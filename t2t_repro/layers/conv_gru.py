"""Gated convolutions over an image: the unit that a Neural GPU repeats.

Section 2 of Kaiser and Sutskever 2016 (arXiv:1511.08228), with the saturating
gates and the optional layer norm of the authors' program. An image is a
sequence of columns, `[batch, columns, rows, channels]`; it is float32 at any
precision, as what is carried by other recurrent cells.
"""

from typing import Any

import keras
from keras import ops

from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm

# The authors': orthogonal kernels of 1.8 times 0.8, gates that begin open.
_GAIN = 1.44
_OPEN = 1.0
_EPSILON = 1e-5


class Convolution(Linear):
    """`W * x + b` over columns and rows, zeros beyond the edges."""

    def __init__(
        self,
        units: int,
        kernel: tuple[int, int],
        dilation: int,
        bias: float,
        name: str,
    ):
        """Makes the layer.

        Args:
          units: channels of the result.
          kernel: columns and rows that it sees.
          dilation: from one of these columns to the next.
          bias: what it begins with.
          name: unique within the parent.
        """
        super().__init__(units, True, name)
        self._kernel_size = kernel
        self._dilation = dilation
        self._bias_start = bias

    def build(self, input_shape: tuple) -> None:
        """Makes the weights: kernel `[width, height, channels, units]`."""
        self.kernel = self.add_weight(
            shape=(*self._kernel_size, input_shape[-1], self._units),
            initializer=keras.initializers.Orthogonal(_GAIN),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self._units,),
            initializer=keras.initializers.Constant(self._bias_start),
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
        self._gates = Convolution(2 * units, kernel, dilation, _OPEN, "gates")
        self._candidate = Convolution(units, kernel, dilation, 0.0, "candidate")
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

    def step(self, image: Any, extra: Any, present: Any, dtype: Any) -> Any:
        """Applies the unit once.

        Args:
          image: `[batch, columns, rows, units]`, 0 where nothing is.
          extra: `[batch, columns, rows, channels]`, or None.
          present: `[batch, columns, 1, 1]`, 0 where nothing is, else 1.
          dtype: of the convolutions.

        Returns:
          As `image`.
        """
        reset, update = ops.split(
            self._gates(_joined(extra, image, dtype)), 2, axis=-1
        )
        reset = saturating_sigmoid(self._normed("reset", reset))
        update = saturating_sigmoid(self._normed("update", update))
        new = self._candidate(_joined(extra, reset * image, dtype))
        new = ops.tanh(self._normed("candidate", new))
        return (update * image + (1.0 - update) * new) * present

    def _normed(self, name: str, x: Any) -> Any:
        return self._norms[name](x) if self._norms else x


def saturating_sigmoid(x: Any) -> Any:
    """A sigmoid that reaches 0 and 1: clip(1.2 s(x) - 0.1, 0, 1)."""
    return ops.clip(1.2 * ops.sigmoid(x) - 0.1, 0.0, 1.0)


def _joined(extra: Any, image: Any, dtype: Any) -> Any:
    image = ops.cast(image, dtype)
    if extra is None:
        return image
    return ops.concatenate([ops.cast(extra, dtype), image], axis=-1)
