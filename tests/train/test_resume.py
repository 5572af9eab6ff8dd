"""SIGKILL at any moment changes nothing: the same bits as an undisturbed run.

`make soak` does the same with many more kills.
"""

import os

import pytest

from t2t_repro import checkpoints, run_directory
from tests import toy_run, trainer_process

pytestmark = pytest.mark.timed

# Kills of a run: 3 in CI.
_KILLS = int(os.environ.get("T2T_SOAK_KILLS", "3"))
_SEED = int(os.environ.get("T2T_SOAK_SEED", "1"))
_HPARAMS = (
    "hidden_size=32,filter_size=64,num_heads=2,num_hidden_layers=1,"
    "batch_size=512,batch_shapes=1,attention_dropout=0.1,relu_dropout=0.1,"
    "layer_prepostprocess_dropout=0.1"
)


def _arguments(data_dir, folder, steps):
    """Dropout in every place, a checkpoint after every step."""
    return [
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={data_dir}",
        f"--output_dir={folder}",
        f"--hparams_set={toy_run.SET}",
        f"--hparams={_HPARAMS}",
        f"--train_steps={steps}",
        "--schedule=train",
        "--local_eval_frequency=1",
        "--keep_checkpoint_max=2",
    ]


def _finish(arguments, replicas):
    with trainer_process.Training(arguments, replicas) as training:
        assert training.finish() == 0, training.errors()


@pytest.mark.parametrize("replicas, kills", [(1, _KILLS), (2, 1)])
def test_killed_runs_end_bit_for_bit_the_same(
    trained, tmp_path, capsys, replicas, kills
):
    steps = 8 * kills + 12
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _finish(_arguments(trained.data_dir, whole, steps), replicas)
    report = trainer_process.train_with_kills(
        _arguments(trained.data_dir, killed, steps),
        killed,
        kills,
        _SEED,
        most_steps=6,
        replicas=replicas,
    )
    with capsys.disabled():
        if kills > 3:
            print(f"\n{report}")
    assert report.kills == kills
    toy_run.assert_same_checkpoint(killed, whole, steps)
    # No checkpoint was damaged, and nothing half-written is left.
    assert not (killed / run_directory.DAMAGED).exists()
    assert not list(killed.glob(".*"))
    assert checkpoints.steps(killed) == [steps - 1, steps]
