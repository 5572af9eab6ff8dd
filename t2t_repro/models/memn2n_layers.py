"""Parts of the memory network: a story cut into sentences, and embeddings.

All are functions of tensors, but for the embeddings. A story is a row of ids:
sentences, a full stop behind each, and the question behind the last one.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_repro.layers.dropout import uniform
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.words import FULL_STOP_ID


class Story(NamedTuple):
    """A source that was cut; the newest sentence is the first.

    Attributes:
      sentences: `[batch, slots, words]` int32, 0 behind a sentence's words.
      is_there: `[batch, slots]` bool, False for the slots that stay empty.
      ends: `[batch, slots]` int32, where in the source each sentence ends; -1
        for the empty slots.
      question: `[batch, words]` int32.
    """

    sentences: Any
    is_there: Any
    ends: Any
    question: Any


def cut(ids: Any, slots: int, words: int) -> Story:
    """Cuts a source into its newest sentences and its question.

    Args:
      ids: `[batch, source]` int32, 0 = padding.
      slots: how many sentences are kept.
      words: how many words of each, and of the question.
    """
    # Padding, so that there are as many places as are looked for.
    padded = ops.pad(ids, [[0, 0], [0, slots + 1]])
    places = ops.arange(ops.shape(padded)[1], dtype="int32")
    ends = ops.where(ops.equal(padded, FULL_STOP_ID), places[None], -1)
    # Where the sentences end, the newest first; before the oldest that is -1.
    ends = ops.cast(ops.top_k(ends, slots + 1)[0], "int32")
    within = ops.arange(words, dtype="int32")
    at = ends[:, :, None] + 1 + within
    # What begins behind an end goes on to the next one; the question is last.
    until = ops.concatenate(
        [ops.full_like(ends[:, :1], 2**31 - 1), ends[:, :-1]], axis=1
    )
    inside = ops.logical_and(at < until[:, :, None], at < places[-1])
    flat = ops.reshape(ops.where(inside, at, 0), (-1, (slots + 1) * words))
    found = ops.take_along_axis(padded, flat, axis=1)
    found = ops.reshape(found, (-1, slots + 1, words))
    inside = ops.logical_and(inside, ops.not_equal(found, EOS_ID))
    found = ops.where(inside, found, 0)
    ends = ends[:, :-1]
    return Story(found[:, 1:], ends >= 0, ends, found[:, 0])


def position_encoding(words: int, size: int) -> Any:
    """What a word is multiplied by, element by element (section 4.1).

    The authors' program's formula, which is not the one that they print:
    l_kj = 1 + 4 (k - (d + 1) / 2) (j - (J + 1) / 2) / (d J), and J the same
    for every sentence.

    Args:
      words: J.
      size: d.

    Returns:
      `[words, size]` float32.
    """
    j = ops.arange(1, words + 1, dtype="float32") - (words + 1) / 2
    k = ops.arange(1, size + 1, dtype="float32") - (size + 1) / 2
    return 1.0 + 4.0 / (size * words) * j[:, None] * k[None, :]


def ages(is_there: Any) -> Any:
    """How many sentences are newer than each: `[1, slots]` int32."""
    return ops.arange(is_there.shape[1], dtype="int32")[None]


def noisy_ages(is_there: Any, rate: float, seed: Any) -> Any:
    """Ages as if empty sentences were strewn in (section 4.1).

    Of n sentences at most ceil(rate n), as in the authors' program; the story
    gets from none to all of them, each number as likely as any other.

    Args:
      is_there: `[batch, slots]` bool, the first n of a row.
      rate: share of the sentences.
      seed: from `seed_of`.

    Returns:
      `[batch, slots]` int32, below `slots`; anything for empty slots.
    """
    slots = is_there.shape[1]
    count = ops.sum(ops.cast(is_there, "int32"), axis=1)[:, None]
    # A small float's product may lie just above a whole number.
    most = ops.ceil(rate * ops.cast(count, "float32") - 1e-4)
    columns = slots + int(rate * slots) + 1
    drawn = uniform((ops.shape(is_there)[0], columns + 1), seed)
    empty = ops.cast(ops.floor(drawn[:, :1] * (most + 1.0)), "int32")
    # Of the first n + empty places those with the smallest numbers stay empty:
    # a place is the sentences' where at least `empty` numbers are smaller.
    place = ops.arange(columns, dtype="int32")[None]
    key = ops.where(place < count + empty, drawn[:, 1:], 2.0)
    rank = ops.argsort(ops.argsort(key, axis=1), axis=1)
    is_taken = ops.cast(ops.cast(rank, "int32") >= empty, "int32")
    # The i-th place that is taken has as many places before it as there are
    # with at most i taken up to and with them.
    taken = ops.cumsum(is_taken, axis=1)
    slot = ops.arange(slots, dtype="int32")[None, :, None]
    found = ops.sum(ops.cast(taken[:, None] <= slot, "int32"), axis=2)
    return ops.minimum(found, slots - 1)


class Table(keras.layers.Layer):
    """Embeddings of words and, behind them, of ages (A, B, C or W)."""

    def __init__(self, vocab_size: int, slots: int, size: int, name: str):
        """Makes the layer.

        Args:
          vocab_size: ids.
          slots: ages there are.
          size: d.
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._shape = (vocab_size + slots, size)

    def build(self, input_shape: tuple | None = None) -> None:
        """Makes the `[vocabulary + slots, d]` matrix, N(0, 0.1) as there."""
        del input_shape
        self.matrix = self.add_weight(
            shape=self._shape,
            initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="matrix",
        )

    def without_nil(self) -> Any:
        """The matrix, with zeros for id 0."""
        rows = ops.arange(self._shape[0])[:, None]
        return self.matrix * ops.cast(rows > 0, "float32")


def sentence_vectors(matrix: Any, ids: Any, encoding: Any) -> Any:
    """Sums of the words' vectors.

    Args:
      matrix: `[ids, d]`, row 0 zero.
      ids: `[..., words]` int32, 0 where there is none.
      encoding: `[words, d]`, or None for a bag of words.

    Returns:
      `[..., d]`.
    """
    vectors = ops.take(matrix, ids, axis=0)
    if encoding is not None:
        vectors = vectors * encoding
    return ops.sum(vectors, axis=-2)
