"""Which ids are brackets, tags and beginnings of words."""

import pytest

from t2t_repro.text import words
from t2t_repro.text.tree_grammar import tree_grammar

_SYMBOLS = ["(S", ")S", "(NP", ")NP", "NN", ","]


class _Pieces:
    """A vocabulary cut from the left; `_` is the space in front of a word."""

    def __init__(self, *pieces):
        self._pieces = ["<pad>", "</s>", *pieces]
        self.vocab_size = len(self._pieces)

    def encode_lines(self, lines):
        return [list(self._cut(line.replace(" ", "_"))) for line in lines]

    def decode(self, ids):
        kept = [self._pieces[i] for i in ids if i > 1]
        return "".join(kept).replace("_", " ")

    def _cut(self, text):
        while text:
            longest = max(
                (p for p in self._pieces if text.startswith(p)), key=len
            )
            yield self._pieces.index(longest)
            text = text[len(longest) :]


def _grammar(encoder):
    return tree_grammar(encoder, _SYMBOLS, True, False, 5, 3)


def test_the_ids_by_hand():
    pieces = ["_(S", "_)S", "_(NP", "_)NP", "_NN", "_,", "_do", "g", "_"]
    found = _grammar(_Pieces(*pieces))
    assert found.closing == {2: 3, 4: 5}
    assert found.tags == (6, 7)
    assert [i for i, begins in enumerate(found.begins_word) if begins] == [
        *(2, 3, 4, 5, 6, 7, 8),
        10,
    ]
    assert found.words_in_target and not found.in_order
    assert (found.most_open, found.most_opened_at_once) == (5, 3)


def test_none_where_a_bracket_is_in_parts():
    assert _grammar(_Pieces("_(", "_)", "S", "NP", "_NN", "_,")) is None


@pytest.mark.parametrize("known", [True, False])
def test_whole_words(tmp_path, known):
    symbols = _SYMBOLS if known else _SYMBOLS[:-2]
    path = tmp_path / "vocabulary.words"
    words.learn([" ".join([*symbols, "dog"])], 100, path)
    encoder = words.WordEncoder(path)
    found = _grammar(encoder)
    # Two symbols that are not there would both be the unknown word.
    assert (found is not None) == known
    if found:
        assert all(found.begins_word[2:])
        assert found.tags == tuple(encoder.encode("NN ,"))
