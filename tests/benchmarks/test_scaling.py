"""Cost and length; never the seconds."""

import pytest

from benchmarks import scaling
from tests.benchmarks import run_benchmark


def test_formulas_grow_as_in_table_1(capsys):
    record = run_benchmark.record_of(
        capsys,
        scaling,
        "--model=transformer_tiny",
        "--lengths=4,8",
        "--batch=2",
        "--rounds=1",
    )
    longer = {row["layer"]: row for row in record["rows"] if row["n"] == 8}
    growth = {name: row["formula_growth"] for name, row in longer.items()}
    # d = 128: projections take 8 d^2 = 131,072 a position, attention 4 n d:
    # 2,048 at n = 4, 4,096 at 8.
    assert growth == {
        "self-attention, without projections": 4,
        "self-attention": pytest.approx(2 * 135_168 / 133_120),
        "feed-forward": 2,
        "recurrent (LSTM)": 2,
        "convolutional, k = 3": 2,
    }
    # Twice 8 positions, 4 * 8 * 128 operations each, thrice.
    row = longer["self-attention, without projections"]
    assert row["gflop"] == pytest.approx(3 * 2 * 8 * 4 * 8 * 128 / 1e9)
    for row in record["rows"]:
        assert row["seconds_best"] > 0
