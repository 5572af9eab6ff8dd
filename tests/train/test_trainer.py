"""A run from start to end: what it leaves behind, and how it goes on."""

import itertools
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import checkpoints, run_directory
from t2t_repro.bin import t2t_trainer
from t2t_repro.errors import UsageError
from t2t_repro.train import trainer
from tests import mirrored, source_tree, toy_run


def _tags(folder):
    """All scalar tags of the event files in a folder, not below it."""
    tags = {}
    for path in folder.glob("events.out.tfevents.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                tags.setdefault(value.tag, []).append(event.step)
    return tags


def test_the_run_directory_is_whole(trained):
    names = {path.name for path in trained.output_dir.iterdir()}
    assert {
        "hparams.json",
        "problem.json",
        "batch_shapes.json",
        "vocab.translate_ende_toy.1000.bpe",
        "eval",
        "train",
    } <= names
    assert checkpoints.steps(trained.output_dir) == [3, 6]
    run = run_directory.load(trained.output_dir)
    assert run.problem == toy_run.PROBLEM
    assert run.hparams.hidden_size == 32
    shapes = json.loads((trained.output_dir / "batch_shapes.json").read_text())
    assert len(shapes["shapes"]) <= 2
    assert shapes["effective_batch_tokens"] == 512


def test_tensorboard_has_the_scalars(trained):
    train = _tags(trained.output_dir / "train")
    assert {"loss", "learning_rate", "global_step/sec"} <= train.keys()
    assert {"target_tokens/sec", "step_seconds", "gradient_norm"} <= set(train)
    assert train["loss"] == [6]
    dev = _tags(trained.output_dir / "eval")
    assert {"nll", "perplexity", "token_accuracy", "bleu"} <= dev.keys()
    assert dev["bleu"] == [3, 6]
    # In both, and so in one chart of TensorBoard.
    assert {"nll", "perplexity", "token_accuracy"} <= set(train) & set(dev)


def test_a_checkpoint_holds_all_that_decides_the_future(trained):
    values = checkpoints.read(f"{trained.output_dir}/model.ckpt-6")
    weights = {n for n in values if not n.startswith("adam/")}
    weights -= {"global_step", "data_position"}
    assert len(weights) == 1 + 12 + 18  # embedding, encoder and decoder layer
    for name in weights:
        assert {f"adam/m/{name}", f"adam/v/{name}"} <= values.keys()
    assert values["global_step"] == 6
    assert values["data_position"].tolist() == [0, 0, 6]


def test_the_same_command_goes_on_bit_for_bit(trained, tmp_path):
    # Six steps at once, against three steps and a new process' three.
    copy = tmp_path / "run"
    shutil.copytree(trained.output_dir, copy)
    for path in copy.glob("model.ckpt-6*"):
        path.unlink()
    arguments = toy_run.trainer_arguments(trained.data_dir, copy)
    assert t2t_trainer.main(arguments) == 0
    toy_run.assert_same_checkpoint(copy, trained.output_dir, 6)


def test_packed_rows_go_on_bit_for_bit(trained, tmp_path):
    def train(folder, steps):
        arguments = toy_run.trainer_arguments(trained.data_dir, folder, steps)
        (hparams,) = (a for a in arguments if a.startswith("--hparams="))
        changed = f"{hparams},pack_dataset=true,batch_shapes=1"
        arguments.remove(hparams)
        arguments += [changed.replace("batch_shapes=2,", "")]
        return t2t_trainer.main([*arguments, "--schedule=train"])

    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert [train(whole, 4), train(halves, 2), train(halves, 4)] == [0, 0, 0]
    toy_run.assert_same_checkpoint(halves, whole, 4)
    assert run_directory.load(whole).hparams.is_packed


def test_only_our_lines_on_standard_error(trained, tmp_path):
    """Each with the time of day, in a process as a user starts it."""
    copy = shutil.copytree(trained.output_dir, tmp_path / "run")
    arguments = toy_run.trainer_arguments(trained.data_dir, copy)
    done = subprocess.run(
        [sys.executable, "-m", "t2t_repro.bin.t2t_trainer", *arguments],
        cwd=source_tree.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    first, *rest = done.stderr.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d starting TensorFlow", first)
    # Nothing is tried where nothing is left to train.
    assert [line[9:] for line in rest] == [
        f"going on from {copy}/model.ckpt-6",
        "step 6 is reached already.",
    ]


def test_averages_are_kept_and_written(trained, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(trained.output_dir, copy)
    arguments = toy_run.trainer_arguments(trained.data_dir, copy)
    assert t2t_trainer.main([*arguments, "--average_last=2"]) == 0
    means = checkpoints.read(f"{copy}/averaged.ckpt-6")
    parts = [checkpoints.read(f"{copy}/model.ckpt-{s}") for s in (3, 6)]
    np.testing.assert_allclose(
        means["embedding/matrix"],
        (parts[0]["embedding/matrix"] + parts[1]["embedding/matrix"]) / 2,
        rtol=1e-6,
    )
    options = trainer.TrainOptions(keep_checkpoint_max=3, average_last=5)
    assert options.kept == 5


def test_checkpoints_by_time(trained, tmp_path, monkeypatch):
    # Every look at the clock is a second: far more than two from step to step.
    clock = itertools.count()
    monkeypatch.setattr(trainer.time, "monotonic", lambda: next(clock))
    arguments = toy_run.trainer_arguments(trained.data_dir, tmp_path, steps=4)
    more = ["--save_checkpoints_secs=2", "--schedule=train"]
    assert t2t_trainer.main([*arguments, *more]) == 0
    assert checkpoints.steps(tmp_path) == [1, 2, 3, 4]


def test_another_number_of_replicas_is_refused(trained):
    run = run_directory.load(trained.output_dir)
    two = mirrored.strategy(2)
    with pytest.raises(UsageError, match="trained on 1 replicas, here are 2"):
        trainer.Trainer(run, trained.data_dir, trainer.TrainOptions(), two)


def test_spacing_is_checked_before_training(trained, tmp_path, capsys):
    arguments = toy_run.trainer_arguments(trained.data_dir, tmp_path, steps=7)
    assert t2t_trainer.main([*arguments, "--average_last=3"]) == 2
    assert "--train_steps=7 is no multiple" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
