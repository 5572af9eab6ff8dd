r"""Subwords against hand-worked vocabularies and the real tensor2tensor.

Every Python string survives encoding and decoding, lone surrogates included;
only a vocabulary file cannot hold a surrogate or a line break.
"""

import gzip
import itertools
import json
import os
import sys
import unicodedata

import hypothesis
import pytest
from hypothesis import strategies

from t2t_repro import registry
from t2t_repro.errors import InputError
from t2t_repro.text import subwords
from t2t_repro.text.subwords import (
    RESERVED_TOKENS,
    SubwordEncoder,
    SubwordTextEncoder,
)

_learn = SubwordTextEncoder.build_from_generator
# The letters of the escapes, the reserved tokens and the text "ab", ordered as
# rare ones are; and what `_tiny` learns: "ab_" three times, all else never.
_RARE = list("updba_\\SOE><;9876543210")
_TINY = ["<pad>_", "<EOS>_", "ab_", *_RARE]


def _tiny() -> SubwordTextEncoder:
    return _learn(["ab"] * 3, 26)


def _subtokens(encoder: SubwordTextEncoder) -> list[str]:
    return encoder.decode_list(range(encoder.vocab_size))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" ", [" "]),
        ("Two birds", ["Two", "birds"]),
        (" two  birds ", [" ", "two", "  ", "birds", " "]),
        ("Oh, it's 3.5!", ["Oh", ", ", "it", "'", "s", "3", ".", "5", "!"]),
        ("snake_case", ["snake", "_", "case"]),
        ("x\ty\n", ["x", "\t", "y", "\n"]),
        ("zwölf Ⅻ ½ ٣", ["zwölf", "Ⅻ", "½", "٣"]),
        ("漢字、e\u0301a", ["漢字", "、", "e", "\u0301", "a"]),
    ],
)
def test_tokens(text, tokens):
    assert subwords.tokenize(text) == tokens
    assert subwords.detokenize(tokens) == text


def test_letters_are_the_unicode_categories_l_and_n():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    runs = subwords.tokenize(every)  # the first one holds chr(0)
    kinds = [unicodedata.category(letter)[0] in "LN" for letter in every]
    assert "".join(runs[1::2]) == "".join(itertools.compress(every, kinds))


@pytest.mark.parametrize(
    ("target", "max_length", "frequent"),
    [
        # With "ab_" counted 3 times the first selection keeps "ab_" and "b_";
        # the second begins a subtoken at "a" only, and keeps "ab_" alone.
        (26, None, ["ab_"]),
        # Subtokens are shorter than the given length: "ab" and its end.
        (26, 3, ["ab", "_"]),
        # Every character stays however small the target; nothing is frequent
        # enough to take the three counts of the letters.
        (1, None, ["b", "a", "_"]),
    ],
)
def test_learning_by_hand(target, max_length, frequent):
    encoder = _learn(["ab"] * 3, target, max_subtoken_length=max_length)
    rare = [letter for letter in _RARE if letter not in frequent]
    assert _subtokens(encoder) == ["<pad>_", "<EOS>_", *frequent, *rare]


def test_of_two_sizes_equally_near_the_first_one_tried_is_taken():
    # With or without "ab_" and "cd_": 28 or 26 subtokens; 26 comes first.
    encoder = _learn(["ab cd"], 27)
    assert encoder.vocab_size == 26


def test_learning_does_not_depend_on_the_order_of_lines():
    lines = ["the hen", "the owl", "then the towel", "he owes them"] * 3
    there = _subtokens(_learn(lines, 60))
    back = _subtokens(_learn(lines[::-1], 60))
    assert there == back and "the_" in there


def test_more_reserved_tokens_take_the_next_ids():
    encoder = _learn(
        ["ab"] * 3, 30, reserved_tokens=[*RESERVED_TOKENS, "<to_b>"]
    )
    # The underscore in the name is escaped like any other.
    assert encoder.decode_list([2]) == [r"<to\ub>_"]
    assert encoder.decode([2]) == "<to_b>"


