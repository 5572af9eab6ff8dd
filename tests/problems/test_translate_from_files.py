"""A user's own text as a problem."""

import gzip

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError
from t2t_repro.text import bpe


@pytest.fixture
def problem():
    """The problem under its registered name."""
    return registry.problem("translate_from_files")


def test_declaration(problem):
    assert problem.languages == ("src", "tgt")
    assert problem.splits == ("train", "dev")
    assert problem.vocab_filename == "vocab.translate_from_files.8192.bpe"
    assert problem.shards("train") == 10


@pytest.mark.parametrize(
    ("pairs", "has_gpu", "name"),
    [
        (800, False, "transformer_low_resource"),
        (800, True, "transformer_low_resource"),
        (99_999, True, "transformer_low_resource"),
        (100_000, True, "transformer_base_one_gpu"),
        # The paper's base is nothing for a processor.
        (5_000_000, False, "transformer_low_resource"),
    ],
)
def test_the_set_fits_text_and_device(problem, pairs, has_gpu, name):
    assert problem.default_hparams_set(pairs, has_gpu) == name
    registry.hparams(name)


@pytest.mark.parametrize(
    ("pairs", "pieces"), [(9_999, 2000), (10_000, 8192), (10_001, 8192)]
)
def test_small_text_gets_a_small_vocabulary(
    problem, tmp_path, monkeypatch, pairs, pieces
):
    learnt = []
    monkeypatch.setattr(
        bpe, "learn", lambda lines, size, path: learnt.append((size, [*lines]))
    )
    lines = [f"line {number}" for number in range(2 * pairs)]
    problem.learn_vocabulary(iter(lines), tmp_path / "vocab")
    assert learnt == [(pieces, lines)]


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
