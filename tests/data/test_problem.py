"""The Problem: names, languages, files and its vocabulary."""

import pytest

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import UsageError


class _Toy(TextToTextProblem):
    source_language = "en"
    target_language = "de"
    approx_vocab_size = 300
    train_shards = 3

    def generate_samples(self, split, tmp_dir):
        yield "a dog", "ein Hund"


def test_forward():
    problem = _Toy("translate_toy")
    assert problem.languages == ("en", "de")
    assert problem.full_name == problem.name == "translate_toy"


def test_reversed_swaps_languages_and_shares_files():
    problem = _Toy("translate_toy", is_reversed=True)
    assert problem.languages == ("de", "en")
    assert problem.full_name == "translate_toy_rev"
    assert problem.name == "translate_toy"
    assert problem.vocab_filename == _Toy("translate_toy").vocab_filename
    # What it generates stays forward: one set of files serves both.
    assert list(problem.generate_samples("train", None)) == [
        ("a dog", "ein Hund")
    ]


def test_files():
    problem = _Toy("translate_toy")
    assert problem.vocab_filename == "vocab.translate_toy.300.bpe"
    splits = ("train", "dev", "test")
    assert [problem.shards(split) for split in splits] == [3, 1, 1]
    assert problem.sources() == []


def test_splits():
    problem = _Toy("translate_toy")
    problem.check_split("train")
    problem.check_split("dev")
    with pytest.raises(UsageError, match="no split 'test', only train, dev"):
        problem.check_split("test")


def test_a_problem_must_say_where_text_comes_from():
    with pytest.raises(TypeError, match="generate_samples"):
        TextToTextProblem("x")  # type: ignore[abstract]


def test_its_vocabulary(tmp_path):
    problem = _Toy("translate_toy")
    path = tmp_path / problem.vocab_filename
    problem.learn_vocabulary(iter(["a dog", "ein Hund"]), path)
    encoder = problem.open_vocabulary(path)
    assert encoder.decode(encoder.encode("Hund dog")) == "Hund dog"
    assert encoder.vocab_size <= 300


class _Subwords(_Toy):
    vocab_kind = "subwords"


def test_the_kind_of_vocabulary(tmp_path):
    problem = _Subwords("translate_toy")
    assert problem.vocab_filename == "vocab.translate_toy.300.subwords"
    path = tmp_path / problem.vocab_filename
    problem.learn_vocabulary(iter(["a dog", "ein Hund"]), path)
    assert path.read_text().startswith("'<pad>_'\n'<EOS>_'\n")
    encoder = problem.open_vocabulary(path)
    assert encoder.decode(encoder.encode("Hund dog")) == "Hund dog"


def test_long_words_take_no_long_subwords(tmp_path):
    problem = _Subwords("translate_toy")
    path = tmp_path / problem.vocab_filename
    problem.learn_vocabulary(iter(["x" * 400] * 2000), path)
    subtokens = path.read_text().splitlines()
    # tensor2tensor's limit of 200 is the first length not allowed; two quotes.
    assert max(map(len, subtokens)) == 199 + 2


def test_an_unknown_kind_of_vocabulary():
    class Odd(_Toy):
        vocab_kind = "letters"

    with pytest.raises(UsageError, match="'letters': it must be one of bpe"):
        Odd("translate_toy")


def test_whole_words(tmp_path):
    class Whole(_Toy):
        vocab_kind = "words"
        approx_vocab_size = 100

    problem = Whole("translate_toy")
    assert problem.vocab_filename == "vocab.translate_toy.100.words"
    path = tmp_path / problem.vocab_filename
    problem.learn_vocabulary(iter(["a dog", "ein Hund"]), path)
    encoder = problem.open_vocabulary(path)
    assert encoder.vocab_size == 4 + 4
    assert encoder.decode(encoder.encode("Hund dog")) == "Hund dog"


def test_what_a_vocabulary_is_learnt_from(tmp_path):
    class Long(_Toy):
        def generate_samples(self, split, tmp_dir):
            for number in range(300_000):
                yield f"{number:06}", f"{number:05}!"

    # 1.8 million characters a side: every second line is 0.9 million.
    both = list(Long("translate_toy").vocabulary_lines(tmp_path))
    assert len(both) == 600_000
    assert both[:3] == ["000000", "00000!", "000001"]
    Long.vocab_kind = "subwords"
    sampled = list(Long("translate_toy").vocabulary_lines(tmp_path))
    assert len(sampled) == 300_000
    assert sampled[:2] == ["000000", "000002"]
    assert sampled[150_000:150_002] == ["00000!", "00002!"]


def test_one_corpus_of_unknown_size(tmp_path):
    problem = _Toy("translate_toy")
    corpora = [
        (name, list(pairs))
        for name, pairs in problem.generate_corpora("train", tmp_path)
    ]
    assert corpora == [("translate_toy", [("a dog", "ein Hund")])]
    assert problem.expected_pairs("train", tmp_path) is None
