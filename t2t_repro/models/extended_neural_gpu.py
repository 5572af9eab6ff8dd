"""The Extended Neural GPU: active memory (Kaiser and Bengio 2016).

arXiv:1610.08613 and the authors' program where the paper is short. A sentence
is an image, a column a position, to all of which the same gated convolutions
are applied as often as there are columns. A decoder then applies others once
for every position; they also see a tape, on which the words so far are written,
and the position's own column becomes the next word.

Without the tape it is the Neural GPU of Kaiser and Sutskever 2016, which gives
all positions at once: no word of a translation can depend on another.

As many columns as a source needs are its own, whatever the batch; those beyond
stay zero. A translation longer than its image goes on in the last column. No
scheduled sampling, no noise on the image, no memory beside it.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.conv_gru import ConvGRU, DiagonalConvGRU
from t2t_repro.layers.dropout import dropout, seed_at, seed_of
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.norm import LayerNorm
from t2t_repro.layers.recurrent import scan
from t2t_repro.models.extended_neural_gpu_hparams import (
    ExtendedNeuralGPUHParams,
)
from t2t_repro.models.seq2seq import Seq2Seq

_EPSILON = 1e-5  # the program's
_CELLS = {"cgru": ConvGRU, "dcgru": DiagonalConvGRU}


class Encoded(NamedTuple):
    """A source that was read.

    Attributes:
      image: `[batch, columns, rows, m]`, zero beyond a source's own columns.
      own: `[batch]` int32, how many these are.
    """

    image: Any
    own: Any


class State(NamedTuple):
    """What the decoder carries from one position to the next.

    Attributes:
      image: `[batch, beams, columns, rows, m]`.
      tape: of the same shape, the words so far.
    """

    image: Any
    tape: Any


class ExtendedNeuralGPU(Seq2Seq):
    """An image, and convolutions that are applied again and again."""

    hparams: ExtendedNeuralGPUHParams

    def __init__(self, hparams: ExtendedNeuralGPUHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, "extended_neural_gpu")
        self._build_embeddings()
        size = hparams.hidden_size
        image = None, None, hparams.image_height, size
        with keras.name_scope("encoder"):
            if hparams.input_unit:
                self._input = Linear(size, True, "input")
                self._input_norm = LayerNorm(_EPSILON, "input_norm")
                self._first = ConvGRU(
                    size, hparams.kernel, 1, hparams.layer_norm, "first"
                )
                for layer in (self._input, self._input_norm, self._first):
                    layer.build(image)
            self._encoder = self._build_units(image)
        if hparams.output_tape:
            with keras.name_scope("decoder"):
                self._decoder = self._build_units((*image[:-1], 2 * size))
        self.built = True

    def _build_embeddings(self) -> None:
        hparams = self.hparams
        is_scaled = hparams.multiply_embedding_mode == "sqrt_depth"

        def new(name: str) -> Embedding:
            size = hparams.hidden_size
            table = Embedding(self.vocab_size, size, is_scaled, name)
            table.build()
            return table

        if hparams.shared_embedding_and_softmax_weights:
            self._source = self._target = self._softmax = new("embedding")
            return
        self._softmax = new("softmax")
        if hparams.shared_embedding:
            self._source = self._target = new("embedding")
            return
        self._source = new("source_embedding")
        # Without a tape no word is ever read again.
        if hparams.output_tape:
            self._target = new("target_embedding")

    def _build_units(self, shape: tuple) -> list[ConvGRU]:
        """The units of one application; they read the shape's channels."""
        hparams = self.hparams
        units = [
            _CELLS[hparams.cell](
                hparams.hidden_size,
                hparams.kernel,
                hparams.dilation(i),
                hparams.layer_norm,
                f"unit_{i}",
            )
            for i in range(hparams.num_hidden_layers)
        ]
        for unit in units:
            unit.build(shape)
        return units

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """The image, after as many applications as it has columns.

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.
        """
        hparams, length = self.hparams, ops.shape(inputs)[1]
        columns = hparams.columns(length)
        own = hparams.columns(ops.sum(ops.cast(inputs != 0, "int32"), axis=1))
        ids = ops.pad(inputs, [[0, 0], [0, columns - length]])
        present = _present(own, columns)
        image = self._read(ids, present, mode)

        def one_application(carried: Any, place: tuple[Any, ...]) -> Any:
            step, image, costs = carried
            # A source is done when it had as many as it has columns.
            goes_on = place[0][:, 0]
            x = self._drop(image, "encoder/image", step, mode)
            for unit in self._encoder:
                x, cost = unit.step(x, None, present, mode.dtype)
            x = ops.where(goes_on[:, None, None, None] > 0.0, x, image)
            return step + 1, x, costs + goes_on * cost

        batch = ops.shape(inputs)[0]
        start = ops.zeros((), "int32"), image, ops.zeros((batch,))
        (_, image, costs), _ = scan(one_application, start, (present[:, :, 0],))
        if mode.losses is not None and hparams.saturation_cost:
            mode.losses.append(self._saturation_cost(costs, own))
        return Encoded(image, own)

    def _saturation_cost(self, costs: Any, own: Any) -> Any:
        """Of the last unit: a mean over applications, then over sentences."""
        own = ops.cast(own, "float32")
        mean = ops.sum(costs / ops.maximum(own, 1.0))
        sentences = ops.sum(ops.cast(own > 0.0, "float32"))
        return self.hparams.saturation_cost * mean / ops.maximum(sentences, 1.0)

    def _read(self, ids: Any, present: Any, mode: Mode) -> Any:
        """`[batch, columns]` -> the image before the first application."""
        x = self._source(ids)[:, :, None]
        others = self.hparams.image_height - 1
        x = ops.pad(x, [[0, 0], [0, 0], [0, others], [0, 0]])
        if not self.hparams.input_unit:
            return x
        x = self._input_norm(self._input(ops.cast(x, mode.dtype)))
        x = ops.cast(x, "float32") * present
        image, _ = self._first.step(x, None, present, mode.dtype)
        return image

    def start(self, encoded: Encoded, beams: int) -> tuple[Encoded, Any]:
        """The image, and an empty tape; see `Seq2Seq.start`."""
        if not self.hparams.output_tape:
            return encoded, ()
        image = ops.repeat(encoded.image[:, None], beams, axis=1)
        return encoded, State(image, ops.zeros_like(image))

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Encoded,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """One position of every beam; see `Seq2Seq.step`."""
        batch, beams = ops.shape(ids)
        columns = ops.shape(memory.image)[1]
        column = ops.minimum(position, memory.own - 1)
        row = self.hparams.output_row
        if not self.hparams.output_tape:
            x = _column(memory.image[:, None, :, row], column)
            return ops.broadcast_to(x, (batch, beams, x.shape[-1])), state
        # At position 0 this is no column.
        last = ops.minimum(position - 1, memory.own - 1)
        written = _is_column(last, columns)[:, None, :, None, None]
        word = self._word(ids)[:, :, None, None]
        tape = ops.where(written, word, state.tape)
        shape = batch * beams, *ops.shape(tape)[2:]
        seen = ops.reshape(tape, shape)
        x = ops.reshape(state.image, shape)
        x = self._drop(x, "decoder/image", position, mode)
        present = ops.repeat(_present(memory.own, columns), beams, axis=0)
        for unit in self._decoder:
            x, _ = unit.step(x, seen, present, mode.dtype)
        image = ops.reshape(x, (batch, beams, *shape[1:]))
        return _column(image[..., row, :], column), State(image, tape)

    def output_kernel(self) -> Any:
        """`[m, vocabulary]`: decoder output times this is the logits."""
        return self._softmax.softmax_kernel()

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """The steps one after the other; see `Seq2Seq.decode`."""
        return ops.cast(super().decode(targets, encoded, mode), mode.dtype)

    def _word(self, ids: Any) -> Any:
        """`[..., m]` of what is written; padding, too, is a word there."""
        return ops.take(self._target.matrix, ids, axis=0) * self._target.scale

    def _drop(self, image: Any, place: str, step: Any, mode: Mode) -> Any:
        seed = seed_of(mode.dropout_key, place)
        if seed is not None:
            # Other cells at every application.
            seed = seed_at(seed, step)
        return dropout(image, self.hparams.dropout, seed)


def _is_column(column: Any, columns: Any) -> Any:
    """`[batch]` places -> `[batch, columns]` bool."""
    return ops.arange(columns, dtype="int32")[None] == column[:, None]


def _present(own: Any, columns: Any) -> Any:
    """`[batch, columns, 1, 1]` float32, 1 at a source's own columns."""
    present = ops.arange(columns, dtype="int32")[None] < own[:, None]
    return ops.cast(present, "float32")[..., None, None]


def _column(image: Any, column: Any) -> Any:
    """`[batch, beams, columns, m]` at each sentence's column: `[..., m]`."""
    is_column = _is_column(column, ops.shape(image)[2])
    return ops.sum(
        image * ops.cast(is_column, image.dtype)[:, None, :, None], axis=2
    )
