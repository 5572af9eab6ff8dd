"""Vocabularies of whole words."""

import pytest

from t2t_repro.errors import InputError
from t2t_repro.text import words
from t2t_repro.text.words import WordEncoder

_LINES = ["mary left .", "where is mary", "john left ."]


@pytest.fixture
def encoder(tmp_path):
    path = tmp_path / "vocab.words"
    words.learn(_LINES, 100, path)
    return WordEncoder(path)


def test_words_by_frequency_behind_the_reserved_ones(encoder):
    # Twice: left, mary; once: is, john, where. The full stop has its place.
    assert encoder.vocab_size == 9
    assert encoder.pieces(range(9)) == [
        *("<pad>", "<EOS>", ".", "<unk>"),
        *("left", "mary", "is", "john", "where"),
    ]
    assert encoder.encode("where is mary .") == [8, 6, 5, 2]


def test_text_comes_back(encoder):
    ids = encoder.encode_lines(_LINES)
    assert [encoder.decode([*row, 1, 7]) for row in ids] == _LINES
    assert encoder.encode("") == [] and encoder.decode([]) == ""


def test_an_unknown_word_is_lost(encoder):
    # Also one that is spelled as a reserved one, but for the full stop.
    assert encoder.encode("bob left") == [3, 4]
    assert encoder.decode([3, 4]) == "<unk> left"


def test_the_rarest_are_left_out(tmp_path):
    path = tmp_path / "vocab.words"
    words.learn(_LINES, 6, path)
    assert WordEncoder(path).encode("left mary is") == [4, 5, 3]


@pytest.mark.parametrize(
    "text", ["a\nb\n", "<pad>\n<EOS>\n.\n<unk>\na\na\n", ""]
)
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "vocab.words"
    path.write_text(text)
    with pytest.raises(InputError, match="not a vocabulary of words"):
        WordEncoder(path)
