"""Beam search with a length penalty: section 6.1 (Wu et al. 2016, eq. 14).

Follows tensor2tensor's search step by step, with one change: every sentence
has its own length limit and is frozen once it is decided, so a translation
does not depend on which sentences happen to share the batch.

Three things make it fast. The encoder runs once, and one copy of what it gives
serves all beams. What a model carries from step to step is its own affair, and
so is how it follows the beams when they change places. Sentences that are
decided leave the batch, a quarter of it at a time.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_repro.decode.beam_step import (
    Rules,
    State,
    advance,
    beam_rules,
    first_state,
    greedy_rules,
    last_ids,
)
from t2t_repro.decode.constraint import ANYTHING, Constraint
from t2t_repro.models.seq2seq import gather_beams

# The batch shrinks when this share of it is decided: rows that idle cost time,
# and so does moving the others.
SHRINK_AT = 0.25


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


# One id more: (position, state, logits, of each sentence, allowed ids) -> the
# state, and the beam that each alive one continues; see `beam_step.advance`.
Advance = Callable[
    [tf.Tensor, State, tf.Tensor, Any, tf.Tensor | None],
    tuple[State, tf.Tensor | None],
]


class Fixed(NamedTuple):
    """What a search knows of the sentences in the batch, and never changes.

    Attributes:
      given: what `advance` wants to know of each, a nest of `[active, ...]`.
      memory: the model's; see `models.seq2seq`.
      form: the constraint's memory; see `constraint`.
    """

    given: Any
    memory: Any
    form: Any


class Changing(NamedTuple):
    """What every step replaces.

    Attributes:
      carried: the model's state.
      followed: the constraint's state.
      state: of the search.
    """

    carried: Any
    followed: Any
    state: State


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
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    search: str = "tensor2tensor",
    constraint: Constraint = ANYTHING,
) -> Hypotheses:
    """Takes the likeliest id at each position.

    Args:
      model: as in `beam_search`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      search: as in `beam_search`.
      constraint: as in `beam_search`.

    Returns:
      One hypothesis per sentence; its score is log P.
    """
    rules = greedy_rules(search)
    return _search_by(rules, model, inputs, limits, constraint)


def beam_search(
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    beam_size: int,
    alpha: float,
    keep: int = 1,
    search: str = "tensor2tensor",
    constraint: Constraint = ANYTHING,
) -> Hypotheses:
    """Translates a batch.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      beam_size: hypotheses alive at a time.
      alpha: exponent of the length penalty.
      keep: how many of the best hypotheses must be final: the search for a
        sentence ends as soon as no alive one can still enter these.
      search: how hypotheses end and are ranked, see `beam_step`; by the rules
        of transformers all of them must be final.
      constraint: the form of an output.

    Returns:
      `beam_size` hypotheses per sentence; beyond `keep` they may not be the
      best ones that exist.
    """
    rules = beam_rules(beam_size, alpha, keep, search)
    return _search_by(rules, model, inputs, limits, constraint)


def _search_by(
    rules: Rules,
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    constraint: Constraint,
) -> Hypotheses:
    beams, choose = rules.beams, advance_by(rules)
    return search(model, inputs, limits, beams, limits, choose, constraint)


def advance_by(rules: Rules) -> Advance:
    """Chooses by the rules; what is given of each sentence is its limit."""

    def one_id_more(
        position: tf.Tensor,
        state: State,
        logits: tf.Tensor,
        limits: tf.Tensor,
        allowed: tf.Tensor | None,
    ) -> tuple[State, tf.Tensor | None]:
        state, parents = advance(
            position, state, logits, limits, rules, allowed
        )
        return state, parents if rules.beams > 1 else None

    return one_id_more


class Growth:
    """How the hypotheses of a batch begin, and grow by one id."""

    def __init__(
        self,
        model: Any,
        beams: int,
        advance: Advance,
        constraint: Constraint = ANYTHING,
    ):
        """Takes what decides; arguments as of `search`."""
        self._model = model
        self._kernel = model.output_kernel()
        self._beams = beams
        self._advance = advance
        self._constraint = constraint

    def begin(
        self, inputs: tf.Tensor, limits: tf.Tensor, given: Any
    ) -> tuple[Fixed, Changing]:
        """Reads the sources; nothing is generated yet.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          limits: `[batch]` int32, most ids to generate for each sentence.
          given: see `Fixed`.
        """
        beams = self._beams
        memory, carried = self._model.start(self._model.encode(inputs), beams)
        form, followed = self._constraint.start(inputs, limits, beams)
        state = first_state(limits, beams)
        return Fixed(given, memory, form), Changing(carried, followed, state)

    def grow(
        self, position: tf.Tensor, fixed: Fixed, changing: Changing
    ) -> Changing:
        """One id more; `position` ids were generated before."""
        given, memory, form = fixed
        carried, followed, state = changing
        ids = last_ids(state)
        x, carried = self._model.step(ids, position, memory, carried)
        logits = self._model.logits(x, self._kernel)
        logits = self._constraint.merged(form, followed, logits)
        allowed = self._constraint.allowed(form, followed)
        state, parents = self._advance(position, state, logits, given, allowed)
        if parents is not None:
            carried = self._model.reorder(carried, parents)
            followed = tf.nest.map_structure(
                lambda tensor: gather_beams(tensor, parents), followed
            )
        followed = self._constraint.advance(form, followed, last_ids(state))
        return Changing(carried, followed, state)


def search(
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    beams: int,
    given: Any,
    advance: Advance,
    constraint: Constraint,
) -> Hypotheses:
    """The loop around all ways to generate.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      beams: hypotheses of each sentence that go on at a time.
      given: what `advance` wants to know of each sentence, a nest of
        `[batch, ...]`.
      advance: chooses the next ids; without parents all beams go on.
      constraint: the form of an output.
    """
    growth = Growth(model, beams, advance, constraint)
    fixed, changing = growth.begin(inputs, limits, given)
    rows = tf.range(tf.shape(inputs)[0])
    nobody = _Left(
        rows=tf.zeros([0], tf.int32),
        ids=tf.zeros([0, beams, 0], tf.int32),
        scores=tf.zeros([0, beams]),
    )

    def grow_until_it_pays_to_shrink(
        position: tf.Tensor,
        rows: tf.Tensor,
        fixed: Fixed,
        changing: Changing,
        left: _Left,
    ) -> tuple[tf.Tensor, tf.Tensor, Fixed, Changing, _Left]:
        # What stays as it is is no variable of the inner loop.
        inner = (position, changing)
        position, changing = tf.while_loop(
            lambda position, changing: (
                _share(changing.state.is_done) < SHRINK_AT
            ),
            lambda position, changing: (
                position + 1,
                growth.grow(position, fixed, changing),
            ),
            inner,
            shape_invariants=_invariants(inner),
        )
        left = _with_done(left, position, rows, changing.state)
        stay = tf.where(tf.logical_not(changing.state.is_done))[:, 0]
        rows, fixed, changing = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, stay), (rows, fixed, changing)
        )
        return position, rows, fixed, changing, left

    start = (tf.constant(0), rows, fixed, changing, nobody)
    *_, left = tf.while_loop(
        lambda position, rows, *others: tf.size(rows) > 0,
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


def _with_done(
    left: _Left, position: tf.Tensor, rows: tf.Tensor, state: State
) -> _Left:
    """Takes in the sentences that are done.

    Args:
      left: those that left before.
      position: ids generated so far.
      rows: `[active]`, of the result.
      state: of the search.
    """
    done = tf.where(state.is_done)[:, 0]
    more = position - tf.shape(left.ids)[2]
    best = final_hypotheses(state)
    return _Left(
        tf.concat([left.rows, tf.gather(rows, done)], 0),
        tf.concat(
            [
                tf.pad(left.ids, [[0, 0], [0, 0], [0, more]]),
                tf.gather(best.ids, done),
            ],
            0,
        ),
        tf.concat([left.scores, tf.gather(best.scores, done)], 0),
    )


def final_hypotheses(state: State) -> Hypotheses:
    """Finished hypotheses where there are any, else the alive ones."""
    any_finished = tf.reduce_any(state.is_finished, axis=1)[:, None]
    return Hypotheses(
        tf.where(any_finished[:, :, None], state.finished_ids, state.alive_ids),
        tf.where(any_finished, state.finished_scores, state.alive_log_probs),
    )


def _invariants(start: Any) -> Any:
    """Shapes of the loop variables: batches shrink, axes of size 0 grow."""

    def invariant(tensor: tf.Tensor) -> tf.TensorShape:
        dimensions = [size or None for size in tensor.shape.as_list()]
        return tf.TensorShape([None, *dimensions[1:]][: len(dimensions)])

    return tf.nest.map_structure(invariant, start)
