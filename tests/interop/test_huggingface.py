"""Folders of the Hub: what is read of them, and what the exporter writes.

Weights, ids and searches are held against transformers in test_marian.py.
"""

import json
import shutil

import numpy as np
import pytest

import t2t_repro
from t2t_repro import run_directory
from t2t_repro.bin import t2t_exporter, t2t_import_checkpoint
from t2t_repro.errors import UsageError
from t2t_repro.interop import huggingface
from tests import source_tree
from tests.export import random_run

_DATA = source_tree.ROOT / "tests" / "testdata" / "marian"
_LINES = ["2 dogs and 3 cats", "no dog"]


@pytest.fixture(scope="module")
def ours(trained, tmp_path_factory):
    """A run of this project with drawn weights."""
    place = tmp_path_factory.mktemp("ours") / "run"
    return random_run.make(trained.output_dir, place)


@pytest.fixture(scope="module")
def exported(ours, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "folder"
    arguments = [f"--output_dir={ours.folder}", f"--export_dir={folder}"]
    arguments += ["--format=huggingface"]
    arguments += ["--decode_hparams=beam_size=3,search=huggingface,alpha=0.5"]
    assert t2t_exporter.main(arguments) == 0
    return folder


def test_what_the_folder_says(ours, exported):
    config = json.loads((exported / "config.json").read_text())
    vocabulary = json.loads((exported / "vocab.json").read_text("utf-8"))
    encoder = ours.encoder()
    pieces = encoder.pieces(range(encoder.vocab_size))
    # Every id is one less than ours, and the padding the last.
    last = len(pieces) - 1
    assert vocabulary == {p: (i - 1) % (last + 1) for i, p in enumerate(pieces)}
    # Both tokenizers are the run's own.
    for name in ("source.spm", "target.spm"):
        assert (exported / name).read_bytes() == ours.vocabulary.read_bytes()
    assert config["vocab_size"] == len(vocabulary)
    assert (config["pad_token_id"], config["eos_token_id"]) == (last, 0)
    assert config["decoder_start_token_id"] == last
    assert config["d_model"] == ours.hparams.hidden_size
    assert config["architectures"] == ["MarianMTModel"]
    generation = json.loads((exported / "generation_config.json").read_text())
    assert generation["num_beams"] == 3
    assert generation["length_penalty"] == 0.5
    assert generation["bad_words_ids"] == [[last]]
    tokenizer = json.loads((exported / "tokenizer_config.json").read_text())
    assert tokenizer["tokenizer_class"] == "MarianTokenizer"
    assert tokenizer["source_lang"] == ours.languages[0]
    names = {path.name for path in exported.iterdir()}
    assert not [name for name in names if name.endswith((".bin", ".pkl"))]


def test_out_and_in_again(ours, exported, tmp_path):
    """The same weights, bit for bit, and what ours has not: zeros."""
    place = tmp_path / "back"
    arguments = [f"--marian={exported}", f"--output_dir={place}"]
    assert t2t_import_checkpoint.main(arguments) == 0
    back = t2t_repro.load(place)
    first = t2t_repro.load(ours.folder, decode_hparams="search=huggingface")
    before = first.model.weights_by_path()
    for path, weight in back.model.weights_by_path().items():
        value = np.asarray(weight.value)
        if path == "embedding/matrix":
            # The padding's row is what the decoder begins with.
            assert not value[0].any()
            expected = np.asarray(before[path].value)[1:]
            np.testing.assert_array_equal(value[1:], expected)
        elif path in before:
            np.testing.assert_array_equal(value, before[path].value)
        elif path == "logits_bias/bias":
            assert value[0] == -1000 and not value[1:].any()
        else:
            assert path.endswith("/bias") and not value.any(), path
    assert back.run.decode_hparams == (
        "search=huggingface,beam_size=3,alpha=0.5"
    )
    assert back.run.languages == ours.languages
    for line in _LINES:
        assert back.encoder.encode(line) == first.encoder.encode(line)


def test_a_second_time_the_files_are_the_same(tmp_path):
    """In, out, in and out again: an imported model keeps all it has."""
    before = _DATA / "separate"
    for number in range(2):
        run, folder = tmp_path / f"run{number}", tmp_path / f"folder{number}"
        arguments = [f"--marian={before}", f"--output_dir={run}"]
        assert t2t_import_checkpoint.main(arguments) == 0
        arguments = [f"--output_dir={run}", f"--export_dir={folder}"]
        assert t2t_exporter.main([*arguments, "--format=huggingface"]) == 0
        before = folder
    for path in (tmp_path / "folder0").iterdir():
        if path.name != "export.json":
            again = tmp_path / "folder1" / path.name
            assert path.read_bytes() == again.read_bytes(), path.name
    for name in ("source.spm", "target.spm", "vocab.json"):
        original = (_DATA / "separate" / name).read_bytes()
        assert (tmp_path / "folder0" / name).read_bytes() == original


def test_older_folders_say_all_in_one_file(tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(_DATA / "plain", folder)
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    config |= {"num_beams": 5, "early_stopping": True}
    (folder / "config.json").write_text(json.dumps(config))
    assert huggingface.open_folder(folder).decode_hparams() == (
        "search=huggingface,beam_size=5,alpha=1.0",
        ["early_stopping=True"],
    )


def test_safetensors_go_before_keras_weights(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(_DATA / "multilingual", folder)
    first, origin = huggingface.open_folder(folder).tensors()
    assert origin.name == "model.safetensors"
    origin.unlink()
    second, origin = huggingface.open_folder(folder).tensors()
    assert origin.name == "tf_model.h5"
    assert first.keys() < second.keys()


def test_subwords_cannot_go(ours, tmp_path):
    path = tmp_path / "vocab.translate_from_files.8192.subwords"
    path.write_text("'<pad>_'\n")
    run = run_directory.Run(
        folder=tmp_path,
        model=ours.model,
        hparams_set=ours.hparams_set,
        hparams=ours.hparams,
        problem=ours.problem,
        languages=ours.languages,
        vocabulary=path,
    )
    with pytest.raises(UsageError, match="SentencePiece models alone"):
        huggingface.check(run)
