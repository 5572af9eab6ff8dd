"""The Problem: names, languages, files and its vocabulary."""

import pytest

from t2t_repro.data.problem import SPLITS
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
    assert [problem.shards(split) for split in SPLITS] == [3, 1, 1]
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
