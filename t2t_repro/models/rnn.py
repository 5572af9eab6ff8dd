"""Recurrent encoder-decoders: the models that the paper's section 1 leaves.

Sutskever et al. 2014 (reversed source, no attention), Bahdanau et al. 2015,
Luong et al. 2015 and hard attention (Xu et al. 2015), with tensor2tensor's
`lstm_seq2seq` family in between: what tells them apart is in the hparams. An
encoder reads a source word by word, one stack of cells for each direction; a
decoder starts from its last states and may look back at its outputs.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.embedding import Embedding, matrices
from t2t_repro.layers.hard_attention import Choice
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.recurrent import CELLS, run, scan, zero_state
from t2t_repro.models.rnn_hparams import RnnHParams
from t2t_repro.models.rnn_layers import SourceAttention
from t2t_repro.models.seq2seq import Seq2Seq

# There is one attention, whatever the layers: the first for whoever counts.
_MAP = "decoder/layer_0/encdec_attention"


class Encoded(NamedTuple):
    """A source that was read.

    Attributes:
      inputs: `[batch, source]` ids, which say where the padding is.
      outputs: `[batch, source, memory]` in reading order, 0 at padding.
      states: the decoder's first ones, for every layer `[batch, units]` each.
    """

    inputs: Any
    outputs: Any
    states: tuple[tuple[Any, ...], ...]


class State(NamedTuple):
    """What the decoder carries from one position to the next.

    Attributes:
      layers: `[batch, beams, units]` each, as the cells have them.
      fed: what attention hands on, `[batch, beams, fed]`; or nothing.
    """

    layers: tuple[tuple[Any, ...], ...]
    fed: tuple[Any, ...]


class Rnn(Seq2Seq):
    """LSTMs or GRUs on either side, and perhaps attention between them."""

    hparams: RnnHParams

    def __init__(self, hparams: RnnHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, "rnn")
        self._embeddings = matrices(
            self._new_embedding,
            hparams.source_shares,
            hparams.shared_embedding_and_softmax_weights,
        )
        with keras.name_scope("encoder"):
            self._encoder_cells = {
                is_reversed: self._build_stack(
                    "backward" if is_reversed else "forward",
                    hparams.hidden_size,
                )
                for is_reversed in hparams.directions
            }
        self._decoder_cells = self._build_stack(
            "decoder", hparams.decoder_size, hparams.fed_size
        )
        self._start_layers = self._build_start_layers()
        self._attention = None
        if hparams.score != "none":
            self._attention = SourceAttention(hparams, "encdec_attention")
            with keras.name_scope("decoder"):
                self._attention.build()
        self.built = True

    def _new_embedding(self, name: str) -> Embedding:
        is_scaled = self.hparams.multiply_embedding_mode == "sqrt_depth"
        if name == "target_embedding" and self.hparams.source_shares:
            name = "embedding"  # in this family's checkpoints
        is_softmax = name == "softmax"
        size = (
            self.hparams.output_size if is_softmax else self.hparams.hidden_size
        )
        embedding = Embedding(self.vocab_size, size, is_scaled, name)
        embedding.build()
        return embedding

    def _build_stack(self, name: str, units: int, fed: int = 0) -> list[Any]:
        """Cells upon each other, the first of which is fed beside words."""
        cells = [
            CELLS[self.hparams.cell](units, 0 if i else fed, f"layer_{i}")
            for i in range(self.hparams.num_hidden_layers)
        ]
        with keras.name_scope(name):
            for i, cell in enumerate(cells):
                size = units if i else self.hparams.hidden_size
                cell.build((None, None, size))
        return cells

    def _build_start_layers(self) -> list[list[Linear]]:
        """From an encoder's states to a decoder's, by layer and state."""
        if self.hparams.decoder_start == "copy":
            return []
        size = self.hparams.hidden_size
        layers = [
            [
                Linear(size, True, f"start_{i}_{part}")
                for part in range(cell.STATES)
            ]
            for i, cell in enumerate(self._decoder_cells)
        ]
        with keras.name_scope("decoder"):
            for of_layer in layers:
                for layer in of_layer:
                    layer.build((None, size))
        return layers

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """Reads the source; see `Seq2Seq.encode`."""
        x = ops.cast(self._embeddings["source"](inputs), mode.dtype)
        present = ops.not_equal(inputs, 0)
        outputs, ends = [], []
        for is_reversed, stack in self._encoder_cells.items():
            y, last = x, []
            for cell in stack:
                y = self._drop(ops.cast(y, mode.dtype), cell.path, mode)
                state = zero_state(cell, ops.shape(inputs)[0])
                y, state = run(cell, y, present, state, is_reversed)
                last.append(state)
            outputs.append(y)
            ends.append(last)
        states = self._first_states(ends)
        outputs = ops.cast(ops.concatenate(outputs, axis=-1), mode.dtype)
        return Encoded(inputs, outputs, states)

    def _first_states(self, ends: list[Any]) -> tuple[tuple[Any, ...], ...]:
        """The decoder's, of `[direction][layer]` last states."""
        if not self._start_layers:
            return tuple(
                tuple(
                    ops.concatenate(parts, axis=-1)
                    for parts in zip(*of_layer, strict=True)
                )
                for of_layer in zip(*ends, strict=True)
            )
        return tuple(
            tuple(
                ops.tanh(ops.cast(layer(end), "float32"))
                for layer, end in zip(layers, state, strict=True)
            )
            for layers, state in zip(self._start_layers, ends[-1], strict=True)
        )

    def output_kernel(self) -> Any:
        """`[hidden, vocabulary]`: decoder output times this is the logits."""
        return self._embeddings["softmax"].softmax_kernel()

    def start(self, encoded: Encoded, beams: int) -> tuple[Any, State]:
        """Keys once, and the first states; see `Seq2Seq.start`."""
        memory: Any = ()
        if self._attention is not None:
            memory = self._attention.memory(encoded.inputs, encoded.outputs)
        layers = keras.tree.map_structure(
            lambda state: ops.repeat(state[:, None], beams, axis=1),
            encoded.states,
        )
        fed: tuple[Any, ...] = ()
        if self.hparams.fed_size and self.hparams.attention_feeding == "next":
            shape = ops.shape(encoded.inputs)[0], beams, self.hparams.fed_size
            fed = (ops.zeros(shape),)
        return memory, State(layers, fed)

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Any,
        state: State,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, State]:
        """One position of every beam, without dropout: see `Seq2Seq.step`."""
        x = ops.cast(self._embeddings["target"](ids), mode.dtype)
        projected = self._decoder_cells[0].project(x)
        position = ops.reshape(position, (1,))
        output, state, look = self._advance(
            x, projected, position, memory, state, ()
        )
        self._keep_map(look and look.weights, mode)
        return output, state

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """All positions: layer by layer where nothing is fed back.

        Args:
          targets: `[batch, target]` int32.
          encoded: from `encode`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`.
        """
        x = self._embeddings["target"](targets)
        # Shifted right: the first position sees a zero vector, no start id.
        x = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        first = self._decoder_cells[0]
        x = self._drop(ops.cast(x, mode.dtype), first.path, mode)
        memory, state = self.start(encoded, 1)
        all_positions = (
            self._scanned if self.hparams.fed_size else self._layer_by_layer
        )
        output, weights, choices = all_positions(x, memory, state, mode)
        self._keep_map(weights, mode)
        if mode.losses is not None and self._attention is not None:
            mode.losses.extend(
                self._attention.loss_to_learn(choice, targets)
                for choice in choices
            )
        return ops.cast(output, mode.dtype)

    def _layer_by_layer(
        self, x: Any, memory: Any, state: State, mode: Mode
    ) -> tuple[Any, Any, tuple[Choice, ...]]:
        """All positions of a layer, and then those of the next.

        Args:
          x: `[batch, target, hidden]`, what the first layer reads.
          memory: from `start`.
          state: from `start`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`, attention's weights, and what it learns
          from.
        """
        y = x
        for i, cell in enumerate(self._decoder_cells):
            if i:
                y = self._drop(ops.cast(y, mode.dtype), cell.path, mode)
            before = tuple(part[:, 0] for part in state.layers[i])
            y, _ = run(cell, y, None, before)
        if self._attention is None:
            return y, None, ()
        batch, length = ops.shape(x)[:2]
        positions = ops.arange(length, dtype="int32")
        numbers = self._attention.numbers(batch, length, mode.dropout_key)
        look = self._attention(y, x, positions, memory, *numbers)
        return self._output(look, y), look.weights, look.choice

    def _scanned(
        self, x: Any, memory: Any, state: State, mode: Mode
    ) -> tuple[Any, Any, tuple[Choice, ...]]:
        """All layers of a position, and then those of the next.

        Args:
          x: `[batch, target, hidden]`, what the first layer reads of words.
          memory: from `start`.
          state: from `start`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`, weights where `mode` keeps them, and what
          attention learns from.
        """
        batch, length = ops.shape(x)[:2]
        keeps = mode.maps is not None
        assert self._attention is not None  # nothing else feeds
        numbers = self._attention.numbers(batch, length, mode.dropout_key)

        def one_position(carried: Any, place: tuple[Any, ...]) -> Any:
            position, state, *_ = carried
            x, projected, *drawn = (part[:, None] for part in place)
            number, factors = drawn[: len(numbers)], drawn[len(numbers) :]
            at = position[None]
            output, state, look = self._advance(
                x, projected, at, memory, state, tuple(factors), *number
            )
            seen = (look.weights,) if keeps else ()
            output = ops.cast(output, "float32")
            return position + 1, state, output, seen, look.choice

        nothing = ops.zeros((batch, 1, self.hparams.output_size))
        heads, source = self.hparams.distinct_heads, ops.shape(memory.inputs)[1]
        seen = (ops.zeros((batch, heads, 1, source)),) if keeps else ()
        choice = (Choice(*[ops.zeros((batch, 1))] * 2),) if numbers else ()
        places = (
            x,
            self._decoder_cells[0].project(x),
            *numbers,
            *self._dropout_factors(batch, length, mode),
        )
        start = ops.zeros((), "int32"), state, nothing, seen, choice
        _, (_, _, outputs, seen, choice) = scan(one_position, start, places)
        outputs = ops.swapaxes(outputs[:, :, 0], 0, 1)
        choice = keras.tree.map_structure(
            lambda of_all: ops.swapaxes(of_all[..., 0], 0, 1), choice
        )
        if not keeps:
            return outputs, None, choice
        weights = ops.transpose(seen[0][..., 0, :], (1, 2, 0, 3))
        return outputs, weights, choice

    def _dropout_factors(
        self, batch: Any, length: Any, mode: Mode
    ) -> tuple[Any, ...]:
        """`[batch, target, size]` of what is fed, and of each layer's input.

        Drawn for all positions at once; nothing where nothing is dropped.
        """
        if mode.dropout_key is None or not self.hparams.dropout:
            return ()
        first, *above = self._decoder_cells
        sizes = {f"{first.path}/fed": self.hparams.fed_size}
        sizes |= {cell.path: self.hparams.decoder_size for cell in above}
        return tuple(
            self._drop(ops.ones((batch, length, size)), place, mode)
            for place, size in sizes.items()
        )

    def _advance(
        self,
        x: Any,
        projected: Any,
        position: Any,
        memory: Any,
        state: State,
        factors: tuple[Any, ...],
        numbers: Any = None,
    ) -> tuple[Any, State, Any]:
        """One position: cells and attention, in the order of the hparams.

        Args:
          x: `[batch, beams, hidden]`, the last words.
          projected: `[batch, beams, gates]`, of the first cell.
          position: `[1]` int32.
          memory: from `start`.
          state: behind the last position.
          factors: from `_dropout_factors`, at this position.
          numbers: from `SourceAttention.numbers`, at this position.

        Returns:
          `[batch, beams, hidden]`, the new state, and attention's `Look`, or
          None.
        """
        look, fed = None, state.fed[0] if state.fed else None
        looks_first = self.hparams.attention_feeding == "same"
        if self._attention is not None and looks_first:
            before = state.layers[-1][0]
            look = self._attention(before, x, position, memory, numbers)
            fed = look.contexts
        if factors:
            fed = fed * factors[0]
        layers = [self._decoder_cells[0].step(projected, state.layers[0], fed)]
        for i, cell in enumerate(self._decoder_cells[1:], start=1):
            below = layers[-1][0] * factors[i] if factors else layers[-1][0]
            below = cell.project(ops.cast(below, x.dtype))
            layers.append(cell.step(below, state.layers[i]))
        top = layers[-1][0]
        if self._attention is None:
            return top, State(tuple(layers), ()), None
        if look is None:
            look = self._attention(top, x, position, memory, numbers)
        fed = (look.vectors,) if state.fed else ()
        return self._output(look, top), State(tuple(layers), fed), look

    def _output(self, look: Any, top: Any) -> Any:
        """What the softmax reads: attention's vector or the state."""
        if self._attention is None or not self.hparams.output_attention:
            return top
        return self._attention.output(look)

    def _keep_map(self, weights: Any, mode: Mode) -> None:
        if mode.maps is not None and self._attention is not None:
            mode.maps[_MAP] = self._attention.map(weights)

    def _drop(self, x: Any, place: str, mode: Mode) -> Any:
        """Dropout of what enters a layer."""
        seed = seed_of(mode.dropout_key, place)
        return dropout(x, self.hparams.dropout, seed)