@pytest.mark.parametrize(
    ("lines", "size", "reserved", "message"),
    [
        (["", ""], 30, None, "no text"),
        (["ab"], 0, None, "vocabulary size 0"),
        (["ab"], 30, ["<EOS>", "<pad>"], "must begin with"),
        (["ab"], 30, ["<pad>"], "must begin with"),
        (["ab"] * 3, 27, [*RESERVED_TOKENS, "ab"], "rename it"),
    ],
)
def test_what_cannot_be_learnt(lines, size, reserved, message):
    with pytest.raises(InputError, match=message):
        _learn(lines, size, reserved_tokens=reserved)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab ab", ["ab_", "ab_"]),
        ("abab", ["a", "b", "ab_"]),
        ("ab ba", ["ab_", "b", "a", "_"]),
        ("a_b", ["a", "_", "\\", "u", "_", "b", "_"]),
        ("\\", ["\\", "\\", "_"]),
        ("c", ["\\", "9", "9", ";", "_"]),
        ("a\n", ["a", "_", "\\", "1", "0", ";", "_"]),
        ("<pad>", ["<", "_", "p", "a", "d", "_", ">", "_"]),
    ],
)
def test_encoding_by_hand(text, pieces):
    encoder = _tiny()
    ids = encoder.encode(text)
    assert ids == [_TINY.index(piece) for piece in pieces]
    assert encoder.decode(ids) == text
    assert encoder.encode(text) == ids  # from the cache


@pytest.mark.parametrize(
    ("ids", "text", "stripped"),
    [
        ([2, 2, 1, 0, 0], "ab ab<EOS><pad><pad>", "ab ab"),
        ([1, 2, 0, 2], "<EOS>ab<pad>ab", "<EOS>ab<pad>ab"),
        ([2, -1, 26, 999, 2], "ab ab", "ab ab"),
        ([2, 0, -1], "ab<pad>", "ab<pad>"),
        ([7, 7], "aa", "aa"),  # a token without its end
        ([8, 8, 7, 8, 8], "a", "a"),  # ends without a token
    ],
)
def test_decoding_by_hand(ids, text, stripped):
    assert _tiny().decode(ids) == text
    assert _tiny().decode(iter(ids), strip_extraneous=True) == stripped


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\97;", "a"),
        (r"\1114112;", "\u3013"),
        (r"\999999999999999999999;", "\u3013"),
        (r"\97", r"\97"),
        (r"\\u", r"\u"),
        (r"\\\u", r"\_"),
    ],
)
def test_decoding_of_escapes(escaped, text):
    assert _tiny().decode(_TINY.index(letter) for letter in escaped) == text


def test_an_empty_encoder_says_so():
    empty = SubwordTextEncoder()
    assert (empty.vocab_size, empty.encode(""), empty.decode([0])) == (
        0,
        [],
        "",
    )
    with pytest.raises(InputError, match="empty"):
        empty.encode("ab")


def test_the_cache_stays_small_and_right(monkeypatch):
    monkeypatch.setattr(subwords, "_CACHED_TOKENS", 4)
    encoder = _tiny()
    for word in [f"ab{number}" for number in range(20)] * 2:
        assert encoder.encode(word) == _tiny().encode(word)
        assert len(encoder._cache) <= 4
    encoder.encode("a" * 64)  # longer than what is kept, with its ids
    assert "a" * 64 not in encoder._cache


@hypothesis.settings(deadline=None, max_examples=300, database=None)
@hypothesis.given(
    strategies.text(
        strategies.one_of(
            strategies.sampled_from("ab _\\u;09<>\n\r\t\u2028"),
            strategies.characters(exclude_categories=()),
        )
    )
)
def test_every_text_comes_back(text):
    encoder = _tiny()
    ids = encoder.encode(text)
    assert encoder.decode(ids) == text
    assert all(len(RESERVED_TOKENS) <= i < encoder.vocab_size for i in ids)
    assert subwords.detokenize(subwords.tokenize(text)) == text


