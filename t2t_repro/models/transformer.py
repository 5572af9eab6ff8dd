"""The Transformer: section 3 of the paper, figure 1.

Decoding keeps a cache of every layer's keys and values and leaves it in its
place when beams change theirs: what changes is which entries a beam may see.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import (
    EVALUATION,
    Mode,
    MultiHeadAttention,
    ancestry_bias,
    causal_bias,
    padding_bias,
    with_itself,
)
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.embedding import (
    Embedding,
    LogitsBias,
    Positions,
    matrices,
)
from t2t_repro.layers.norm import LayerNorm
from t2t_repro.models.seq2seq import Seq2Seq, gather_beams
from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.models.transformer_layers import (
    DecoderLayer,
    EncoderLayer,
    FeedForward,
    attention,
)
from t2t_repro.models.transformer_packing import bias_within, positions_within

# tensor2tensor numbers its 32 "target spaces"; translation problems that do
# not say otherwise are space 0.
_TARGET_SPACES = 32


class Encoded(NamedTuple):
    """A source that was read.

    Attributes:
      inputs: `[batch, source]` ids, which say where the padding is.
      states: `[batch, source, hidden]`.
    """

    inputs: Any
    states: Any


class Memory(NamedTuple):
    """What every step attends to.

    Attributes:
      inputs: `[batch, source]` ids.
      keys_values: for every layer `[batch, heads, source, d_k]` and
        `[batch, heads, source, d_v]`.
    """

    inputs: Any
    keys_values: tuple[tuple[Any, Any], ...]


class State(NamedTuple):
    """What the decoder has done so far.

    Attributes:
      cache: for every layer keys `[batch, heads, entries, d_k]` and values
        `[batch, heads, entries, d_v]`; the entry of beam k at position p is
        number `p * beams + k`.
      ancestors: `[batch, beams, position]` int32, the beam that each beam was
        at each position; nothing where there is one beam.
    """

    cache: tuple[tuple[Any, Any], ...]
    ancestors: tuple[Any, ...]


class Transformer(Seq2Seq):
    """Encoder and decoder stacks over ids.

    A variant makes other sub-layers, and the bias that they want.
    """

    hparams: TransformerHParams

    def __init__(self, hparams: TransformerHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, hparams.MODEL)
        size = hparams.hidden_size
        is_scaled = hparams.multiply_embedding_mode == "sqrt_depth"
        self._embeddings = matrices(
            lambda name: Embedding(vocab_size, size, is_scaled, name),
            hparams.source_shares,
            hparams.shared_embedding_and_softmax_weights,
        )
        self._target_space = None
        if hparams.use_target_space_embedding:
            self._target_space = Embedding(
                _TARGET_SPACES, size, False, "target_space_embedding"
            )
        self._logits_bias = None
        if hparams.logits_bias:
            self._logits_bias = LogitsBias(vocab_size, "logits_bias")
        self._encoder_positions, self._decoder_positions = (
            Positions(
                hparams.pos, size, hparams.max_length, f"{stack}_positions"
            )
            for stack in ("encoder", "decoder")
        )
        self._encoder_layers = [
            EncoderLayer(hparams, *self._parts("encoder", i), f"layer_{i}")
            for i in range(hparams.encoder_layers)
        ]
        self._decoder_layers = [
            DecoderLayer(hparams, *self._parts("decoder", i), f"layer_{i}")
            for i in range(hparams.decoder_layers)
        ]
        # Without a norm behind the last residual a stack needs one at its end.
        self._final_norms = {
            stack: LayerNorm(hparams.norm_epsilon, f"{stack}_norm")
            for stack in ("encoder", "decoder")
            if hparams.layer_preprocess_sequence == "n"
        }
        self._build_all()

    def make_self_attention(self, stack: str) -> MultiHeadAttention:
        """The self-attention of a layer of "encoder" or "decoder"."""
        del stack
        return attention(self.hparams, "self_attention")

    def make_feed_forward(self, stack: str, number: int) -> keras.layers.Layer:
        """The feed-forward of layer `number`, from 0, of a stack."""
        del stack, number
        return FeedForward(self.hparams, "feed_forward")

    def encoder_bias(self, inputs: Any, mode: Mode) -> Any:
        """What the encoder's self-attention may see.

        Args:
          inputs: `[batch, source]` int32.
          mode: says whether a row holds several sentences.

        Returns:
          As `MultiHeadAttention.within` of the encoder wants it.
        """
        if mode.is_packed:
            return bias_within(inputs, inputs)
        return padding_bias(inputs)

    def decoder_bias(self, targets: Any, mode: Mode) -> Any:
        """As `encoder_bias`, of the decoder: `[batch, target]` int32."""
        bias = causal_bias(ops.shape(targets)[1])
        return bias + bias_within(targets, targets) if mode.is_packed else bias

    def _parts(
        self, stack: str, number: int
    ) -> tuple[MultiHeadAttention, keras.layers.Layer]:
        return (
            self.make_self_attention(stack),
            self.make_feed_forward(stack, number),
        )

    def _build_all(self) -> None:
        shape = (None, None, self.hparams.hidden_size)
        ends: list[keras.layers.Layer] = [
            *dict.fromkeys(self._embeddings.values()),
            self._encoder_positions,
            self._decoder_positions,
            *self._final_norms.values(),
        ]
        if self._target_space is not None:
            ends.append(self._target_space)
        if self._logits_bias is not None:
            ends.append(self._logits_bias)
        for layer in ends:
            layer.build(shape)
        for stack, layers in (
            ("encoder", self._encoder_layers),
            ("decoder", self._decoder_layers),
        ):
            with keras.name_scope(stack):
                for layer in layers:
                    layer.build(shape)
        self.built = True

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """The encoder stack.

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.

        Returns:
          The source and what became of it.
        """
        x = ops.cast(self.source_vectors(inputs, mode), mode.dtype)
        x = self._drop_input("encoder", x, mode)
        bias = self.encoder_bias(inputs, mode)
        return Encoded(inputs, self.encoder_stack(x, bias, mode))

    def source_vectors(self, inputs: Any, mode: Mode = EVALUATION) -> Any:
        """What the encoder begins with: embeddings and positions.

        Args:
          inputs: `[batch, source]` int32.
          mode: says whether a row holds several sentences.

        Returns:
          `[batch, source, hidden]`.
        """
        x = self._embeddings["source"](inputs)
        if self._target_space is not None:
            x = x + self._target_space.matrix[0]
        return self._encoder_positions(x, _positions(inputs, mode))

    def encoder_stack(self, x: Any, bias: Any, mode: Mode = EVALUATION) -> Any:
        """All layers; `[batch, source, hidden]`, `encoder_bias` -> as `x`."""
        for layer in self._encoder_layers:
            x = layer(x, bias, mode=mode)
        return self._final_norm("encoder", x)

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """The decoder stack over all target positions at once.

        Args:
          targets: `[batch, target]` int32.
          encoded: from `encode`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`.
        """
        x = self.target_vectors(targets)
        # Shifted right: the first position sees a zero vector, no start id.
        x = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        positions = _positions(targets, mode)
        memory_bias = padding_bias(encoded.inputs)
        if mode.is_packed:
            # Nor does it see the end of the sentence before.
            x = ops.where(ops.equal(positions, 0)[..., None], 0.0, x)
            memory_bias = bias_within(targets, encoded.inputs)
        x = self.decoder_input(x, positions)
        x = self._drop_input("decoder", ops.cast(x, mode.dtype), mode)
        bias = self.decoder_bias(targets, mode)
        for layer in self._decoder_layers:
            memory = layer.memory(encoded.states)
            x = layer(x, memory, memory_bias, bias, mode=mode)
        return self._final_norm("decoder", x)

    def output_kernel(self) -> Any:
        """`[hidden, vocabulary]`: decoder output times this is the logits."""
        return self._embeddings["softmax"].softmax_kernel()

    def output_bias(self) -> Any:
        """`[vocabulary]` of a model of Marian's, else None."""
        return None if self._logits_bias is None else self._logits_bias.bias

    def start(self, encoded: Encoded, beams: int) -> tuple[Memory, State]:
        """Keys and values of the encoder's output, and an empty cache.

        One copy of both serves all beams of a sentence.

        Args:
          encoded: from `encode`.
          beams: hypotheses of each sentence.
        """
        heads = self.hparams.num_heads
        batch = ops.shape(encoded.inputs)[0]
        channels = (self.hparams.key_channels, self.hparams.value_channels)
        cache = tuple(
            tuple(
                ops.zeros((batch, heads, 0, size // heads), self.product_dtype)
                for size in channels
            )
            for _ in self._decoder_layers
        )
        ancestors = (ops.zeros((batch, beams, 0), "int32"),)
        return (
            Memory(encoded.inputs, self.keys_values(encoded.states)),
            State(cache, ancestors if beams > 1 else ()),
        )

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Memory,
        state: State,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, State]:
        """One position of every beam; see `Seq2Seq.step`.

        The cache is never put in another order: it keeps the entry of every
        beam at every position, and a bias shows a beam its ancestors alone.
        """
        # Made in every step: carried along a search instead, it lets a graph
        # rewriting of TensorFlow 2.21 break the loop of a model of one layer.
        memory_bias = padding_bias(memory.inputs)
        ancestors = tuple(map(with_itself, state.ancestors))
        bias = ancestry_bias(ancestors[0]) if ancestors else None
        positions = ops.reshape(position, (1,))
        x = self.decoder_input(self.target_vectors(ids), positions)
        grown = []
        for layer, keys_values, cache in zip(
            self._decoder_layers, memory.keys_values, state.cache, strict=True
        ):
            x, cache = layer.step(
                x, keys_values, memory_bias, cache, bias, mode
            )
            grown.append(cache)
        x = self._final_norm("decoder", x)
        return x, State(tuple(grown), ancestors)

    def reorder(self, state: State, parents: Any) -> State:
        """Gives each beam the ancestors of its parent; the cache stays."""
        ancestors = (gather_beams(a, parents) for a in state.ancestors)
        return state._replace(ancestors=tuple(ancestors))

    def step_beside(
        self, x: Any, memory_bias: Any, keys_values: Any, cache: Any, bias: Any
    ) -> tuple[Any, tuple[tuple[Any, Any], ...]]:
        """One position of every beam, with a cache that someone else keeps.

        Args:
          x: `[batch, beams, hidden]`, from `decoder_input`.
          memory_bias: `[batch, 1, 1, source]`, hides the padding.
          keys_values: see `Memory`.
          cache: see `State`, in any order of entries.
          bias: `[batch, 1, beams, entries]`, hides what is no ancestor.

        Returns:
          `[batch, beams, hidden]`, and for every layer the keys and values of
          this position, `[batch, heads, beams, d_k]` and
          `[batch, heads, beams, d_v]`.
        """
        made = []
        for layer, memory, entries in zip(
            self._decoder_layers, keys_values, cache, strict=True
        ):
            x, own = layer.step_beside(x, memory, memory_bias, entries, bias)
            made.append(own)
        return self._final_norm("decoder", x), tuple(made)

    def keys_values(self, states: Any) -> tuple[tuple[Any, Any], ...]:
        """Of every decoder layer, see `Memory`; `[batch, source, hidden]`."""
        return tuple(layer.memory(states) for layer in self._decoder_layers)

    def target_vectors(self, ids: Any) -> Any:
        """Embeddings of target ids; `[...]` -> `[..., hidden]`."""
        return self._embeddings["target"](ids)

    def decoder_input(self, x: Any, positions: Any) -> Any:
        """The decoder's input: what it begins with, and where.

        Args:
          x: `[batch, length, hidden]`, zero at position 0.
          positions: `[length]` or `[batch, length]`, or `[1]` where all are at
            the same one.
        """
        if self.hparams.decoder_start != "zero":
            is_first = ops.equal(positions, 0)[..., None]
            start = self._embeddings["target"].padding()
            x = ops.where(is_first, ops.cast(start, x.dtype), x)
        return self._decoder_positions(x, positions)

    def _drop_input(self, stack: str, x: Any, mode: Mode) -> Any:
        """Dropout of embeddings plus positions, section 5.4."""
        seed = seed_of(mode.dropout_key, f"{stack}/input")
        return dropout(x, self.hparams.layer_prepostprocess_dropout, seed)

    def _final_norm(self, stack: str, x: Any) -> Any:
        return self._final_norms[stack](x) if self._final_norms else x


def _positions(ids: Any, mode: Mode) -> Any:
    """`[length]`, or `[batch, length]` where a row holds several sentences."""
    length = ops.shape(ids)[1]
    return positions_within(ids) if mode.is_packed else ops.arange(length)
