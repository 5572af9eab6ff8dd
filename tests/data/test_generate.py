"""t2t-datagen's work: shards, vocabulary, counts, and nothing half-made."""

import gzip
import json
import os
import threading
import types

import pytest
import tensorflow as tf

from problems.translate_from_files import TranslateFromFiles
from t2t_repro.data import generate, records
from t2t_repro.errors import InputError
from t2t_repro.files import file_sha256

_NAME = "translate_from_files"
_VOCABULARY = f"vocab.{_NAME}.300.bpe"
_SOURCE = ["a dog", "two  cats", "", "a \u201cred\u201d house", "\t", "one"]
_TARGET = ["ein Hund", "zwei Katzen", "leer", "ein rotes Haus", "", ""]
_DEV = (["the dog", ""], ["der Hund", "nichts"])


def _problem(is_reversed=False):
    problem = TranslateFromFiles(_NAME, is_reversed)
    # Of the instance, so that a process that receives it has them too.
    problem.approx_vocab_size = 300
    problem.train_shards = 2
    return problem


@pytest.fixture
def raw(tmp_path):
    """A small corpus; returns its folder."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for stem, lines in (
        ("train.src", _SOURCE),
        ("train.tgt", _TARGET),
        ("dev.src", _DEV[0]),
        ("dev.tgt", _DEV[1]),
    ):
        _write(folder / stem, lines)
    return folder


def _write(path, lines):
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def _generate(tmp_path, raw, name="data", processes=1, is_reversed=False):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    generate.generate(_problem(is_reversed), folder, raw, processes)
    return folder


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _texts(folder, split):
    encoder = _problem().open_vocabulary(folder / _VOCABULARY)
    pairs = records.read_pairs(records.shard_paths(folder, _NAME, split))
    return pairs.texts(encoder)


def test_text_becomes_shards(tmp_path, raw):
    folder = _generate(tmp_path, raw)
    assert sorted(os.listdir(folder)) == [
        f"{_NAME}-dev-00000-of-00001",
        f"{_NAME}-train-00000-of-00002",
        f"{_NAME}-train-00001-of-00002",
        f"{_NAME}.json",
        _VOCABULARY,
    ]
    # Pairs 1, 2 and 4 are whole; they go to shards 0, 1, 0.
    assert _texts(folder, "train") == [
        ("a dog", "ein Hund"),
        ("a \u201cred\u201d house", "ein rotes Haus"),
        ("two  cats", "zwei Katzen"),
    ]
    # Line 2 of dev is half empty, and stays: it has a reference to score.
    assert _texts(folder, "dev") == [("the dog", "der Hund"), ("", "nichts")]


def test_every_sequence_ends_once(tmp_path, raw):
    folder = _generate(tmp_path, raw)
    for split in ("train", "dev"):
        pairs = records.read_pairs(records.shard_paths(folder, _NAME, split))
        for side in (pairs.inputs, pairs.targets):
            assert (side.values[side.starts[1:] - 1] == 1).all()
            assert (side.values == 1).sum() == len(pairs)
            assert not (side.values == 0).any()


def test_what_became_of_the_lines(tmp_path, raw):
    folder = _generate(tmp_path, raw)
    summary = json.loads((folder / f"{_NAME}.json").read_text())
    pairs = records.read_pairs(records.shard_paths(folder, _NAME, "train"))
    assert summary["splits"]["train"] == {
        "pairs_read": 6,
        "pairs_written": 3,
        "empty_dropped": 3,
        "too_long_dropped": 0,
        "ratio_dropped": 0,
        "duplicates_dropped": 0,
        "input_ids": len(pairs.inputs.values),
        "target_ids": len(pairs.targets.values),
    }
    assert summary["splits"]["dev"]["pairs_written"] == 2
    assert summary["splits"]["dev"]["empty_dropped"] == 0
    assert summary["problem"] == _NAME
    assert summary["vocabulary"] == _VOCABULARY
    assert summary["vocabulary_sha256"] == file_sha256(folder / _VOCABULARY)
    assert summary["vocab_size"] <= 300


def test_the_same_bytes_from_two_processes(tmp_path, raw, monkeypatch):
    # Several tasks for each, none of them full at the end.
    monkeypatch.setattr(generate, "_LINES_PER_TASK", 4)
    for side, word in (("src", "dog"), ("tgt", "Hund")):
        _write(raw / f"train.{side}", [f"{word} {i}" for i in range(49)])
    one = _generate(tmp_path, raw, "one")
    two = _generate(tmp_path, raw, "two", processes=2)
    assert _contents(one) == _contents(two)
    assert len(_texts(two, "train")) == 49


def test_the_other_direction_is_the_same_files(tmp_path, raw):
    forward = _generate(tmp_path, raw, "forward")
    backward = _generate(tmp_path, raw, "backward", is_reversed=True)
    assert _contents(forward) == _contents(backward)


def test_a_second_run_changes_nothing(tmp_path, raw, messages):
    folder = _generate(tmp_path, raw)
    before = _contents(folder)
    messages.clear()
    for path in raw.iterdir():
        path.unlink()
    _generate(tmp_path, raw)
    assert _contents(folder) == before
    assert len(messages) == 1
    assert f"{_NAME}.json is there already; remove it" in messages[0]


@pytest.mark.parametrize("packed", [False, True])
def test_text_that_has_changed_since(tmp_path, raw, packed):
    name = "train.src"
    if packed:
        name = "train.src.gz"
        (raw / "train.src").unlink()
        with gzip.open(raw / name, "wt", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in _SOURCE)
    folder = _generate(tmp_path, raw)
    before = _contents(folder)
    summary = json.loads(before[f"{_NAME}.json"])
    assert summary["sources"][0] == {
        "split": "train",
        "file": name,
        "sha256": file_sha256(raw / name),
    }
    (raw / name).write_bytes((raw / name).read_bytes() + b"\n")
    with pytest.raises(InputError, match=f"{name} has changed since"):
        _generate(tmp_path, raw)
    assert _contents(folder) == before
    # Gone, it says nothing.
    (raw / name).unlink()
    _generate(tmp_path, raw)


def test_of_two_at_once_the_second_waits(tmp_path, raw, monkeypatch):
    encode, calls = generate._encode, []

    def encode_meanwhile(encoder, block):
        if not calls:
            calls.append(
                threading.Thread(target=_generate, args=[tmp_path, raw])
            )
            calls[0].start()
            calls[0].join(0.2)
            assert calls[0].is_alive()
        return encode(encoder, block)

    monkeypatch.setattr(generate, "_encode", encode_meanwhile)
    folder = _generate(tmp_path, raw)
    calls[0].join()
    assert not (folder / f"{_NAME}.lock").exists()
    assert _contents(folder) == _contents(_generate(tmp_path, raw, "other"))


def test_a_vocabulary_that_is_there_is_used(tmp_path, raw):
    first = _generate(tmp_path, raw, "first")
    other = tmp_path / "other"
    other.mkdir()
    _problem().learn_vocabulary(iter(["quite other text"]), other / _VOCABULARY)
    mine = (other / _VOCABULARY).read_bytes()
    _generate(tmp_path, raw, "other")
    assert (other / _VOCABULARY).read_bytes() == mine
    assert mine != (first / _VOCABULARY).read_bytes()
    assert _texts(other, "train") == _texts(first, "train")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_leaves_no_half_split(tmp_path, raw, processes):
    (raw / "dev.tgt").write_bytes(b"der Hund\nb\xe4r\n")
    with pytest.raises(InputError, match="dev.tgt, line 2, is not UTF-8"):
        _generate(tmp_path, raw, processes=processes)
    # Found before the vocabulary is learnt.
    assert not os.listdir(tmp_path / "data")
    _write(raw / "dev.tgt", _DEV[1])
    folder = _generate(tmp_path, raw)
    assert _contents(folder) == _contents(_generate(tmp_path, raw, "fresh"))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train.src", b"a\n\xff\n", "train.src, line 2, is not UTF-8"),
        ("train.tgt", b"a\nb\n", "train.tgt ends after line 2 but .*train.src"),
        ("train.src", None, "train.src does not exist"),
    ],
)
def test_bad_training_text_leaves_nothing(
    tmp_path, raw, file, content, message
):
    if content is None:
        (raw / file).unlink()
    else:
        (raw / file).write_bytes(content)
    with pytest.raises(InputError, match=message):
        _generate(tmp_path, raw)
    assert os.listdir(tmp_path / "data") == []


def test_no_training_text(tmp_path, raw):
    for side in ("src", "tgt"):
        _write(raw / f"train.{side}", ["", " "])
    with pytest.raises(InputError, match="no text to learn"):
        _generate(tmp_path, raw)
    assert os.listdir(tmp_path / "data") == []


def test_no_training_pair(tmp_path, raw):
    # Text, but never on both sides.
    _write(raw / "train.src", ["a dog", ""])
    _write(raw / "train.tgt", ["", "ein Hund"])
    with pytest.raises(
        InputError,
        match="train text of translate_from_files has no sentence pairs"
        r" \(2 lines read\)",
    ):
        _generate(tmp_path, raw)
    assert os.listdir(tmp_path / "data") == [_VOCABULARY]


def test_an_empty_dev_split(tmp_path, raw):
    for side in ("src", "tgt"):
        _write(raw / f"dev.{side}", [])
    with pytest.raises(InputError, match=r"dev text .* \(0 lines read\)"):
        _generate(tmp_path, raw)
    assert not list((tmp_path / "data").glob("*-dev-*"))


def test_a_full_disk(tmp_path, raw, monkeypatch):
    class Full(tf.io.TFRecordWriter):
        def write(self, record):
            raise tf.errors.ResourceExhaustedError(
                None, None, "No space left on device"
            )

    monkeypatch.setattr(tf.io, "TFRecordWriter", Full)
    with pytest.raises(InputError) as raised:
        _generate(tmp_path, raw)
    assert str(raised.value) == (
        f"cannot write {tmp_path / 'data' / f'{_NAME}-train-00000-of-00002'}:"
        " No space left on device. Make room, or give another --data_dir."
    )
    assert os.listdir(tmp_path / "data") == [_VOCABULARY]


class _Shouting:
    """Ids of letters; targets are cut as capitals."""

    vocab_size = 100

    def __init__(self, capitals=False):
        self._capitals = capitals

    @property
    def targets(self):
        return _Shouting(capitals=True)

    def encode_lines(self, lines):
        return [
            [
                ord(letter)
                for letter in (line.upper() if self._capitals else line)
            ]
            for line in lines
        ]


def test_each_side_is_cut_as_its_language():
    """Also where the data lie the other way round than they are trained on."""
    block = [("a", "b")]
    small, capital = [[ord("a"), 1], [ord("B"), 1]], [[ord("A"), 1]]
    for is_reversed, expected in (
        (False, small),
        (True, [*capital, [ord("b"), 1]]),
    ):
        problem = types.SimpleNamespace(is_reversed=is_reversed)
        sides = generate._sides(problem, _Shouting())
        ((source, target),) = generate._encode(sides, block)
        assert [source, target] == expected
