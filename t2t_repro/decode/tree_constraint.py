"""Holds a search to linearised trees over exactly the source's words.

Whatever the model thinks, `linearised_trees.rebuild` finds nothing to repair:

* one constituent holds everything, and a bracket is closed by its own label;
* leaves come in the order of the words and as many as there are; where words
  are in the target, each is copied from the source, id by id, before its tag;
* no constituent is empty, only so many are open at a time, and only so many are
  opened from one leaf to the next;
* a bracket is only opened while the limit leaves room to close it and to write
  all that must still come.

The words are given. Where the next one may come, all ids that are no brackets
count as its first, and within it all ids as the next: the score of a tree is
that of its brackets and tags. Otherwise a beam, which compares hypotheses of as
many ids, would put off words that the model copies badly behind one bracket
more, and again (Stern et al. 2017 met the same with generated words).

Brackets stand in front of what they hold, or behind their first child. The
paper does not speak of malformed trees, and tensor2tensor's search wrote them.
"""

import enum
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from t2t_repro.text.encoder import EOS_ID, PAD_ID
from t2t_repro.text.tree_grammar import TreeGrammar

# An id that there is not.
_NONE = -1


class _Last(enum.IntEnum):
    """What a hypothesis' last id was."""

    NOTHING = 0
    WORD = 1
    TAG = 2
    OPENING = 3
    CLOSING = 4


class _Sentence(NamedTuple):
    """What stays.

    Attributes:
      ids: `[batch, source]`.
      begins: `[batch, source]` bool, where a word begins or all words are over.
    """

    ids: tf.Tensor
    begins: tf.Tensor


class _Hypothesis(NamedTuple):
    """What moves.

    Attributes:
      copied: `[batch, beams]`, ids of words that it has.
      leaves: `[batch, beams]`, leaves that it still lacks.
      last: `[batch, beams]`, a `_Last`.
      depth: `[batch, beams]`, open constituents.
      closing: `[batch, beams, depths]`, the id that closes each of them,
        outermost first; below them the end of sentence, which closes the whole.
      opened: `[batch, beams]`, constituents opened since the last leaf.
      spare: `[batch, beams]`, ids that brackets may still take.
    """

    copied: tf.Tensor
    leaves: tf.Tensor
    last: tf.Tensor
    depth: tf.Tensor
    closing: tf.Tensor
    opened: tf.Tensor
    spare: tf.Tensor


