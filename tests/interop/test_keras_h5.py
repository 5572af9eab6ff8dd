"""Weights of transformers' TensorFlow classes; crafted files.

A file that they wrote is read in test_marian.py.
"""

import h5py
import numpy as np
import pytest

from t2t_repro.errors import InputError
from t2t_repro.interop import keras_h5

_LAYER = "model/m/model/encoder/layers.0/fc1"


@pytest.fixture
def make(tmp_path):
    def make(fill):
        path = tmp_path / "tf_model.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path

    return make


def test_names_and_layout_of_pytorch(make):
    def fill(file):
        file[f"{_LAYER}/kernel:0"] = np.arange(6.0).reshape(2, 3)
        file[f"{_LAYER}/bias:0"] = np.arange(3.0)
        norm = "model/m_1/model/decoder/layers.2/final_layer_norm"
        file[f"{norm}/gamma:0"] = np.ones(2)
        file[f"{norm}/beta:0"] = np.zeros(2)
        file["model/model.shared/model.shared/embeddings:0"] = np.ones((4, 2))
        file["final_logits_bias/final_logits_bias:0"] = np.ones((1, 4))
        file.attrs["layer_names"] = ["model"]

    found = keras_h5.read(make(fill))
    assert {name: value.shape for name, value in found.items()} == {
        "model.encoder.layers.0.fc1.weight": (3, 2),
        "model.encoder.layers.0.fc1.bias": (3,),
        "model.decoder.layers.2.final_layer_norm.weight": (2,),
        "model.decoder.layers.2.final_layer_norm.bias": (2,),
        "model.shared.weight": (4, 2),
        "final_logits_bias": (1, 4),
    }
    np.testing.assert_array_equal(
        found["model.encoder.layers.0.fc1.weight"], [[0, 3], [1, 4], [2, 5]]
    )


def test_nothing_is_read_from_other_files(make, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x00" * 16)
    place = f"{_LAYER}/kernel:0"

    def external(file):
        file.create_dataset(place, (4,), "f4", external=[(str(secret), 0, 16)])

    def virtual(file):
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "x", (4,))
        file.create_virtual_dataset(place, layout)

    for fill in (external, virtual):
        with pytest.raises(InputError, match="lies in another file"):
            keras_h5.read(make(fill))

    def link(file):
        file[place] = h5py.ExternalLink(str(secret), "/x")

    assert keras_h5.read(make(link)) == {}


def test_nothing_grows_by_unpacking(make):
    def packed(file):
        file.create_dataset("a/kernel:0", (10**5,), "f4", compression="gzip")

    def missing(file):
        file.create_dataset("a/kernel:0", (10**6, 10**6), "f4")

    for fill in (packed, missing):
        with pytest.raises(InputError, match="says it has"):
            keras_h5.read(make(fill))


def test_a_weight_that_is_there_twice(make):
    def fill(file):
        file["a/encoder/fc1/kernel:0"] = np.ones((1, 1))
        file["b/encoder/fc1/kernel:0"] = np.ones((1, 1))

    with pytest.raises(InputError, match="is there twice"):
        keras_h5.read(make(fill))


def test_damage_is_one_sentence(tmp_path):
    path = tmp_path / "tf_model.h5"
    for content in (b"", b"\x89HDF\r\n\x1a\n" + b"\xff" * 200, b"x" * 99):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a whole file of Keras"):
            keras_h5.read(path)
