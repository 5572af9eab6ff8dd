"""Every weight comes back, in a model built from the JSON alone."""

import json

import numpy as np
import pytest

from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.export import exporter
from tests.export import random_run


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
