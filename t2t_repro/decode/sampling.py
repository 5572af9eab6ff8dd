"""Drawing a translation id by id instead of searching for the likeliest.

tensor2tensor's `sampling_method=random`, `sampling_temp` and
`sampling_keep_top_k`, as its decoding with beam size 1 used them, and the
nucleus of Holtzman et al. (2020) as `sampling_keep_top_p`. Not in the paper.

All chance comes from one number between 0 and 1 for each sentence and
position, which depends on the seed, the number of the line and the position
alone: neither batches nor workers change what is drawn.

The padding is never drawn, which tensor2tensor allowed: it stands for no text,
but label smoothing gives it some probability.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.decode.beam_search import Hypotheses, search
from t2t_repro.decode.beam_step import State
from t2t_repro.decode.constraint import ANYTHING, Constraint
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.layers.attention import MASKED
from t2t_repro.text.encoder import EOS_ID, PAD_ID


def draws(seed: int, numbers: Sequence[int], limits: np.ndarray) -> np.ndarray:
    """The chance in every choice.

    Args:
      seed: `random_seed`.
      numbers: of the sentences' lines.
      limits: `[batch]`, most ids to generate for each sentence.

    Returns:
      `[batch, longest limit]` float32, from 0 up to 1.
    """
    values = np.zeros((len(numbers), limits.max()), np.float32)
    for row, (number, limit) in enumerate(zip(numbers, limits, strict=True)):
        # A counter-based generator: any two keys are independent streams.
        generator = np.random.Generator(np.random.Philox(key=[seed, number]))
        values[row, :limit] = generator.random(limit, np.float32)
    return values


def choose(
    logits: tf.Tensor, drawn: tf.Tensor, options: DecodeOptions
) -> tf.Tensor:
    """Chooses an id for each row by its place on the line from 0 to 1.

    The ids that may be chosen lie on it side by side, each as wide as it is
    likely; in order of the ids, or the likeliest first where some are left
    out.

    Args:
      logits: `[batch, vocabulary]` float32.
      drawn: `[batch]` float32, from 0 up to 1.
      options: `sampling_temp`, `sampling_keep_top_k`, `sampling_keep_top_p`.

    Returns:
      `[batch]` int32.
    """
    vocabulary = logits.shape[-1]
    top_k, top_p = options.sampling_keep_top_k, options.sampling_keep_top_p
    logits /= options.sampling_temp
    logits += tf.one_hot(PAD_ID, vocabulary, on_value=MASKED, off_value=0.0)
    ids = tf.broadcast_to(tf.range(vocabulary), tf.shape(logits))
    if top_k > 0 or top_p < 1:
        kept = min(top_k, vocabulary) if top_k > 0 else vocabulary
        logits, ids = tf.math.top_k(logits, kept)
    widths = tf.nn.softmax(logits)
    if top_p < 1:
        # The likeliest is always kept: nothing is in front of it.
        in_front = tf.cumsum(widths, axis=1, exclusive=True)
        widths = tf.where(in_front < top_p, widths, 0.0)
    ends = tf.cumsum(widths, axis=1)
    whole = ends[:, -1]
    # Rounding up to the whole would leave no end behind the place.
    place = tf.minimum(drawn * whole, tf.math.nextafter(whole, 0.0))
    chosen = tf.argmax(ends > place[:, None], axis=1, output_type=tf.int32)
    return tf.gather(ids, chosen, batch_dims=1)


def sample(
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    drawn: tf.Tensor,
    options: DecodeOptions,
    constraint: Constraint = ANYTHING,
) -> Hypotheses:
    """Draws a translation of each sentence.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      drawn: from `draws`.
      options: how to choose.
      constraint: the form of an output.

    Returns:
      One hypothesis for each sentence; its score is the log probability that
      the model gives it, whatever the temperature and what was left out.
    """

    def one_id_more(
        position: tf.Tensor,
        state: State,
        logits: tf.Tensor,
        given: tuple[tf.Tensor, tf.Tensor],
        allowed: tf.Tensor | None,
    ) -> tuple[State, None]:
        limits, drawn = given
        logits = logits[:, 0]
        choices = logits
        if allowed is not None:
            choices = tf.where(allowed[:, 0], logits, MASKED)
        ids = choose(choices, drawn[:, position], options)
        log_probs = -tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)
        done = state.is_done
        ids = tf.where(done, PAD_ID, ids)[:, None, None]
        log_probs = tf.where(done, 0.0, log_probs)[:, None]
        ends = (ids[:, 0, 0] == EOS_ID) | (position + 1 >= limits)
        grown = state._replace(
            alive_ids=tf.concat([state.alive_ids, ids], 2),
            alive_log_probs=state.alive_log_probs + log_probs,
            # None are kept apart: what is drawn is what there is.
            finished_ids=tf.concat([state.finished_ids, ids], 2),
            is_done=done | ends,
        )
        return grown, None

    given = limits, drawn
    return search(model, inputs, limits, 1, given, one_id_more, constraint)
