"""How a recurrent decoder looks at its source, and what it makes of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.dropout import seed_of, uniform
from t2t_repro.layers.hard_attention import (
    Choice,
    choose,
    likeliest,
    loss_to_learn,
)
from t2t_repro.layers.linear import Linear
from t2t_repro.layers.recurrent_attention import RecurrentAttention, contexts
from t2t_repro.models.rnn_hparams import RnnHParams


class Memory(NamedTuple):
    """What every step looks at.

    Attributes:
      inputs: `[batch, source]` ids.
      keys: `[batch, source, units]`.
      values: `[batch, source, memory]`.
    """

    inputs: Any
    keys: Any
    values: Any


class Look(NamedTuple):
    """What came of looking.

    Attributes:
      weights: `[batch, distinct heads, query, source]`; of hard attention, 1
        at one position.
      contexts: `[batch, query, heads * memory]` float32.
      vectors: `[batch, query, heads * attention_layer_size]` float32.
      choice: what hard attention learns from; nothing elsewhere.
    """

    weights: Any
    contexts: Any
    vectors: Any
    choice: tuple[Choice, ...]


class SourceAttention(keras.layers.Layer):
    """Attention of all heads, and a vector of state and context for each."""

    def __init__(self, hparams: RnnHParams, name: str):
        """Makes the layer."""
        super().__init__(name=name, autocast=False)
        self._hparams = hparams
        self._attention = RecurrentAttention(
            hparams.score,
            hparams.attention_window,
            hparams.attention_window_width,
            hparams.num_heads,
            "attention",
        )
        pieces = 2 if hparams.attention_layer == "maxout" else 1
        self._vectors = [
            Linear(pieces * hparams.attention_layer_size, False, f"head_{i}")
            for i in range(hparams.num_heads)
        ]
        self._join = None
        if hparams.num_heads > 1 and hparams.output_attention:
            self._join = Linear(hparams.hidden_size, True, "join")

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the weights, of the sizes that the hparams give."""
        del input_shape
        hparams = self._hparams
        self._attention.build(
            hparams.decoder_size, hparams.memory_size, hparams.max_length
        )
        for layer in self._vectors:
            layer.build((None, hparams.read_size))
        if self._join is not None:
            size = hparams.num_heads * hparams.attention_layer_size
            self._join.build((None, size))
        if hparams.is_hard:
            # The log-likelihood that a word usually has.
            self.baseline = self.add_weight(
                shape=(),
                initializer="zeros",
                trainable=False,
                name="baseline",
            )

    def memory(self, inputs: Any, outputs: Any) -> Memory:
        """Keys, once for a sentence.

        Args:
          inputs: `[batch, source]` ids.
          outputs: `[batch, source, memory]`, the encoder's.
        """
        return Memory(inputs, self._attention.keys(outputs), outputs)

    def numbers(self, batch: Any, length: Any, key: Any) -> tuple[Any, ...]:
        """What hard attention draws by, for all positions of a training step.

        Args:
          batch: sentences.
          length: target positions.
          key: of the step, see `seed_of`; None: nothing is drawn.

        Returns:
          One `[batch, target, distinct heads]`, below 0 in sentences that see
          the mean; nothing where nothing is drawn.
        """
        if key is None or not self._hparams.is_hard:
            return ()
        shape = (batch, length, self._hparams.distinct_heads)
        numbers = uniform(shape, seed_of(key, f"{self.path}/position"))
        sentences = seed_of(key, f"{self.path}/sentence")
        share = self._hparams.hard_attention_sampled
        is_drawn = uniform((batch, 1, 1), sentences) < share
        return (ops.where(is_drawn, numbers, -1.0),)

    def call(
        self,
        query: Any,
        x: Any,
        positions: Any,
        memory: Memory,
        numbers: Any = None,
    ) -> Look:
        """Looks from states of the decoder.

        Args:
          query: `[batch, query, units]`.
          x: `[batch, query, hidden]`, the last words, in the dtype of products.
          positions: `[query]` int32, or `[1]` for all.
          memory: from `memory`.
          numbers: `[batch, query, distinct heads]` by which hard attention
            draws, see `choose`; None: the likeliest position.
        """
        visible = None
        if not self._hparams.attention_over_padding:
            visible = ops.not_equal(memory.inputs, 0)[:, None, None]
        weights = self._attention(
            query, memory.keys, memory.inputs, positions, visible
        )
        choice: tuple[Choice, ...] = ()
        if self._hparams.is_hard and numbers is None:
            weights = likeliest(weights)
        elif numbers is not None:
            by_head = ops.transpose(numbers, (0, 2, 1))
            weights, chosen = choose(weights, by_head)
            choice = (chosen,)
        of_heads = ops.cast(contexts(weights, memory.values), "float32")
        vectors, parts = [], []
        for head, layer in enumerate(self._vectors):
            # Heads that are alike are one.
            part = of_heads[:, min(head, of_heads.shape[1] - 1)]
            read = [query, part]
            if self._hparams.attention_layer == "maxout":
                read.append(ops.cast(x, "float32"))
            y = layer(ops.cast(ops.concatenate(read, axis=-1), x.dtype))
            vectors.append(self._activated(ops.cast(y, "float32")))
            parts.append(part)
        return Look(
            weights,
            ops.concatenate(parts, axis=-1),
            ops.concatenate(vectors, axis=-1),
            choice,
        )

    def loss_to_learn(
        self, choice: Choice, targets: Any
    ) -> Callable[[Any], Any]:
        """By which hard attention's scores learn, and the baseline follows.

        Args:
          choice: of all positions.
          targets: `[batch, target]` ids.

        Returns:
          From `[batch, target]` losses of the targets to a scalar.
        """
        hparams = self._hparams
        return lambda token_losses: loss_to_learn(
            choice,
            token_losses,
            ops.cast(ops.not_equal(targets, 0), "float32"),
            self.baseline,
            is_fed=hparams.fed_size > 0,
            reward=hparams.hard_attention_reward,
            entropy=hparams.hard_attention_entropy,
        )

    def output(self, look: Look) -> Any:
        """What the softmax reads: the heads' vectors, joined where many are.

        Returns:
          `[batch, query, hidden]`.
        """
        vectors = look.vectors
        return vectors if self._join is None else self._join(vectors)

    def map(self, weights: Any) -> Any:
        """`[batch, heads, query, source]`, of heads that are alike too."""
        heads = self._hparams.num_heads // weights.shape[1]
        return ops.repeat(weights, heads, axis=1)

    def _activated(self, vector: Any) -> Any:
        """`[..., size]`; maxout keeps the larger of each pair."""
        if self._hparams.attention_layer == "maxout":
            pairs = ops.reshape(vector, (*ops.shape(vector)[:-1], -1, 2))
            return ops.max(pairs, axis=-1)
        is_tanh = self._hparams.attention_layer == "tanh"
        return ops.tanh(vector) if is_tanh else vector
