"""A mixture of experts (Shazeer et al. 2017): many networks, a few a token.

What tokens share an expert is made one matrix, and all experts are one product:
so the cost is that of the experts that are used, however many there are. An
expert is tensor2tensor's: linear maps without biases, ReLU between them.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import Mode
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.expert_gating import Gate, Routes
from t2t_repro.layers.linear import Linear


def through_experts(
    x: Any, routes: Routes, count: int, experts: Callable[[Any], Any]
) -> Any:
    """Sums what a token's experts make of it, times their gates: equation 1.

    Args:
      x: `[tokens, channels]`.
      routes: of the tokens.
      count: of experts.
      experts: `[experts, places, channels]` -> `[experts, places, units]`.

    Returns:
      `[tokens, units]` float32; 0 for a token that is sent nowhere.
    """
    sent = ops.cast(ops.not_equal(routes.gates, 0.0), "int32")
    # Who is sent nowhere adds 0 to what lies in place 0, and gets 0 times it.
    slots = (routes.experts * routes.capacity + routes.places) * sent
    tokens = ops.arange(ops.shape(x)[0], dtype="int32")[:, None] * sent
    # Who is in a slot. Where nobody is the first token is; nobody asks for it.
    shape = (count * routes.capacity,)
    inside = ops.scatter(
        ops.reshape(slots, (-1, 1)), ops.reshape(tokens, (-1,)), shape
    )
    sorted_x = ops.reshape(
        ops.take(x, inside, axis=0), (count, -1, x.shape[-1])
    )
    y = experts(sorted_x)
    y = ops.take(ops.reshape(y, (-1, y.shape[-1])), slots, axis=0)
    return ops.sum(ops.cast(y, "float32") * routes.gates[..., None], axis=1)


class ExpertLinear(Linear):
    """A linear map without a bias for each expert."""

    def __init__(self, num_experts: int, units: int, name: str):
        """Makes the layer.

        Args:
          num_experts: how many maps.
          units: size of the last axis of the result.
          name: unique within the parent.
        """
        super().__init__(units, False, name)
        self._num_experts = num_experts

    def build(self, input_shape: tuple) -> None:
        """Makes the kernels `[experts, input_shape[-1], units]`."""
        self.bias = None
        inputs = input_shape[-1]
        # Glorot-uniform of a map: Keras' own would count the experts in.
        limit = (6.0 / (inputs + self._units)) ** 0.5
        self.kernel = self.add_weight(
            shape=(self._num_experts, inputs, self._units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )

    def call(self, x: Any) -> Any:
        """`[experts, places, channels]` -> `[experts, places, units]`."""
        kernel = ops.cast(self.kernel, x.dtype)
        if self._narrow is not None:
            kernel, _ = self._narrow
        return ops.matmul(ops.cast(x, kernel.dtype), kernel)


class MixtureOfExperts(keras.layers.Layer):
    """A gate and its experts, in the place of a feed-forward layer."""

    def __init__(
        self,
        gate: Gate,
        num_experts: int,
        sizes: tuple[int, ...],
        is_scaled: bool,
        rate: float,
        name: str,
    ):
        """Makes the layer.

        Args:
          gate: chooses the experts.
          num_experts: how many there are.
          sizes: of an expert's hidden layers and of its output.
          is_scaled: whether what leaves a hidden layer is divided by
            sqrt(its size / the input's), as in tensor2tensor's `local_moe`.
          rate: dropout of hidden layers.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._gate = gate
        self._num_experts = num_experts
        self._is_scaled = is_scaled
        self._dropout = rate
        *hidden, output = sizes
        self._hidden = [
            ExpertLinear(num_experts, size, f"hidden_{i}")
            for i, size in enumerate(hidden)
        ]
        self._output = ExpertLinear(num_experts, output, "output")
        self._sizes = sizes

    def build(self, input_shape: tuple) -> None:
        """Builds gate and experts for `[batch, length, hidden]`."""
        self._gate.build(input_shape)
        inputs = (input_shape[-1], *self._sizes)
        layers = [*self._hidden, self._output]
        for layer, size in zip(layers, inputs, strict=False):
            layer.build((self._num_experts, None, size))

    def call(self, x: Any, mode: Mode) -> Any:
        """`[batch, length, hidden]` -> `[batch, length, output]`."""
        routes = self._gate(x, mode=mode)
        tokens = ops.reshape(x, (-1, x.shape[-1]))
        y = through_experts(
            tokens, routes, self._num_experts, lambda x: self._experts(x, mode)
        )
        y = ops.reshape(y, (*ops.shape(x)[:2], y.shape[-1]))
        return ops.cast(y, x.dtype)

    def _experts(self, x: Any, mode: Mode) -> Any:
        """`[experts, places, channels]` -> `[experts, places, output]`."""
        inputs = x.shape[-1]
        for layer in self._hidden:
            seed = seed_of(mode.dropout_key, f"{layer.path}/relu")
            x = dropout(
                ops.relu(self._scaled(layer(x), x, inputs)), self._dropout, seed
            )
        return self._scaled(self._output(x), x, inputs)

    def _scaled(self, y: Any, x: Any, inputs: int) -> Any:
        """`y`, made of `x`, where the expert reads `inputs` channels."""
        if not self._is_scaled or x.shape[-1] == inputs:
            return y
        return y * (x.shape[-1] / inputs) ** -0.5
