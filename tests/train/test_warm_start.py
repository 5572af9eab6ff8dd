"""Warm start: which weights are taken, and what a run with one looks like."""

import json
import logging

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import checkpoints, run_directory
from t2t_repro.bin import t2t_trainer
from t2t_repro.errors import InputError
from t2t_repro.run_directory import load as load_run
from t2t_repro.train import warm_start
from tests import toy_run


@pytest.fixture
def origin(tmp_path):
    """A checkpoint with two weights, their moments and a step."""
    values = {
        "a/kernel": np.full((2, 3), 1.5, np.float32),
        "b/kernel": np.full((4,), 2.5, np.float32),
        "c/kernel": np.zeros((1,), np.float32),
        "adam/m/a/kernel": np.ones((2, 3), np.float32),
        "adam/v/a/kernel": np.ones((2, 3), np.float32),
        "global_step": np.int64(70),
        "data_position": np.array([1, 2, 3], np.int64),
    }
    folder = tmp_path / "origin"
    folder.mkdir()
    checkpoints.save(folder, 70, values)
    return folder


@pytest.fixture
def run(trained):
    return load_run(trained.output_dir)


def _weights():
    return {
        "a/kernel": tf.Variable(tf.zeros([2, 3])),
        "b/kernel": tf.Variable(tf.zeros([5])),
        "d/kernel": tf.Variable(tf.fill([2], 9.0)),
    }


def test_what_fits_is_taken_and_the_rest_is_listed(origin, run):
    weights = _weights()
    found = warm_start.load(str(origin), run, weights)
    assert found.matched == ["a/kernel"]
    assert found.mismatched == ["b/kernel"]
    assert found.missing == ["d/kernel"]
    assert found.unused == ["c/kernel"]
    assert found.checkpoint.endswith("model.ckpt-70")
    np.testing.assert_array_equal(weights["a/kernel"], np.full((2, 3), 1.5))
    np.testing.assert_array_equal(weights["b/kernel"], np.zeros(5))
    np.testing.assert_array_equal(weights["d/kernel"], [9, 9])


def test_a_prefix_is_as_good_as_a_folder(origin, run):
    weights = _weights()
    found = warm_start.load(f"{origin}/model.ckpt-70", run, weights)
    assert found.matched == ["a/kernel"]


def test_nothing_that_fits_is_an_error(origin, run):
    weights = {"a/kernel": tf.Variable(tf.zeros([9, 9]))}
    with pytest.raises(InputError, match=r"a/kernel has shape \(2, 3\).*9"):
        warm_start.load(str(origin), run, weights)
    np.testing.assert_array_equal(weights["a/kernel"], np.zeros((9, 9)))


def test_a_checkpoint_of_tensor2tensor_is_told_apart(tmp_path, run):
    values = {"transformer/body/x": np.zeros(2, np.float32)}
    checkpoints.save(tmp_path, 5, values)
    with pytest.raises(InputError, match="t2t-import-checkpoint"):
        warm_start.load(f"{tmp_path}/model.ckpt-5", run, _weights())


def test_another_vocabulary_is_warned_of(origin, run, caplog):
    (origin / "problem.json").write_text('{"vocabulary_sha256": "0"}')
    with caplog.at_level(logging.WARNING, logger="t2t_repro"):
        warm_start.load(str(origin), run, _weights())
    assert "another vocabulary" in caplog.text


def test_a_run_that_starts_warm(trained, tmp_path, capsys):
    folder = tmp_path / "warm"
    arguments = [
        *toy_run.trainer_arguments(trained.data_dir, folder, steps=1),
        f"--warm_start_from={trained.output_dir}",
        "--schedule=train",
    ]
    assert t2t_trainer.main(arguments) == 0, capsys.readouterr().err
    first = checkpoints.read(f"{folder}/model.ckpt-0")
    theirs = checkpoints.read(f"{trained.output_dir}/model.ckpt-6")
    assert first["global_step"] == 0
    assert first["data_position"].tolist() == [0, 0, 0]
    for name, value in first.items():
        if name.startswith("adam/"):
            assert not value.any(), name
        elif name not in ("global_step", "data_position"):
            np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    record = json.loads((folder / run_directory.WARM_START).read_text())
    assert len(record["matched"]) == 31 and not record["missing"]
    # Given again, the command goes on from the run's own checkpoint.
    capsys.readouterr()
    assert t2t_trainer.main([*arguments, "--train_steps=2"]) == 0
    assert "is ignored" in capsys.readouterr().err
    assert checkpoints.steps(folder)[-1] == 2


def test_a_mistyped_path_is_found_at_once(trained, tmp_path, capsys):
    arguments = toy_run.trainer_arguments(trained.data_dir, tmp_path / "run")
    assert t2t_trainer.main([*arguments, "--warm_start_from=nowhere"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--warm_start_from=nowhere" in line and "--output_dir" in line
    assert not (tmp_path / "run").exists()
