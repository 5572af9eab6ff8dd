"""Layer normalisation (Ba et al. 2016), as section 3.1 of the paper uses it."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class LayerNorm(keras.layers.Layer):
    """Layer normalisation over the last axis, in float32."""

    def __init__(self, epsilon: float, name: str):
        """Makes the layer; `epsilon` is added to the variance."""
        super().__init__(name=name, autocast=False)
        self._epsilon = epsilon

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
