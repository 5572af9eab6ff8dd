"""Exports appear whole or not at all; Keras weights all come back."""

import json

import numpy as np
import pytest

from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError
from t2t_repro.export import exporter
from tests.export import random_run


def _write(folder, text, overwrite=False):
    with exporter.new_folder(folder, {"format": text}, overwrite) as place:
        (place / "model").write_text(text)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_with_its_parents(tmp_path):
    _write(tmp_path / "a" / "b", "first")
    assert _names(tmp_path / "a") == ["b"]
    assert _names(tmp_path / "a" / "b") == ["export.json", "model"]
    said = json.loads((tmp_path / "a" / "b" / "export.json").read_text())
    assert said == {"format": "first"}


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    _write(tmp_path / "a", "first")
    assert (tmp_path / "a" / "model").read_text() == "first"


def test_an_export_is_replaced_only_when_asked(tmp_path):
    _write(tmp_path / "a", "first")
    with pytest.raises(UsageError, match="--overwrite"):
        _write(tmp_path / "a", "second")
    assert (tmp_path / "a" / "model").read_text() == "first"
    _write(tmp_path / "a", "second", overwrite=True)
    assert (tmp_path / "a" / "model").read_text() == "second"
    assert _names(tmp_path) == ["a"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_is_no_export_is_never_replaced(tmp_path, is_folder):
    mine = tmp_path / "mine"
    if is_folder:
        mine.mkdir()
        (mine / "thesis").write_text("mine")
    else:
        mine.write_text("mine")
    with pytest.raises(UsageError, match="is no export"):
        _write(mine, "second", overwrite=True)
    assert mine.exists() and _names(tmp_path) == ["mine"]


def test_a_failure_leaves_the_earlier_export(tmp_path):
    _write(tmp_path / "a", "first")
    with (
        pytest.raises(OSError, match="full"),
        exporter.new_folder(tmp_path / "a", {}, True) as place,
    ):
        (place / "model").write_text("half")
        raise OSError("full")
    assert (tmp_path / "a" / "model").read_text() == "first"
    assert _names(tmp_path) == ["a"]


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The run, and the folder of its export."""
    place = tmp_path_factory.mktemp("keras")
    run = random_run.make(trained.output_dir, place / "run")
    exporter.write(run, "keras_weights", place / "export", DecodeOptions())
    return run, place / "export"


def test_every_weight_comes_back(exported):
    run, folder = exported
    said = json.loads((folder / "model.json").read_text())
    hparams = registry.model(said["model"]).hparams.from_mapping(
        said["hparams"], "model.json"
    )
    assert hparams == run.hparams
    model = registry.model(said["model"])(hparams, said["vocab_size"])
    model.load_weights(folder / "model.weights.h5")
    expected = random_run.drawn_weights(model)
    for path, weight in model.weights_by_path().items():
        assert np.array_equal(weight.value.numpy(), expected[path]), path


def test_the_vocabulary_and_the_origin_lie_beside(exported):
    run, folder = exported
    copy = folder / "vocabulary.bpe"
    assert copy.read_bytes() == run.vocabulary.read_bytes()
    said = json.loads((folder / "export.json").read_text())
    assert said["format"] == "keras_weights"
    assert said["checkpoint"] == "model.ckpt-7"
    assert said["problem"] == run.problem
