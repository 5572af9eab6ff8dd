"""Waiting; never how long."""

import pytest

from benchmarks import startup
from t2t_repro.errors import InputError
from tests import toy_run
from tests.benchmarks import run_benchmark


def test_every_wait_is_measured(capsys):
    record = run_benchmark.record_of(
        capsys,
        startup,
        f"--hparams_set={toy_run.SET}",
        f"--hparams={toy_run.HPARAMS}",
        "--rounds=1",
    )
    for name in ("help_seconds", "bad_flag_seconds", "first_step_seconds"):
        assert record[name] > 0
    assert len(record["rows"]) == 3


def test_a_training_without_a_step_is_an_error():
    with pytest.raises(InputError, match="took no step: t2t-trainer: "):
        startup._seconds_to_first_step(["--hparams_set=no_such_set"])
