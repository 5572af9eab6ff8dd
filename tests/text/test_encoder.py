"""What all vocabularies share: reserved ids and the hash of a file."""

import numpy as np
import pytest

from t2t_repro.errors import InputError
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


def test_file_sha256(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert encoder.file_sha256(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    with pytest.raises(InputError, match="b does not exist"):
        encoder.file_sha256(tmp_path / "b")
