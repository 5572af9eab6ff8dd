"""Cost, chains and paths of Table 1; never the seconds."""

import pytest

from benchmarks import layers
from tests.benchmarks import run_benchmark


def test_table_1(capsys):
    record = run_benchmark.record_of(
        capsys,
        layers,
        "--model=transformer_tiny",
        "--lengths=4,8",
        "--batch=2",
        "--rounds=1",
        "--path_length=10",
    )
    rows = {row["layer"]: row for row in record["rows"]}
    _check_exponents(rows)
    _check_chains(rows)
    _check_paths(rows)


def _check_exponents(rows):
    exponents = {name: row["exponent of formula"] for name, row in rows.items()}
    # d = 128: projections take 8 d^2 = 131,072 a position, attention 4 n d:
    # 2,048 at n = 4, 4,096 at 8; log2(2 * 135,168 / 133,120) = 1.022.
    assert exponents == {
        "self-attention, without projections": pytest.approx(2),
        "self-attention": pytest.approx(1.022, abs=5e-4),
        "self-attention (restricted), r = 32": pytest.approx(1.022, abs=5e-4),
        "feed-forward": pytest.approx(1),
        "recurrent (LSTM)": pytest.approx(1),
        "convolutional, k = 3": pytest.approx(1),
        "convolutional, k = 3, dilated": pytest.approx(1),
    }


def _check_chains(rows):
    for name, row in rows.items():
        if name == "recurrent (LSTM)":
            # Each of the 4 positions more waits for the one before it.
            grown = row["chain, n = 8"] - row["chain, n = 4"]
            assert grown >= 4 * 5 and grown % 4 == 0
        else:
            assert row["chain, n = 4"] == row["chain, n = 8"] > 3


def _check_paths(rows):
    paths = {name: row["path, n = 10"] for name, row in rows.items()}
    assert paths == {
        "self-attention, without projections": 1,
        "self-attention": 1,
        "self-attention (restricted), r = 32": 1,  # 10 lie within 16
        "feed-forward": None,  # no position sees another
        "recurrent (LSTM)": 9,
        "convolutional, k = 3": 5,  # 2 positions a layer
        "convolutional, k = 3, dilated": 3,  # 2 + 6 + 18
    }


def test_an_exponent_is_fitted_to_the_longer_half():
    # 5 n^3, but for what is below the half.
    assert layers.exponent([1, 2, 4, 8], [9, 9, 320, 2560]) == pytest.approx(3)
