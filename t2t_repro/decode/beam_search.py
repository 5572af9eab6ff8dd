"""Beam search with a length penalty: section 6.1 (Wu et al. 2016, eq. 14).

Follows tensor2tensor's search step by step, with one change: every sentence
has its own length limit and is frozen once it is decided, so a translation
does not depend on which sentences happen to share the batch.

The encoder runs once; its keys and values are never copied for the beams,
which lie where positions lie in training (`Transformer.step`).
"""

from typing import Any
from typing import NamedTuple

import tensorflow as tf

from t2t_repro.layers.attention import padding_bias
from t2t_repro.text.encoder import EOS_ID

# Stands for minus infinity, as in tensor2tensor: far below any score, and
# still exact enough to add to.
_IMPOSSIBLE = -1e7


class Hypotheses(NamedTuple):
    """The result, best first.

    Attributes:
      ids: `[batch, beams, length]` int32, 0 behind the end of sentence.
      scores: `[batch, beams]` float32. A finished hypothesis has
        log P / ((5 + n) / 6)^alpha, n counting the end of sentence; one that
        met the limit unfinished has log P alone. Natural logarithms.
    """

    ids: tf.Tensor
    scores: tf.Tensor


class _State(NamedTuple):
    """Loop variables.

    Attributes:
      position: scalar, ids generated so far.
      alive_ids: `[batch, beams, position]`.
      alive_log_probs: `[batch, beams]`, best first.
      finished_ids: `[batch, beams, position]`.
      finished_scores: `[batch, beams]`, best first; `_IMPOSSIBLE`: none yet.
      is_finished: `[batch, beams]` bool.
      is_done: `[batch]` bool, nothing can change any more.
      past: the decoder's cache, rows `batch * beams`.
    """

    position: tf.Tensor
    alive_ids: tf.Tensor
    alive_log_probs: tf.Tensor
    finished_ids: tf.Tensor
    finished_scores: tf.Tensor
    is_finished: tf.Tensor
    is_done: tf.Tensor
    past: Any