_Moves = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class TreeConstraint:
    """A `constraint.Constraint`."""

    def __init__(self, grammar: TreeGrammar):
        """Makes the tables, `[vocabulary]` each."""
        self._grammar = grammar
        vocabulary = len(grammar.begins_word)
        self._begins = np.array(grammar.begins_word)
        self._begins[: EOS_ID + 1] = True
        # 0 for all that open nothing.
        self._closing = np.zeros(vocabulary, np.int32)
        self._closing[list(grammar.closing)] = list(grammar.closing.values())
        self._closes = np.zeros(vocabulary, bool)
        self._closes[[EOS_ID, *grammar.closing.values()]] = True
        self._is_tag = np.zeros(vocabulary, bool)
        self._is_tag[list(grammar.tags)] = True
        self._is_bracket = self._closes | (self._closing > 0)
        self._is_bracket[PAD_ID] = True

    def shortest(self, inputs: tf.Tensor) -> tf.Tensor:
        """All leaves in one constituent, and the end of sentence."""
        is_word = inputs > EOS_ID
        leaves = _count(is_word & tf.gather(self._begins, inputs))
        copied = _count(is_word) if self._grammar.words_in_target else 0
        return leaves + copied + 3

    def start(
        self, inputs: tf.Tensor, limits: tf.Tensor, beams: int
    ) -> tuple[_Sentence, _Hypothesis]:
        """See `Constraint`."""
        begins = tf.gather(self._begins, inputs)
        leaves = _count(begins & (inputs > EOS_ID))
        # The first constituent counts among those that take from it.
        spare = limits - self.shortest(inputs) + 2
        batch, depths = tf.shape(inputs)[0], self._grammar.most_open + 1
        nothing = tf.zeros([batch, beams], tf.int32)
        return _Sentence(inputs, begins), _Hypothesis(
            copied=nothing,
            leaves=nothing + leaves[:, None],
            last=nothing + _Last.NOTHING,
            depth=nothing,
            closing=tf.fill([batch, beams, depths], EOS_ID),
            opened=nothing,
            spare=nothing + spare[:, None],
        )

    def allowed(self, memory: _Sentence, state: _Hypothesis) -> tf.Tensor:
        """See `Constraint`."""
        can_open, can_close, leaf = self._moves(state)
        tag = leaf
        if self._grammar.words_in_target:
            is_over = _at(memory.begins, state.copied)
            tag = (state.last == _Last.WORD) & is_over
        innermost = tf.gather(state.closing, state.depth, batch_dims=2)
        closing = tf.where(can_close, innermost, _NONE)
        ids = tf.range(len(self._closing))
        return (
            (can_open[:, :, None] & (self._closing > 0))
            | (tag[:, :, None] & self._is_tag)
            | (ids == closing[:, :, None])
            | (ids == self._next_of_word(memory, state)[:, :, None])
        )

    def merged(
        self, memory: _Sentence, state: _Hypothesis, logits: tf.Tensor
    ) -> tf.Tensor:
        """See `Constraint`."""
        if not self._grammar.words_in_target:
            return logits
        following = self._next_of_word(memory, state)[:, :, None]
        in_word = (state.last == _Last.WORD)[:, :, None]
        words = (following != _NONE) & (in_word | ~self._is_bracket)
        none = logits.dtype.min
        of_words = tf.where(words, logits, none)
        together = tf.reduce_logsumexp(of_words, axis=2, keepdims=True)
        is_next = tf.range(len(self._closing)) == following
        return tf.where(is_next, together, tf.where(words, none, logits))

    def advance(
        self, memory: _Sentence, state: _Hypothesis, ids: tf.Tensor
    ) -> _Hypothesis:
        """See `Constraint`."""
        closing = tf.gather(self._closing, ids)
        opens = closing > 0
        closes = tf.gather(self._closes, ids)
        if self._grammar.words_in_target:
            in_word = state.last == _Last.WORD
            tag = in_word & _at(memory.begins, state.copied)
        else:
            tag = ~(opens | closes)
        copies = ~(opens | closes | tag)
        last = (
            _Last.WORD * _one(copies)
            + _Last.TAG * _one(tag)
            + _Last.OPENING * _one(opens)
            + _Last.CLOSING * _one(closes)
        )
        deeper = state.depth + _one(opens)
        depths = tf.range(self._grammar.most_open + 1)
        new = opens[:, :, None] & (depths == deeper[:, :, None])
        return _Hypothesis(
            copied=state.copied + _one(copies),
            leaves=state.leaves - _one(tag),
            last=last,
            # Those that are forbidden or over stay within the brackets' space.
            depth=tf.clip_by_value(
                deeper - _one(closes), 0, self._grammar.most_open
            ),
            closing=tf.where(new, closing[:, :, None], state.closing),
            opened=tf.where(tag, 0, state.opened + _one(opens)),
            spare=state.spare - 2 * _one(opens),
        )

    def _moves(self, state: _Hypothesis) -> _Moves:
        """See `_top_down`."""
        grammar = self._grammar
        room = (
            (state.depth < grammar.most_open)
            & (state.opened < grammar.most_opened_at_once)
            & (state.spare >= 2)
        )
        moves = _in_order if grammar.in_order else _top_down
        return moves(state, room)

    def _next_of_word(self, memory: _Sentence, state: _Hypothesis) -> tf.Tensor:
        """`[batch, beams]`, the id of a word that may come, or `_NONE`."""
        if not self._grammar.words_in_target:
            return tf.fill(tf.shape(state.copied), _NONE)
        *_, leaf = self._moves(state)
        is_over = _at(memory.begins, state.copied)
        copies = leaf | ((state.last == _Last.WORD) & ~is_over)
        return tf.where(copies, _at(memory.ids, state.copied), _NONE)


def _top_down(state: _Hypothesis, room: tf.Tensor) -> _Moves:
    """Each bracket in front of what it holds.

    Args:
      state: of the hypotheses.
      room: `[batch, beams]` bool, where one constituent more is possible.

    Returns:
      `[batch, beams]` bool: whether a constituent may open, the innermost may
      close (behind the outermost: the sentence end), a leaf may begin.
    """
    needs = (state.last != _Last.WORD) & (state.leaves > 0)
    can_close = _is_whole(state) & ((state.leaves == 0) | (state.depth > 1))
    return needs & room, can_close, needs & (state.depth > 0)


def _in_order(state: _Hypothesis, room: tf.Tensor) -> _Moves:
    """Each bracket behind its first child, which is whole.

    So a leaf comes first, and behind an outermost constituent one may open that
    holds it: it must while words are left. See `_top_down`.
    """
    inside = (state.depth > 0) & (state.last != _Last.WORD)
    over = state.leaves == 0
    closes = inside & (over | (state.depth > 1) | room)
    ends = (state.depth == 0) & (state.last == _Last.CLOSING) & over
    begins = inside | (state.last == _Last.NOTHING)
    return _is_whole(state) & room, closes | ends, begins & ~over


def _is_whole(state: _Hypothesis) -> tf.Tensor:
    """`[batch, beams]` bool: behind a whole leaf or constituent."""
    return (state.last == _Last.TAG) | (state.last == _Last.CLOSING)


def _at(values: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """`[batch, source]` at `[batch, beams]`; at the last beyond it."""
    last = tf.shape(values)[1] - 1
    return tf.gather(values, tf.minimum(positions, last), batch_dims=1)


def _count(flags: tf.Tensor) -> tf.Tensor:
    """`[batch, source]` bool -> `[batch]` int32."""
    return tf.math.count_nonzero(flags, axis=1, dtype=tf.int32)


def _one(flags: tf.Tensor) -> tf.Tensor:
    """1 where a flag is up."""
    return tf.cast(flags, tf.int32)
