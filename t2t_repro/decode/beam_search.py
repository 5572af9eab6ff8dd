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

from t2t_repro.layers.attention import MASKED
from t2t_repro.layers.attention import padding_bias
from t2t_repro.text.encoder import EOS_ID

# Stands for minus infinity, as in tensor2tensor: far below any score, and
# still exact enough to add to.
_IMPOSSIBLE = -1e7

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


class _Rules(NamedTuple):
    """What decides a search.

    Attributes:
      beams: hypotheses alive at a time.
      candidates: continuations of a sentence that are looked at in a step.
      alpha: exponent of the length penalty.
      keep: how many of the best hypotheses must be final.
    """

    beams: int
    candidates: int
    alpha: float
    keep: int


class _Sources(NamedTuple):
    """What the search knows of the sentences that are still in the batch.

    Attributes:
      rows: `[active]`, their rows in the result.
      limits: `[active]`, most ids to generate.
      memory: keys and values of the encoder's output.
      bias: `[active, 1, 1, source]`.
    """

    rows: tf.Tensor
    limits: tf.Tensor
    memory: Any
    bias: tf.Tensor


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


class _State(NamedTuple):
    """What a step changes.

    Attributes:
      alive_ids: `[active, beams, position]`.
      alive_log_probs: `[active, beams]`, best first.
      ancestors: `[active, beams, position]`, the beam that each alive
        hypothesis was at each position.
      finished_ids: `[active, beams, position]`.
      finished_scores: `[active, beams]`, best first; `_IMPOSSIBLE`: none yet.
      is_finished: `[active, beams]` bool.
      is_done: `[active]` bool, nothing can change any more.
      past: the decoder's cache, `position * beams` entries.
    """

    alive_ids: tf.Tensor
    alive_log_probs: tf.Tensor
    ancestors: tf.Tensor
    finished_ids: tf.Tensor
    finished_scores: tf.Tensor
    is_finished: tf.Tensor
    is_done: tf.Tensor
    past: Any


def length_penalty(length: Any, alpha: float) -> tf.Tensor:
    """((5 + length) / 6)^alpha."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, alpha)


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
    rules = _Rules(beams=1, candidates=1, alpha=0.0, keep=1)
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
    rules = _Rules(beam_size, 2 * beam_size, alpha, keep)
    return _search(model, inputs, limits, rules)


def _search(
    model: Any, inputs: tf.Tensor, limits: tf.Tensor, rules: _Rules
) -> Hypotheses:
    kernel = model.softmax_kernel()
    sources = _Sources(
        rows=tf.range(tf.shape(inputs)[0]),
        limits=limits,
        memory=model.memory(model.encode(inputs)),
        bias=padding_bias(inputs),
    )

    def grow(
        position: tf.Tensor, state: _State, sources: _Sources
    ) -> tuple[tf.Tensor, _State]:
        x, past = model.step(
            _last_ids(state),
            position,
            sources.memory,
            sources.bias,
            state.past,
            _ancestry_bias(state.ancestors),
        )
        logits = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel)
        logits = tf.reshape(
            tf.cast(logits, tf.float32), [-1, rules.beams, kernel.shape[-1]]
        )
        state = state._replace(past=past)
        state = _advance(position, state, logits, sources.limits, rules)
        return position + 1, state

    def grow_until_it_pays_to_shrink(
        position: tf.Tensor, state: _State, sources: _Sources, left: _Left
    ) -> tuple[tf.Tensor, _State, _Sources, _Left]:
        position, state = tf.while_loop(
            lambda position, state: _share(state.is_done) < _SHRINK_AT,
            lambda position, state: grow(position, state, sources),
            (position, state),
            shape_invariants=_invariants((position, state)),
        )
        return position, *_shrink(position, state, sources, left)

    start = (
        tf.constant(0),
        _first_state(model, limits, rules.beams),
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


def _first_state(model: Any, limits: tf.Tensor, beams: int) -> _State:
    batch = tf.shape(limits)[0]
    first_alive = tf.constant([[0.0] + [_IMPOSSIBLE] * (beams - 1)])
    no_ids = tf.zeros([batch, beams, 0], tf.int32)
    return _State(
        alive_ids=no_ids,
        alive_log_probs=tf.tile(first_alive, [batch, 1]),
        ancestors=no_ids,
        finished_ids=no_ids,
        finished_scores=tf.fill([batch, beams], _IMPOSSIBLE),
        is_finished=tf.zeros([batch, beams], tf.bool),
        is_done=limits <= 0,
        past=model.empty_past(batch),
    )


def _last_ids(state: _State) -> tf.Tensor:
    """`[active, beams]`, 0 before the first position."""
    return tf.pad(state.alive_ids, [[0, 0], [0, 0], [1, 0]])[:, :, -1]


def _with_itself(ancestors: tf.Tensor) -> tf.Tensor:
    """`[active, beams, position]` -> the same with the beam's own number."""
    beams = ancestors.shape[1]
    own = tf.broadcast_to(
        tf.range(beams)[None, :, None], [tf.shape(ancestors)[0], beams, 1]
    )
    return tf.concat([ancestors, own], axis=2)


