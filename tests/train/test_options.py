"""What is said at a start: checked at once, and kept where it decides."""

import json
import pathlib
import re
import shutil

import pytest
from absl import flags

from t2t_repro import checkpoints, evaluations, run_directory
from t2t_repro.bin import t2t_trainer
from t2t_repro.errors import InputError, UsageError
from t2t_repro.evaluations import Evaluation
from t2t_repro.train import options
from t2t_repro.train.options import TrainOptions
from tests import source_tree, toy_run

# Another value than that of toy_run.
_OTHER = {
    "random_seed": 7,
    "precision": "bfloat16",
    "deterministic": True,
    "eval_steps": 2,
    "eval_bleu_sentences": 3,
    "warm_start_from": "/elsewhere",
}


def _trainer_flags():
    values = flags.FlagValues()
    t2t_trainer._define_flags(values)
    return values


def _audit():
    """Flag -> whether it stands, from the table of docs/reliability.md."""
    page = source_tree.ROOT / "docs" / "reliability.md"
    rows = re.findall(
        r"^\| (`--.+?) \| (stands|may change) \|",
        page.read_text(encoding="utf-8"),
        re.M,
    )
    return {
        flag: kind
        for names, kind in rows
        for flag in re.findall(r"`--(\w+)`", names)
    }


def test_every_flag_of_the_trainer_is_classified():
    """A new flag needs a row: does it decide results?"""
    audit = _audit()
    assert audit.keys() == set(_trainer_flags())
    elsewhere = {"problem", "model", "hparams_set", "hparams"}
    elsewhere |= {"worker_gpu", "data_dir"}
    standing = {flag for flag, kind in audit.items() if kind == "stands"}
    assert (
        standing == elsewhere | set(options.STANDING) == elsewhere | set(_OTHER)
    )


def test_flags_have_the_type_and_default_of_their_field():
    values = _trainer_flags()
    values(
        [
            "t2t-trainer",
            "--eval_early_stopping_steps=5",
            "--eval_early_stopping_metric_delta=0.5",
            "--noeval_early_stopping_metric_minimize",
            "--xla=off",
        ]
    )
    found = {name: values[name].value for name in vars(TrainOptions())}
    assert TrainOptions(**found) == TrainOptions(
        eval_early_stopping_steps=5,
        eval_early_stopping_metric_delta=0.5,
        eval_early_stopping_metric_minimize=False,
        xla="off",
    )


@pytest.mark.parametrize(
    "given",
    [
        "train_steps=0",
        "train_steps=2147483648",
        "eval_steps=-1",
        "eval_early_stopping_steps=0",
        "eval_early_stopping_metric_delta=-0.1",
        "schedule=all",
        "random_seed=one",
    ],
)
def test_flags_have_the_bounds_and_choices_of_their_field(given):
    with pytest.raises(flags.IllegalFlagValueError):
        _trainer_flags()(["t2t-trainer", f"--{given}"])


@pytest.mark.parametrize(("name", "value"), _OTHER.items())
def test_a_flag_that_contradicts_the_record(
    trained, tmp_path, capsys, name, value
):
    before = sorted(trained.output_dir.rglob("*"))
    arguments = [
        f"--data_dir={trained.data_dir}",
        f"--output_dir={trained.output_dir}",
        f"--{name}={value}",
    ]
    stands = json.loads((trained.output_dir / run_directory.TRAIN).read_text())[
        name
    ]
    assert t2t_trainer.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"t2t-trainer: --{name}={value}, but {trained.output_dir} was trained"
        f" with {name}={stands}: leave the flag out or take another"
        " --output_dir."
    )
    assert sorted(trained.output_dir.rglob("*")) == before


def test_what_is_left_out_is_what_stands(tmp_path):
    begun = TrainOptions(random_seed=7, precision="bfloat16", eval_steps=1)
    options.keep(tmp_path, begun)
    again = options.resolve(tmp_path, {"train_steps": 9, "random_seed": 7})
    assert (again.random_seed, again.precision) == (7, "bfloat16")
    assert (again.eval_steps, again.train_steps) == (1, 9)
    # What was kept first stays.
    options.keep(tmp_path, TrainOptions(random_seed=8))
    assert options.resolve(tmp_path, {}).random_seed == 7
    # An evaluation alone may be of other sentences.
    given = {"schedule": "evaluate", "eval_steps": 0}
    assert options.resolve(tmp_path, given).eval_steps == 0


def test_the_metric_of_the_best_is_remembered(tmp_path):
    history = evaluations.History(tmp_path, metric="bleu")
    history.add(3, Evaluation(1.0, 2.0, 0.5, "bleu", 9.0))
    assert options.resolve(tmp_path, {}).eval_early_stopping_metric == "bleu"
    given = {"eval_early_stopping_metric": "nll"}
    found = options.resolve(tmp_path, given)
    assert found.eval_early_stopping_metric == "nll"


