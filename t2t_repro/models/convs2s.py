"""ConvS2S: convolutional sequence to sequence learning (Gehring et al. 2017).

Section 3 of arXiv:1705.03122, and fairseq where the paper is short: gated
convolutions, residuals scaled by sqrt(0.5), attention from the decoder's
layers, every matrix weight-normalised. As there the decoder reads an end of
sentence first, not a zero vector. It carries the last inputs of each of its
convolutions, so that a step costs the same at any position.
"""

from typing import Any

from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.embedding import LogitsBias, matrices
from t2t_repro.layers.weight_norm import NormalizedLinear
from t2t_repro.models.convs2s_hparams import ConvS2SHParams
from t2t_repro.models.convs2s_layers import (
    HALF,
    Encoded,
    Stack,
    Table,
    scale_gradient,
)
from t2t_repro.models.seq2seq import Seq2Seq

_END_OF_SENTENCE = 1


class ConvS2S(Seq2Seq):
    """Encoder and decoder stacks of convolutions over ids."""

    hparams: ConvS2SHParams

    def __init__(self, hparams: ConvS2SHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, "convs2s")
        size = hparams.hidden_size
        uses = matrices(
            self._new_matrix, hparams.source_shares, hparams.is_tied
        )
        self._source, self._target = uses["source"], uses["target"]
        self._softmax = uses["softmax"]
        if hparams.is_tied:
            self._softmax = LogitsBias(vocab_size, "softmax")
        self._encoder = Stack(hparams.encoder, (), size, hparams, "encoder")
        self._decoder = Stack(
            hparams.decoder,
            hparams.attended,
            hparams.output_channels,
            hparams,
            "decoder",
        )
        self._build_all()

    def _new_matrix(self, name: str) -> Table | NormalizedLinear:
        """One of embeddings and softmax; see `matrices`."""
        if name == "softmax":
            keep = 1.0 - self.hparams.dropout
            return NormalizedLinear(self.vocab_size, keep, name)
        if name == "embedding":  # is the decoder's, as in fairseq
            name = "target_embedding"
        is_scaled = self.hparams.multiply_embedding_mode == "sqrt_depth"
        size = self.hparams.hidden_size
        return Table(self.vocab_size, size, is_scaled, name)

    def _build_all(self) -> None:
        shape = (None, None, self.hparams.hidden_size)
        self._target.build()
        if self._source is not self._target:
            self._source.build()
        self._encoder.build(shape)
        self._decoder.build(shape)
        self._softmax.build((None, self.hparams.output_channels))
        self.built = True

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """Keys and values of every source position (section 3.3).

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.

        Returns:
          The source and what the decoder's layers attend to.
        """
        stack = self._encoder
        places = ops.arange(ops.shape(inputs)[1])
        embedded = stack.embed(self._source(inputs), places, mode)
        present = ops.cast(inputs != 0, embedded.dtype)[..., None]
        x = stack.into(embedded)
        for layer in stack.layers:
            x = layer.encode(x, present, mode)
        # The gradients of all the layers that attend would add up. What lies
        # at padding they never see.
        share = 0.5 / len(self.hparams.attended)
        keys = scale_gradient(stack.out(x), share)
        values = (keys + embedded) * HALF
        return Encoded(inputs, keys[:, None], values[:, None])

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """All target positions at once; see `Seq2Seq.decode`."""
        before = ops.pad(
            targets[:, :-1],
            [[0, 0], [1, 0]],
            constant_values=_END_OF_SENTENCE,
        )
        stack = self._decoder
        places = ops.arange(ops.shape(targets)[1])
        embedded = stack.embed(self._target(before), places, mode)
        x = stack.into(embedded)
        for layer in stack.layers:
            x = layer.decode(x, embedded, encoded, mode)
        return stack.drop("output", stack.out(x), mode)

    def start(self, encoded: Encoded, beams: int) -> tuple[Encoded, Any]:
        """The source, and a window of zeros for every convolution."""
        batch = ops.shape(encoded.inputs)[0]
        layers = self._decoder.layers
        return encoded, tuple(layer.start(batch, beams) for layer in layers)

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Encoded,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """One position of every beam; see `Seq2Seq.step`."""
        stack = self._decoder
        ids = ops.where(ops.equal(position, 0), _END_OF_SENTENCE, ids)
        places = ops.reshape(position, (1,))
        embedded = stack.embed(self._target(ids), places, mode)
        x = stack.into(embedded)
        shifted = []
        for layer, window in zip(stack.layers, state, strict=True):
            x, window = layer.step(x, window, embedded, memory, mode)
            shifted.append(window)
        return stack.out(x), tuple(shifted)

    def output_kernel(self) -> Any:
        """`[output size, vocabulary]`, without `output_bias`."""
        if isinstance(self._softmax, NormalizedLinear):
            return self._softmax.matrix()
        return self._target.softmax_kernel()

    def output_bias(self) -> Any:
        """`[vocabulary]`, of the layer that makes the logits."""
        return self._softmax.bias