def test_a_file_has_one_quoted_subtoken_per_line(tmp_path):
    path = tmp_path / "tiny.subwords"
    _tiny().store_to_file(path)
    written = path.read_bytes()
    assert written.startswith(b"'<pad>_'\n'<EOS>_'\n'ab_'\n'u'\n")
    assert written.endswith(b"'1'\n'0'\n")
    assert written.count(b"\n") == len(_TINY)
    assert _subtokens(SubwordTextEncoder(str(path))) == _TINY


def test_quotes_spaces_and_odd_line_ends_survive_in_a_file(tmp_path):
    # All of these end a line for str.splitlines; the file knows "\n" only.
    lines = ["'' it's \"so\"", "a \x0b\x0c\x1c\x85\u2028\r b", "\xa0end\xa0"]
    learnt = _learn(lines * 3, 100)
    learnt.store_to_file(tmp_path / "odd")
    loaded = SubwordTextEncoder(tmp_path / "odd")
    assert _subtokens(loaded) == _subtokens(learnt)
    assert list(map(loaded.encode, lines)) == list(map(learnt.encode, lines))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b"\r\n"),
        (b"'", b'"'),
        (b"'<pad>_'\n'<EOS>_'", b"'<pad>'\n'<EOS>'"),
        (b"'0'\n", b"'0'"),
    ],
)
def test_harmless_variants_of_a_file(tmp_path, old, new):
    path = tmp_path / "variant"
    _tiny().store_to_file(path)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    assert SubwordTextEncoder(path).encode("ab ba") == [2, 6, 7, 8]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (b"'ab_'", b"ab_", 3, "quotes"),
        (b"'ab_'", b"'ab_", 3, "quotes"),
        (b"'ab_'", b"''", 3, "quotes"),
        (b"'ab_'", b"", 3, "quotes"),
        (b"'ab_'", b"'a\xff_'", 3, "UTF-8"),
        (b"'ab_'", b"'a'", 8, "line 3"),
        (b"'<pad>_'\n", b"", 1, "<pad>"),
        (b"'<EOS>_'\n", b"", 2, "<EOS>"),
        (b"'1'\n'0'\n", b"", 24, "ends without '0'"),
        (b"'b'\n", b"", 25, "ends without 'b'"),
    ],
)
def test_a_broken_line_is_named(tmp_path, old, new, line, message):
    path = tmp_path / "broken.subwords"
    _tiny().store_to_file(path)
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        SubwordTextEncoder(path)
    assert f"{path}, line {line}: " in str(caught.value)
    assert "t2t-datagen" in str(caught.value)


