"""How many cores, by flag, model and machine; and their threads."""

import os
import subprocess
import sys

import pytest

from hparams.transformer import transformer_tiny
from hparams.transformer_moe import transformer_moe_tiny
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.train import worker_cpu


@pytest.mark.parametrize(
    ("wanted", "hidden_size", "has_gpu", "available", "expected"),
    [
        (0, 128, False, 2, 2),
        (0, 256, False, 64, 8),
        (0, 512, False, 2, 1),
        (0, 128, False, 1, 1),
        (0, 128, True, 2, 1),
        # What is asked for is done.
        (2, 512, False, 2, 2),
        (1, 128, False, 2, 1),
        (1, 128, True, 2, 1),
        (16, 128, False, 64, 16),
    ],
)
def test_how_many(
    monkeypatch, wanted, hidden_size, has_gpu, available, expected
):
    monkeypatch.setattr(parallel, "available_cores", lambda: available)
    hparams = transformer_tiny().replace(hidden_size=hidden_size)
    assert worker_cpu.choose(wanted, hparams, has_gpu) == expected


def test_more_than_there_are(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)
    with pytest.raises(UsageError, match="--worker_cpu=3, .* may use 2 cores"):
        worker_cpu.choose(3, transformer_tiny(), False)
    with pytest.raises(UsageError, match="--worker_cpu=2, but here is a GPU"):
        worker_cpu.choose(2, transformer_tiny(), True)


def test_a_loss_that_compares_sentences_is_not_cut(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)
    assert worker_cpu.choose(0, transformer_moe_tiny(), False) == 1
    with pytest.raises(UsageError, match="loss of transformer_moe compares"):
        worker_cpu.choose(2, transformer_moe_tiny(), False)


_PROGRAM = """
import sys
from hparams.transformer import transformer_tiny
from t2t_repro.decode import parallel
from t2t_repro.train import worker_cpu
parallel.available_cores = lambda: 2
counts = []
for pair in sys.argv[1:]:
    wanted, size = map(int, pair.split(","))
    hparams = transformer_tiny().replace(hidden_size=size)
    counts.append(worker_cpu.start(wanted, hparams))
import tensorflow as tf
print(*counts, tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (["0,128"], "2 1"),
        # Wide: all cores share every operation, and that stays so in this
        # process unless parts are asked for.
        (["0,512", "0,128", "2,128"], "1 1 2 0"),
    ],
)
def test_threads_are_divided_before_tensorflow_starts(calls, expected):
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *calls],
        capture_output=True,
        text=True,
        check=True,
        env={
            name: value
            for name, value in os.environ.items()
            if name != "TF_NUM_INTRAOP_THREADS"
        },
    )
    assert done.stdout.split() == expected.split()
