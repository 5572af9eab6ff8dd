"""bAbI trainings on a made-up task; never how good they are."""

import pytest

from benchmarks import babi
from hparams.memn2n import memn2n_tiny
from hparams.transformer import transformer_babi
from tests.benchmarks import run_benchmark


@pytest.fixture
def tmp_dir(tmp_path):
    places = ["garden", "office", "hallway"]
    lines = [
        f"1 Mary left the {a}.\n2 Mary is in the {b}.\n3 Where is Mary?\t{b}\t2"
        for a in places
        for b in places
        if a != b
    ]
    for split in ("train", "test"):
        (tmp_path / f"qa1_x_{split}.txt").write_text("\n".join(lines * 6))
    return tmp_path


def test_the_training_with_the_fewest_errors_counts(capsys, tmp_dir):
    record = run_benchmark.record_of(
        capsys,
        babi,
        f"--tmp_dir={tmp_dir}",
        "--model=memn2n_tiny",
        "--tasks=1",
        "--seeds=2",
        "--epochs=30",
    )
    (row,) = record["rows"]
    assert (row["task"], row["trainings"]) == (1, 2)
    trainings = record["trainings"]["1"]
    assert [training[0] for training in trainings] == [0, 1]
    # Seed, losses, errors of train, dev and test.
    chosen = min(trainings, key=lambda training: (training[3], training[1]))
    assert [row[f"{s}_error"] for s in ("train", "dev", "test")] == chosen[3:]
    assert row["train_error"] <= 50.0


def test_a_set_gets_the_sizes_of_its_task():
    pairs = [("a b . c d e . where is a", "b"), ("a . is it", "no")]
    fitted = babi.fitted(memn2n_tiny(), iter(pairs))
    # Two sentences; where is a; 3 + 4 + 3 and the end.
    assert (fitted.memory_slots, fitted.sentence_words) == (2, 3)
    assert fitted.batch_size == 32 * 11
    assert babi.fitted(transformer_babi(), iter(pairs)) == transformer_babi()


def test_flags_are_required(capsys):
    assert babi.main([]) == 2
    assert "--tmp_dir is required" in capsys.readouterr().err
    assert babi.main(["--tmp_dir=/", "--tasks=21"]) == 2
    assert "--tasks=21" in capsys.readouterr().err
