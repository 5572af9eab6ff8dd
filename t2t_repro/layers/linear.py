"""A matrix product over the last axis, as one two-dimensional matmul.

keras.layers.Dense leaves three-dimensional inputs to the backend, which on
TensorFlow multiplies and differentiates batch by batch. Products are made in
the dtype of what comes in, with float32 weights; or, where the weights have
been quantized for decoding, in theirs, and stay in it.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class Linear(keras.layers.Layer):
    """`x W + b`, Glorot-uniform weights and zero biases as tensor2tensor."""

    def __init__(self, units: int, use_bias: bool, name: str):
        """Makes the layer.

        Args:
          units: size of the last axis of the result.
          use_bias: whether there is a `b`.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._units = units
        self._use_bias = use_bias
        self._narrow: tuple[Any, Any] | None = None

    def build(self, input_shape: tuple) -> None:
        """Makes the weights: kernel `[input_shape[-1], units]`, bias."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self._units),
            initializer="glorot_uniform",
            name="kernel",
        )
        self.bias = None
        if self._use_bias:
            self.bias = self.add_weight(
                shape=(self._units,), initializer="zeros", name="bias"
            )

    def multiply_in(self, dtype: str) -> None:
        """Multiplies with copies of the weights in `dtype` from now on."""
        bias = None if self.bias is None else ops.cast(self.bias, dtype)
        self._narrow = ops.cast(self.kernel, dtype), bias

    def call(self, x: Any) -> Any:
        """`[..., channels]` -> `[..., units]`, see `matmul_last`."""
        return matmul_last(x, *(self._narrow or (self.kernel, self.bias)))


def matmul_last(x: Any, kernel: Any, bias: Any = None) -> Any:
    """`x kernel + bias` over the last axis.

    Args:
      x: `[..., channels]`.
      kernel: `[channels, units]`.
      bias: `[units]` or None.

    Returns:
      `[..., units]`, in the dtype of `x` where the kernel is float32, else in
      the kernel's.
    """
    outer = ops.shape(x)[:-1]
    quantized = keras.backend.standardize_dtype(kernel.dtype) != "float32"
    dtype = kernel.dtype if quantized else x.dtype
    rows = ops.reshape(ops.cast(x, dtype), (-1, kernel.shape[0]))
    y = _product(rows, ops.cast(kernel, dtype))
    if bias is not None and quantized:
        y = y + bias
    elif bias is not None:
        # The gradient of the bias is a sum over all rows. TensorFlow adds up
        # 25,000 float16 ones to 8,192.
        y = ops.cast(ops.cast(y, "float32") + bias, dtype)
    return reshape(y, (*outer, kernel.shape[1]))


def reshape(x: Any, shape: tuple[Any, ...]) -> Any:
    """`ops.reshape`, for which a graph does not ask for a size in vain.

    One size that is known only when the graph runs follows from the others.

    Args:
      x: of any shape.
      shape: sizes, as `ops.shape` gives them.
    """
    known = [size if isinstance(size, int) else -1 for size in shape]
    follows = known.count(-1) == 1 and 0 not in known
    return ops.reshape(x, known if follows else shape)


@ops.custom_gradient
def _product(rows: Any, kernel: Any) -> tuple[Any, Callable[..., Any]]:
    """`rows kernel`, `[rows, channels]` and `[channels, units]`.

    Its derivative by the rows is a product with the transposed kernel, for
    which TensorFlow's own derivative chooses an operation that takes up to
    1.4 times as long on CPU as the one that einsum comes down to.
    """

    def gradient(*arguments: Any, upstream: Any = None) -> tuple[Any, Any]:
        # One backend gives it by position, another by name.
        given = arguments[0] if upstream is None else upstream
        turned = ops.swapaxes(ops.expand_dims(kernel, 0), 1, 2)
        by_rows = ops.matmul(ops.expand_dims(given, 0), turned)
        # The first axis is inferred: to ask for its size would take ten
        # operations, and a graph has a hundred products.
        by_rows = ops.reshape(by_rows, (-1, kernel.shape[0]))
        return by_rows, ops.matmul(ops.transpose(rows), given)

    return ops.matmul(rows, kernel), gradient
