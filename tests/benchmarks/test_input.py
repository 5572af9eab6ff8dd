"""The pipeline alone; never its speed."""

import pytest

from benchmarks import input as input_benchmark
from t2t_repro.data import records
from tests import toy_run
from tests.benchmarks import run_benchmark

_FLAGS = (f"--problem={toy_run.PROBLEM}", f"--model={toy_run.SET}")


def test_an_epoch_is_every_pair_once(capsys, trained):
    data = f"--data_dir={trained.data_dir}"
    record = run_benchmark.record_of(
        capsys, input_benchmark, *_FLAGS, data, "--rounds=2"
    )
    paths = records.shard_paths(trained.data_dir, toy_run.PROBLEM, "train")
    pairs = records.read_pairs(paths)
    assert record["sentences"] == len(pairs)
    assert record["examples_per_second"] == pytest.approx(
        len(pairs) / record["seconds"]
    )
    tokens = pairs.targets.lengths.sum()
    assert record["target_tokens_per_second"] == pytest.approx(
        tokens / record["seconds"]
    )
    assert record["cold_target_tokens_per_second"] == pytest.approx(
        tokens / record["cold_seconds"]
    )


def test_an_epoch_can_be_cut(capsys, trained):
    record = run_benchmark.record_of(
        capsys,
        input_benchmark,
        *_FLAGS,
        f"--data_dir={trained.data_dir}",
        "--rounds=1",
        "--max_batches=2",
    )
    assert record["batches"] == 2
