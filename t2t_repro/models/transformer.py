"""The Transformer: section 3 of the paper, figure 1.

Knows no problem, file or flag, and no TensorFlow: it is keras.ops code and
runs on any Keras backend. Training and decoding see four functions: `call`
(teacher-forced), `encode`, `memory` and `step` (one position at a time).
"""

from typing import Any

import keras
from keras import ops

from t2t_repro.hparam import HParams
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.attention import causal_bias
from t2t_repro.layers.attention import padding_bias
from t2t_repro.layers.blocks import DecoderLayer
from t2t_repro.layers.blocks import EncoderLayer
from t2t_repro.layers.blocks import LayerNorm
from t2t_repro.layers.dropout import dropout
from t2t_repro.layers.dropout import seed_of
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.embedding import Positions
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.linear import matmul_last

# tensor2tensor numbers its 32 "target spaces"; translation problems that do
# not say otherwise are space 0.
_TARGET_SPACES = 32


class Transformer(keras.Model):
    """Encoder and decoder stacks over ids."""

    def __init__(self, hparams: HParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(name="transformer")
        self.hparams = hparams
        self.vocab_size = vocab_size
        self._product_dtype = "float32"
        shared = hparams.shared_embedding_and_softmax_weights
        names = ["embedding"] if shared else ["target_embedding", "softmax"]
        if not shared and not hparams.shared_embedding:
            names.append("source_embedding")
        self._embeddings = {
            name: Embedding(vocab_size, hparams, name) for name in names
        }
        self._target_space = None
        if hparams.use_target_space_embedding:
            self._target_space = Embedding(
                _TARGET_SPACES,
                hparams.replace(multiply_embedding_mode="none"),
                "target_space_embedding",
            )
        self._encoder_positions = Positions(hparams, "encoder_positions")
        self._decoder_positions = Positions(hparams, "decoder_positions")
        self._encoder_layers = [
            EncoderLayer(hparams, "encoder", f"layer_{i}")
            for i in range(hparams.encoder_layers)
        ]
        self._decoder_layers = [
            DecoderLayer(hparams, "decoder", f"layer_{i}")
            for i in range(hparams.decoder_layers)
        ]
        # Without a norm behind the last residual a stack needs one at its end.
        self._final_norms = {
            stack: LayerNorm(hparams, f"{stack}_norm")
            for stack in ("encoder", "decoder")
            if hparams.layer_preprocess_sequence == "n"
        }
        self._build_all()

    def _build_all(self) -> None:
        shape = (None, None, self.hparams.hidden_size)
        ends: list[keras.layers.Layer] = [
            *self._embeddings.values(),
            self._encoder_positions,
            self._decoder_positions,
            *self._final_norms.values(),
        ]
        if self._target_space is not None:
            ends.append(self._target_space)
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

    def weights_by_path(self) -> dict[str, Any]:
        """Every weight by its path, such as `encoder/layer_0/.../kernel`.

        This is what checkpoints hold. Paths are unique, which Keras does not
        promise, so it is checked.
        """
        weights = {weight.path: weight for weight in self.weights}
        assert len(weights) == len(self.weights)
        return weights

    def call(
        self,
        inputs: Any,
        targets: Any,
        mode: Mode = EVALUATION,
    ) -> Any:
        """Teacher-forced decoder output; `logits` turns it into scores.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          targets: `[batch, target]` int32; position i sees those before i.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`.
        """
        encoded = self.encode(inputs, mode)
        return self.decode(targets, encoded, padding_bias(inputs), mode)

    def encode(
        self,
        inputs: Any,
        mode: Mode = EVALUATION,
    ) -> Any:
        """The encoder stack.

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, source, hidden]`.
        """
        x = self._embedding("source_embedding")(inputs)
        if self._target_space is not None:
            x = x + self._target_space.matrix[0]
        x = self._encoder_positions(x, ops.arange(ops.shape(inputs)[1]))
        x = self._drop_input("encoder", ops.cast(x, mode.dtype), mode)
        bias = padding_bias(inputs)
        for layer in self._encoder_layers:
            x = layer(x, bias, mode=mode)
        return self._final_norm("encoder", x)

    def decode(
        self,
        targets: Any,
        encoded: Any,
        memory_bias: Any,
        mode: Mode = EVALUATION,
    ) -> Any:
        """The decoder stack over all target positions.

        Args:
          targets: `[batch, target]` int32.
          encoded: `[batch, source, hidden]`.
          memory_bias: `[batch, 1, 1, source]`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`.
        """
        x = self._embedding("target_embedding")(targets)
        # Shifted right: the first position sees a zero vector, no start id.
        x = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        length = ops.shape(targets)[1]
        x = self._decoder_positions(x, ops.arange(length))
        x = self._drop_input("decoder", ops.cast(x, mode.dtype), mode)
        bias = causal_bias(length)
        for layer in self._decoder_layers:
            memory = layer.project_memory(encoded)
            x = layer(x, memory, memory_bias, bias, mode=mode)
        return self._final_norm("decoder", x)

    def multiply_in(self, dtype: str) -> None:
        """Makes the products with the layers' weights in `dtype`, for decoding.

        Queries, keys, values and their caches are in it too; embeddings, the
        sums that residuals are, norms, softmax and logits stay float32: 8 bits
        of a logit would make many equal. Nothing can be trained afterwards.

        Args:
          dtype: such as `bfloat16`.
        """
        for layer in self._flatten_layers():
            if isinstance(layer, Linear):
                layer.multiply_in(dtype)
        self._product_dtype = dtype

    def softmax_kernel(self) -> Any:
        """`[hidden, vocabulary]`: decoder output times this is the logits."""
        return self._embedding("softmax").softmax_kernel()

    def logits(self, x: Any) -> Any:
        """`[rows, hidden]` decoder output -> `[rows, vocabulary]`, as typed."""
        return matmul_last(x, self.softmax_kernel())

    def memory(self, encoded: Any) -> list[tuple[Any, Any]]:
        """Keys and values of the encoder's output for every decoder layer.

        Args:
          encoded: `[batch, source, hidden]`.

        Returns:
          Per layer `[batch, heads, source, d_k]` and
          `[batch, heads, source, d_v]`.
        """
        return [layer.project_memory(encoded) for layer in self._decoder_layers]

    def empty_past(self, batch: Any) -> list[tuple[Any, Any]]:
        """The decoder's cache before the first position.

        Args:
          batch: number of sentences.

        Returns:
          Per layer `[batch, heads, 0, d_k]` and `[batch, heads, 0, d_v]`.
        """
        heads = self.hparams.num_heads
        shapes = [
            (batch, heads, 0, channels // heads)
            for channels in (
                self.hparams.key_channels,
                self.hparams.value_channels,
            )
        ]
        return [
            tuple(ops.zeros(shape, self._product_dtype) for shape in shapes)
            for _ in self._decoder_layers
        ]

    def step(
        self,
        ids: Any,
        position: Any,
        memory: list[tuple[Any, Any]],
        memory_bias: Any,
        past: list[tuple[Any, Any]],
        past_bias: Any,
    ) -> tuple[Any, list[tuple[Any, Any]]]:
        """One position of every beam.

        Args:
          ids: `[batch, beams]` int32, the last id of each; 0 at the start.
          position: scalar int32, 0 at the start.
          memory: from `memory`.
          memory_bias: `[batch, 1, 1, source]`.
          past: from `empty_past` or the last step.
          past_bias: `[batch, 1, beams, (position + 1) * beams]`: 0 where the
            entry, of beam k at position p in place `p * beams + k`, is an
            ancestor of the beam or itself, `MASKED` elsewhere; None where
            there is one beam.

        Returns:
          `[batch, beams, hidden]`, of which `softmax_kernel` makes the logits
          of the next id, and the past grown by one position.
        """
        x = self._embedding("target_embedding")(ids)
        x = self._decoder_positions(x, ops.reshape(position, (1,)))
        grown = []
        for layer, keys_values, layer_past in zip(
            self._decoder_layers, memory, past, strict=True
        ):
            x, layer_past = layer.step(
                x, keys_values, memory_bias, layer_past, past_bias
            )
            grown.append(layer_past)
        return self._final_norm("decoder", x), grown

    def _embedding(self, use: str) -> Embedding:
        """The matrix for a use, following what is shared with what."""
        if "embedding" in self._embeddings:
            return self._embeddings["embedding"]
        if use == "source_embedding" and use not in self._embeddings:
            return self._embeddings["target_embedding"]
        return self._embeddings[use]

    def _drop_input(self, stack: str, x: Any, mode: Mode) -> Any:
        """Dropout of embeddings plus positions, section 5.4."""
        seed = seed_of(mode.dropout_key, f"{stack}/input")
        return dropout(x, self.hparams.layer_prepostprocess_dropout, seed)

    def _final_norm(self, stack: str, x: Any) -> Any:
        return self._final_norms[stack](x) if self._final_norms else x
