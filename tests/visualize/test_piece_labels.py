"""Labels of pieces, in both kinds of vocabulary."""

import pytest

from t2t_repro.text.subword_encoder import SubwordEncoder
from t2t_repro.visualize import piece_labels

_SENTENCEPIECE = object()


@pytest.fixture(scope="module")
def subwords(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.subwords"
    letters = [*"\\_u;0123456789", *"<>padEOS"]
    subtokens = ["<pad>", "<EOS>", *letters]
    path.write_text("".join(f"'{subtoken}'\n" for subtoken in subtokens))
    return SubwordEncoder(path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # A man's longest walk: the dot stands inside of words alone.
        (
            ["A", "\u2581man", "'", "s", "\u2581long", "est", "."],
            ["A", "man", "'", "s", "long", "\u00b7est", "."],
        ),
        # Several spaces, a byte, a tab and a character without a picture.
        (
            ["\u2581", "\u2581\u2581x", "<0xE2>", "\t", "\u202ea"],
            ["\u2423", "\u2423x", "<0xE2>", "\\u{9}", "\\u{202e}a"],
        ),
        ([], []),
    ],
)
def test_sentencepiece(given, expected):
    found = piece_labels.labels(_SENTENCEPIECE, [*given, "</s>"])
    assert found == [*expected, "<end>"]


def test_subwords_of_tensor2tensor(subwords):
    # "walk", "ing" are one word; " ," is spaced punctuation; the escapes are
    # of an underscore, a backslash and the euro sign, 8364.
    given = ["A_", "walk", "ing_", " ,_", "\\u", "\\\\_", "\\8364;_", " _"]
    expected = ["A", "walk", "\u00b7ing", ",", "_", "\\", "\u20ac", "\u2423"]
    found = piece_labels.labels(subwords, [*given, "<EOS>"])
    assert found == [*expected, "<end>"]


def test_an_escape_of_no_character_stays(subwords):
    assert piece_labels.labels(subwords, ["\\1114112;_", ""]) == [
        "\\1114112;",
        "<end>",
    ]