def test_a_run_of_before_there_was_a_record_goes_on(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained.output_dir, run)
    (run / run_directory.TRAIN).unlink()
    arguments = toy_run.trainer_arguments(trained.data_dir, run, steps=7)
    assert t2t_trainer.main(arguments) == 0
    record = json.loads((run / run_directory.TRAIN).read_text())
    assert record["version"] == 1 and record["random_seed"] == 1


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"version": 2}, "is of version 2, this program reads 1"),
        ({"random_seed": "7"}, "random_seed='7': it is damaged"),
        ({"more": 1}, "it is damaged or of a later version"),
    ],
)
def test_a_record_that_is_not_ours(tmp_path, changes, words):
    options.keep(tmp_path, TrainOptions())
    path = tmp_path / run_directory.TRAIN
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=words):
        options.resolve(tmp_path, {})


@pytest.mark.parametrize(
    "given, found, words",
    [
        # 40 steps, one each 10: 4.
        (
            {"train_steps": 40, "local_eval_frequency": 10, "average_last": 5},
            [],
            "makes only 4 checkpoints",
        ),
        # Steps 30 and 40 are still to come.
        (
            {"train_steps": 40, "local_eval_frequency": 10, "average_last": 4},
            [25],
            "makes only 3 checkpoints",
        ),
        # None is: the run has them already, or has gone further.
        (
            {"train_steps": 25, "local_eval_frequency": 10, "average_last": 2},
            [25],
            "makes only 1 checkpoints",
        ),
        ({"train_steps": 3, "average_last": 2}, [], "makes only 1 checkpoints"),
        (
            {"train_steps": 7, "local_eval_frequency": 3, "average_last": 3},
            [],
            "--train_steps=7 is no multiple",
        ),
        (
            {"keep_best": 2, "schedule": "train"},
            [],
            "which --schedule=train does not make",
        ),
        (
            {"keep_best": 2, "save_checkpoints_secs": 60},
            [],
            "which --save_checkpoints_secs does not make",
        ),
    ],
)
def test_what_would_fail_at_the_end_fails_at_once(given, found, words):
    with pytest.raises(UsageError, match=words):
        TrainOptions(**given).check(found)


@pytest.mark.parametrize(
    "given, found",
    [
        ({"train_steps": 40, "local_eval_frequency": 10}, []),
        ({"train_steps": 40, "local_eval_frequency": 10}, [10, 20, 30, 40]),
        # Checkpoints of another rhythm count.
        ({"train_steps": 40}, [25, 30, 35, 40]),
        ({"train_steps": 40, "save_checkpoints_secs": 600}, []),
    ],
)
def test_an_average_that_there_will_be(given, found):
    TrainOptions(average_last=4, **given).check(found)


def test_the_checkpoints_of_the_average_stay():
    every_10 = TrainOptions(
        train_steps=40,
        local_eval_frequency=10,
        keep_checkpoint_max=2,
        average_last=3,
    )
    # Never fewer than the average needs.
    assert every_10.staying([10, 20, 30, 40]) == {20, 30, 40}
    # An older version went on from a signal after step 25.
    assert every_10.staying([10, 20, 25, 30, 40]) == {20, 25, 30, 40}
    one = TrainOptions(keep_checkpoint_max=1)
    assert one.staying([1000, 1500]) == {1500}


def _evaluate_as(monkeypatch, bleu):
    """Evaluations of the given BLEU, step by step."""
    figures = iter(bleu)
    monkeypatch.setattr(
        "t2t_repro.train.evaluation.Evaluator.evaluate",
        lambda self, stop: Evaluation(1.0, 2.0, 0.5, "bleu", next(figures)),
    )


def test_the_best_stay_and_are_found(trained, tmp_path, monkeypatch):
    _evaluate_as(monkeypatch, [5.0, 9.0, 1.0, 8.0, 2.0, 3.0])
    arguments = [
        *toy_run.trainer_arguments(trained.data_dir, tmp_path),
        "--local_eval_frequency=1",
        "--keep_checkpoint_max=1",
        "--keep_best=2",
    ]
    metric = "--eval_early_stopping_metric=bleu"
    assert t2t_trainer.main([*arguments, metric, "--train_steps=3"]) == 0
    # 9, 5 and the newest.
    assert checkpoints.steps(tmp_path) == [1, 2, 3]
    # The metric is remembered, and the best of before are still known.
    assert t2t_trainer.main([*arguments, "--train_steps=6"]) == 0
    assert checkpoints.steps(tmp_path) == [2, 4, 6]
    assert pathlib.Path(checkpoints.find(tmp_path, "best")).name == (
        "model.ckpt-2"
    )
    for which, name in (("newest", "model.ckpt-6"), ("4", "model.ckpt-4")):
        assert pathlib.Path(checkpoints.find(tmp_path, which)).name == name
    with pytest.raises(InputError, match="no average .* steps 2, 4, 6"):
        checkpoints.find(tmp_path, "averaged")
    with pytest.raises(InputError, match="--checkpoint=3: .* none of that"):
        checkpoints.find(tmp_path, "3")
    (tmp_path / run_directory.EVALUATIONS).unlink()
    with pytest.raises(InputError, match="none that was evaluated"):
        checkpoints.find(tmp_path, "best")
