"""Waiting; never how long."""

import pytest

from benchmarks import startup
from t2t_repro.errors import InputError
from tests import toy_run
from tests.benchmarks import run_benchmark


def test_every_wait_is_measured(capsys, trained):
    record = run_benchmark.record_of(
        capsys,
        startup,
        f"--hparams_set={toy_run.SET}",
        f"--hparams={toy_run.HPARAMS}",
        f"--data_dir={trained.data_dir}",
        f"--output_dir={trained.output_dir}",
        "--rounds=1",
    )
    assert all(record[name] > 0 for name in startup._FIGURES)
    rows = [row["seconds_best"] for row in record["rows"]]
    assert len(rows) == 8
    # The parts of one training, one after the other.
    assert rows[2:6] == sorted(rows[2:6])


def test_a_training_without_a_step_is_an_error():
    with pytest.raises(InputError, match="took no step: t2t-trainer: "):
        list(startup._seconds_of_parts(["--hparams_set=no_such_set"]))
