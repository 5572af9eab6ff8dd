"""Chains of dilated convolutions: section 3 of Kalchbrenner et al. 2016."""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.convolution import shift_window, start_window, windows
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm

_EPSILON = 1e-6  # not in the paper; tensor2tensor's


class Convolution(NamedTuple):
    """One of a chain.

    Attributes:
      inputs: channels that it reads.
      channels: that it writes.
      width: positions that it sees.
      dilation: from one of these to the next.
    """

    inputs: int
    channels: int
    width: int = 1
    dilation: int = 1


class Chain(keras.layers.Layer):
    """Convolutions one after the other, each behind a norm and a ReLU.

    Attributes:
      convolutions: their shapes.
    """

    def __init__(
        self,
        convolutions: tuple[Convolution, ...],
        name: str,
        norm_first: bool = True,
        norm_last: bool = False,
    ):
        """Makes the layer.

        Args:
          convolutions: their shapes.
          name: unique within the parent.
          norm_first: whether the first norm is there.
          norm_last: whether a norm follows the last convolution.
        """
        super().__init__(name=name, autocast=False)
        self.convolutions = convolutions
        count = len(convolutions)
        # A norm takes a bias away again.
        self._products = [
            Linear(
                shape.channels, i == count - 1 and not norm_last, f"conv_{i}"
            )
            for i, shape in enumerate(convolutions)
        ]
        self._norms = {
            i: LayerNorm(_EPSILON, f"norm_{i}")
            for i in range(0 if norm_first else 1, count + norm_last)
        }

    def build(self, input_shape: tuple) -> None:
        """Builds everything; the numbers of channels are known."""
        before = input_shape[:-1]
        for i, shape in enumerate(self.convolutions):
            self._products[i].build((*before, shape.width * shape.inputs))
        sizes = [shape.inputs for shape in self.convolutions]
        sizes.append(self.convolutions[-1].channels)
        for i, norm in self._norms.items():
            norm.build((*before, sizes[i]))

    def encode(self, x: Any, present: Any) -> Any:
        """All positions, seeing both sides.

        Args:
          x: `[batch, columns, inputs]`.
          present: `[batch, columns, 1]`, 0 where nothing is, else 1.

        Returns:
          `[batch, columns, channels]`.
        """
        for i, (_, _, width, dilation) in enumerate(self.convolutions):
            x = self._rectified(i, x)
            if width > 1:
                before = dilation * (width - 1) // 2
                x = x * ops.cast(present, x.dtype)
                x = windows(x, width, before, dilation)
            x = self._products[i](x)
        return self._normed(len(self.convolutions), x)

    def decode(self, x: Any) -> Any:
        """All positions, seeing none behind them.

        Args:
          x: `[batch, target, inputs]`.

        Returns:
          `[batch, target, channels]`.
        """
        for i, (_, _, width, dilation) in enumerate(self.convolutions):
            x = self._rectified(i, x)
            x = windows(x, width, dilation * (width - 1), dilation)
            x = self._products[i](x)
        return self._normed(len(self.convolutions), x)

    def start(self, batch: Any, beams: int) -> tuple[Any, ...]:
        """The windows before the first position."""
        return tuple(
            start_window(batch, beams, width, inputs, dilation)
            for inputs, _, width, dilation in self.convolutions
        )

    def step(
        self, x: Any, state: tuple[Any, ...]
    ) -> tuple[Any, tuple[Any, ...]]:
        """`decode` of one position of every beam.

        Args:
          x: `[batch, beams, inputs]`.
          state: from `start` or the step before.

        Returns:
          `[batch, beams, channels]`, and the next state.
        """
        shifted = []
        for i, window in enumerate(state):
            x = self._rectified(i, x)
            dilation = self.convolutions[i].dilation
            x, window = shift_window(window, x, dilation)
            x = self._products[i](x)
            shifted.append(window)
        return self._normed(len(state), x), tuple(shifted)

    def _rectified(self, i: int, x: Any) -> Any:
        return ops.relu(self._normed(i, x))

    def _normed(self, i: int, x: Any) -> Any:
        return self._norms[i](x) if i in self._norms else x
