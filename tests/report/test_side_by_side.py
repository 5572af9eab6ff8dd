"""Runs side by side: what is read of them, and what differs."""

import json
import shutil

import pytest

from t2t_repro import run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.report import published, side_by_side
from t2t_repro.report.published import Standing
from t2t_repro.report.side_by_side import Point, RunFacts, SideBySide
from tests import toy_run

_FIGURE = published.find("transformer_multi30k", "translate_ende_multi30k")


@pytest.fixture
def runs(trained, tmp_path):
    """Two copies of the toy run: steps 3 and 6."""
    folders = [tmp_path / "one" / "run", tmp_path / "two" / "run"]
    for folder in folders:
        shutil.copytree(trained.output_dir, folder)
    return folders


def _gather(*folders):
    return side_by_side.gather([str(folder) for folder in folders])


def _change(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _evaluate(folder, *scores):
    """Makes the scores those of steps 1, 2, 3 and so on."""
    lines = [
        {"step": n, "nll": 1.0, "perplexity": 2.7, "token_accuracy": 0.5}
        | {"bleu": score, "signature": "s"}
        for n, score in enumerate(scores, 1)
    ]
    _change(folder / "evaluations.json", evaluations=lines)


def test_a_real_run(runs):
    first, second = _gather(*runs).runs
    assert (first.name, second.name) == ("one/run", "two/run")
    run = run_directory.load(runs[0])
    assert (first.model, first.hparams_set) == ("transformer", toy_run.SET)
    assert first.parameters == run.new_model().count_params()
    # Forward and, twice as much, backward, for each of 30 target positions.
    forward = run.hparams.forward_flops((1, 30, 30), run.encoder().vocab_size)
    assert first.flops_per_token == pytest.approx(3 * forward / 30)
    assert first.tokens_per_second > 0 and first.sentences_per_second > 0
    assert first.steps == 6 and [p.step for p in first.evaluations] == [3, 6]
    # One report speaks for all six steps.
    assert 0 < first.evaluations[0].hours * 2 == pytest.approx(first.hours)
    assert first.evaluations[1].hours == first.hours
    (signature,) = first.signatures
    assert signature.startswith("nrefs:1|case:mixed|")
    assert first.recipe["hidden_size"] == 32
    assert first.recipe["--random_seed"] == 1
    assert first.recipe["replicas"] == 1
    assert first.recipe["vocabulary"].startswith(f"{run.encoder().vocab_size} ")


def test_the_best_run_stands_first_by_its_best_evaluation(runs):
    _evaluate(runs[0], 10.0, 20.0, 20.0, 15.0)
    _evaluate(runs[1], 30.0, 5.0)
    first, second = _gather(*runs).runs
    assert (first.name, first.best.step) == ("two/run", 1)
    assert (second.best.score, second.best.step) == (20.0, 2)


def test_what_differs_of_the_recipe(runs):
    assert _gather(*runs).differences == {}
    _change(runs[1] / "hparams.json", label_smoothing=0.0)
    _change(runs[1] / "train.json", random_seed=2)
    _change(runs[1] / "batch_shapes.json", data_sha256="0" * 64)
    compared = _gather(*runs)
    assert compared.differences.keys() == {
        "label_smoothing",
        "--random_seed",
        "training data",
    }
    values = dict(
        zip(
            [run.name for run in compared.runs],
            compared.differences["label_smoothing"],
            strict=True,
        )
    )
    assert values == {"one/run": 0.1, "two/run": 0.0}


def test_scores_of_a_test_set_belong_to_their_runs(runs):
    _evaluate(runs[0], 10.0)
    scores = [{"sacrebleu": (20.0, "s")}, {"sacrebleu": (40.0, "s")}]
    found = side_by_side.gather([str(folder) for folder in runs], scores).runs
    by_name = {run.name: run.scores["sacrebleu"][0] for run in found}
    assert by_name == {"one/run": 20.0, "two/run": 40.0}
    assert {run.standing.status for run in found} == {"unknown"}


def test_a_run_of_before_lacks_what_was_not_recorded(runs):
    _evaluate(runs[1], 1.0)
    for name in ("train", "eval"):
        shutil.rmtree(runs[1] / name)
    for path in [*runs[1].glob("model.*"), *runs[1].glob("events.*")]:
        path.unlink()
    for name in ("train.json", "batch_shapes.json"):
        (runs[1] / name).unlink()
    compared = _gather(*runs)
    (old,) = [run for run in compared.runs if run.name == "two/run"]
    assert old.parameters is old.tokens_per_second is old.hours is None
    assert old.sentences_per_second is old.best.hours is None
    assert old.steps == 1 and compared.differences == {}
    assert old.signatures == ("s",)


def test_runs_that_cannot_be_compared(runs, tmp_path):
    with pytest.raises(UsageError, match="one run twice, as .*/one/run and"):
        _gather(runs[0], runs[1], f"{runs[0]}/")
    (tmp_path / "link").symlink_to(runs[0])
    with pytest.raises(UsageError, match="one run twice"):
        _gather(runs[0], tmp_path / "link")
    (runs[1] / "evaluations.json").unlink()
    with pytest.raises(InputError, match="two/run has no evaluation by bleu"):
        _gather(*runs)
    _change(runs[1] / "problem.json", problem=f"{toy_run.PROBLEM}_rev")
    with pytest.raises(UsageError, match="different problems do not compare"):
        _gather(*runs)


def made_up(**changes):
    """Two runs of two families: all that a run can have, and nothing."""
    whole = RunFacts(
        name="rnn",
        output_dir="/runs/rnn",
        model="rnn",
        hparams_set="rnn_tiny",
        parameters=1_234_567,
        flops_per_token=23_456_789.0,
        tokens_per_second=1234.5,
        steps=16_000,
        hours=1.03333,
        best=Point(15_000, 0.96875, 37.125),
        evaluations=(Point(500, 0.03, 2.0), Point(15_000, 0.96875, 37.125)),
        signatures=("nrefs:1|tok:13a",),
        sentences_per_second=16.25,
        recipe={"model": "rnn", "hidden_size": 32, "cell": "gru"},
        scores={},
        standing=Standing(None, None, "unknown", ()),
    )
    empty = RunFacts(
        name="<b>",
        output_dir="/runs/<b>",
        model="transformer",
        hparams_set="transformer_tiny",
        parameters=None,
        flops_per_token=None,
        tokens_per_second=None,
        steps=900,
        hours=None,
        best=Point(900, None, 30.0),
        evaluations=(Point(900, None, 30.0),),
        signatures=("nrefs:1|tok:13a",),
        sentences_per_second=None,
        recipe={"model": "transformer", "hidden_size": 64, "num_heads": 2},
        scores={"sacrebleu": (36.5, "13a"), "multi30k_bleu": (41.1, "lc")},
        standing=Standing(_FIGURE, 41.1, "above", ()),
    )
    runs = (whole, empty)
    differences = side_by_side._differences(runs)
    return SideBySide("translate_toy", "bleu", runs, differences)


def test_fields_of_one_model_alone_are_no_difference():
    assert made_up().differences == {
        "model": ("rnn", "transformer"),
        "hidden_size": (32, 64),
    }


def test_json():
    values = json.loads(side_by_side.as_json(made_up()))
    assert values["metric"] == "bleu"
    assert values["runs"][0]["evaluations"][0] == {
        "step": 500,
        "hours": 0.03,
        "score": 2.0,
    }
    assert values["runs"][1]["recipe"]["num_heads"] == 2
    assert values["differences"]["hidden_size"] == [32, 64]
