"""A matrix product over the last axis, as one two-dimensional matmul.

keras.layers.Dense leaves three-dimensional inputs to the backend, which on
TensorFlow multiplies and differentiates batch by batch. Products are made in
the dtype of what comes in, with float32 weights; or, where the weights have
been quantized for decoding, in theirs.
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
        self._narrow_kernel = None

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
        """Multiplies with a copy of the kernel in `dtype` from now on."""
        self._narrow_kernel = ops.cast(self.kernel, dtype)

    def call(self, x: Any) -> Any:
        """`[..., channels]` -> `[..., units]`."""
        kernel = (
            self.kernel if self._narrow_kernel is None else self._narrow_kernel
        )
        return matmul_last(x, kernel, self.bias)


def matmul_last(x: Any, kernel: Any, bias: Any = None) -> Any:
    """`x kernel + bias` over the last axis.

    Args:
      x: `[..., channels]`.
      kernel: `[channels, units]`; the product is made in its dtype, or in
        that of `x` where it is float32.
      bias: `[units]` or None.

    Returns:
      `[..., units]`, in the dtype of `x`.
    """
    outer = ops.shape(x)[:-1]
    rows = ops.reshape(x, (-1, kernel.shape[0]))
    if keras.backend.standardize_dtype(kernel.dtype) == "float32":
        y = _product(rows, ops.cast(kernel, x.dtype))
    else:
        y = ops.cast(_product(ops.cast(rows, kernel.dtype), kernel), x.dtype)
    if bias is not None:
        # The gradient of the bias is a sum over all rows. TensorFlow adds up
        # 25,000 float16 ones to 8,192.
        y = ops.cast(ops.cast(y, "float32") + bias, x.dtype)
    return ops.reshape(y, (*outer, kernel.shape[1]))


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
        turned = ops.swapaxes(kernel[None], 1, 2)
        by_rows = ops.reshape(ops.matmul(given[None], turned), ops.shape(rows))
        return by_rows, ops.matmul(ops.transpose(rows), given)

    return ops.matmul(rows, kernel), gradient
