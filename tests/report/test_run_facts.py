"""What a run directory tells, and what it does not."""

import dataclasses
import json
import os
import pathlib
import shutil

import pytest
import tensorflow as tf

from t2t_repro import averaging, checkpoints, run_directory
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError
from t2t_repro.report import paper, run_facts
from tests import toy_run


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the toy run: steps 3 and 6."""
    folder = tmp_path / "run"
    shutil.copytree(trained.output_dir, folder)
    return run_directory.load(folder)


def _gather(run, **given):
    return run_facts.gather(run, DecodeOptions(), **given)


def test_a_real_run(run, trained):
    facts = _gather(run, data_dir=trained.data_dir)
    recipe = facts.recipe
    assert recipe.data == facts.problem == toy_run.PROBLEM
    assert facts.hparams_set == toy_run.SET
    assert (recipe.d_model, recipe.h, recipe.d_k) == (32, 2, 16)
    assert (recipe.encoder_layers, recipe.d_ff) == (1, 64)
    assert (recipe.batch_tokens, recipe.replicas) == (512, 1)
    assert recipe.vocabulary == paper.BPE
    assert recipe.vocabulary_size == run.encoder().vocab_size
    summary = json.loads(
        (trained.data_dir / f"{toy_run.PROBLEM}.json").read_text()
    )
    pairs = summary["splits"]["train"]["pairs_written"]
    assert recipe.training_pairs == pairs > 0
    assert recipe.data_year is None  # the toy has none
    assert (recipe.train_steps, recipe.averaged) == (6, 0)
    assert (recipe.beam_size, recipe.alpha, recipe.extra_length) == (4, 0.6, 50)
    assert facts.parameters == run.new_model().count_params()
    assert facts.dev.keys() == {"nll", "perplexity", "token_accuracy", "bleu"}
    assert facts.dev["bleu"][0] == 6
    # A batch of at most 512 tokens, padding left out.
    assert 0 < facts.tokens_per_step <= 512
    assert 0 < facts.step_seconds * 6 <= facts.hours * 3600
    assert "event files" in facts.hours_from and not facts.hours_at_least


def test_without_data_dir_the_data_is_unknown(run):
    recipe = _gather(run).recipe
    assert recipe.training_pairs is recipe.data_year is None


def test_years_are_found_wherever_they_stand(run, tmp_path):
    summary = {
        "sources": [{"year": 2014}, {"year": "2013", "lines": 2}, {}],
        "splits": {"train": {"pairs_written": 7}},
    }
    path = tmp_path / f"{toy_run.PROBLEM}.json"
    path.write_text(json.dumps(summary))
    recipe = _gather(run, data_dir=tmp_path).recipe
    assert recipe.data_year == "2013, 2014" and recipe.training_pairs == 7
    path.write_text("{}")
    with pytest.raises(InputError, match="how many training pairs"):
        _gather(run, data_dir=tmp_path)


def test_the_average_that_would_be_decoded(run):
    averaging.average_last(run.folder, 2)
    assert _gather(run).recipe.averaged == 2
    # An average that does not say of how many.
    values = checkpoints.read(f"{run.folder}/averaged.ckpt-6")
    del values["averaged_steps"]
    checkpoints.save(run.folder, 6, values, "averaged")
    assert _gather(run).recipe.averaged is None


def test_hours_without_events_are_those_of_the_checkpoints(run):
    for path in run.folder.glob("**/events.*"):
        path.unlink()
    os.utime(run.folder / "model.ckpt-3.index", (7200, 7200))
    os.utime(run.folder / "model.ckpt-6.index", (9000, 9000))
    facts = _gather(run)
    assert facts.hours == pytest.approx(0.5) and facts.hours_at_least
    assert "before the oldest, step 3" in facts.hours_from
    assert facts.recipe.checkpoint_minutes == 30.0
    assert facts.tokens_per_step is facts.step_seconds is None


def test_a_run_that_has_just_begun(run):
    for path in run.folder.iterdir():
        if path.is_file() and path.name.startswith(("model.", "events.")):
            path.unlink()
    shutil.rmtree(run.folder / "eval")
    shutil.rmtree(run.folder / "train")
    (run.folder / "batch_shapes.json").unlink()
    facts = _gather(run)
    assert facts.parameters is facts.hours is None
    assert facts.recipe.train_steps is facts.recipe.averaged is None
    assert facts.recipe.replicas is facts.recipe.checkpoint_minutes is None
    assert facts.dev == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("pos=timing", {"positions": "sinusoids, all sines first"}),
        ("pos=emb", {"positions": "learned"}),
        (
            "layer_preprocess_sequence=n,layer_postprocess_sequence=da",
            {"normalisation": "before each sub-layer"},
        ),
        (
            "shared_embedding_and_softmax_weights=false",
            {"shared_embeddings": "none"},
        ),
        (
            "learning_rate_constant=2.0",
            {"schedule": f"{paper.NOAM}, x 2.0"},
        ),
        ("optimizer_adam_beta2=0.997", {"adam": "0.9, 0.997, 1e-09"}),
        (
            "optimizer_multistep_accumulate_steps=4",
            {"accumulate_steps": 4},
        ),
    ],
)
def test_the_words_for_hparams(run, changes, expected):
    before = dataclasses.asdict(paper.recipe_of(run.hparams))
    after = dataclasses.asdict(paper.recipe_of(run.hparams.override(changes)))
    found = {name: v for name, v in after.items() if v != before[name]}
    assert found == expected


def _saved(folder: pathlib.Path, values):
    path = folder / "scores.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_scores(tmp_path):
    bleu = {
        "sacrebleu": {"score": 27.52, "signature": "s", "precisions": []},
        "paper_bleu": {"score": 29.02, "signature": "p"},
        "t2t_bleu": {"cased": 1.0},
    }
    assert run_facts.read_scores(_saved(tmp_path, bleu)) == {
        "sacrebleu": (27.52, "s"),
        "paper_bleu": (29.02, "p"),
    }
    parses = {"all": {"brackets_with_failures": {"f1": 71.5}}}
    found = run_facts.read_scores(_saved(tmp_path, parses))
    assert found["f1"][0] == 71.5


@pytest.mark.parametrize(
    "values", [{}, {"sacrebleu": 27.5}, {"all": {}}, {"paper_bleu": {}}]
)
def test_scores_of_something_else(tmp_path, values):
    with pytest.raises(InputError, match="is not what t2t-bleu --json"):
        run_facts.read_scores(_saved(tmp_path, values))


def _write(folder, values, tag="loss"):
    writer = tf.summary.create_file_writer(str(folder))
    for step, value in values:
        with writer.as_default(step=step):
            tf.summary.scalar(tag, value)
            tf.summary.text("text", "not a number")
    writer.close()


def _rewrite(folder, *times):
    """One file with nothing in its events but these times."""
    from tensorflow.core.util import event_pb2

    path = folder / f"events.out.tfevents.{times[0]}"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for time in times:
            event = event_pb2.Event(wall_time=time)
            writer.write(event.SerializeToString())


def test_scalars_of_all_files(tmp_path):
    _write(tmp_path, [(100, 2.5), (200, 1.5)])
    _write(tmp_path, [(300, 0.5)])
    _write(tmp_path / "eval", [(400, 9.0)])
    events = run_facts.read_events(tmp_path)
    assert events.scalars.keys() == {"loss"}
    assert sorted(events.scalars["loss"]) == [
        (100, 2.5),
        (200, 1.5),
        (300, 0.5),
    ]
    assert events.last("loss") == (300, 0.5)
    assert events.last("bleu") is None
    assert events.seconds >= 0


def test_a_run_of_before_that_went_on(tmp_path):
    """Training events lay in the folder itself, and later in train/."""
    _write(tmp_path, [(100, 2.5)])
    _write(tmp_path / "train", [(200, 1.5)])
    events = run_facts.read_events(tmp_path, tmp_path / "train")
    assert events.last("loss") == (200, 1.5)
    assert sorted(events.scalars["loss"]) == [(100, 2.5), (200, 1.5)]


def test_the_time_between_two_files_does_not_count(tmp_path):
    _rewrite(tmp_path, 1000.0, 1060.0, 1090.0)
    _rewrite(tmp_path, 9000.0, 9010.0)
    assert run_facts.read_events(tmp_path).seconds == pytest.approx(90.0 + 10.0)


def test_a_folder_without_events(tmp_path):
    events = run_facts.read_events(tmp_path)
    assert events.scalars == {} and events.seconds is None
    assert run_facts.read_events(tmp_path / "nowhere").seconds is None


def _took(*reports):
    return run_facts.Events({"step_seconds": [*reports]}, None)


@pytest.mark.parametrize(
    ("step", "seconds"),
    # 100 steps of 2 seconds, then 1 second a step.
    [(0, 0.0), (50, 100.0), (100, 200.0), (150, 250.0), (200, 300.0)],
)
def test_the_time_of_a_step(step, seconds):
    assert _took((100, 2.0), (200, 1.0)).seconds_at(step) == seconds


def test_steps_that_no_report_covers():
    events = _took((100, 2.0), (200, 1.0))
    # Of now: as fast as those before.
    assert events.seconds_at(299) == 399.0
    # There would be a report of these.
    assert events.seconds_at(300) is None
    # An imported run, or events that were removed.
    assert _took((100, 2.0), (300, 1.0)).seconds_at(300) is None
    assert _took().seconds_at(10) is None


def test_sessions_add_up_and_what_was_lost_counts_once():
    # Killed after 300 and gone on from 220: 300 is reported again.
    events = _took((100, 1.0), (200, 1.0), (300, 9.0), (300, 2.0), (310, 1.0))
    assert events.seconds_at(310) == 100 + 100 + 200 + 10
    assert events.values("step_seconds") == [1.0, 1.0, 2.0, 1.0]


def test_half_a_record_at_the_end_is_left_out(tmp_path):
    _write(tmp_path, [(100, 2.5), (200, 1.5)])
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 5)
    events = run_facts.read_events(tmp_path)
    # The last record is the text of step 200.
    assert events.scalars["loss"] == [(100, 2.5), (200, 1.5)]
    os.truncate(path, 30)
    assert run_facts.read_events(tmp_path).scalars == {}
