"""Pairs that share a row, one behind another, and do not see each other.

tensor2tensor's packed problems said for every id which pair of its row it
belongs to (`inputs_segmentation`, `targets_segmentation`: from 1, 0 for
padding), and which place it has there (`inputs_position`, `targets_position`).
Here the ids say it themselves: each side of each pair has its end of sentence,
and the n-th source of a row belongs to its n-th target.
"""

from typing import Any

from keras import ops

from t2t_repro.layers.attention import MASKED
from t2t_repro.text.encoder import EOS_ID


def segmentation(ids: Any) -> Any:
    """Numbers the sentences of each row.

    Args:
      ids: `[batch, length]` int32, padding behind all sentences.

    Returns:
      `[batch, length]` int32, from 1; 0 for padding.
    """
    ended = ops.cumsum(ops.cast(ops.equal(ids, EOS_ID), "int32"), axis=1)
    before = ops.pad(ended[:, :-1], [[0, 0], [1, 0]])
    return ops.where(ops.equal(ids, 0), 0, before + 1)


def positions_within(ids: Any) -> Any:
    """Counts from 0 in each sentence.

    Args:
      ids: `[batch, length]` int32.

    Returns:
      `[batch, length]` int32.
    """
    segments = segmentation(ids)
    place = ops.arange(ops.shape(ids)[1])
    is_earlier = place[None, :] < place[:, None]
    is_same = ops.equal(segments[:, :, None], segments[:, None, :])
    before = ops.logical_and(is_same, is_earlier)
    return ops.sum(ops.cast(before, "int32"), axis=2)


def bias_within(queries: Any, keys: Any) -> Any:
    """Hides keys of other pairs, and padding.

    Args:
      queries: `[batch, query]` ids.
      keys: `[batch, key]` ids of the same rows, of either side.

    Returns:
      `[batch, 1, query, key]` float32, 0 or `MASKED`.
    """
    queries, keys = segmentation(queries), segmentation(keys)
    is_same = ops.equal(queries[:, :, None], keys[:, None, :])
    return ops.where(is_same, 0.0, MASKED)[:, None]
