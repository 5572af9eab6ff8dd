"""Which batch shapes to use: a short, fixed list that wastes little padding.

Section 5.1 batches pairs "by approximate sequence length". XLA compiles once
per shape, so the list is short (hparam `batch_shapes`), and it is fitted to the
lengths of the data: source and target limits of each shape are moved, one at a
time, as long as the padded size of the whole corpus shrinks.
"""

from typing import NamedTuple

import numpy as np

_CANDIDATE_STEPS = (-8, -4, -2, -1, 1, 2, 4, 8)
_LONGEST_SEARCH = 60  # rounds; the search ends long before on real text


class BatchShape(NamedTuple):
    """Sentences, source columns and target columns of a padded batch."""

    batch: int
    source: int
    target: int


def choose_shapes(
    lengths: np.ndarray, batch_size: int, count: int
) -> list[BatchShape]:
    """Fits the list of shapes to a corpus.

    Args:
      lengths: `[pairs, 2]` source and target lengths with EOS, at least one.
      batch_size: tokens of a batch as tensor2tensor counts them: sentences
        times the larger of source and target columns.
      count: how many shapes at the most.

    Returns:
      The shapes, the largest sentence first. Every given pair fits into one,
      and no batch is without a sentence, even where one is longer than
      `batch_size`.
    """
    cells, weights = np.unique(lengths, axis=0, return_counts=True)
    limits = _first_guess(cells, weights, count)
    cost = _padded_size(limits, cells, weights)
    for _ in range(_LONGEST_SEARCH):
        improved = False
        # The largest shape must hold the longest pair: it stays.
        for row in range(len(limits) - 1):
            for column in (0, 1):
                for step in _CANDIDATE_STEPS:
                    trial = limits.copy()
                    trial[row, column] += step
                    trial_cost = _padded_size(trial, cells, weights)
                    if trial_cost < cost:
                        limits, cost, improved = trial, trial_cost, True
        if not improved:
            break
    used = np.unique(limits[assign(limits, cells)], axis=0)
    shapes = [
        BatchShape(max(1, batch_size // int(max(s, t))), int(s), int(t))
        for s, t in used
    ]
    return sorted(shapes, key=lambda s: (s.source + s.target, s), reverse=True)


def assign(limits: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Gives each pair the cheapest shape that holds it.

    Args:
      limits: `[shapes, 2]` source and target columns.
      lengths: `[pairs, 2]` source and target lengths.

    Returns:
      `[pairs]` shape indices, -1 where a pair fits into none.
    """
    best = np.full(len(lengths), -1)
    best_cost = np.full(len(lengths), np.iinfo(np.int64).max)
    for index, limit in enumerate(limits):
        cost = int(limit.sum())
        better = (lengths <= limit).all(axis=1) & (cost < best_cost)
        best[better], best_cost[better] = index, cost
    return best


def limits_of(shapes: list[BatchShape]) -> np.ndarray:
    """`[shapes, 2]` source and target columns."""
    return np.array([(shape.source, shape.target) for shape in shapes])


def _first_guess(
    cells: np.ndarray, weights: np.ndarray, count: int
) -> np.ndarray:
    """Equal shares of the corpus' tokens, each with square limits."""
    longer = cells.max(axis=1)
    order = np.argsort(longer, kind="stable")
    share = np.cumsum((longer * weights)[order])
    edges = np.searchsorted(share, share[-1] * np.arange(1, count) / count)
    squares = np.unique(longer[order][edges])
    squares = squares[squares < longer.max()]
    limits = np.stack([squares, squares], axis=1)
    return np.concatenate([limits, cells.max(axis=0, keepdims=True)])


def _padded_size(
    limits: np.ndarray, cells: np.ndarray, weights: np.ndarray
) -> int:
    index = assign(limits, cells)
    return int((limits.sum(axis=1)[index] * weights).sum())
