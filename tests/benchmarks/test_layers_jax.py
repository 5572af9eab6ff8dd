"""The layers on JAX, in a process of its own; never their speed."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from benchmarks import layers_jax
from hparams.transformer import transformer_tiny

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_figures_follow_from_the_seconds():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.layers_jax",
            "--model=transformer_tiny",
            "--tokens=40",
            "--length=8",
            "--vocab=50",
            "--rounds=1",
            "--matmul_size=64",
        ],
        cwd=_ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    record = json.loads(done.stdout.splitlines()[-1])
    assert not record["tensorflow_was_imported"]
    assert record["batch"] == 5
    best = record["seconds_best"]
    operations = 3 * transformer_tiny().forward_flops((5, 8, 8), 50)
    assert record["tflops"] == pytest.approx(operations / best / 1e12)
    # Eight products of 64 x 64 matrices in a round.
    limit = 8 * 2 * 64**3 / record["seconds"]["products"][0]
    assert record["mfu"] == pytest.approx(operations / best / limit)


def test_another_backend_is_refused(capsys, monkeypatch):
    # Any module will do for jax: Keras is asked before it is used.
    monkeypatch.setitem(sys.modules, "jax", json)
    assert layers_jax.main([]) == 2
    assert "KERAS_BACKEND=jax" in capsys.readouterr().err
