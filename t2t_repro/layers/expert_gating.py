"""Which experts a token is sent to, by its scores (Shazeer et al. 2017).

Noisy top-k gating with its balance of experts (sections 2.1 and 4, appendix A
of arXiv:1701.06538), and tensor2tensor's top two with as many places of an
expert for every sentence. Everything is float32: a rounded score would send a
token elsewhere.
"""

from typing import Any, NamedTuple

from keras import ops


class Routes(NamedTuple):
    """Where tokens go, their best choice first.

    Attributes:
      experts: `[tokens, k]` int32.
      gates: `[tokens, k]` float32, how much each counts; 0: not sent there.
      places: `[tokens, k]` int32, where each stands with its expert.
      capacity: how many places an expert has.
    """

    experts: Any
    gates: Any
    places: Any
    capacity: Any


def largest_gates(logits: Any, k: int) -> tuple[Any, Any]:
    """A softmax over the k largest alone: equations 3 and 5.

    Args:
      logits: `[tokens, experts]`.
      k: experts of a token.

    Returns:
      Experts `[tokens, k]` int32 and gates `[tokens, k]`, the largest first.
    """
    values, experts = ops.top_k(logits, k)
    # Keras' own softmax warns where it is one of one value.
    total = ops.logsumexp(values, axis=-1, keepdims=True)
    return ops.cast(experts, "int32"), ops.exp(values - total)


def by_expert(experts: Any, gates: Any, count: int) -> Any:
    """`[tokens, k]` gates as `[tokens, experts]`, 0 where not sent."""
    chosen = ops.one_hot(experts, count, dtype="float32")
    return ops.sum(chosen * gates[..., None], axis=1)


def chances(clean: Any, noisy: Any, deviation: Any, k: int) -> Any:
    """P(an expert is chosen if its noise alone is drawn again): equation 9.

    Args:
      clean: `[tokens, experts]`, without noise.
      noisy: `[tokens, experts]`, with it.
      deviation: `[tokens, experts]`, of the noise.
      k: experts of a token, fewer than there are.

    Returns:
      `[tokens, experts]`.
    """
    largest, _ = ops.top_k(noisy, k + 1)
    # The k-th largest of the others: whoever is in has to beat the next one.
    outside, inside = largest[:, k - 1 : k], largest[:, k : k + 1]
    threshold = ops.where(noisy > inside, inside, outside)
    return _normal_cdf((clean - threshold) / deviation)


def _normal_cdf(x: Any) -> Any:
    return 0.5 * (1.0 + ops.erf(x * 0.5**0.5))


def squared_variation(values: Any, counted: Any = None) -> Any:
    """The square of the coefficient of variation: equations 7 and 11.

    Args:
      values: `[..., experts]`, of 0 or above.
      counted: `[..., 1]` float32, 0 for rows that do not count; None: all do.

    Returns:
      A scalar, 0 where all are equal.
    """
    weights = ops.ones_like(values)
    if counted is not None:
        weights = weights * counted
    count = ops.maximum(ops.sum(weights), 1.0)
    mean = ops.sum(weights * values) / count
    variance = ops.sum(weights * ops.square(values - mean)) / count
    return variance / (ops.square(mean) + 1e-10)


def places_in_line(chosen: Any) -> Any:
    """How many chose the same expert before.

    Args:
      chosen: `[..., tokens, experts]` of 0 and 1, at most one 1 a token.

    Returns:
      `[..., tokens, experts]`, 0 where `chosen` is.
    """
    return (ops.cumsum(chosen, axis=-2) - chosen) * chosen


def in_line(experts: Any, sent: Any, count: int) -> Any:
    """Places of all choices, all first ones before all second ones.

    Args:
      experts: `[tokens, k]` int32.
      sent: `[tokens, k]` float32, 0 where one takes no place, else 1.
      count: of experts.

    Returns:
      `[tokens, k]` int32.
    """
    k = experts.shape[1]
    chosen = ops.one_hot(experts, count, dtype="float32") * sent[..., None]
    chosen = ops.reshape(ops.swapaxes(chosen, 0, 1), (-1, count))
    places = ops.sum(places_in_line(chosen), axis=-1)
    places = ops.transpose(ops.reshape(places, (k, -1)))
    return ops.cast(places, "int32")


def all_sent(logits: Any, k: int) -> Routes:
    """Routes of evaluation: an expert has as many places as it needs.

    Args:
      logits: `[tokens, experts]`.
      k: experts of a token.
    """
    experts, gates = largest_gates(logits, k)
    places = in_line(experts, ops.ones_like(gates), logits.shape[1])
    return Routes(experts, gates, places, ops.max(places) + 1)


class TwoLargest(NamedTuple):
    """What `two_largest` finds for the best and the second best expert.

    Attributes:
      chosen: `[batch, length, experts]` each, 0 or 1; all 0: did not fit.
      gates: `[batch, length]` each, which sum to 1 or are 0.
      places: `[batch, length]` each, of those of the sentence.
    """

    chosen: tuple[Any, Any]
    gates: tuple[Any, Any]
    places: tuple[Any, Any]


def two_largest(
    probabilities: Any, present: Any, overhead: float
) -> TwoLargest:
    """tensor2tensor's top two, with a capacity for every sentence.

    An expert takes 2 n overhead / experts tokens of a sentence of n. Tokens
    that do not fit are dropped in order of position; second choices come after
    all first ones, and avoid an expert where it is expected to be full.

    Args:
      probabilities: `[batch, length, experts]`.
      present: `[batch, length]` float32, 0 at padding, which takes no place.
      overhead: spare places, 1 for none.
    """
    count = probabilities.shape[-1]
    present = present[..., None]
    length = ops.sum(present, axis=1, keepdims=True)
    capacity = two_capacity(length, count, overhead)
    first = _largest(probabilities) * present
    first_places = places_in_line(first)
    first = first * ops.cast(first_places < capacity, "float32")
    taken = ops.sum(first, axis=1, keepdims=True)
    rate = (taken + 1.0) / ops.maximum(length, 1.0)
    position = ops.arange(ops.shape(present)[1], dtype="float32")[:, None]
    full = ops.cast(position > (capacity - taken) / rate, "float32")
    others = probabilities - first - full
    second = _largest(others) * present
    second_places = places_in_line(second) + taken * second
    second = second * ops.cast(second_places < capacity, "float32")
    gates = (
        ops.sum(probabilities * first, axis=-1),
        ops.sum(others * second, axis=-1),
    )
    whole = gates[0] + gates[1] + 1e-9
    return TwoLargest(
        (first, second),
        (gates[0] / whole, gates[1] / whole),
        (ops.sum(first_places, axis=-1), ops.sum(second_places, axis=-1)),
    )


def two_capacity(length: Any, experts: int, overhead: float) -> Any:
    """Places of an expert for a sentence of `length`, both float32."""
    return ops.minimum(length, ops.floor(length * 2.0 * overhead / experts))


def _largest(values: Any) -> Any:
    """One-hot of the largest of the last axis, of equal ones the last."""
    count = values.shape[-1]
    index = count - 1 - ops.argmax(ops.flip(values, axis=-1), axis=-1)
    return ops.one_hot(index, count, dtype="float32")
