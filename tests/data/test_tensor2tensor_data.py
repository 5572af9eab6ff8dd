"""Data directories in t2t-datagen's form, read and written."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import checkpoints, registry
from t2t_repro.bin import t2t_decoder, t2t_trainer
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.text.subwords import SubwordTextEncoder
from tests import toy_run

_WORDS = ("one", "two", "three", "four")


class TranslateEndeCounting(TextToTextProblem):
    """A problem whose data somebody else has generated."""

    source_language, target_language = "en", "de"
    approx_vocab_size = 300
    vocab_kind = "subwords"

    def generate_samples(self, split, tmp_dir):
        raise AssertionError("the data are there already")


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """What t2t-datagen leaves: a vocabulary, shards, and nothing else."""
    registry.load_built_in()
    monkeypatch.setitem(
        registry._problems._entries,
        "translate_ende_counting",
        TranslateEndeCounting,
    )
    folder = tmp_path / "t2t_data"
    folder.mkdir()
    lines = [" ".join(_WORDS[i:] + _WORDS[:i]) for i in range(4)]
    encoder = SubwordTextEncoder.build_from_generator(lines, 300)
    encoder.store_to_file(folder / "vocab.translate_ende_counting.300.subwords")
    for split, shards in (("train", 10), ("dev", 1)):
        for shard in range(shards):
            name = f"translate_ende_counting-{split}-{shard:05}-of-{shards:05}"
            with tf.io.TFRecordWriter(str(folder / name)) as writer:
                for line in lines:
                    writer.write(_example(encoder.encode(line)))
    return folder


def _example(ids):
    """As tensor2tensor's generator_utils.to_example."""
    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[*ids, 1]))
    features = {"inputs": feature, "targets": feature}
    return tf.train.Example(
        features=tf.train.Features(feature=features)
    ).SerializeToString()


def test_their_directory_trains_and_translates(data_dir, tmp_path, capsys):
    output_dir = tmp_path / "run"
    arguments = toy_run.trainer_arguments(data_dir, output_dir, steps=1)
    arguments[0] = "--problem=translate_ende_counting"
    assert t2t_trainer.main(arguments) == 0, capsys.readouterr().err
    assert checkpoints.steps(output_dir) == [1]
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("three four one two\n")
    decoding = [
        f"--output_dir={output_dir}",
        f"--decode_from_file={source}",
        f"--decode_to_file={target}",
        "--decode_hparams=beam_size=1,extra_length=2",
    ]
    assert t2t_decoder.main(decoding) == 0, capsys.readouterr().err
    assert len(target.read_text().splitlines()) == 1


def test_our_directory_is_read_as_tensor2tensor_does(trained):
    # Problem.example_reading_spec: two lists of int64 of any length.
    spec = {
        "inputs": tf.io.VarLenFeature(tf.int64),
        "targets": tf.io.VarLenFeature(tf.int64),
    }
    paths = sorted(trained.data_dir.glob(f"{toy_run.PROBLEM}-train-?????-of-*"))
    assert paths
    for record in tf.data.TFRecordDataset(list(map(str, paths))).take(50):
        parsed = tf.io.parse_single_example(record, spec)
        for feature in parsed.values():
            ids = feature.values.numpy()
            assert ids.dtype == np.int64
            # No padding inside, and one end of sentence: the last id.
            assert ids.min() == ids[-1] == 1 and (ids == 1).sum() == 1
