"""What all vocabularies share: the reserved ids."""

import numpy as np

from t2t_repro.text import encoder


def test_the_reserved_ids():
    assert (encoder.PAD_ID, encoder.EOS_ID) == (0, 1)


def test_until_end():
    assert encoder.until_end([5, 6, 1, 7]) == [5, 6]
    assert encoder.until_end([0, 5, 0, 6]) == [5, 6]
    assert encoder.until_end([1]) == []
    assert encoder.until_end([]) == []


def test_until_end_takes_arrays_and_gives_plain_numbers():
    kept = encoder.until_end(np.array([5, 1], np.int32))
    assert kept == [5]
    assert type(kept[0]) is int
