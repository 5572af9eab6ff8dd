"""t2t-avg-all: a run directory of averages, or nothing."""

import json
import os
import shutil

import numpy as np
import pytest

from t2t_repro import checkpoints
from t2t_repro.bin import t2t_avg_all, t2t_decoder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the toy run, with its checkpoints of steps 3, 6 and 9."""
    folder = tmp_path / "run"
    shutil.copytree(trained.output_dir, folder)
    values = checkpoints.read(f"{folder}/model.ckpt-6")
    checkpoints.save(folder, 9, {**values, "global_step": np.int64(9)})
    return folder


@pytest.fixture
def average(run, tmp_path, capsys):
    """Runs the command.

    Returns:
      A function from flags to (status, the folder of averages, error output).
    """

    def call(*flags):
        target = tmp_path / "averages"
        status = t2t_avg_all.main(
            [f"--model_dir={run}", f"--output_dir={target}", *flags]
        )
        return status, target, capsys.readouterr().err

    return call


def test_one_average_for_every_window(average, run):
    os.utime(run / "model.ckpt-9.index", (1000, 1000))
    status, target, _ = average("--n=2")
    assert status == 0
    assert checkpoints.steps(target) == [6, 9]
    of_6 = checkpoints.read(f"{target}/model.ckpt-6")
    first = checkpoints.read(f"{run}/model.ckpt-3")
    second = checkpoints.read(f"{run}/model.ckpt-6")
    names = [n for n, v in of_6.items() if v.dtype == np.float32]
    assert names and not any(n.startswith("adam/") for n in of_6)
    for name in names:
        mean = (first[name].astype(float) + second[name]) / 2
        np.testing.assert_allclose(of_6[name], mean, rtol=1e-6, atol=1e-9)
    assert checkpoints.averaged_steps(f"{target}/model.ckpt-9") == [6, 9]
    # TensorBoard shows a score at the time of the training, not of averaging.
    assert checkpoints.times(target, [9]) == [1000.0]


def test_the_averages_are_a_run_that_decodes(average, tmp_path):
    _, target, _ = average("--n=3")
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_text("The dog sleeps.\n")
    decode = [f"--output_dir={target}", f"--decode_from_file={source}"]
    assert t2t_decoder.main([*decode, f"--decode_to_file={output}"]) == 0
    shapes = json.loads((target / "batch_shapes.json").read_text())
    assert shapes["replicas"] == 1


def test_unequal_steps_are_refused_before_anything_is_written(average, run):
    shutil.copyfile(run / "model.ckpt-9.index", run / "model.ckpt-10.index")
    shutil.copyfile(
        run / "model.ckpt-9.data-00000-of-00001",
        run / "model.ckpt-10.data-00000-of-00001",
    )
    status, target, error = average("--n=3")
    assert status == 1 and error.count("\n") == 1
    assert "steps 6, 9, 10 are 3, 1 apart" in error
    assert "--n=3 --max_steps=9" in error
    assert not target.exists()
    status, target, _ = average("--n=3", "--max_steps=9")
    assert status == 0 and checkpoints.steps(target) == [9]
    shutil.rmtree(target)
    status, target, _ = average("--n=3", "--allow_unequal_spacing")
    assert status == 0 and checkpoints.steps(target) == [9, 10]


def test_what_a_signal_saved_is_left_out(average, run):
    values = checkpoints.read(f"{run}/model.ckpt-9")
    # An older version went on from 7; 10 was saved a moment ago.
    checkpoints.mark_interim(run, 10)
    for step in (7, 10):
        checkpoints.save(run, step, {**values, "global_step": np.int64(step)})
    status, target, error = average("--n=3")
    assert status == 0, error
    assert "left out, as a signal saved them: [7, 10]" in error
    assert checkpoints.averaged_steps(f"{target}/model.ckpt-9") == [3, 6, 9]


def test_what_is_removed_again_is_not_named(average, run):
    """The second window has a damaged member; the first was whole."""
    path = run / "model.ckpt-9.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-8])
    status, target, error = average("--n=2")
    assert status == 1 and not target.exists()
    assert error.count("\n") == 1 and "model.ckpt-9 is damaged" in error


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--n=4"], 1, "has 3 checkpoints, --n=4"),
        (["--n=3", "--min_steps=6"], 1, "has 2 checkpoints, --n=3"),
        (["--n=0"], 2, "--n"),
        (["--model_dir=/nowhere"], 1, "is not a run directory"),
        (["--output_dir="], 2, "--output_dir= is empty"),
    ],
)
def test_mistakes_are_one_line(average, flags, status, words):
    found, target, error = average(*flags)
    assert found == status
    assert words in error and error.count("\n") == 1
    assert not target.exists()


def test_a_folder_in_use_is_left_alone(average, tmp_path):
    (tmp_path / "averages").mkdir()
    (tmp_path / "averages" / "mine").touch()
    status, target, error = average()
    assert status == 2 and "is not empty" in error
    assert os.listdir(target) == ["mine"]
