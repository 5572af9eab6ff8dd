"""Beam search with a length penalty: section 6.1 (Wu et al. 2016, eq. 14).

Follows tensor2tensor's search step by step, with one change: every sentence
has its own length limit and is frozen once it is decided, so a translation
does not depend on which sentences happen to share the batch.

Three things make it fast. The encoder runs once, and one copy of its keys and
values serves all beams. The decoder's cache is never put in another order when
beams are: it holds every beam's entry at every position, and a bias shows a
beam its ancestors alone. Sentences that are decided leave the batch, a quarter
of it at a time.
"""

from typing import Any
from typing import NamedTuple

import tensorflow as tf

from t2t_repro.decode.beam_step import Rules
from t2t_repro.decode.beam_step import State
from t2t_repro.decode.beam_step import advance
from t2t_repro.decode.beam_step import ancestry_bias
from t2t_repro.decode.beam_step import first_state
from t2t_repro.decode.beam_step import last_ids
from t2t_repro.layers.attention import padding_bias
from t2t_repro.layers.linear import matmul_last

# The batch shrinks when this share of it is decided: rows that idle cost time,
# and so does moving the others.
_SHRINK_AT = 0.25


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


class _Sources(NamedTuple):
    """What the search knows of the sentences that are still in the batch.

    Attributes:
      rows: `[active]`, their rows in the result.
      limits: `[active]`, most ids to generate.
      inputs: `[active, source]`. The bias that hides padding is made of them
        in every step: carried along instead, it lets a graph rewriting of
        TensorFlow 2.21 break the loop of a model of one layer.
      memory: keys and values of the encoder's output.
    """

    rows: tf.Tensor
    limits: tf.Tensor
    inputs: tf.Tensor
    memory: Any


class _Left(NamedTuple):
    """The sentences that have left the batch, in the order in which they did.

    Attributes:
      rows: `[left]`, their rows in the result.
      ids: `[left, beams, position]`.
      scores: `[left, beams]`.
    """

    rows: tf.Tensor
    ids: tf.Tensor
    scores: tf.Tensor


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
    # With two candidates an end of sentence in second place would count.
    rules = Rules(beams=1, candidates=1, alpha=0.0, keep=1)
    return _search(model, inputs, limits, rules)


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
      model: with `encode`, `memory`, `empty_past`, `step` and
        `softmax_kernel`.
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
    # At most `beam_size` of the candidates can be ends of sentence, so that as
    # many hypotheses stay alive.
    rules = Rules(beam_size, 2 * beam_size, alpha, keep)
    return _search(model, inputs, limits, rules)


def _search(
    model: Any, inputs: tf.Tensor, limits: tf.Tensor, rules: Rules
) -> Hypotheses:
    kernel = model.softmax_kernel()
    sources = _Sources(
        rows=tf.range(tf.shape(inputs)[0]),
        limits=limits,
        inputs=inputs,
        memory=model.memory(model.encode(inputs)),
    )

    def grow(
        position: tf.Tensor, state: State, sources: _Sources
    ) -> tuple[tf.Tensor, State]:
        x, past = model.step(
            last_ids(state),
            position,
            sources.memory,
            padding_bias(sources.inputs),
            state.past,
            ancestry_bias(state.ancestors),
        )
        logits = matmul_last(x, kernel)
        state = state._replace(past=past)
        state = advance(position, state, logits, sources.limits, rules)
        return position + 1, state

    def grow_until_it_pays_to_shrink(
        position: tf.Tensor, state: State, sources: _Sources, left: _Left
    ) -> tuple[tf.Tensor, State, _Sources, _Left]:
        position, state = tf.while_loop(
            lambda position, state: _share(state.is_done) < _SHRINK_AT,
            lambda position, state: grow(position, state, sources),
            (position, state),
            shape_invariants=_invariants((position, state)),
        )
        return position, *_shrink(position, state, sources, left)

    start = (
        tf.constant(0),
        first_state(model, limits, rules.beams),
        sources,
        _Left(
            rows=tf.zeros([0], tf.int32),
            ids=tf.zeros([0, rules.beams, 0], tf.int32),
            scores=tf.zeros([0, rules.beams]),
        ),
    )
    *_, left = tf.while_loop(
        lambda position, state, sources, left: tf.size(sources.rows) > 0,
        grow_until_it_pays_to_shrink,
        start,
        shape_invariants=_invariants(start),
    )
    order = tf.argsort(left.rows)
    return Hypotheses(tf.gather(left.ids, order), tf.gather(left.scores, order))


def _share(flags: tf.Tensor) -> tf.Tensor:
    """The share of flags that are up; 1 of none."""
    count = tf.maximum(tf.size(flags), 1)
    down = tf.math.count_nonzero(tf.logical_not(flags), dtype=tf.int32)
    return 1.0 - tf.cast(down / count, tf.float32)


def _shrink(
    position: tf.Tensor, state: State, sources: _Sources, left: _Left
) -> tuple[State, _Sources, _Left]:
    """Takes the sentences that are done out of the batch.

    Args:
      position: ids generated so far.
      state: with some sentences that are done.
      sources: of the same sentences.
      left: those that left before.
    """
    done = tf.where(state.is_done)[:, 0]
    stay = tf.where(tf.logical_not(state.is_done))[:, 0]
    more = position - tf.shape(left.ids)[2]
    best = _hypotheses(state)
    left = _Left(
        tf.concat([left.rows, tf.gather(sources.rows, done)], 0),
        tf.concat(
            [
                tf.pad(left.ids, [[0, 0], [0, 0], [0, more]]),
                tf.gather(best.ids, done),
            ],
            0,
        ),
        tf.concat([left.scores, tf.gather(best.scores, done)], 0),
    )
    state, sources = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, stay), (state, sources)
    )
    return state, sources, left


def _hypotheses(state: State) -> Hypotheses:
    """Finished hypotheses where there are any, else the alive ones."""
    any_finished = tf.reduce_any(state.is_finished, axis=1)[:, None]
    return Hypotheses(
        tf.where(any_finished[:, :, None], state.finished_ids, state.alive_ids),
        tf.where(any_finished, state.finished_scores, state.alive_log_probs),
    )


def _invariants(start: Any) -> Any:
    """Shapes of the loop variables: batches shrink, ids and caches grow."""

    def invariant(tensor: tf.Tensor) -> tf.TensorShape:
        dimensions = tensor.shape.as_list()
        if dimensions:
            dimensions[0] = None
        if len(dimensions) > 2:
            # ids `[active, beams, position]`, a cache's
            # `[active, heads, entries, depth]`.
            dimensions[2] = None
        return tf.TensorShape(dimensions)

    return tf.nest.map_structure(invariant, start)
