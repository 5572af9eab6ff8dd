"""Hard attention: one position is looked at, not the mean of all.

"Stochastic hard attention" of Xu et al. 2015 (Show, Attend and Tell,
arXiv:1502.03044, section 4.1). While training the position is drawn from the
softmax of the scores. Nothing can be differentiated through a draw: the scores
learn by REINFORCE (Williams 1992), whose expected gradient is that of the
expected loss. The paper's three helps are here, a moving-average baseline, the
entropy of the weights, and sentences that see the mean instead.

The paper rewards each position with the likelihood of the whole sentence. Here
it is with the words that it can change: those before it only add noise.
"""

from typing import Any, NamedTuple

from keras import ops

# A weight below counts as this: a float's logarithm of 0 has no gradient.
_SMALLEST = 1e-20


class Choice(NamedTuple):
    """What is learnt from, of all heads together.

    Attributes:
      log_probs: `[batch, query]` of what was drawn; 0 where nothing was.
      entropies: `[batch, query]` of the weights, in nats.
    """

    log_probs: Any
    entropies: Any


def likeliest(weights: Any) -> Any:
    """The position of the largest weight.

    Args:
      weights: `[batch, heads, query, source]`.

    Returns:
      As `weights`: 1 at one position, 0 elsewhere.
    """
    return _one_at(ops.argmax(weights, axis=-1), weights)


def draw(weights: Any, numbers: Any) -> Any:
    """A position, as likely as its weight: where the cumulative sum passes.

    Args:
      weights: `[batch, heads, query, source]`; rows need not sum to 1.
      numbers: `[batch, heads, query]`, from 0 up to, not including, 1.

    Returns:
      As `weights`: 1 at one position, 0 elsewhere; no gradient.
    """
    sums = ops.cumsum(weights, axis=-1)
    passed = sums > numbers[..., None] * sums[..., -1:]
    # Where sums are made in parallel they may rise by a rounding at a 0.
    passed = ops.logical_and(passed, weights > 0.0)
    return _one_at(ops.argmax(ops.cast(passed, "int32"), axis=-1), weights)


def choose(weights: Any, numbers: Any) -> tuple[Any, Choice]:
    """What a training step looks at, and what is learnt from it.

    Args:
      weights: `[batch, heads, query, source]`.
      numbers: `[batch, heads, query]`, as for `draw`; below 0 where the mean is
        looked at as in soft attention.

    Returns:
      As `weights`, and the choice.
    """
    is_drawn = numbers >= 0.0
    drawn = draw(weights, numbers)
    total = ops.maximum(ops.sum(weights, axis=-1), _SMALLEST)
    picked = ops.maximum(ops.sum(weights * drawn, axis=-1), _SMALLEST)
    log_probs = ops.where(is_drawn, ops.log(picked / total), 0.0)
    shares = weights / total[..., None]
    logs = ops.log(ops.maximum(shares, _SMALLEST))
    entropies = -ops.sum(shares * logs, axis=-1)
    choice = Choice(ops.sum(log_probs, axis=1), ops.sum(entropies, axis=1))
    return ops.where(is_drawn[..., None], drawn, weights), choice


def loss_to_learn(
    choice: Choice,
    token_losses: Any,
    present: Any,
    baseline: Any,
    is_fed: bool,
    reward: float,
    entropy: float,
) -> Any:
    """What has the estimated gradient; its own value says nothing, and is 0.

    Its gradient by the baseline is how far that lies above the mean of
    -token_losses: who goes a tenth of the way down has the paper's moving
    average, b <- 0.9 b + 0.1 mean.

    Args:
      choice: from `choose`.
      token_losses: `[batch, target]`, what is minimised, such as -log p(y_t);
        0 for padding.
      present: `[batch, target]` float32, 0 for padding and 1 elsewhere.
      baseline: scalar, b: what a word is usually rewarded with.
      is_fed: whether later words depend on what was looked at for this one.
      reward: lambda_r; 1 estimates the gradient of the expected loss.
      entropy: lambda_e.

    Returns:
      Scalar, a mean over tokens.
    """
    # By word, so that a longer rest of a sentence has a larger baseline.
    rewards = ops.stop_gradient((-token_losses - baseline) * present)
    behind = rewards
    if is_fed:  # what is still to come
        behind = ops.flip(ops.cumsum(ops.flip(rewards, 1), 1), 1)
    gained = reward * behind * choice.log_probs + entropy * choice.entropies
    fit = 0.5 * ops.square(ops.stop_gradient(-token_losses) - baseline)
    tokens = ops.maximum(ops.sum(present), 1.0)
    loss = ops.sum((fit - gained) * present) / tokens
    return loss - ops.stop_gradient(loss)


def _one_at(places: Any, weights: Any) -> Any:
    """`[batch, heads, query]` int -> 1 there, of the shape of `weights`."""
    count = ops.shape(weights)[-1]
    found = ops.equal(ops.arange(count, dtype="int32"), places[..., None])
    return ops.cast(found, weights.dtype)
