"""Attention from a recurrent decoder to its source.

Scores of Bahdanau et al. 2015 (arXiv:1409.0473, section 3.1; Luong's "concat")
and of Luong et al. 2015 (arXiv:1508.04025, section 3): dot, general, location,
over the whole source or a window of it. Positions count from 0.
"""

from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import MASKED
from t2t_repro.layers.linear import Linear

# What attention is, by the name that Luong et al. gave it.
SCORES = ("dot", "general", "concat", "location")
WINDOWS = ("global", "local_m", "local_p")


def dot_scores(query: Any, key: Any) -> Any:
    """h_t . h_s; "general" where the key is W_a h_s.

    Args:
      query: `[batch, query, units]`.
      key: `[batch, source, units]`.

    Returns:
      `[batch, 1, query, source]`.
    """
    return ops.matmul(query, ops.swapaxes(key, 1, 2))[:, None]


def additive_scores(query: Any, key: Any, v: Any) -> Any:
    """v . tanh(query + key), of what was projected: Bahdanau's, or "concat".

    Args:
      query: `[batch, query, units]`, W_1 h_t.
      key: `[batch, source, units]`, W_2 h_s.
      v: `[heads, units]`.

    Returns:
      `[batch, heads, query, source]`.
    """
    hidden = ops.tanh(query[:, :, None] + key[:, None])
    scores = ops.matmul(hidden, ops.transpose(v))
    return ops.transpose(scores, (0, 3, 1, 2))


def location_scores(by_position: Any, count: Any) -> Any:
    """W_a h_t: one score a position, whatever stands there.

    Args:
      by_position: `[batch, query, positions]`; positions beyond share the
        last one's.
      count: how many source positions there are.

    Returns:
      `[batch, 1, query, source]`.
    """
    places = ops.minimum(ops.arange(count), by_position.shape[-1] - 1)
    return ops.take(by_position, places, axis=-1)[:, None]


def monotonic_centre(positions: Any, lengths: Any) -> Any:
    """p_t = t, local-m; past the end of the source, its last position.

    Args:
      positions: `[query]` int32, t.
      lengths: `[batch]` int32, of the sources.

    Returns:
      `[batch, query]` float32.
    """
    last = ops.maximum(lengths - 1, 0)[:, None]
    return ops.cast(ops.minimum(positions[None], last), "float32")


def predicted_centre(query: Any, v: Any, lengths: Any) -> Any:
    """p_t = S sigmoid(v_p . tanh(W_p h_t)), local-p, equation 9.

    Args:
      query: `[batch, query, units]`, W_p h_t.
      v: `[units]`.
      lengths: `[batch]` int32, S.

    Returns:
      `[batch, query]`.
    """
    share = ops.sigmoid(ops.sum(ops.tanh(query) * v, axis=-1))
    return share * ops.cast(lengths, share.dtype)[:, None]


def _distance(centre: Any, count: Any) -> Any:
    """`[batch, 1, query, source]`: how far a position is from the centre."""
    positions = ops.arange(count, dtype=centre.dtype)
    return (positions - centre[..., None])[:, None]


def in_window(centre: Any, count: Any, width: int) -> Any:
    """Whether |s - p_t| <= D.

    Args:
      centre: `[batch, query]`, p_t.
      count: how many source positions there are.
      width: D.

    Returns:
      `[batch, 1, query, source]` bool.
    """
    return ops.abs(_distance(centre, count)) <= width


def gaussian(centre: Any, count: Any, width: int) -> Any:
    """exp(-(s - p_t)^2 / (2 (D / 2)^2)), equation 10, of `in_window`'s shape.

    Args:
      centre: `[batch, query]`, p_t.
      count: how many source positions there are.
      width: D.
    """
    return ops.exp(-ops.square(_distance(centre, count)) * (2.0 / width**2))


def weights_of(scores: Any, visible: Any) -> Any:
    """Softmax over what may be seen.

    Args:
      scores: `[batch, heads, query, source]`.
      visible: bool, broadcast to `scores`; None: everything.
    """
    if visible is not None:
        scores = ops.where(visible, scores, MASKED)
    return ops.softmax(scores)


