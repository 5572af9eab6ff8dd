"""A mixture of experts (Shazeer et al. 2017): many networks, a few a token.

Gates and experts as tensor2tensor has them in `local_moe` and `local_moe_tpu`.
The tokens of an expert are made one matrix, and all experts one product: so a
token costs what its own experts do, however many there are. In training tokens
compete, for places and in a loss that wants experts used alike; padding takes
no part. In evaluation each goes to its k best whoever else is there, and no
translation depends on its neighbours: then every expert has as many places as
the busiest one needs.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import Mode
from t2t_repro.layers.dropout import dropout, gaussian, seed_of
from t2t_repro.layers.expert_gating import (
    Routes,
    all_sent,
    by_expert,
    chances,
    in_line,
    largest_gates,
    squared_variation,
    two_capacity,
    two_largest,
)
from t2t_repro.layers.linear import Linear

# tensor2tensor's, so that no noise dies out; the paper has none.
_SMALLEST_DEVIATION = 0.01


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


class Gate(keras.layers.Layer):
    """A linear map to the experts' scores."""

    def __init__(
        self,
        num_experts: int,
        k: int,
        loss_coef: float,
        overhead: float,
        name: str,
    ):
        """Makes the layer.

        Args:
          num_experts: how many there are.
          k: how many of them a token is sent to.
          loss_coef: of the loss that wants experts used alike.
          overhead: in training an expert takes this times its equal share of
            the tokens.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._num_experts = num_experts
        self._k = k
        self._loss_coef = loss_coef
        self._overhead = overhead

    def call(self, x: Any, mode: Mode) -> Routes:
        """Routes of every token.

        Args:
          x: `[batch, length, hidden]`.
          mode: training, evaluation or looking inside; its `present` counts in
            training alone.
        """
        x = ops.cast(x, "float32")
        if mode.dropout_key is None:
            tokens = ops.reshape(x, (-1, x.shape[-1]))
            return all_sent(self.scores(tokens), self._k)
        present = mode.present
        if present is None:
            present = ops.ones(ops.shape(x)[:2])
        return self.compete(x, ops.cast(present, "float32"), mode)

    def scores(self, x: Any) -> Any:
        """`[..., hidden]` -> `[..., experts]`, without noise."""
        raise NotImplementedError

    def compete(self, x: Any, present: Any, mode: Mode) -> Routes:
        """Routes in training, and the loss.

        Args:
          x: `[batch, length, hidden]` float32.
          present: `[batch, length]` float32, 0 at padding.
          mode: training.
        """
        raise NotImplementedError

    def _matrix(self, name: str, size: int, initializer: str) -> Any:
        return self.add_weight(
            shape=(size, self._num_experts), initializer=initializer, name=name
        )


class NoisyTopK(Gate):
    """The paper's: the k largest after Gaussian noise, equations 3 to 5.

    Both matrices start at 0 (appendix A): all noise, no preference.
    """

    def build(self, input_shape: tuple) -> None:
        """Makes the matrices of scores and of their noise."""
        self.kernel = self._matrix("kernel", input_shape[-1], "zeros")
        self.noise = self._matrix("noise", input_shape[-1], "zeros")

    def scores(self, x: Any) -> Any:
        """`[..., hidden]` -> `[..., experts]`, without noise."""
        return ops.matmul(x, self.kernel)

    def compete(self, x: Any, present: Any, mode: Mode) -> Routes:
        """See `Gate.compete`; the capacity is of the whole batch."""
        count, k = self._num_experts, self._k
        x = ops.reshape(x, (-1, x.shape[-1]))
        present = ops.reshape(present, (-1, 1))
        clean = self.scores(x)
        deviation = ops.softplus(ops.matmul(x, self.noise))
        deviation = deviation + _SMALLEST_DEVIATION
        seed = seed_of(mode.dropout_key, f"{self.path}/noise")
        noisy = clean + gaussian(ops.shape(clean), seed) * deviation
        experts, gates = largest_gates(noisy, k)
        gates = gates * present
        if mode.losses is not None:
            dense = by_expert(experts, gates, count)
            load = ops.cast(dense > 0.0, "float32")
            if k < count:
                load = chances(clean, noisy, deviation, k) * present
            mode.losses.append(self._loss(dense, load))
        places = in_line(
            experts, ops.broadcast_to(present, ops.shape(gates)), count
        )
        fit = ops.cast(places, "float32") < self._share(ops.sum(present))
        # As many as padding would make it: a shape has to be known before.
        capacity = self._share(ops.cast(ops.shape(x)[0], "float32"))
        return Routes(
            experts,
            ops.where(fit, gates, 0.0),
            places,
            ops.cast(capacity, "int32"),
        )

    def _share(self, tokens: Any) -> Any:
        """Places of an expert where there are so many tokens, float32."""
        share = self._k * self._overhead / self._num_experts
        return ops.minimum(tokens, ops.ceil(tokens * share))

    def _loss(self, gates: Any, load: Any) -> Any:
        """Of importance and load, both `[tokens, experts]`.

        Section 4 and appendix A, with one coefficient as in tensor2tensor.
        """
        importance, load = ops.sum(gates, axis=0), ops.sum(load, axis=0)
        variation = squared_variation(importance) + squared_variation(load)
        return self._loss_coef * variation


class TopTwo(Gate):
    """tensor2tensor's `local_moe_tpu`: a softmax, `two_largest`, no noise."""

    def build(self, input_shape: tuple) -> None:
        """Makes the matrix and the bias of the scores."""
        size = input_shape[-1]
        self.kernel = self._matrix("kernel", size, "glorot_uniform")
        self.bias = self.add_weight(
            shape=(self._num_experts,), initializer="zeros", name="bias"
        )

    def scores(self, x: Any) -> Any:
        """`[..., hidden]` -> `[..., experts]`."""
        return ops.matmul(x, self.kernel) + self.bias

    def compete(self, x: Any, present: Any, mode: Mode) -> Routes:
        """See `Gate.compete`; the capacity is of each sentence."""
        count = self._num_experts
        probabilities = ops.softmax(self.scores(x))
        found = two_largest(probabilities, present, self._overhead)
        if mode.losses is not None:
            used = found.chosen[0] + found.chosen[1]
            importance = ops.sum(probabilities * used, axis=1)
            counted = ops.max(present, axis=1, keepdims=True)
            loss = squared_variation(importance, counted)
            mode.losses.append(self._loss_coef * loss)
        batch, length = ops.shape(x)[:2]
        capacity = two_capacity(
            ops.cast(length, "float32"), count, self._overhead
        )
        # Of a short sentence an expert may take nothing, but has a place.
        capacity = ops.maximum(ops.cast(capacity, "int32"), 1)
        row = ops.arange(batch, dtype="int32")[:, None] * capacity
        experts, gates, places = (
            ops.reshape(ops.stack(pair, axis=-1), (-1, 2))
            for pair in (
                [ops.argmax(chosen, axis=-1) for chosen in found.chosen],
                found.gates,
                [ops.cast(places, "int32") + row for places in found.places],
            )
        )
        experts = ops.cast(experts, "int32")
        return Routes(experts, gates, places, batch * capacity)


class ExpertLinear(Linear):
    """A linear map for each expert, without a bias as in tensor2tensor."""

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
