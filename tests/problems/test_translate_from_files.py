"""A user's own text as a problem."""

import gzip

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError


@pytest.fixture
def problem():
    """The problem under its registered name."""
    return registry.problem("translate_from_files")


def test_declaration(problem):
    assert problem.languages == ("src", "tgt")
    assert problem.splits == ("train", "dev")
    assert problem.vocab_filename == "vocab.translate_from_files.8192.bpe"
    assert problem.shards("train") == 10


def test_plain_and_packed_files(problem, tmp_path):
    (tmp_path / "train.src").write_bytes(b"a dog \n\ntwo\n")
    packed = gzip.compress("ein Hund\n\u00e4\nzwei\n".encode())
    (tmp_path / "train.tgt.gz").write_bytes(packed)
    assert list(problem.generate_samples("train", tmp_path)) == [
        ("a dog ", "ein Hund"),
        ("", "\u00e4"),
        ("two", "zwei"),
    ]


def test_a_plain_file_goes_before_a_packed_one(problem, tmp_path):
    for side in ("src", "tgt"):
        (tmp_path / f"dev.{side}").write_bytes(b"plain\n")
        (tmp_path / f"dev.{side}.gz").write_bytes(gzip.compress(b"packed\n"))
    samples = problem.generate_samples("dev", tmp_path)
    assert list(samples) == [("plain", "plain")]


def test_a_missing_file(problem, tmp_path):
    (tmp_path / "dev.src").write_bytes(b"a\n")
    with pytest.raises(InputError) as raised:
        list(problem.generate_samples("dev", tmp_path))
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'dev.tgt'} does not exist")
    assert "--tmp_dir" in message


def test_unequal_files(problem, tmp_path):
    (tmp_path / "dev.src").write_bytes(b"a\nb\n")
    (tmp_path / "dev.tgt").write_bytes(b"a\n")
    with pytest.raises(InputError, match="dev.tgt ends after line 1"):
        list(problem.generate_samples("dev", tmp_path))