def _ancestry_bias(ancestors: tf.Tensor) -> tf.Tensor | None:
    """Hides the cache's entries of beams that are no ancestors.

    Args:
      ancestors: `[active, beams, position]`.

    Returns:
      `[active, 1, beams, (position + 1) * beams]`, 0 or `MASKED`, as
      `Transformer.step` takes it; None where there is one beam.
    """
    beams = ancestors.shape[1]
    if beams == 1:
        return None
    bias = tf.one_hot(
        _with_itself(ancestors), beams, on_value=0.0, off_value=MASKED
    )
    entries = tf.shape(bias)[2] * beams
    return tf.reshape(bias, [-1, 1, beams, entries])


def _advance(
    position: tf.Tensor,
    state: _State,
    logits: tf.Tensor,
    limits: tf.Tensor,
    rules: _Rules,
) -> _State:
    """One id more for every sentence that is not done.

    Args:
      position: ids generated before.
      state: before the step, but for the cache, which has it already.
      logits: `[active, beams, vocabulary]`.
      limits: `[active]`.
      rules: of the search.
    """
    beams, keep = rules.beams, rules.keep
    length = position + 1
    ids, log_probs, parents = _candidates(state, logits, rules.candidates)
    ends = ids[:, :, -1] == EOS_ID
    alive = tf.math.top_k(log_probs + tf.where(ends, _IMPOSSIBLE, 0.0), beams)
    alive_parents = tf.gather(parents, alive.indices, batch_dims=1)

    grown_ids = tf.pad(state.finished_ids, [[0, 0], [0, 0], [0, 1]])
    scores = log_probs / length_penalty(length, rules.alpha)
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
    bound = alive.values[:, 0] / length_penalty(limits, rules.alpha)
    decided = is_finished[:, keep - 1] & (finished.values[:, keep - 1] > bound)
    frozen = state.is_done

    def unless_frozen(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
        shape = [-1] + [1] * (len(new.shape) - 1)
        return tf.where(tf.reshape(frozen, shape), old, new)

    return _State(
        alive_ids=unless_frozen(
            tf.gather(ids, alive.indices, batch_dims=1),
            tf.pad(state.alive_ids, [[0, 0], [0, 0], [0, 1]]),
        ),
        alive_log_probs=unless_frozen(alive.values, state.alive_log_probs),
        ancestors=tf.gather(
            _with_itself(state.ancestors), alive_parents, batch_dims=1
        ),
        finished_ids=unless_frozen(finished_ids, grown_ids),
        finished_scores=unless_frozen(finished.values, state.finished_scores),
        is_finished=unless_frozen(is_finished, state.is_finished),
        is_done=frozen | decided | (length >= limits),
        past=state.past,
    )


def _candidates(
    state: _State, logits: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The best continuations of each sentence.

    Each beam's best are looked for among its logits: nothing else needs the
    probabilities of a whole vocabulary.

    Args:
      state: before the step.
      logits: `[active, beams, vocabulary]`.
      count: how many.

    Returns:
      ids `[active, count, position + 1]`, log probabilities `[active, count]`
      and the beam that each continues `[active, count]`.
    """
    beams, vocabulary = logits.shape[1:]
    width = min(count, vocabulary)
    best = tf.math.top_k(logits, width)
    peak = best.values[:, :, :1]
    total = tf.reduce_sum(tf.exp(logits - peak), axis=-1, keepdims=True)
    log_probs = best.values - peak - tf.math.log(total)
    log_probs += state.alive_log_probs[:, :, None]
    flat = [-1, beams * width]
    chosen = tf.math.top_k(tf.reshape(log_probs, flat), count)
    parents = chosen.indices // width
    last = tf.gather(
        tf.reshape(best.indices, flat), chosen.indices, batch_dims=1
    )
    before = tf.gather(state.alive_ids, parents, batch_dims=1)
    ids = tf.concat([before, last[:, :, None]], axis=2)
    return ids, chosen.values, parents


def _share(flags: tf.Tensor) -> tf.Tensor:
    """The share of flags that are up; 1 of none."""
    count = tf.maximum(tf.size(flags), 1)
    down = tf.math.count_nonzero(tf.logical_not(flags), dtype=tf.int32)
    return 1.0 - tf.cast(down / count, tf.float32)


def _shrink(
    position: tf.Tensor, state: _State, sources: _Sources, left: _Left
) -> tuple[_State, _Sources, _Left]:
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


def _hypotheses(state: _State) -> Hypotheses:
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
