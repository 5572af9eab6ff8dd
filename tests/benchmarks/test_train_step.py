"""The training step's figures; never its speed."""

import pytest

from benchmarks import train_step
from hparams.transformer import transformer_tiny
from tests.benchmarks import run_benchmark

_SMALL = (
    "--model=transformer_tiny",
    "--hparams=num_hidden_layers=1",
    "--batch=3",
    "--source=4",
    "--target=5",
    "--vocab=50",
    "--rounds=2",
    "--matmul_size=64",
    "--worker_cpu=1",
)


def test_figures_follow_from_the_seconds(capsys):
    record = run_benchmark.record_of(
        capsys, train_step, *_SMALL, "--xla=off,attention"
    )
    best = record["step_seconds_best"]
    assert 0 < best <= record["step_seconds_median"]
    # 3 sentences of 5 positions, none of them padding.
    assert record["target_tokens_per_second"] == pytest.approx(15 / best)
    assert record["padded_target_tokens_per_second"] == pytest.approx(15 / best)
    hparams = transformer_tiny().replace(num_hidden_layers=1)
    operations = 3 * hparams.forward_flops((3, 4, 5), 50)
    assert record["gflop_per_step"] == operations / 1e9
    assert record["gflops"] == pytest.approx(operations / best / 1e9)
    # Four products of 64 x 64 matrices in a round: 4 * 2 * 64^3 operations.
    limit = 4 * 2 * 64**3 / min(record["seconds"]["ceiling float32"]) / 1e9
    assert record["matmul_gflops"]["float32"] == pytest.approx(limit)
    assert record["matmul_share"] == pytest.approx(record["gflops"] / limit)
    assert record["compile_seconds"] > 0
    assert record["peak_memory_bytes"] > 0
    assert [row["system"] for row in record["rows"]] == [
        "t2t_repro, XLA off, float32",
        "t2t_repro, XLA attention, float32",
    ]
    assert record["rows"][0]["times_ours"] == 1


def test_replicas_add_their_tokens(capsys):
    record = run_benchmark.record_of(
        capsys,
        train_step,
        *_SMALL,
        "--replicas=2",
        "--precision=bfloat16",
        "--rounds=1",
    )
    assert record["target_tokens_per_second"] == pytest.approx(
        2 * 15 / record["step_seconds_best"]
    )
    assert list(record["matmul_gflops"]) == ["bfloat16"]


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--xla=of", "--xla=of: expected one or more of off"),
        ("--precision=", "expected one or more of float32, bfloat16"),
        ("--model=bas", "unknown hparams set 'bas'"),
        ("--model=transformer_base_one_gpu", "accumulates gradients over 4"),
    ],
)
def test_wrong_flags_are_sentences(capsys, flag, message):
    assert train_step.main([*_SMALL, flag]) == 2
    assert message in capsys.readouterr().err
