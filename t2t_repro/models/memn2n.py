"""End-to-end memory networks (Sukhbaatar et al. 2015, arXiv:1503.08895).

Sections 2 and 4.1, and the authors' program where the paper is short. A source
is a story, as `models/memn2n_layers.py` cuts it; the target one word, the
answer, behind which only the end of sentence can come. Longer targets are
refused (`MemN2NHParams.check_targets`).

The authors take the softmax over all that has a vector: the words, but also
the empty word and the ages of sentences. Here what these have together is the
share of id 0, which is no answer either.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.dropout import seed_of
from t2t_repro.layers.linear import matmul_last
from t2t_repro.models.memn2n_hparams import MemN2NHParams
from t2t_repro.models.memn2n_layers import (
    Story,
    Table,
    ages,
    cut,
    noisy_ages,
    position_encoding,
    sentence_vectors,
)
from t2t_repro.models.seq2seq import Seq2Seq
from t2t_repro.text.encoder import EOS_ID

# Score of the end of sentence behind an answer, where all others have 0: in
# float32 its probability is 1.
_CERTAIN = 50.0


class Encoded(NamedTuple):
    """A source that was read, K times.

    Attributes:
      state: `[batch, d]`, the paper's o^K + u^K.
      attention: by hop, `[batch, source]` probabilities (scores, in a linear
        model) of the memories, each at the end of its sentence.
    """

    state: Any
    attention: tuple[Any, ...]


class MemN2N(Seq2Seq):
    """Question and story to an answer."""

    hparams: MemN2NHParams

    def __init__(self, hparams: MemN2NHParams, vocab_size: int):
        """Makes and builds the model.

        Args:
          hparams: sizes and rates.
          vocab_size: ids on both sides.
        """
        super().__init__(hparams, vocab_size, "memn2n")
        hops, size = hparams.num_hidden_layers, hparams.hidden_size
        if hparams.weight_tying == "adjacent":
            # A^1 = B, A^(k + 1) = C^k, W = C^K.
            names = ["question_memory_1"]
            names += [f"output_{k}_memory_{k + 1}" for k in range(1, hops)]
            names += [f"output_{hops}_answer"]
        else:
            names = ["question", "memory", "output", "answer"]
        self._tables = [
            Table(vocab_size, hparams.memory_slots, size, name)
            for name in names
        ]
        for table in self._tables:
            table.build()
        self._hop: Any = None
        if hparams.weight_tying == "layer_wise":
            self._hop = self.add_weight(
                shape=(size, size),
                initializer=keras.initializers.RandomNormal(stddev=0.1),
                name="hop",
            )
        self.built = True

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """All hops (sections 2.1 and 2.2).

        Args:
          inputs: `[batch, source]` int32.
          mode: training, evaluation or looking inside.
        """
        hparams = self.hparams
        story = cut(inputs, hparams.memory_slots, hparams.sentence_words)
        encoding = None
        if hparams.sentence_encoding == "position":
            # The age of a sentence counts as its last word.
            words = hparams.sentence_words + 1
            encoding = position_encoding(words, hparams.hidden_size)
        u = self._question(story, encoding)
        memories = self._memories(story, encoding, mode)
        attention = []
        for m, c in memories:
            p = ops.einsum("bd,bsd->bs", u, m)
            if not hparams.linear_attention:
                p = ops.softmax(p)
            o = ops.einsum("bs,bsd->bd", p, c)
            u = o + (u if self._hop is None else ops.matmul(u, self._hop))
            if hparams.relu_between_hops:
                u = ops.relu(u)
            attention.append(p)
        if mode.maps is None:
            return Encoded(u, ())
        at = ops.one_hot(story.ends, ops.shape(inputs)[1])
        maps = (ops.einsum("bs,bsn->bn", p, at) for p in attention)
        return Encoded(u, tuple(maps))

    def _question(self, story: Story, encoding: Any) -> Any:
        """`[batch, d]`, the first u."""
        matrix = self._tables[0].without_nil()
        if self._hop is not None:
            # A matrix that is the question's alone has a vector of the empty
            # word, as there, and so has the answer's (`output_kernel`).
            matrix = self._tables[0].matrix
        if encoding is not None:
            encoding = encoding[:-1]
        return sentence_vectors(matrix, story.question, encoding)

    def _memories(
        self, story: Story, encoding: Any, mode: Mode
    ) -> list[tuple[Any, Any]]:
        """The paper's m_i and c_i of each hop, `[batch, slots, d]`.

        An empty slot is zero, and as in the authors' program not hidden: the
        softmax gives it a share.
        """
        age = ages(story.is_there)
        seed = seed_of(mode.dropout_key, "time_noise")
        if seed is not None and self.hparams.time_noise:
            age = noisy_ages(story.is_there, self.hparams.time_noise, seed)
        age = ops.where(story.is_there, self.vocab_size + age, 0)
        ids = ops.concatenate([story.sentences, age[:, :, None]], axis=2)
        tables = self._tables if self._hop is None else self._tables[1:-1]
        found = [
            sentence_vectors(table.without_nil(), ids, encoding)
            for table in tables
        ]
        hops = self.hparams.num_hidden_layers
        if self._hop is not None:
            return [(found[0], found[1])] * hops
        return list(zip(found[:-1], found[1:], strict=True))

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """The answer, and nothing behind it; see `Seq2Seq.decode`."""
        length = ops.shape(targets)[1]
        if mode.maps is not None:
            rows = [[0, 0], [0, 0], [0, length - 1], [0, 0]]
            for hop, p in enumerate(encoded.attention):
                place = f"decoder/layer_{hop}/memory_attention"
                mode.maps[place] = ops.pad(p[:, None, None], rows)
        is_first = ops.equal(ops.arange(length), 0)[None, :, None]
        return _at_position(encoded.state[:, None], is_first)

    def start(self, encoded: Encoded, beams: int) -> tuple[Any, Any]:
        """All is read already."""
        del beams
        return encoded.state, ()

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Any,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """The answer or its end; see `Seq2Seq.step`."""
        del mode
        x = _at_position(memory[:, None], ops.equal(position, 0))
        return ops.repeat(x, ids.shape[1], axis=1), state

    def output_kernel(self) -> Any:
        """`[d + 1, vocabulary + slots]`, the ages too."""
        table = self._tables[-1]
        matrix = table.without_nil() if self._hop is None else table.matrix
        end = ops.one_hot(ops.full((1,), EOS_ID), matrix.shape[0]) * _CERTAIN
        return ops.concatenate([ops.transpose(matrix), end], axis=0)

    def logits(self, x: Any, kernel: Any = None) -> Any:
        """Scores of every id; id 0 has those of all that is no word."""
        if kernel is None:
            kernel = self.output_kernel()
        scores = matmul_last(x, kernel)
        no_words = [scores[..., :1], scores[..., self.vocab_size :]]
        together = ops.logsumexp(
            ops.concatenate(no_words, axis=-1), axis=-1, keepdims=True
        )
        words = scores[..., 1 : self.vocab_size]
        return ops.concatenate([together, words], axis=-1)


def _at_position(state: Any, is_first: Any) -> Any:
    """Decoder output: the state and a zero; behind the answer only a one.

    Args:
      state: `[batch, 1, d]`.
      is_first: bool, scalar or `[1, target, 1]`.

    Returns:
      `[batch, target, d + 1]`.
    """
    one = ops.ones_like(state[..., :1])
    answer = ops.concatenate([state, one * 0.0], axis=-1)
    end = ops.concatenate([state * 0.0, one], axis=-1)
    return ops.where(is_first, answer, end)