def length_penalty(length: Any, alpha: float) -> tf.Tensor:
    """((5 + length) / 6)^alpha."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, alpha)


def beam_search(
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    beam_size: int,
    alpha: float,
    keep: int = 1,
) -> Hypotheses:
    """Translates a batch.

    Args:
      model: with `encode`, `memory`, `empty_past` and `step`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      beam_size: hypotheses alive at a time.
      alpha: exponent of the length penalty.
      keep: how many of the best hypotheses must be final: the search for a
        sentence ends as soon as no alive one can still enter these.

    Returns:
      `beam_size` hypotheses per sentence; beyond `keep` they may not be the
      best ones that exist.
    """
    batch = tf.shape(inputs)[0]
    memory = model.memory(model.encode(inputs))
    bias = padding_bias(inputs)
    first_alive = tf.constant([[0.0] + [_IMPOSSIBLE] * (beam_size - 1)])
    no_ids = tf.zeros([batch, beam_size, 0], tf.int32)
    start = _State(
        position=tf.constant(0),
        alive_ids=no_ids,
        alive_log_probs=tf.tile(first_alive, [batch, 1]),
        finished_ids=no_ids,
        finished_scores=tf.fill([batch, beam_size], _IMPOSSIBLE),
        is_finished=tf.zeros([batch, beam_size], tf.bool),
        is_done=limits <= 0,
        past=model.empty_past(batch * beam_size),
    )

    def grow(state: _State) -> _State:
        last = tf.concat(
            [tf.zeros([batch, beam_size, 1], tf.int32), state.alive_ids], 2
        )[:, :, -1]
        logits, past = model.step(
            last, state.position, memory, bias, state.past
        )
        return _advance(state, logits, past, limits, alpha, keep)

    end = tf.while_loop(
        lambda state: tf.logical_not(tf.reduce_all(state.is_done)),
        lambda state: (grow(state),),
        (start,),
        shape_invariants=(_invariants(start),),
    )[0]
    return _result(end)


def greedy_search(
    model: Any, inputs: tf.Tensor, limits: tf.Tensor
) -> Hypotheses:
    """Takes the likeliest id at each position.

    Args:
      model: as in `beam_search`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.

    Returns:
      One hypothesis per sentence; its score is log P.
    """
    batch = tf.shape(inputs)[0]
    memory = model.memory(model.encode(inputs))
    bias = padding_bias(inputs)
    start = (
        tf.constant(0),
        tf.zeros([batch, 0], tf.int32),
        tf.zeros([batch]),
        limits <= 0,
        model.empty_past(batch),
    )

    def grow(position, ids, scores, is_done, past):
        last = tf.concat([tf.zeros([batch, 1], tf.int32), ids], 1)[:, -1:]
        logits, past = model.step(last, position, memory, bias, past)
        log_probs = tf.nn.log_softmax(logits[:, 0])
        best = tf.argmax(log_probs, axis=-1, output_type=tf.int32)
        scores += tf.where(is_done, 0.0, tf.reduce_max(log_probs, axis=-1))
        best = tf.where(is_done, 0, best)
        ids = tf.concat([ids, best[:, None]], 1)
        is_done |= (best == EOS_ID) | (position + 1 >= limits)
        return position + 1, ids, scores, is_done, past

    _, ids, scores, _, _ = tf.while_loop(
        lambda position, ids, scores, is_done, past: tf.logical_not(
            tf.reduce_all(is_done)
        ),
        grow,
        start,
        shape_invariants=_invariants(start),
    )
    return Hypotheses(ids[:, None], scores[:, None])


def _advance(
    state: _State,
    logits: tf.Tensor,
    past: Any,
    limits: tf.Tensor,
    alpha: float,
    keep: int,
) -> _State:
    """One id more for every sentence that is not done.

    Args:
      state: before the step.
      logits: `[batch, beams, vocabulary]`.
      past: the cache with this position, in the order of the old beams.
      limits: `[batch]`.
      alpha: exponent of the length penalty.
      keep: how many of the best hypotheses must be final.
    """
    batch, beams = tf.shape(logits)[0], logits.shape[1]
    length = state.position + 1
    penalty = length_penalty(length, alpha)
    ids, log_probs, parents = _candidates(state, logits, penalty)
    ends = ids[:, :, -1] == EOS_ID
    scores = log_probs / penalty
    alive = tf.math.top_k(scores + tf.where(ends, _IMPOSSIBLE, 0.0), beams)
    alive_log_probs = tf.gather(log_probs, alive.indices, batch_dims=1)
    alive_parents = tf.gather(parents, alive.indices, batch_dims=1)

    grown_ids = tf.pad(state.finished_ids, [[0, 0], [0, 0], [0, 1]])
    all_scores = tf.concat(
        [state.finished_scores, scores + tf.where(ends, 0.0, _IMPOSSIBLE)], 1
    )
    finished = tf.math.top_k(all_scores, beams)
    finished_ids = tf.gather(
        tf.concat([grown_ids, ids], 1), finished.indices, batch_dims=1
    )
    is_finished = tf.gather(
        tf.concat([state.is_finished, ends], 1), finished.indices, batch_dims=1
    )

    # The best that the best alive hypothesis can still become.
    bound = alive_log_probs[:, 0] / length_penalty(limits, alpha)
    decided = is_finished[:, keep - 1] & (finished.values[:, keep - 1] > bound)
    frozen = state.is_done

    def unless_frozen(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
        shape = [-1] + [1] * (len(new.shape) - 1)
        return tf.where(tf.reshape(frozen, shape), old, new)

    rows = tf.range(batch)[:, None] * beams + alive_parents
    rows = tf.reshape(rows, [-1])
    return _State(
        position=length,
        alive_ids=unless_frozen(
            tf.gather(ids, alive.indices, batch_dims=1),
            tf.pad(state.alive_ids, [[0, 0], [0, 0], [0, 1]]),
        ),
        alive_log_probs=unless_frozen(alive_log_probs, state.alive_log_probs),
        finished_ids=unless_frozen(finished_ids, grown_ids),
        finished_scores=unless_frozen(finished.values, state.finished_scores),
        is_finished=unless_frozen(is_finished, state.is_finished),
        is_done=frozen | decided | (length >= limits),
        past=tf.nest.map_structure(lambda x: tf.gather(x, rows), past),
    )


def _candidates(
    state: _State, logits: tf.Tensor, penalty: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The best 2 * beams continuations of each sentence.

    At most `beams` of them can be ends of sentence, so as many stay alive.

    Returns:
      ids `[batch, 2 * beams, position + 1]`, log probabilities
      `[batch, 2 * beams]` and the beam each continues `[batch, 2 * beams]`.
    """
    batch = tf.shape(logits)[0]
    beams, vocabulary = logits.shape[1], logits.shape[2]
    log_probs = tf.nn.log_softmax(logits) + state.alive_log_probs[:, :, None]
    flat = tf.reshape(log_probs / penalty, [batch, beams * vocabulary])
    scores, index = tf.math.top_k(flat, 2 * beams)
    parents = index // vocabulary
    ids = tf.concat(
        [
            tf.gather(state.alive_ids, parents, batch_dims=1),
            (index % vocabulary)[:, :, None],
        ],
        axis=2,
    )
    return ids, scores * penalty, parents


def _result(end: _State) -> Hypotheses:
    """Finished hypotheses where there are any, else the alive ones."""
    any_finished = tf.reduce_any(end.is_finished, axis=1)
    return Hypotheses(
        tf.where(any_finished[:, None, None], end.finished_ids, end.alive_ids),
        tf.where(
            any_finished[:, None], end.finished_scores, end.alive_log_probs
        ),
    )


def _invariants(start: Any) -> Any:
    """Shapes of the loop variables: caches and ids grow by a position."""

    def invariant(tensor: tf.Tensor) -> tf.TensorShape:
        dimensions = tensor.shape.as_list()
        if len(dimensions) == 4:  # a cache, [rows, past, heads, depth]
            dimensions[:2] = None, None
        elif dimensions:
            dimensions[0] = None
            if 0 in dimensions:  # ids, [batch, (beams,) position]
                dimensions[-1] = None
        return tf.TensorShape(dimensions)

    return tf.nest.map_structure(invariant, start)
