"""Weight normalisation (Salimans and Kingma 2016): w = g v / |v|."""

from typing import Any

import keras
from keras import ops

from t2t_repro.layers.linear import Linear, matmul_last


class NormalizedLinear(Linear):
    """`x w + b` where length and direction of w's columns learn apart."""

    def __init__(self, units: int, variance: float, name: str):
        """Makes the layer.

        Args:
          units: size of the last axis of the result.
          variance: of the result at the start, for an input of variance 1.
          name: unique within the parent.
        """
        super().__init__(units, True, name)
        self._variance = variance

    def build(self, input_shape: tuple) -> None:
        """Makes the weights: v `[input_shape[-1], units]`, g and b `[units]`.

        g begins as |v|, so that w is v.
        """
        inputs = input_shape[-1]
        self.direction = self.add_weight(
            shape=(inputs, self._units),
            initializer=keras.initializers.RandomNormal(
                stddev=(self._variance / inputs) ** 0.5
            ),
            name="direction",
        )
        norms = ops.sqrt(_squared_norms(self.direction))
        self.norm = self.add_weight(
            shape=(self._units,),
            initializer=lambda shape, dtype: ops.cast(norms, dtype),
            name="norm",
        )
        self.bias = self.add_weight(
            shape=(self._units,), initializer="zeros", name="bias"
        )

    def matrix(self) -> Any:
        """w, `[inputs, units]`."""
        scale = self.norm * ops.rsqrt(_squared_norms(self.direction))
        return self.direction * scale

    def multiply_in(self, dtype: str) -> None:
        """Multiplies with w and b in `dtype` from now on."""
        self._narrow = (
            ops.cast(self.matrix(), dtype),
            ops.cast(self.bias, dtype),
        )

    def call(self, x: Any) -> Any:
        """`[..., inputs]` -> `[..., units]` of the same dtype."""
        weights = self._narrow or (self.matrix(), self.bias)
        return ops.cast(matmul_last(x, *weights), x.dtype)


def _squared_norms(matrix: Any) -> Any:
    """`[inputs, units]` -> `[units]`."""
    return ops.sum(ops.square(matrix), axis=0)