class RecurrentAttention(keras.layers.Layer):
    """One of the scores with its weights, over one of the windows.

    Heads share queries and keys and have a `v` each, as tensor2tensor's: where
    a score has no `v`, they are alike and there is one.
    """

    def __init__(
        self, score: str, window: str, width: int, heads: int, name: str
    ):
        """Makes the layer.

        Args:
          score: one of `SCORES`.
          window: one of `WINDOWS`.
          width: D of a window.
          heads: different ones where the score is "concat".
          name: unique within the parent.
        """
        super().__init__(name=name, autocast=False)
        self._score = score
        self._window = window
        self._width = width
        self._heads = heads

    def build(self, units: int, memory: int, positions: int) -> None:
        """Makes the weights.

        Args:
          units: size of a query and of a projected key.
          memory: size of what is attended to.
          positions: how many of them "location" tells apart.
        """
        self._key = self._query = self._centre = None
        if self._score in ("general", "concat"):
            self._key = Linear(units, False, "key")
            self._key.build((None, memory))
        if self._score in ("concat", "location"):
            size = units if self._score == "concat" else positions
            self._query = Linear(size, False, "query")
            self._query.build((None, units))
        if self._score == "concat":
            self.v = self._vector((self._heads, units), "v")
        if self._window == "local_p":
            self._centre = Linear(units, False, "centre")
            self._centre.build((None, units))
            self.centre_v = self._vector((units,), "centre_v")

    def _vector(self, shape: tuple[int, ...], name: str) -> Any:
        # As tensor2tensor draws them: `units` ways in and out.
        limit = (3.0 / shape[-1]) ** 0.5
        initializer = keras.initializers.RandomUniform(-limit, limit)
        return self.add_weight(shape=shape, initializer=initializer, name=name)

    def keys(self, memory: Any) -> Any:
        """`[batch, source, memory]` -> `[batch, source, units]`, once."""
        return memory if self._key is None else self._key(memory)

    def call(
        self, query: Any, keys: Any, ids: Any, positions: Any, visible: Any
    ) -> Any:
        """What each query looks at.

        Args:
          query: `[batch, query, units]`, states of the decoder.
          keys: from `keys`.
          ids: `[batch, source]` int32, 0 = padding.
          positions: `[query]` int32, of the decoder.
          visible: `[batch, 1, 1, source]` bool, or None for everything.

        Returns:
          `[batch, heads, query, source]` float32; rows sum to 1, in local-p
          to less.
        """
        query = ops.cast(query, keys.dtype)
        scores = ops.cast(self._scores(query, keys), "float32")
        if self._window == "global":
            return weights_of(scores, visible)
        count = ops.shape(ids)[1]
        lengths = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1)
        if self._centre is None:
            centre = monotonic_centre(positions, lengths)
        else:
            projected = ops.cast(self._centre(query), "float32")
            centre = predicted_centre(projected, self.centre_v, lengths)
        seen = in_window(centre, count, self._width)
        if visible is not None:
            seen = ops.logical_and(seen, visible)
        weights = weights_of(scores, seen)
        if self._centre is None:
            return weights
        return weights * gaussian(centre, count, self._width)

    def _scores(self, query: Any, keys: Any) -> Any:
        if self._query is None:
            return dot_scores(query, keys)
        query = self._query(query)
        if self._score == "location":
            return location_scores(query, ops.shape(keys)[1])
        v = ops.cast(self.v, query.dtype)
        return additive_scores(query, ops.cast(keys, query.dtype), v)


def contexts(weights: Any, memory: Any) -> Any:
    """Means of what is attended to, the heads' side by side.

    Args:
      weights: `[batch, heads, query, source]`.
      memory: `[batch, source, memory]`.

    Returns:
      `[batch, heads, query, memory]`.
    """
    return ops.matmul(ops.cast(weights, memory.dtype), memory[:, None])
