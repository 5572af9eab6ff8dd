"""ByteNet: translation in linear time (Kalchbrenner et al. 2016).

Sections 2 and 3 of arXiv:1610.10099v2, with the residual blocks of ReLUs that
it takes for translation. The decoder is unfolded over the encoder's columns:
position i reads column i, and none when it has passed the last of them. There
is no attention. Columns beyond a source's own are zero before every
convolution, so that a translation does not depend on its batch.

A decoder carries the last inputs of each of its wide convolutions, so that a
step costs the same at any position.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.embedding import Embedding, matrices
from t2t_repro.layers.linear import Linear
from t2t_repro.models.bytenet_hparams import ByteNetHParams
from t2t_repro.models.bytenet_layers import Chain, Convolution
from t2t_repro.models.seq2seq import Seq2Seq


class Encoded(NamedTuple):
    """A source that was read.

    Attributes:
      columns: `[batch, columns, 2 d]`, zero beyond a source's own.
    """

    columns: Any


class ByteNet(Seq2Seq):
    """An encoder, and a decoder on top of it."""

    hparams: ByteNetHParams

    def __init__(self, hparams: ByteNetHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, "bytenet")
        channels, width = hparams.channels, hparams.kernel_width
        is_scaled = hparams.multiply_embedding_mode == "sqrt_depth"
        self._embeddings = matrices(
            lambda name: Embedding(vocab_size, channels, is_scaled, name),
            hparams.source_shares,
            hparams.shared_embedding_and_softmax_weights,
        )
        self._blocks = {
            stack: [
                Chain(_bottleneck(hparams, i), f"block_{i}")
                for i in range(hparams.num_hidden_layers)
            ]
            for stack in ("encoder", "decoder")
        }
        self._join = Chain(
            (Convolution(2 * channels, channels, width),),
            "join",
            norm_first=False,
            norm_last=True,
        )
        self._output = Linear(channels, True, "output")
        self._build_all()

    def _build_all(self) -> None:
        shape = (None, None, self.hparams.channels)
        for embedding in dict.fromkeys(self._embeddings.values()):
            embedding.build()
        for stack, blocks in self._blocks.items():
            with keras.name_scope(stack):
                for block in blocks:
                    block.build(shape)
        with keras.name_scope("decoder"):
            self._join.build(shape)
            self._output.build(shape)
        self.built = True

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """The columns over which the decoder is unfolded (section 3.2).

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.
        """
        length = self.hparams.columns(ops.shape(inputs)[1])
        ids = ops.pad(inputs, [[0, 0], [0, length - ops.shape(inputs)[1]]])
        own = self.hparams.columns(
            ops.sum(ops.cast(inputs != 0, "int32"), axis=1)
        )
        present = ops.arange(length, dtype="int32")[None] < own[:, None]
        x = ops.cast(self._embeddings["source"](ids), mode.dtype)
        present = ops.cast(present, x.dtype)[..., None]
        for block in self._blocks["encoder"]:
            x = x + self._drop(block, block.encode(x, present), x, mode)
        return Encoded(x * present)

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """All target positions at once; see `Seq2Seq.decode`."""
        x = self._embeddings["target"](targets)
        # Shifted right: the first position sees a zero vector, no start id.
        x = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        length = ops.shape(targets)[1]
        columns = ops.pad(encoded.columns, [[0, 0], [0, length], [0, 0]])
        x = ops.cast(x, mode.dtype)
        x = ops.concatenate([columns[:, :length], x], axis=-1)
        x = ops.cast(self._join.decode(x), x.dtype)
        for block in self._blocks["decoder"]:
            x = x + self._drop(block, block.decode(x), x, mode)
        return ops.relu(self._output(x))

    def start(self, encoded: Encoded, beams: int) -> tuple[Encoded, Any]:
        """The columns, and windows of zeros for every wide convolution."""
        batch = ops.shape(encoded.columns)[0]
        chains = (self._join, *self._blocks["decoder"])
        return encoded, tuple(chain.start(batch, beams) for chain in chains)

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Encoded,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """One position of every beam; see `Seq2Seq.step`."""
        del mode
        x = self._embeddings["target"](ids)
        last = ops.shape(memory.columns)[1] - 1
        column = ops.take(memory.columns, ops.minimum(position, last), axis=1)
        column = column * ops.cast(position <= last, column.dtype)
        column = ops.broadcast_to(column[:, None], ops.shape(x))
        y, window = self._join.step(
            ops.concatenate([column, x], axis=-1), state[0]
        )
        x = ops.cast(y, x.dtype)
        shifted = [window]
        for block, window in zip(
            self._blocks["decoder"], state[1:], strict=True
        ):
            y, window = block.step(x, window)
            x = x + ops.cast(y, x.dtype)
            shifted.append(window)
        return ops.relu(self._output(x)), tuple(shifted)

    def output_kernel(self) -> Any:
        """`[2 d, vocabulary]`: decoder output times this is the logits."""
        return self._embeddings["softmax"].softmax_kernel()

    def _drop(self, block: Chain, y: Any, x: Any, mode: Mode) -> Any:
        seed = seed_of(mode.dropout_key, f"{block.path}/residual")
        return dropout(ops.cast(y, x.dtype), self.hparams.dropout, seed)


def _bottleneck(hparams: ByteNetHParams, block: int) -> tuple[Convolution, ...]:
    """2 d -> d -> d -> 2 d (figure 3, left), dilated in the middle."""
    size = hparams.hidden_size
    return (
        Convolution(hparams.channels, size),
        Convolution(size, size, hparams.kernel_width, hparams.dilation(block)),
        Convolution(size, hparams.channels),
    )
