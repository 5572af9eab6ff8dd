"""Byte-pair encoding: lossless, deterministic, the same inside a graph."""

import gzip
import itertools

import pytest

from t2t_repro.errors import InputError
from t2t_repro.text import bpe

_LINES = [
    "a man rides a red bicycle down the street.",
    "two dogs play in the snow, and one dog barks.",
    "ein Mann fährt auf einem roten Fahrrad die Straße entlang.",
    "tabs\there and two  spaces, \u201cquotes\u201d too",
] * 5
_NASTY = [
    "",
    " ",
    "   ",
    " one space in front",
    "one behind ",
    "  two  around  ",
    "tab\tin\t\tside",
    "\t",
    "\u201ecurly\u201c \u2018quotes\u2019 \u00abguillemets\u00bb \"plain' `",
    "no\u00a0break\u202fspaces\u3000wide",
    "\u6f22\u5b57\u3068\u4eee\u540d",
    "emoji \U0001f600 family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "combining e\u0301 beside \u00e9, \ufb01 ligature, \u212b",
    "line\u2028separators\u0085\r\x0b\x0c inside",
    "\ufeffbyte order mark",
    "control \x00 \x01 \x7f",
    "<pad> </s> <unk> <s> <0x41> @@",
    "\U0010ffff\ufffd",
    "never seen: \u0416\u0443\u043a, \u03b2, \u05d0",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A vocabulary file of 400 pieces."""
    path = tmp_path_factory.mktemp("bpe") / "vocab.bpe"
    bpe.learn(_LINES, 400, path)
    return path


@pytest.fixture(scope="module")
def encoder(path):
    """The same file, opened."""
    return bpe.BpeEncoder(path)


def test_learning_merges_frequent_pairs(encoder):
    assert encoder.vocab_size == 400
    ids = encoder.encode(_LINES[0])
    assert len(ids) < len(_LINES[0]) / 2
    assert "".join(encoder.pieces(ids)) == _LINES[0].replace(" ", "\u2581")


@pytest.mark.parametrize("text", _NASTY)
def test_every_text_comes_back(encoder, text):
    ids = encoder.encode(text)
    assert encoder.decode(ids) == text
    # Neither padding, nor end of sentence, nor unknown stands for text.
    assert not {0, 1, 2} & set(ids)
    assert all(number < encoder.vocab_size for number in ids)


def test_the_documented_exception(encoder):
    assert encoder.decode(encoder.encode("a\u2581b")) == "a b"


def test_many_lines_are_the_lines(encoder):
    assert encoder.encode_lines(_NASTY) == [encoder.encode(t) for t in _NASTY]
    assert encoder.encode_lines([]) == []


def test_decoding_stops_at_the_end_and_skips_padding(encoder):
    dog, cat = encoder.encode(" dog"), encoder.encode(" man")
    assert encoder.decode([0, *dog, 0, 1, *cat]) == " dog"
    assert encoder.decode([1, *cat]) == ""


def test_the_same_ids_in_a_graph(path, encoder, capfd):
    import tensorflow as tf

    tokenizer = bpe.graph_tokenizer(path)
    assert capfd.readouterr().err == ""
    tokenize = tf.function(tokenizer.tokenize)
    # A tf.string constant of Python strings is their UTF-8.
    ids = tokenize(tf.constant(_NASTY))
    assert ids.dtype == tf.int32
    assert ids.to_list() == [[*encoder.encode(text), 1] for text in _NASTY]


def test_learning_is_deterministic(tmp_path, path):
    # From an iterator this time: how the lines arrive makes no difference.
    bpe.learn(iter(_LINES), 400, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_empty_lines_teach_nothing(tmp_path, path):
    bpe.learn(["", "  ", *_LINES], 400, tmp_path / "again")
    assert (
        bpe.BpeEncoder(tmp_path / "again").encode(_LINES[0])
    ) == bpe.BpeEncoder(path).encode(_LINES[0])


def test_a_small_text_gives_fewer_pieces(tmp_path):
    bpe.learn(["ab"], 300, tmp_path / "v")
    # 256 bytes, padding, end, unknown, a, b, and the merge ab.
    assert bpe.BpeEncoder(tmp_path / "v").vocab_size == 262


@pytest.mark.parametrize(
    ("lines", "size", "message"),
    [
        (["text"], 299, "vocabulary of 299 is too small.*300 or more"),
        ([], 300, "no text to learn"),
        (["", " ", "\t"], 300, "no text to learn"),
        # 100 different characters do not fit beside 259 others.
        (
            ["".join(map(chr, range(0x4E00, 0x4E64)))],
            300,
            "cannot learn a vocabulary of 300.*Increase vocab_size",
        ),
    ],
)
def test_what_cannot_be_learnt(tmp_path, lines, size, message):
    with pytest.raises(InputError, match=message):
        bpe.learn(lines, size, tmp_path / "v")
    assert list(tmp_path.iterdir()) == []


def test_not_a_model(tmp_path):
    path = tmp_path / "v"
    with pytest.raises(InputError, match="v does not exist"):
        bpe.BpeEncoder(path)
    path.write_text("some text\n")
    with pytest.raises(InputError, match="v is not a SentencePiece model"):
        bpe.BpeEncoder(path)


def test_a_model_with_other_ids(tmp_path):
    import sentencepiece

    # SentencePiece's own defaults: unknown 0, begin 1, end 2, no padding.
    with open(tmp_path / "v", "wb") as writer:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(_LINES),
            model_writer=writer,
            vocab_size=50,
            minloglevel=2,
        )
    with pytest.raises(InputError, match=r"\(-1, 2\), expected \(0, 1\)"):
        bpe.BpeEncoder(tmp_path / "v")


def test_all_of_multi30k_comes_back(tmp_path, shared):
    folder = shared("data/multi30k")
    texts = {
        path.name: gzip.decompress(path.read_bytes())
        .decode("utf-8")
        .removesuffix("\n")
        .split("\n")
        for path in sorted(folder.glob("*.gz"))
    }
    # (29,000 train + 1,014 dev + 1,000 test) x 3 languages.
    assert sum(map(len, texts.values())) == 93_042
    # Learnt from a tenth of English and German: French is unseen.
    learning = itertools.chain(texts["train.en.gz"], texts["train.de.gz"])
    bpe.learn(itertools.islice(learning, 0, None, 10), 2000, tmp_path / "v")
    encoder = bpe.BpeEncoder(tmp_path / "v")
    for name, lines in texts.items():
        back = [encoder.decode(ids) for ids in encoder.encode_lines(lines)]
        assert back == lines, name
