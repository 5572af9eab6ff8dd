"""Made-up text, and what generating data from it says; never its speed."""

import pytest

from benchmarks import datagen, made_up_text
from t2t_repro.text.lines import read_lines
from tests.benchmarks import run_benchmark


def test_made_up_text_is_the_same_every_time(tmp_path):
    texts = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        made_up_text.write(folder, 40)
        texts.append({path.name: read_lines(path) for path in folder.iterdir()})
    assert texts[0] == texts[1]
    counts = {name: len(lines) for name, lines in texts[0].items()}
    assert counts == {
        "train.src": 40,
        "train.tgt": 40,
        "dev.src": 50,
        "dev.tgt": 50,
    }
    words = [len(line.split()) for line in texts[0]["train.src"]]
    # The mean of 40 Poisson numbers with mean 25 has a deviation of 0.8.
    assert 21 < sum(words) / len(words) < 29


def test_figures_follow_from_the_seconds(capsys):
    record = run_benchmark.record_of(
        capsys,
        datagen,
        "--lines=300",
        "--rounds=1",
        "--approx_vocab_size=400",
        "--processes=1",
    )
    (seconds,) = record["seconds"]["1"]
    # 300 training and 50 dev pairs; a pair is two lines.
    assert record["pairs"] == 350
    assert record["pairs_per_second"] == pytest.approx(350 / seconds)
    assert record["lines_per_second"] == pytest.approx(700 / seconds)
    (row,) = record["rows"]
    assert row["estimate_of_4.5M_pairs_seconds"] == pytest.approx(
        4_500_000 / 350 * seconds
    )
    assert row["speed_up"] == 1


def test_processes_are_numbers(capsys):
    assert datagen.main(["--processes=1,two"]) == 2
    assert "whole numbers" in capsys.readouterr().err
