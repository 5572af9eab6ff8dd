"""Restricted self-attention: section 4 of the paper, fourth row of Table 1.

A position sees the neighbourhood of r positions around it, so that a layer
costs r n d and not n^2 d. The sequence is cut into blocks; a block of queries
meets its own keys and those few beside it that its first and last query may
see. No matrix of all positions by all positions is ever made, but for a map
that somebody wants to look at.
"""

import dataclasses
from typing import Any, NamedTuple

from keras import ops

from t2t_repro.layers.attention import MASKED, Mode, MultiHeadAttention
from t2t_repro.layers.dropout import key_of_blocks

# Shorter blocks make products too small to be fast.
_BLOCK = 32


class Window(NamedTuple):
    """What a position sees beside itself.

    Attributes:
      before: how many positions to its left.
      after: how many to its right.
    """

    before: int
    after: int


def in_blocks(x: Any, window: Window) -> Any:
    """Cuts sequences into blocks of one length, zeros behind their ends.

    A block is at least as long as either side of the window, unless it is the
    only one.

    Args:
      x: `[batch, length, channels]`.
      window: that the blocks are for.

    Returns:
      `[batch, blocks, block, channels]`.
    """
    batch, length = ops.shape(x)[:2]
    blocks = length // max(_BLOCK, 2 * max(window)) + 1
    # As even as can be: what is filled up is less than a position a block.
    block = -(-length // blocks)
    padded = ops.pad(x, [[0, 0], [0, blocks * block - length], [0, 0]])
    return ops.reshape(padded, (batch, blocks, block, x.shape[-1]))


def with_neighbours(x: Any, window: Window) -> Any:
    """All that the positions of a block see.

    Args:
      x: `[batch, blocks, block, channels]`, from `in_blocks`.
      window: as there.

    Returns:
      `[batch, blocks, keys, channels]`: the last positions of the block
      before, the block, the first of the one behind; zeros beyond the ends.
    """
    parts = [x]
    if window.before:
        left = x[:, :-1, -window.before :]
        parts.insert(0, ops.pad(left, [[0, 0], [1, 0], [0, 0], [0, 0]]))
    if window.after:
        right = x[:, 1:, : window.after]
        parts.append(ops.pad(right, [[0, 0], [0, 1], [0, 0], [0, 0]]))
    return ops.concatenate(parts, axis=2) if len(parts) > 1 else x


def window_bias(segments: Any, window: Window) -> Any:
    """Hides what is in a block's reach but not in a query's window.

    Args:
      segments: `[batch, length]` numbers of sentences, which do not see each
        other, 0 at padding; bool where a row is one sentence.
      window: what a position sees.

    Returns:
      `[batch * blocks, 1, block, keys]` float32, 0 or `MASKED`.
    """
    segments = ops.cast(segments, "int32")[:, :, None]
    query, key = _queries_keys(_places(ops.shape(segments)[1]), window)
    visible = ops.logical_and(
        key >= query - window.before, key <= query + window.after
    )
    query, key = _queries_keys(segments, window)
    visible = ops.logical_and(visible, ops.equal(query, key))
    visible = ops.logical_and(visible, key > 0)
    return _flat(ops.where(visible, 0.0, MASKED))[:, None]


class RestrictedAttention(MultiHeadAttention):
    """Multi-head self-attention within a window.

    Called, it attends to the keys that it is given, as any: so a decoder steps
    with it, over the few that it keeps.
    """

    def __init__(self, window: Window, **sizes: Any):
        """Makes the layer.

        Args:
          window: what a position sees.
          **sizes: as of `MultiHeadAttention`.
        """
        super().__init__(**sizes)
        self._window = window

    def within(self, x: Any, bias: Any, mode: Mode) -> Any:
        """Self-attention, over all positions at once.

        Args:
          x: `[batch, length, hidden]`.
          bias: from `window_bias`, of the same window.
          mode: training, evaluation or looking inside. It is given a map
            `[batch, heads, length, length]`, 0 outside the window.

        Returns:
          As `x`.
        """
        batch, length = ops.shape(x)[:2]
        window = self._window
        key, value = (
            self._split(
                _flat(with_neighbours(in_blocks(project(x), window), window))
            )
            for project in (self._key, self._value)
        )
        query = in_blocks(x, window)
        dropout_key = key_of_blocks(mode.dropout_key, ops.shape(query)[1])
        mode = dataclasses.replace(mode, dropout_key=dropout_key)
        y = self(_flat(query), (key, value), bias, mode=mode)
        if mode.maps is not None:
            blocked = mode.maps[self.path]
            mode.maps[self.path] = _whole_map(blocked, length, window)
        return ops.reshape(y, (batch, -1, y.shape[-1]))[:, :length]


def _whole_map(weights: Any, length: Any, window: Window) -> Any:
    """`[batch * blocks, heads, block, keys]` -> `[batch, heads, n, n]`."""
    places = _places(length)
    key = with_neighbours(in_blocks(places, window), window)[0]
    onto = ops.cast(ops.equal(key, places[:, :, 0]), weights.dtype)
    heads, block, keys = ops.shape(weights)[1:]
    blocks = ops.shape(onto)[0]
    weights = ops.reshape(weights, (-1, blocks, heads, block, keys))
    # Batch, blocks, heads, queries, keys; n.
    spread = ops.einsum("abhqk,bkn->ahbqn", weights, onto)
    spread = ops.reshape(spread, (-1, heads, blocks * block, length))
    return spread[:, :, :length]


def _places(length: Any) -> Any:
    """`[1, length, 1]` int32, from 1: 0 is where nobody is."""
    return ops.arange(1, length + 1, dtype="int32")[None, :, None]


def _queries_keys(x: Any, window: Window) -> tuple[Any, Any]:
    """`[batch, length, 1]` -> `[.., blocks, block, 1]`, `[.., 1, keys]`."""
    blocks = in_blocks(x, window)
    return blocks, ops.swapaxes(with_neighbours(blocks, window), 2, 3)


def _flat(x: Any) -> Any:
    """`[batch, blocks, block, channels]` -> `[batch * blocks, ...]`."""
    return ops.reshape(x, (-1, *ops.shape(x)[2:]))
