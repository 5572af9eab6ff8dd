"""What batches hold."""

import numpy as np

from benchmarks.corpora import Counts


def test_padding_is_counted_apart():
    counts = Counts()
    inputs = np.array([[5, 1, 0, 0], [5, 5, 1, 0], [0, 0, 0, 0]])
    targets = np.array([[7, 1], [1, 0], [0, 0]])
    counts.add(inputs, targets)
    counts.add(inputs[None], targets[None])  # parts are dealt with likewise
    # Twice 2 + 3 of 12 source positions, 2 + 1 of 6 target positions.
    assert (counts.batches, counts.sentences) == (2, 4)
    assert (counts.source_tokens, counts.padded_source) == (10, 24)
    assert (counts.target_tokens, counts.padded_target) == (6, 12)
    assert counts.efficiencies() == {
        "padding_efficiency": 16 / 36,
        "target_padding_efficiency": 6 / 12,
    }
