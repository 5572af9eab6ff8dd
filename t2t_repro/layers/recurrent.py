"""Recurrent cells, and what carries one along a sequence.

The LSTM of Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al.
2000, and the gated recurrent unit of Cho et al. 2014 as Bahdanau et al. 2015
write it. A cell makes its product in two: `project` of what is known of all
positions beforehand, one large product, and in `step` of what is known only
after the position before. States are float32 at any precision: a bfloat16 sum
of many small changes would lose them.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.linear import Linear

# A cell starts by remembering (Jozefowicz et al. 2015); added to the gate and
# not to its bias, as TensorFlow 1's LSTMCell does.
_FORGET_BIAS = 1.0

State = tuple[Any, ...]


class LSTMCell(keras.layers.Layer):
    """Input, forget and output gate around a memory; state (h, c)."""

    STATES = 2

    def __init__(self, units: int, fed: int, name: str):
        """Makes the layer.

        Args:
          units: size of h and of c.
          fed: channels that a step gets beside the projected ones.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self.units = units
        self._fed = fed
        # In the order of tensor2tensor: input, candidate, forget, output.
        self._input = Linear(4 * units, True, "input")
        self._recurrent = Linear(4 * units, False, "recurrent")

    def build(self, input_shape: tuple) -> None:
        """Builds both products for `[..., channels]`."""
        self._input.build(input_shape)
        self._recurrent.build((None, self._fed + self.units))

    def project(self, x: Any) -> Any:
        """`[..., channels]` -> `[..., gates]`, for `step`."""
        return self._input(x)

    def step(self, projected: Any, state: State, fed: Any = None) -> State:
        """One position.

        Args:
          projected: `[..., gates]`, from `project`.
          state: h and c, `[..., units]` each, float32.
          fed: `[..., fed]` where the cell has some.

        Returns:
          The next h and c.
        """
        h, c = state
        gates = projected + _product(self._recurrent, h, fed, projected.dtype)
        i, j, f, o = ops.split(ops.cast(gates, "float32"), 4, axis=-1)
        kept = ops.sigmoid(f + _FORGET_BIAS) * c
        c = kept + ops.sigmoid(i) * ops.tanh(j)
        return ops.sigmoid(o) * ops.tanh(c), c


class GRUCell(keras.layers.Layer):
    """Update and reset gate: appendix A of Bahdanau et al. 2015; state (h,)."""

    STATES = 1

    def __init__(self, units: int, fed: int, name: str):
        """Makes the layer; see `LSTMCell`."""
        super().__init__(name=name, autocast=False)
        self.units = units
        self._fed = fed
        self._input = Linear(3 * units, True, "input")  # update, reset, new
        self._gates = Linear(2 * units, False, "gates")
        self._candidate = Linear(units, False, "candidate")

    def build(self, input_shape: tuple) -> None:
        """Builds the products for `[..., channels]`."""
        self._input.build(input_shape)
        self._gates.build((None, self._fed + self.units))
        self._candidate.build((None, self._fed + self.units))

    def project(self, x: Any) -> Any:
        """`[..., channels]` -> `[..., gates]`, for `step`."""
        return self._input(x)

    def step(self, projected: Any, state: State, fed: Any = None) -> State:
        """One position: the reset comes before the product, as in the paper.

        Args:
          projected: `[..., gates]`, from `project`.
          state: h, `[..., units]`, float32.
          fed: `[..., fed]` where the cell has some.

        Returns:
          The next h.
        """
        (h,) = state
        dtype = projected.dtype
        of_gates = projected[..., : 2 * self.units]
        gates = of_gates + _product(self._gates, h, fed, dtype)
        gates = ops.sigmoid(ops.cast(gates, "float32"))
        update, reset = ops.split(gates, 2, axis=-1)
        new = projected[..., 2 * self.units :]
        new = new + _product(self._candidate, reset * h, fed, dtype)
        new = ops.tanh(ops.cast(new, "float32"))
        return ((1.0 - update) * h + update * new,)


CELLS: dict[str, Any] = {"lstm": LSTMCell, "gru": GRUCell}


def _product(layer: Linear, h: Any, fed: Any, dtype: Any) -> Any:
    """Of `[fed; h]`, made in and of `dtype`."""
    x = h if fed is None else ops.concatenate([fed, h], axis=-1)
    return ops.cast(layer(ops.cast(x, dtype)), dtype)


def zero_state(cell: Any, batch: Any) -> State:
    """What a cell starts from: `[batch, units]` of zeros each."""
    return (ops.zeros((batch, cell.units)),) * cell.STATES


def run(
    cell: Any, x: Any, present: Any, state: State, reverse: bool = False
) -> tuple[Any, State]:
    """Carries a cell along a sequence.

    Padding leaves the state as it is, so from right to left is the same as
    forwards over rows of which each was reversed by its own length.

    Args:
      cell: `LSTMCell` or `GRUCell`.
      x: `[batch, length, channels]`.
      present: `[batch, length]` bool, False at padding; None: all present.
      state: `[batch, units]` each, to begin with.
      reverse: from right to left.

    Returns:
      `[batch, length, units]` float32 outputs, 0 at padding, and the state at
      the end.
    """
    places: tuple[Any, ...] = (cell.project(x),)
    if present is not None:
        places += (ops.cast(present[..., None], "float32"),)

    def one_position(before: State, place: tuple[Any, ...]) -> State:
        after = cell.step(place[0], before)
        if present is None:
            return after
        return tuple(
            ops.where(place[1] > 0.0, new, old)
            for new, old in zip(after, before, strict=True)
        )

    final, states = scan(one_position, state, places, reverse)
    outputs = ops.swapaxes(states[0], 0, 1)
    return outputs if present is None else outputs * places[1], final


def scan(
    one_position: Callable[[Any, tuple[Any, ...]], Any],
    start: Any,
    places: tuple[Any, ...],
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Carries something along sequences.

    Args:
      one_position: what was carried and `[batch, size]` of each sequence ->
        what is carried on.
      start: a nest of tensors.
      places: `[batch, length, size]` each.
      reverse: from the last position to the first.

    Returns:
      What is carried at the end, and, `[length, ...]`, behind each position.
    """
    by_position = tuple(ops.swapaxes(place, 0, 1) for place in places)
    if keras.backend.backend() != "tensorflow":

        def scanned(carried: Any, place: tuple[Any, ...]) -> tuple[Any, Any]:
            carried = one_position(carried, place)
            return carried, carried

        return ops.scan(scanned, start, by_position, reverse=reverse)
    # keras.ops.scan takes but one sequence where the length is unknown, as in
    # a search, and never says how long its loop is: then XLA cannot
    # differentiate it.
    import tensorflow as tf  # noqa: PLC0415 - other backends do without it

    start = keras.tree.map_structure(tf.convert_to_tensor, start)
    states = tf.scan(one_position, by_position, start, reverse=reverse)
    end = 0 if reverse else -1
    return keras.tree.map_structure(lambda state: state[end], states), states
