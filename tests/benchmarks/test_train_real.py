"""Training on records; never its speed."""

import pytest

from benchmarks import train_real
from tests import toy_run
from tests.benchmarks import run_benchmark


def test_figures(capsys, trained):
    record = run_benchmark.record_of(
        capsys,
        train_real,
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={trained.data_dir}",
        f"--model={toy_run.SET}",
        f"--hparams={toy_run.HPARAMS}",
        "--steps=3",
    )
    assert len(record["shapes"]) <= 2
    assert 0 < record["padding_efficiency"] <= 1
    assert 0 <= record["input_wait_share"] < 1
    # Tokens a second, with padding and without, are in the same seconds.
    assert record["target_tokens_per_second"] == pytest.approx(
        record["padded_target_tokens_per_second"]
        * record["target_padding_efficiency"]
    )
    # The mean over ids: between nothing and, untrained, about log of their
    # number, some 10.
    assert 0 < record["last_loss"] < 20


def test_flags_are_required(capsys):
    assert train_real.main(["--problem=translate_ende_toy"]) == 2
    assert "--data_dir is required" in capsys.readouterr().err
