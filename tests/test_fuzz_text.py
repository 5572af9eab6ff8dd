"""Arbitrary text, trees, vocabularies, records: a right result or InputError.

What our own writer wrote must be read back; what is a beginning of that may be.
"""

import io
import string
import tarfile

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from t2t_repro.data import archive_problem, records
from t2t_repro.errors import InputError
from t2t_repro.metrics import bracketing
from t2t_repro.text import bpe, linearised_trees, lines, trees
from t2t_repro.text.subwords import SubwordEncoder, SubwordTextEncoder
from t2t_repro.text.trees import Tree
from tests import fuzzing

_TOKENS = ["(", ")", " ", "\n", "NN", "TOP", "dog", "-NONE-", "(TOP", "((", "é"]
_LINEAR = ["(S", ")S", "(NP", ")NP", "NN", "(", ")", "()", "x y", "", "\u2028"]
_LABELS = st.sampled_from(["NP", "VP", "S", "NN", "X", "-LRB-", "TOP"])
_WORDS = st.text(string.ascii_letters + "é,.'", min_size=1, max_size=6)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A path to write examples to."""
    return tmp_path_factory.mktemp("fuzz") / "file"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The bytes of a small SentencePiece model."""
    path = tmp_path_factory.mktemp("bpe") / "vocab.bpe"
    text = ["a dog and a cat", "ein Hund und eine Katze"]
    bpe.learn(iter(text * 20), 320, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def subwords(tmp_path_factory):
    """The bytes of a small file of subwords."""
    path = tmp_path_factory.mktemp("subwords") / "vocab.subwords"
    text = ["a dog and a cat", "two dogs, one cat_s \\ home"]
    SubwordTextEncoder.build_from_generator(text * 5, 60).store_to_file(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """The bytes of a small file of records, and what it holds."""
    pairs = [([5, 6, 1], [7, 1]), ([300, 1], [8, 9, 10, 1])]
    path = tmp_path_factory.mktemp("records") / "p-train-00000-of-00001"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for inputs, targets in pairs:
            writer.write(records.serialize(inputs, targets))
    return path.read_bytes(), pairs


@fuzzing.LIGHT
@given(st.lists(st.sampled_from(_TOKENS) | st.text(max_size=3), max_size=12))
def test_trees(tokens):
    text = " ".join(tokens)
    try:
        tree = trees.clean(trees.parse_tree(text))
    except InputError:
        return
    assert trees.parse_tree(trees.tree_line(tree)) == tree


@fuzzing.LIGHT
@given(st.binary(max_size=40), st.sampled_from(["x.mrg", "x.trees", "x.gz"]))
def test_files_of_trees(place, content, name):
    path = place.with_name(name)
    path.write_bytes(content)
    try:
        found = list(trees.read_trees(path))
    except InputError:
        return
    assert all(isinstance(tree, Tree) for tree in found)


@fuzzing.LIGHT
@given(st.lists(st.sampled_from(_TOKENS), max_size=12), st.text(max_size=10))
def test_scores_of_trees(tokens, other):
    gold, test = " ".join(tokens).replace("\n", " "), other.replace("\n", " ")
    for pair in ((gold, test), (test, gold), (gold, gold)):
        try:
            report = bracketing.evaluate(pair[:1], pair[1:])
        except InputError:
            continue
        assert report.all.sentences == 1
        assert 0 <= report.all.brackets_with_failures.f1 <= 100


_TREES = st.recursive(
    st.builds(lambda tag, word: Tree(tag, word=word), _LABELS, _WORDS),
    lambda inner: st.builds(
        lambda label, children: Tree(label, tuple(children)),
        st.sampled_from(["NP", "VP", "S"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@fuzzing.LIGHT
@given(_TREES, st.lists(st.sampled_from(_LINEAR) | st.text(max_size=4)))
def test_rebuilt_trees(tree, tokens):
    whole = linearised_trees.rebuild(
        linearised_trees.linearise(tree), tree.words()
    )
    assert (whole.tree, bool(whole.repairs)) == (tree, False)
    rebuilt = linearised_trees.rebuild(tokens, tree.words()).tree
    assert rebuilt.words() == tree.words()
    line = trees.tree_line(linearised_trees.settle_punctuation(rebuilt))
    assert trees.parse_tree(line).words() == tree.words()


def test_trees_deeper_than_recursion():
    depth = 20_000
    line = "(NP " * depth + "(NN dog)" + ")" * depth
    tree = trees.clean(trees.parse_tree(line))
    assert trees.tree_line(tree) == f"(TOP {line})"
    tokens = linearised_trees.linearise(tree)
    assert len(tokens) == 2 * depth + 1
    rebuilt = linearised_trees.rebuild(["(NP"] * depth, ["dog"])
    assert trees.tree_line(rebuilt.tree) == "(XX dog)".join(["(TOP ", ")"])


@fuzzing.HEAVY
@given(st.data())
def test_sentencepiece_models(place, model, data):
    path = place.with_name("vocab.bpe")
    path.write_bytes(
        data.draw(
            st.binary(max_size=40) | fuzzing.damaged(model) | st.just(model)
        )
    )
    try:
        encoder = bpe.BpeEncoder(path)
    except InputError:
        return
    line = data.draw(fuzzing.TEXT)
    ids = encoder.encode(line)
    assert all(0 <= number < encoder.vocab_size for number in ids)
    decoded = encoder.decode(ids)
    if path.read_bytes() == model:
        assert decoded == line.replace("\u2581", " ")


@fuzzing.LIGHT
@given(st.data())
def test_subword_files(place, subwords, data):
    path = place.with_name("vocab.subwords")
    path.write_bytes(
        data.draw(st.binary(max_size=40) | fuzzing.damaged(subwords))
    )
    try:
        encoder = SubwordEncoder(path)
    except InputError:
        return
    # Whatever the file holds, it can spell out every text.
    line = data.draw(fuzzing.TEXT)
    ids = encoder.encode(line)
    assert all(0 <= number < encoder.vocab_size for number in ids)
    assert encoder.decode(ids) == line
    any_ids = data.draw(st.lists(st.integers(-5, encoder.vocab_size + 5)))
    # A file must be able to hold it: this would fail on a surrogate.
    encoder.decode(any_ids).encode()


def test_a_spelled_out_surrogate_can_be_written(place, subwords):
    r"""The pieces `\`, `5`, ... of `\55296;` are the escape of U+D800."""
    path = place.with_name("vocab.subwords")
    path.write_bytes(subwords)
    encoder = SubwordEncoder(path)
    id_of = {
        piece: number
        for number, piece in enumerate(
            encoder.pieces(range(encoder.vocab_size))
        )
    }
    ids = [id_of[letter] for letter in "\\55296;"]
    text = encoder.decode([*ids, id_of["_"]])
    assert text == "\ufffd"
    lines.write_lines_atomically(place, [text])
    assert lines.read_lines(place) == ["\ufffd"]


@fuzzing.HEAVY
@given(st.data())
def test_records(place, shard, data):
    whole, pairs = shard
    content = data.draw(st.binary(max_size=60) | fuzzing.damaged(whole))
    place.write_bytes(content)
    try:
        found = records.read_pairs([str(place)], vocab_size=301)
    except InputError as error:
        assert "\n" not in str(error)
        return
    # Sums over every byte: what is read is a beginning of what was written.
    read = [
        (found.inputs.row(i).tolist(), found.targets.row(i).tolist())
        for i in range(len(found))
    ]
    assert read == pairs[: len(found)]


@pytest.mark.parametrize("vocab_size", [300, 301])
def test_ids_outside_the_vocabulary(place, shard, vocab_size):
    """The largest id is 300, which 301 ids have and 300 have not."""
    place.write_bytes(shard[0])
    if vocab_size == 301:
        lengths = records.read_lengths([str(place)], vocab_size)
        assert lengths.tolist() == [[3, 2], [2, 4]]
        return
    with pytest.raises(InputError, match="the id 300 is not from 1 to 299"):
        records.read_lengths([str(place)], vocab_size)


@fuzzing.LIGHT
@given(st.data())
def test_archives(place, data):
    buffer = io.BytesIO()
    mode = data.draw(st.sampled_from(["w", "w:gz", "w:xz", "w:bz2"]))
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        member = tarfile.TarInfo("a.en")
        member.size = 12
        archive.addfile(member, io.BytesIO(b"a dog\na cat\n"))
    place.write_bytes(data.draw(fuzzing.damaged(buffer.getvalue())))
    try:
        found = list(archive_problem.member_lines(place, "a.en"))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert all(isinstance(line, str) for line in found)


@fuzzing.LIGHT
@given(
    st.lists(fuzzing.TEXT),
    st.sampled_from(["x", "x.gz"]),
)
def test_lines(place, texts, name):
    path = place.with_name(name)
    lines.write_lines_atomically(path, texts)
    # A CR before the line end, and a mark in front, are as Windows writes them.
    expected = [text.removesuffix("\r") for text in texts]
    if texts:
        expected[0] = expected[0].removeprefix("\ufeff")
    assert lines.read_lines(path) == expected
