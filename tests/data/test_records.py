"""TFRecord shards: names, whole sets, damage, and padded rows."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.data import records
from t2t_repro.errors import InputError

_PAIRS = [([5, 6, 7, 1], [8, 1]), ([1], [9, 10, 1]), ([11, 1], [1])]


def _write(path, pairs):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for inputs, targets in pairs:
            writer.write(records.serialize(inputs, targets))


@pytest.fixture
def shard(tmp_path):
    """A file of `_PAIRS`."""
    path = tmp_path / records.shard_name("p", "train", 0, 1)
    _write(path, _PAIRS)
    return str(path)


def _rows(sequences):
    count = len(sequences.starts) - 1
    return [sequences.row(index).tolist() for index in range(count)]


def test_shard_names_are_tensor2tensors():
    assert (
        records.shard_name("translate_ende_wmt32k", "train", 3, 100)
        == "translate_ende_wmt32k-train-00003-of-00100"
    )


def test_shards_are_found_in_order(tmp_path):
    for name in (
        "p-train-00002-of-00003",
        "p-train-00000-of-00003",
        "p-train-00001-of-00003",
        "p-dev-00000-of-00001",
        "p_big-train-00000-of-00002",
        ".p-train-00000-of-00003.0123abcd.part",
        "p-train-00000-of-00003.bak",
    ):
        (tmp_path / name).touch()
    assert records.shard_paths(tmp_path, "p", "train") == [
        str(tmp_path / f"p-train-0000{index}-of-00003") for index in range(3)
    ]
    assert len(records.shard_paths(str(tmp_path), "p", "dev")) == 1


def test_a_folder_name_is_not_a_pattern(tmp_path):
    folder = tmp_path / "run[1]*"
    folder.mkdir()
    (folder / "p-dev-00000-of-00001").touch()
    assert len(records.shard_paths(folder, "p", "dev")) == 1


def test_no_shards(tmp_path):
    with pytest.raises(InputError) as raised:
        records.shard_paths(tmp_path, "p", "dev")
    assert f"t2t-datagen --problem=p --data_dir={tmp_path}" in str(raised.value)


@pytest.mark.parametrize(
    "names",
    [
        ["p-train-00000-of-00003", "p-train-00002-of-00003"],
        ["p-train-00000-of-00001", "p-train-00000-of-00002"],
    ],
)
def test_only_part_of_the_shards(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="only part of the train") as raised:
        records.shard_paths(tmp_path, "p", "train")
    assert "2 files" in str(raised.value)
    assert names[-1] in str(raised.value)


def test_what_is_written_is_read(shard):
    pairs = records.read_pairs([shard])
    assert len(pairs) == 3
    assert _rows(pairs.inputs) == [[5, 6, 7, 1], [1], [11, 1]]
    assert _rows(pairs.targets) == [[8, 1], [9, 10, 1], [1]]
    assert pairs.lengths().tolist() == [[4, 2], [1, 3], [2, 1]]
    assert pairs.inputs.values.dtype == np.int32
    assert _rows(pairs.reversed().inputs) == _rows(pairs.targets)
    assert records.read_lengths([shard]).tolist() == [[4, 2], [1, 3], [2, 1]]


def test_files_follow_one_another(shard, tmp_path):
    _write(tmp_path / "b", [([12, 1], [13, 1])])
    (tmp_path / "empty").touch()
    paths = [shard, str(tmp_path / "empty"), str(tmp_path / "b")]
    pairs = records.read_pairs(paths)
    assert _rows(pairs.inputs) == [[5, 6, 7, 1], [1], [11, 1], [12, 1]]
    assert records.read_lengths(paths)[-1].tolist() == [2, 2]


def test_more_records_than_are_parsed_at_once(tmp_path):
    # 5000 > 4096, the records of a block.
    _write(tmp_path / "a", [([i + 2, 1], [1]) for i in range(5000)])
    pairs = records.read_pairs([str(tmp_path / "a")])
    assert pairs.inputs.values[0::2].tolist() == list(range(2, 5002))


def test_nothing_to_read(tmp_path):
    (tmp_path / "empty").touch()
    for paths in ([], [str(tmp_path / "empty")]):
        assert len(records.read_pairs(paths)) == 0
        assert records.read_lengths(paths).shape == (0, 2)


def test_concatenate(shard):
    pairs = records.read_pairs([shard])
    twice = records.concatenate([pairs, pairs])
    assert _rows(twice.targets) == 2 * _rows(pairs.targets)
    assert len(records.concatenate([])) == 0


def test_serialized_as_tensor2tensor_does(shard):
    record = next(iter(tf.data.TFRecordDataset(shard))).numpy()
    example = tf.train.Example.FromString(record)
    assert sorted(example.features.feature) == ["inputs", "targets"]
    assert list(example.features.feature["inputs"].int64_list.value) == [
        5,
        6,
        7,
        1,
    ]


def test_padded(shard):
    inputs = records.read_pairs([shard]).inputs
    padded = inputs.padded(np.array([2, -1, 0, 2]), 5)
    assert padded.dtype == np.int32
    assert padded.tolist() == [
        [11, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [5, 6, 7, 1, 0],
        [11, 1, 0, 0, 0],
    ]
    assert inputs.padded(np.array([-1]), 2).tolist() == [[0, 0]]


def test_joined(shard):
    inputs = records.read_pairs([shard]).inputs
    joined = inputs.joined(np.array([2, 0, 1]), np.array([2, 1]))
    assert joined.values.dtype == np.int32
    assert _rows(joined) == [[11, 1, 5, 6, 7, 1], [1]]
    nothing = np.zeros(0, np.int64)
    assert _rows(inputs.joined(nothing, nothing)) == []


def test_lengths_are_read_with_a_look_at_the_pairs(shard):
    seen = []
    lengths = records.read_lengths([shard, shard], None, seen.append)
    assert lengths.tolist() == [[4, 2], [1, 3], [2, 1]] * 2
    assert sum(map(len, seen)) == 6


def test_a_cut_off_file(shard):
    with open(shard, "r+b") as file:
        file.truncate(file.seek(0, 2) - 3)
    with pytest.raises(InputError, match="is damaged") as raised:
        records.read_pairs([shard])
    assert shard in str(raised.value)
    with pytest.raises(InputError, match="remove it and run t2t-datagen"):
        records.read_lengths([shard])


def test_a_flipped_byte(shard):
    with open(shard, "r+b") as file:
        file.seek(30)
        byte = file.read(1)[0]
        file.seek(30)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(InputError, match="is damaged"):
        records.read_pairs([shard])


@pytest.mark.parametrize("content", [b"text\n" * 20, b"\x00" * 100])
def test_a_file_of_something_else(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="a is damaged or not a file of"):
        records.read_pairs([str(tmp_path / "a")])


@pytest.mark.parametrize(
    "features",
    [
        {"image": tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))},
        {"targets": tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))},
        {"inputs": tf.train.Feature(float_list=tf.train.FloatList(value=[1]))},
    ],
)
def test_records_of_something_else(tmp_path, features):
    example = tf.train.Example(features=tf.train.Features(feature=features))
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        writer.write(example.SerializeToString())
    with pytest.raises(InputError, match="not a file of sentence pairs"):
        records.read_pairs([str(tmp_path / "a")])


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="gone"):
        records.read_pairs([str(tmp_path / "gone")])