def test_an_empty_or_missing_file(tmp_path):
    path = tmp_path / "empty.subwords"
    with pytest.raises(InputError, match="empty.subwords: No such file"):
        SubwordTextEncoder(path)
    for content in (b"", b"\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="line 1: the file is empty"):
            SubwordTextEncoder(path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "vocab"
    path.write_text("earlier")

    def fail(source, target):
        assert os.path.dirname(source) == str(tmp_path)
        assert os.path.getsize(source) > 100
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        _tiny().store_to_file(path)
    assert [file.name for file in tmp_path.iterdir()] == ["vocab"]
    assert path.read_text() == "earlier"


@pytest.mark.parametrize("character", ["\n", "\udc80"])
def test_what_a_file_cannot_hold_is_not_written(tmp_path, character):
    encoder = _learn([f"a{character}b"], 50)
    assert encoder.decode(encoder.encode(f"b{character}")) == f"b{character}"
    assert "\n" not in "".join(encoder.decode_list(encoder.encode("b\n")))
    with pytest.raises(InputError, match="line break or a surrogate"):
        encoder.store_to_file(tmp_path / "vocab")
    assert list(tmp_path.iterdir()) == []


def test_tensor2tensor_encodes_and_decodes_the_same(shared):
    folder = shared("oracle/t2t/subwords")
    oracle = json.loads((folder / "encode_decode.json").read_text("utf-8"))
    encoder = SubwordTextEncoder(folder / oracle["vocab_file"])
    assert encoder.vocab_size == oracle["vocab_size"]
    for case in oracle["cases"]:
        assert subwords.tokenize(case["text"]) == case["tokens"]
        assert encoder.encode(case["text"]) == case["ids"]
        assert encoder.decode_list(case["ids"]) == case["subtokens"]
        assert encoder.decode(case["ids"]) == case["decoded"]
    for case in oracle["decode_only"]:
        assert encoder.decode(case["ids"]) == case["decoded"]
        stripped = encoder.decode(case["ids"], strip_extraneous=True)
        assert stripped == case["decoded_strip_extraneous"]


def test_tensor2tensor_learns_the_same_from_a_toy_text(shared):
    path = shared("oracle/t2t/subwords/toy_vocab.json")
    oracle = json.loads(path.read_text("utf-8"))
    lines = oracle["corpus_lines_each_repeated_5_times_as_whole_list"] * 5
    for result in oracle["results"]:
        encoder = _learn(lines, result["target"], max_subtoken_length=200)
        assert _subtokens(encoder) == result["subtokens"]


@pytest.mark.parametrize(
    ("pairs", "target"), [(400, 200), (2000, 512), (2000, 1000)]
)
def test_tensor2tensor_learns_the_same_file(shared, tmp_path, pairs, target):
    name = f"small_vocab.first{pairs}_lines.target{target}.subwords"
    expected = (shared("oracle/t2t/subwords") / name).read_bytes()
    corpus = shared("data/multi30k")
    with (
        gzip.open(corpus / "train.en.gz", "rt", encoding="utf-8") as english,
        gzip.open(corpus / "train.de.gz", "rt", encoding="utf-8") as german,
    ):
        both = zip(english, german, strict=True)
        lines = itertools.chain.from_iterable(itertools.islice(both, pairs))
        encoder = _learn(
            (line.strip() for line in lines), target, max_subtoken_length=200
        )
    encoder.store_to_file(tmp_path / name)
    assert (tmp_path / name).read_bytes() == expected


# The interface of training and decoding.
# Ids 2 and 3, then the characters from id 4 on.
_FILE_SUBTOKENS = ["<pad>_", "<EOS>_", "ab_", "c", *"\\_u;0123456789<>EOSpadb"]


@pytest.fixture
def vocabulary(tmp_path):
    file = tmp_path / "vocab.x.27.subwords"
    file.write_text("".join(f"'{subtoken}'\n" for subtoken in _FILE_SUBTOKENS))
    return file


def test_lines_to_ids_and_back(vocabulary):
    encoder = SubwordEncoder(vocabulary)
    assert encoder.vocab_size == len(_FILE_SUBTOKENS)
    # "ab" is "ab_"; "cab" is "c" and "ab_".
    assert encoder.encode("ab cab") == [2, 3, 2]
    assert encoder.encode_lines(["ab", "", "cab"]) == [[2], [], [3, 2]]
    assert encoder.decode([2, 3, 2]) == "ab cab"
    assert encoder.pieces([3, 2, 1]) == ["c", "ab_", "<EOS>_"]


def test_padding_and_what_follows_the_end_are_no_text(vocabulary):
    assert SubwordEncoder(vocabulary).decode([0, 2, 1, 3, 2, 0]) == "ab"


def test_a_problem_opens_a_vocabulary_by_its_suffix(vocabulary):
    problem = registry.problem("translate_ende_multi30k")
    assert isinstance(problem.open_vocabulary(vocabulary), SubwordEncoder)
    other = vocabulary.rename(vocabulary.with_suffix(".bpe"))
    with pytest.raises(InputError, match="not a SentencePiece model"):
        problem.open_vocabulary(other)
