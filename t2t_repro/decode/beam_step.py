"""One step of beam search: what is alive, what is finished, what is decided.

Pure functions of the state and the next id's logits. Follows tensor2tensor's
search, or that of the Hugging Face transformers, which differs in five points:

* the penalty is n^alpha instead of ((5 + n) / 6)^alpha;
* of the continuations only the first `beams` may end;
* what stands at the limit counts as ended, with the same penalty;
* a sentence is decided when what is alive cannot enter the hypotheses at its
  present length, instead of at the limit;
* the padding is never generated, though it keeps its share of probability,
  unless the logits are "renormalized".

`beam_search` runs the loop around it.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_repro.text.encoder import EOS_ID, PAD_ID

# Ids in a block of the vocabulary, of which the best are looked for where the
# best blocks are: the maxima of blocks take a fraction of the time of a sort.
_BLOCK = 128

# Stands for minus infinity, as in tensor2tensor: far below any score, and
# still exact enough to add to.
IMPOSSIBLE = -1e7


class Rules(NamedTuple):
    """What decides a search.

    Attributes:
      beams: hypotheses alive at a time.
      candidates: continuations of a sentence that are looked at in a step.
      alpha: exponent of the length penalty.
      keep: how many of the best hypotheses must be final.
      search: `tensor2tensor`, `huggingface` or `huggingface_renormalized`.
    """

    beams: int
    candidates: int
    alpha: float
    keep: int
    search: str = "tensor2tensor"

    @property
    def of_transformers(self) -> bool:
        """Whether it goes as that of the transformers library."""
        return self.search != "tensor2tensor"

    def penalty(self, length: Any) -> tf.Tensor:
        """What the log probability of so many ids is divided by."""
        if self.of_transformers:
            return tf.pow(tf.cast(length, tf.float32), self.alpha)
        return length_penalty(length, self.alpha)


def greedy_rules(search: str) -> Rules:
    """Of the likeliest id at each position."""
    # With two candidates an end of sentence in second place would count.
    return Rules(1, 1, 0.0, 1, search)


def beam_rules(beam_size: int, alpha: float, keep: int, search: str) -> Rules:
    """Of a beam; arguments as of `beam_search.beam_search`."""
    # At most `beam_size` of the candidates can be ends of sentence, so that as
    # many hypotheses stay alive.
    rules = Rules(beam_size, 2 * beam_size, alpha, keep, search)
    return rules._replace(keep=beam_size) if rules.of_transformers else rules


class State(NamedTuple):
    """What a step changes.

    Attributes:
      alive_ids: `[active, beams, position]`.
      alive_log_probs: `[active, beams]`, best first.
      finished_ids: `[active, beams, position]`.
      finished_scores: `[active, beams]`, best first; `IMPOSSIBLE`: none yet.
      is_finished: `[active, beams]` bool.
      is_done: `[active]` bool, nothing can change any more.
    """

    alive_ids: tf.Tensor
    alive_log_probs: tf.Tensor
    finished_ids: tf.Tensor
    finished_scores: tf.Tensor
    is_finished: tf.Tensor
    is_done: tf.Tensor


def length_penalty(length: Any, alpha: float) -> tf.Tensor:
    """((5 + length) / 6)^alpha."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, alpha)


def first_state(limits: tf.Tensor, beams: int) -> State:
    """Nothing generated yet; only the first beam counts.

    Args:
      limits: `[batch]`, most ids to generate; none where it is 0.
      beams: hypotheses alive at a time.
    """
    batch = tf.shape(limits)[0]
    first_alive = tf.constant([[0.0] + [IMPOSSIBLE] * (beams - 1)])
    no_ids = tf.zeros([batch, beams, 0], tf.int32)
    return State(
        alive_ids=no_ids,
        alive_log_probs=tf.tile(first_alive, [batch, 1]),
        finished_ids=no_ids,
        finished_scores=tf.fill([batch, beams], IMPOSSIBLE),
        is_finished=tf.zeros([batch, beams], tf.bool),
        is_done=limits <= 0,
    )


def last_ids(state: State) -> tf.Tensor:
    """`[active, beams]`, 0 before the first position."""
    return tf.pad(state.alive_ids, [[0, 0], [0, 0], [1, 0]])[:, :, -1]


