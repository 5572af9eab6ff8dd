"""Maps by kind, and those of a real run: labels, sums, positions."""

import numpy as np
import pytest

import t2t_repro
from t2t_repro.text.subwords import SubwordEncoder
from t2t_repro.text.words import WordEncoder
from t2t_repro.visualize import attention_maps

_LINE = "ab cd ef"
_SENTENCEPIECE = object()


def _maps(shapes, layers):
    """Every weight is another number: 100 * layer + place in the map."""
    return {
        name.format(layer): np.float32(
            100 * layer + np.arange(np.prod(shape)).reshape(shape)
        )
        for name, shape in shapes.items()
        for layer in range(layers)
    }


def test_labels_align_with_positions():
    source, target = ["a", "b", "<end>"], ["x", "<end>"]
    shapes = {
        "encoder/layer_{}/self_attention": (4, 3, 3),
        "decoder/layer_{}/self_attention": (4, 2, 2),
        "decoder/layer_{}/encdec_attention": (4, 2, 3),
    }
    maps = _maps(shapes, 2)
    encoder, decoder, cross = attention_maps.by_kind(maps, source, target)
    assert (encoder.queries, encoder.keys) == (tuple(source),) * 2
    # The step that reads nothing predicts x; the one that reads x the end.
    assert decoder.queries == ("x", "<end>")
    assert decoder.keys == ("<start>", "x")
    assert (cross.queries, cross.keys) == (tuple(target), tuple(source))
    assert encoder.weights.shape == (2, 4, 3, 3)
    assert decoder.weights.shape == (2, 4, 2, 2)
    assert cross.weights.shape == (2, 4, 2, 3)
    # Layer 1, head 3, row 1, column 2: 100 + (3 * 2 + 1) * 3 + 2 = 123.
    assert cross.weights[1, 3, 1, 2] == 123
    assert cross.places[1] == "decoder/layer_1/encdec_attention"


def test_other_families_have_other_kinds():
    """A recurrent decoder's one head; layers and heads differ by kind."""
    maps = {
        **_maps({"encoder/layer_{}/local_attention": (2, 3, 3)}, 12),
        **_maps({"decoder/attention": (1, 2, 3)}, 1),
    }
    local, cross = attention_maps.by_kind(maps, "abc", "xy")
    assert (local.name, local.weights.shape) == (
        "encoder/local_attention",
        (12, 2, 3, 3),
    )
    # In the order of the layers, and not of their names: 10 is behind 9.
    assert local.weights[:, 0, 0, 0].tolist() == list(range(0, 1200, 100))
    assert local.queries == local.keys == ("a", "b", "c")
    assert cross.name == "decoder/attention"
    assert cross.places == ("decoder/attention",)
    assert cross.weights.shape == (1, 1, 2, 3)
    assert (cross.queries, cross.keys) == (("x", "y"), ("a", "b", "c"))
    assert attention_maps.by_kind({}, "abc", "xy") == []


@pytest.fixture(scope="module")
def loaded(trained):
    return t2t_repro.load(trained.output_dir)


def _of_pair(loaded, target):
    return attention_maps.of_sentence(loaded, _LINE, target)[1]


def test_rows_sum_to_1_and_none_see_later_positions(loaded):
    maps = _of_pair(loaded, "ab cd")
    assert [kind.name for kind in maps] == [
        "encoder",
        "decoder",
        "encoder-decoder",
    ]
    for kind in maps:
        # One layer of two heads.
        rows, columns = len(kind.queries), len(kind.keys)
        assert kind.weights.shape == (1, 2, rows, columns)
        np.testing.assert_allclose(kind.weights.sum(-1), 1, atol=1e-5)
    future = np.triu(maps[1].weights, 1)
    assert future.max() == 0 < maps[1].weights[..., 1, 0].min()


def test_labels_are_those_of_the_ids(loaded):
    found, decoder, cross = _of_pair(loaded, "ab cd")
    ids = loaded.run.encoder().encode(_LINE)
    assert len(found.queries) == len(ids) + 1
    assert found.keys == cross.keys and cross.keys[-1] == "<end>"
    assert "".join(found.queries[:-1]).replace("\u00b7", "") == "abcdef"
    assert decoder.keys == ("<start>", *decoder.queries[:-1])
    assert cross.queries == decoder.queries and decoder.queries[-1] == "<end>"


def test_an_earlier_word_changes_later_rows_alone(loaded):
    """Rows are the steps that predict: step i has not read target i."""
    encode = loaded.run.encoder().encode
    one, other = "ab cd", "ab ef"
    pair = [_of_pair(loaded, text) for text in (one, other)]
    same = next(
        i
        for i, (a, b) in enumerate(
            zip(encode(one), encode(other), strict=False)
        )
        if a != b
    )
    first, second = (maps[2].weights[0, 0] for maps in pair)
    # The differing id is predicted in row `same` and read in the next.
    np.testing.assert_array_equal(first[: same + 1], second[: same + 1])
    assert abs(first[same + 1] - second[same + 1]).max() > 0


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
    found = attention_maps.piece_labels(_SENTENCEPIECE, [*given, "</s>"])
    assert found == [*expected, "<end>"]


def test_subwords_of_tensor2tensor(subwords):
    # "walk", "ing" are one word; " ," is spaced punctuation; the escapes are
    # of an underscore, a backslash and the euro sign, 8364.
    given = ["A_", "walk", "ing_", " ,_", "\\u", "\\\\_", "\\8364;_", " _"]
    expected = ["A", "walk", "\u00b7ing", ",", "_", "\\", "\u20ac", "\u2423"]
    found = attention_maps.piece_labels(subwords, [*given, "<EOS>"])
    assert found == [*expected, "<end>"]


def test_an_escape_of_no_character_stays(subwords):
    assert attention_maps.piece_labels(subwords, ["\\1114112;_", ""]) == [
        "\\1114112;",
        "<end>",
    ]


def test_whole_words_are_their_own_labels():
    encoder = WordEncoder.__new__(WordEncoder)
    given = ["john", "left", ".", "<EOS>"]
    found = attention_maps.piece_labels(encoder, given)
    assert found == ["john", "left", ".", "<end>"]
