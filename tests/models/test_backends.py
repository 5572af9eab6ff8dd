"""The same weights give the same numbers on every Keras backend at hand."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[2]
# Run in a process of its own: a backend is chosen when Keras is imported.
_PROGRAM = """
import sys
import keras
import numpy as np
from hparams.transformer import transformer_tiny
from t2t_repro.layers.attention import Mode
from t2t_repro.models.transformer import Transformer
from t2t_repro.layers.losses import cross_entropy

model = Transformer(transformer_tiny().replace(num_hidden_layers=1), 11)
rng = np.random.default_rng(1)
for path, weight in sorted(model.weights_by_path().items()):
    weight.assign(rng.normal(size=weight.shape).astype("float32") * 0.1)
inputs = np.array([[5, 6, 7, 1], [8, 1, 0, 0]], "int32")
targets = np.array([[4, 5, 1], [3, 1, 0]], "int32")
numbers = keras.ops.convert_to_numpy
decoded = model(inputs, targets)
rows = keras.ops.reshape(decoded, (-1, 128))
loss = cross_entropy(model.logits(rows), targets.reshape(-1), 0.1)
mode = Mode(dropout_key=keras.ops.convert_to_tensor([1, 2], "int32"))
dropped = numbers(model(inputs, targets, mode=mode))
assert np.abs(dropped - numbers(decoded)).max() > 1e-3
if keras.backend.backend() != "tensorflow":
    assert "tensorflow" not in sys.modules
np.savez(sys.argv[1], decoded=numbers(decoded), loss=numbers(loss))
"""


def _run(backend, folder):
    path = folder / f"{backend}.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(path)],
        cwd=_ROOT,
        env=environment,
        check=True,
    )
    return np.load(path)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_backend_equals_tensorflow(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    found, expected = _run(backend, tmp_path), _run("tensorflow", tmp_path)
    for name in ("decoded", "loss"):
        np.testing.assert_allclose(found[name], expected[name], atol=2e-5)