def advance(
    position: tf.Tensor,
    state: State,
    logits: tf.Tensor,
    limits: tf.Tensor,
    rules: Rules,
    allowed: tf.Tensor | None = None,
) -> tuple[State, tf.Tensor]:
    """One id more for every sentence that is not done.

    Args:
      position: ids generated before.
      state: before the step.
      logits: `[active, beams, vocabulary]`.
      limits: `[active]`.
      rules: of the search.
      allowed: `[active, beams, vocabulary]` bool, of what is alive the ids that
        may come next; None: all. A continuation that is not allowed is never
        taken; if there are too few others, fewer hypotheses are alive or end.

    Returns:
      The state, and `[active, beams]` the beam that each alive one continues.
    """
    beams, keep = rules.beams, rules.keep
    length = position + 1
    ids, log_probs, parents = _candidates(state, logits, rules, allowed)
    ends = ids[:, :, -1] == EOS_ID
    alive = tf.math.top_k(log_probs + tf.where(ends, IMPOSSIBLE, 0.0), beams)
    alive_parents = tf.gather(parents, alive.indices, batch_dims=1)
    if rules.of_transformers:
        ends |= (length >= limits)[:, None]
        ends &= tf.range(rules.candidates) < beams

    grown_ids = tf.pad(state.finished_ids, [[0, 0], [0, 0], [0, 1]])
    scores = log_probs / rules.penalty(length)
    all_scores = tf.concat(
        [state.finished_scores, scores + tf.where(ends, 0.0, IMPOSSIBLE)], 1
    )
    finished = tf.math.top_k(all_scores, beams)
    finished_ids = tf.gather(
        tf.concat([grown_ids, ids], 1), finished.indices, batch_dims=1
    )
    is_finished = tf.gather(
        tf.concat([state.is_finished, ends], 1), finished.indices, batch_dims=1
    )

    # The best that the best alive hypothesis can still become.
    final = length if rules.of_transformers else limits
    bound = alive.values[:, 0] / rules.penalty(final)
    decided = is_finished[:, keep - 1] & (finished.values[:, keep - 1] > bound)
    frozen = state.is_done

    def unless_frozen(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
        shape = [-1] + [1] * (len(new.shape) - 1)
        return tf.where(tf.reshape(frozen, shape), old, new)

    grown = State(
        alive_ids=unless_frozen(
            tf.gather(ids, alive.indices, batch_dims=1),
            tf.pad(state.alive_ids, [[0, 0], [0, 0], [0, 1]]),
        ),
        alive_log_probs=unless_frozen(alive.values, state.alive_log_probs),
        finished_ids=unless_frozen(finished_ids, grown_ids),
        finished_scores=unless_frozen(finished.values, state.finished_scores),
        is_finished=unless_frozen(is_finished, state.is_finished),
        is_done=frozen | decided | (length >= limits),
    )
    return grown, alive_parents


def _candidates(
    state: State, logits: tf.Tensor, rules: Rules, allowed: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The best continuations of each sentence.

    Each beam's best are looked for among its logits: nothing else needs the
    probabilities of a whole vocabulary.

    Args:
      state: before the step.
      logits: `[active, beams, vocabulary]`.
      rules: of the search; `candidates` is the count.
      allowed: see `advance`; what is not has minus infinity.

    Returns:
      ids `[active, count, position + 1]`, log probabilities `[active, count]`
      and the beam that each continues `[active, count]`.
    """
    beams, vocabulary = logits.shape[1:]
    count = rules.candidates
    width = min(count, vocabulary)
    choices = logits
    if rules.of_transformers:
        # A logit far below any, but finite.
        bar = tf.one_hot(PAD_ID, vocabulary, logits.dtype.min / 2, 0.0)
        choices = logits + bar
    if rules.search == "huggingface_renormalized":
        logits = choices
    if allowed is not None:
        choices = tf.where(allowed, choices, logits.dtype.min)
    values, indices = largest(choices, width)
    peak = values[:, :, :1]
    if allowed is not None:
        # What is not allowed may be far likelier.
        peak = tf.reduce_max(logits, axis=-1, keepdims=True)
    total = tf.reduce_sum(tf.exp(logits - peak), axis=-1, keepdims=True)
    log_probs = values - peak - tf.math.log(total)
    log_probs += state.alive_log_probs[:, :, None]
    if allowed is not None:
        # Nor may what continues an impossible hypothesis count.
        possible = log_probs > IMPOSSIBLE
        log_probs = tf.where(possible, log_probs, -np.inf)
    flat = [-1, beams * width]
    chosen = tf.math.top_k(tf.reshape(log_probs, flat), count)
    parents = chosen.indices // width
    last = tf.gather(tf.reshape(indices, flat), chosen.indices, batch_dims=1)
    before = tf.gather(state.alive_ids, parents, batch_dims=1)
    ids = tf.concat([before, last[:, :, None]], axis=2)
    return ids, chosen.values, parents


def largest(logits: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """What `tf.math.top_k` finds, in the same order, among many.

    No block but the `count` with the largest maxima can hold one of the
    `count` largest: each of those has one that is at least as large, and, of
    two blocks with the same maximum, the first is taken.

    Args:
      logits: `[active, beams, vocabulary]`.
      count: how many, at most `vocabulary`.

    Returns:
      values and indices `[active, beams, count]`, the largest first; of equal
      ones that with the smallest index.
    """
    beams, vocabulary = logits.shape[1:]
    blocks = -(-vocabulary // _BLOCK)
    if blocks <= count:
        best = tf.math.top_k(logits, count)
        return best.values, best.indices
    missing = blocks * _BLOCK - vocabulary
    if missing:
        padding = [[0, 0], [0, 0], [0, missing]]
        logits = tf.pad(logits, padding, constant_values=logits.dtype.min)
    blocked = tf.reshape(logits, [-1, beams, blocks, _BLOCK])
    top = tf.math.top_k(tf.reduce_max(blocked, axis=3), count).indices
    # In the vocabulary's order, so that of equal ones the first comes first.
    top = tf.sort(top, axis=2)
    few = tf.gather(blocked, top, batch_dims=2)
    best = tf.math.top_k(tf.reshape(few, [-1, beams, count * _BLOCK]), count)
    block = tf.gather(top, best.indices // _BLOCK, batch_dims=2)
    return best.values, block * _BLOCK + best.indices % _BLOCK
