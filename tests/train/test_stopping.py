"""Schedules, signals and bad numbers in a run that is there already."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import checkpoints, evaluations, run_directory
from t2t_repro.bin import t2t_trainer
from t2t_repro.errors import InputError
from t2t_repro.evaluations import Evaluation
from t2t_repro.train.evaluation import Evaluator
from t2t_repro.train.step import TrainStep
from tests import toy_run

pytestmark = pytest.mark.timed


@pytest.fixture
def run(trained, tmp_path):
    """A copy at step 3."""
    copy = tmp_path / "run"
    shutil.copytree(trained.output_dir, copy)
    for path in copy.glob("model.ckpt-6*"):
        path.unlink()
    history = copy / run_directory.EVALUATIONS
    lines = json.loads(history.read_text())["evaluations"]
    history.write_text(json.dumps({"evaluations": lines[:1]}))
    return copy


@pytest.fixture
def arguments(trained, run):
    return toy_run.trainer_arguments(trained.data_dir, run)


def _figures(nll):
    return Evaluation(nll, 2.0, 0.5, "bleu", 1.0)


def _evaluations(folder):
    return evaluations.History(folder, 10**9).of("nll")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_run_goes_on(
    trained, run, arguments, capsys, monkeypatch, number
):
    call, calls = TrainStep.__call__, []

    def signalled(self, inputs, targets):
        calls.append(0)
        if len(calls) == 3:  # the rehearsal, step 4, step 5
            os.kill(os.getpid(), number)
        return call(self, inputs, targets)

    monkeypatch.setattr(TrainStep, "__call__", signalled)
    assert t2t_trainer.main(arguments) == 128 + number
    line = capsys.readouterr().err.splitlines()[-1]
    assert "after step 5, which is saved: the same command goes on" in line
    assert checkpoints.steps(run) == [3, 5]
    assert t2t_trainer.main(arguments) == 0
    toy_run.assert_same_checkpoint(run, trained.output_dir, 6)
    assert _evaluations(run) == _evaluations(trained.output_dir)


def test_an_evaluation_is_left_and_done_later(
    trained, run, arguments, monkeypatch
):
    """The checkpoint of step 6 is there, its evaluation is not."""
    evaluate = Evaluator.evaluate

    def signalled(self, should_stop):
        os.kill(os.getpid(), signal.SIGTERM)
        while not should_stop():
            pass
        return evaluate(self, should_stop)

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", signalled)
        more = [*arguments, "--train_steps=7"]
        assert t2t_trainer.main(more) == 143
    assert checkpoints.steps(run) == [3, 6]
    assert _evaluations(run)[0] == [3]
    assert t2t_trainer.main(more) == 0
    assert _evaluations(run)[0] == [3, 6, 7]
    of_trained = dict(zip(*_evaluations(trained.output_dir), strict=True))
    assert _evaluations(run)[1][1] == of_trained[6]


def test_train_does_not_evaluate(trained, run, arguments):
    assert t2t_trainer.main([*arguments, "--schedule=train"]) == 0
    assert _evaluations(run)[0] == [3]
    toy_run.assert_same_checkpoint(run, trained.output_dir, 6)


def test_evaluate_only_evaluates(trained, run, arguments, capsys):
    before = sorted(run.glob("model*"))
    # Whatever the training's own would have been.
    assert t2t_trainer.main([*arguments, "--schedule=evaluate"]) == 0
    assert "step 3, dev nll" in capsys.readouterr().err
    assert sorted(run.glob("model*")) == before
    for path in before:
        path.unlink()
    assert t2t_trainer.main([*arguments, "--schedule=evaluate"]) == 1
    assert "no checkpoint yet" in capsys.readouterr().err
    new = [*arguments, "--schedule=evaluate", f"--output_dir={run}/new"]
    assert t2t_trainer.main(new) == 1
    assert "is no run yet" in capsys.readouterr().err
    assert not (run / "new").exists()


def test_early_stopping_is_the_same_after_a_stop(
    run, arguments, capsys, monkeypatch
):
    # The evaluation of step 3 is there already. From step 4, nothing is 0.1
    # better within two steps for the first time at step 7: 4.97 and 4.95
    # after 5.0 at step 5.
    nll = {3: 7.0, 4: 6.0, 5: 5.0, 6: 4.97, 7: 4.95, 8: 4.0}
    steps = iter(range(4, 9))
    monkeypatch.setattr(
        Evaluator, "evaluate", lambda self, stop: _figures(nll[next(steps)])
    )
    flags = [
        *arguments,
        "--local_eval_frequency=1",
        "--eval_early_stopping_steps=2",
    ]
    for last in (6, 8):
        assert t2t_trainer.main([*flags, f"--train_steps={last}"]) == 0
    assert "the best was 4.9500, at step 7" in capsys.readouterr().err
    assert checkpoints.steps(run)[-1] == 7
    # And again: it is still enough.
    assert t2t_trainer.main([*flags, "--train_steps=8"]) == 0
    assert checkpoints.steps(run)[-1] == 7


def _poison(monkeypatch, at):
    """The loss of one call is not finite: a weight is not."""
    call, calls = TrainStep.__call__, []

    def poisoned(self, inputs, targets):
        calls.append(0)
        if len(calls) != at:
            return call(self, inputs, targets)
        weight = next(iter(self.weights.values()))
        kept = weight.numpy()
        weight.assign(tf.fill(weight.shape, np.nan))
        result = call(self, inputs, targets)
        if self._nan_policy == "skip":
            weight.assign(kept)
        return result

    monkeypatch.setattr(TrainStep, "__call__", poisoned)


def test_a_step_that_is_not_finite_stops(run, arguments, capsys, monkeypatch):
    _poison(monkeypatch, at=3)
    assert t2t_trainer.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    for words in (
        "step 5 is not finite",
        "embedding/matrix",
        "batch 4 from file 0 of epoch 0",
        f"{run}/model.ckpt-3",
        "--nan_policy=skip",
    ):
        assert words in line
    assert checkpoints.steps(run) == [3]


def test_a_step_that_is_not_finite_is_skipped(run, arguments, monkeypatch):
    _poison(monkeypatch, at=3)
    arguments = [*arguments, "--schedule=train"]
    assert t2t_trainer.main([*arguments, "--nan_policy=skip"]) == 0
    values = checkpoints.read(f"{run}/model.ckpt-6")
    assert values["global_step"] == 6
    assert values["adam/updates_skipped"] == 1
    events = [
        (value.tag, event.step)
        for path in run.glob("train/*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag.startswith("skipped")
    ]
    assert events == [("skipped_steps", 5)]
    # A run may change its mind.
    assert t2t_trainer.main([*arguments, "--train_steps=7"]) == 0


def test_a_damaged_checkpoint_is_trained_again(trained, run, arguments, capsys):
    shutil.copytree(trained.output_dir, run, dirs_exist_ok=True)
    (run / "model.ckpt-6.index").write_bytes(b"")
    assert t2t_trainer.main([*arguments, "--schedule=train"]) == 0
    assert "model.ckpt-6 is damaged" in capsys.readouterr().err
    toy_run.assert_same_checkpoint(run, trained.output_dir, 6)
    assert len(list((run / "damaged").iterdir())) == 2


def test_a_full_disk_is_one_line_and_the_last_checkpoint_whole(
    run, arguments, capsys, monkeypatch
):
    write = tf.raw_ops.SaveV2

    def full(prefix, **rest):
        write(prefix=prefix, **rest)
        os.truncate(f"{prefix}.data-00000-of-00001", 10)
        raise tf.errors.ResourceExhaustedError(
            None, None, f"{prefix}; No space left on device"
        )

    monkeypatch.setattr(tf.raw_ops, "SaveV2", full)
    assert t2t_trainer.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "No space left on device. Earlier checkpoints are whole" in line
    assert checkpoints.steps(run) == [3]
    checkpoints.read(f"{run}/model.ckpt-3")
    assert not list(run.glob(".*"))


def test_a_checkpoint_that_lacks_a_variable_is_refused(run, arguments, capsys):
    values = checkpoints.read(f"{run}/model.ckpt-3")
    del values["adam/m/embedding/matrix"]
    checkpoints.save(run, 3, values)
    assert t2t_trainer.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "no value for adam/m/embedding/matrix" in line
    assert not (run / "damaged").exists()
    with pytest.raises(InputError):
        checkpoints.read(f"{run}/model.ckpt-6")
