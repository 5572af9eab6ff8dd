"""Two beams over two positions, by hand."""

import numpy as np

from t2t_repro.layers.attention import MASKED
from t2t_repro.models.transformer_ancestry import ancestry_bias, with_itself


def test_a_beam_sees_its_ancestors_and_itself():
    # At position 0 beam 0 was beam 1, and beam 1 was beam 1, too.
    ancestors = with_itself(np.array([[[1], [1]]], np.int32))
    assert np.array(ancestors).tolist() == [[[1, 0], [1, 1]]]
    # Entries by position and beam: 0/0, 0/1, 1/0, 1/1.
    visible = np.array(ancestry_bias(ancestors)) != MASKED
    assert visible.tolist() == [
        [[[False, True, True, False], [False, True, False, True]]]
    ]
