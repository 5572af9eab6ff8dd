"""The rivals' figures; never their speed."""

import importlib.util
import json
import subprocess
import sys

import pytest

from benchmarks import rivals
from hparams.rnn import rnn_multi30k
from t2t_repro import registry
from tests import source_tree
from tests.benchmarks import run_benchmark

_SMALL = ("--batch=2", "--source=3", "--target=4", "--vocab=50", "--rounds=2")


def test_figures_follow_from_the_seconds(capsys):
    record = run_benchmark.record_of(
        capsys, rivals, *_SMALL, "--rivals=rnn_multi30k", "--torch_python="
    )
    (row,) = record["rows"]
    seconds = record["seconds"]["rnn_multi30k"]
    assert len(seconds) == 2
    assert row["seconds_best"] == min(seconds) > 0
    assert row["times_peer"] is None


def test_an_unknown_rival_is_refused(capsys):
    assert rivals.main(["--rivals=rnn_tiny"]) == 2
    assert "expected one or more of rnn_multi30k" in capsys.readouterr().err


def test_a_peer_builds_what_the_set_says():
    hparams = rnn_multi30k().replace(hidden_size=3, attention_layer_size=3)
    assert rivals._of_model(hparams) == {
        "hidden_size": 3,
        "layers": 1,
        "max_length": 128,
        "dropout": 0.3,
        "width": None,
        "has_bias": False,
        "clip": 2.0,
    }


@pytest.mark.parametrize("name", rivals._PROGRAMS)
def test_a_peer_has_as_many_weights(name):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    hparams = registry.hparams(name)
    settings = {
        **rivals._of_model(hparams),
        **dict(batch=2, source=3, target=4, vocab=50, threads=1),
    }
    module = f"benchmarks.peers.{rivals._PROGRAMS[name]}"
    answer = json.loads(
        subprocess.run(
            [sys.executable, "-m", module, json.dumps(settings)],
            cwd=source_tree.ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.splitlines()[0]
    )
    model = registry.model(hparams.MODEL)(hparams, 50)
    ours = sum(weight.shape.num_elements() for weight in model.weights)
    # PyTorch's LSTMs have a second bias: 4 * 144 in two directions, 4 * 288.
    more = 2 * 4 * 144 + 4 * 288 if name == "rnn_multi30k" else 0
    assert answer["parameters"] == ours + more
