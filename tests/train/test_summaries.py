"""What a run writes for TensorBoard, on a live model and by its clock."""

import io
import itertools
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing import (
    data_provider,
    plugin_event_multiplexer,
)
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import (
    api_pb2,
    backend_context,
    list_session_groups,
    plugin_data_pb2,
)

import t2t_repro
from t2t_repro.errors import InputError
from t2t_repro.evaluations import Evaluation, History
from t2t_repro.train.step import StepResult
from t2t_repro.train.summaries import Summaries
from t2t_repro.visualize import attention_maps
from t2t_repro.visualize.tensorboard import Sample, hparam_values

_SAMPLES = [
    Sample("ab", "b a", "a"),
    Sample("ab cd ef", "cd", "ef"),
    Sample("ab cd", "cd|ab", ""),
]


def _events(folder):
    """(tag, step, value) of all event files in a folder."""
    return [
        (value.tag, event.step, value)
        for path in sorted(folder.glob("events.out.tfevents.*"))
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


def _scalars(folder):
    return {
        (tag, step): float(tf.make_ndarray(value.tensor))
        for tag, step, value in _events(folder)
        if value.metadata.plugin_data.plugin_name == "scalars"
    }


def _result(loss, tokens, norm):
    """Whatever else a step has, these are read."""
    known = {
        "loss": loss,
        "tokens": tokens,
        "gradient_norm": norm,
        "learning_rate": 0.5,
    }
    return StepResult(**{n: known.get(n) for n in StepResult._fields})


@pytest.fixture(scope="module")
def loaded(trained):
    return t2t_repro.load(trained.output_dir)


def test_means_and_the_parts_of_a_step(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    summaries = Summaries(tmp_path, 98, 200)  # its clock starts at 0
    summaries.step(99, _result(2.0, 30.0, 1.0), 40, 1.0, False)
    summaries.pause(2.0)
    monkeypatch.setattr(time, "monotonic", lambda: 10.0)
    summaries.step(100, _result(4.0, 50.0, 3.0), 60, 3.0, False)
    summaries.close()
    scalars = _scalars(tmp_path / "train")
    found = {tag: value for (tag, _), value in scalars.items()}
    # From 0 to 10 less 2 of a pause: 8 seconds for 2 steps and 80 tokens, of
    # which 1 + 3 went into waiting.
    assert found["loss"] == 3.0 and found["gradient_norm"] == 2.0
    assert found["step_seconds"] == 4.0
    assert found["step_time/input_wait"] == 2.0
    assert found["step_time/training"] == 2.0
    assert found["input_wait_fraction"] == 0.5
    assert found["target_tokens/sec"] == 10.0
    assert found["global_step/sec"] == 0.25
    assert found["padding_efficiency"] == pytest.approx(0.8)
    assert 0.01 < found["memory/host_peak_gib"] < 1000


def test_what_is_timed(tmp_path, monkeypatch):
    clock = itertools.count(0.0, 10.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    summaries = Summaries(tmp_path, 0, 200)  # 0
    summaries.step(1, _result(1.0, 1.0, 1.0), 1, 0.0, True)
    with summaries.timed("evaluation"):
        pass
    summaries.close()
    assert _scalars(tmp_path / "train")["seconds/evaluation", 1] == 10.0


def test_training_and_dev_figures(tmp_path):
    summaries = Summaries(tmp_path, 0, 10)
    summaries.training_figures(5, np.log(8.0), 0.25)
    summaries.evaluation(5, Evaluation(1.0, 2.0, 0.5, "bleu", 30.0))
    summaries.close()
    train, dev = _scalars(tmp_path / "train"), _scalars(tmp_path / "eval")
    assert train["perplexity", 5] == pytest.approx(8.0)
    assert train["token_accuracy", 5] == 0.25
    assert train.keys() < {(tag, 5) for tag, _ in dev}
    assert dev["bleu", 5] == dev["bleu_best", 5] == 30.0
    assert ("decode_sentences/sec", 5) not in dev


def test_how_fast_an_evaluation_searched(tmp_path):
    figures = Evaluation(1.0, 2.0, 0.5, "bleu", 30.0, "signature", 12.5)
    summaries = Summaries(tmp_path, 0, 10)
    summaries.evaluation(5, figures)
    summaries.close()
    dev = _scalars(tmp_path / "eval")
    assert dev["decode_sentences/sec", 5] == 12.5


def test_the_best_bleu_of_the_whole_run(tmp_path):
    history = History(tmp_path, 0)
    history.add(3, Evaluation(1.0, 2.0, 0.5, "bleu", 40.0))
    # A process that goes on from step 5.
    summaries = Summaries(tmp_path, 5, 10)
    summaries.evaluation(8, Evaluation(1.0, 2.0, 0.5, "bleu", 30.0))
    summaries.evaluation(9, Evaluation(1.0, 2.0, 0.5, "bleu", 50.0))
    summaries.close()
    dev = _scalars(tmp_path / "eval")
    assert (dev["bleu_best", 8], dev["bleu_best", 9]) == (40.0, 50.0)


def test_hparams_and_end(tmp_path, loaded):
    summaries = Summaries(tmp_path, 0, 1)
    summaries.begin(loaded.run, loaded.model)
    summaries.step(1, _result(1.0, 1.0, 1.0), 1, 0.0, True)
    summaries.close()
    values = _events(tmp_path)
    records = {
        tag: plugin_data_pb2.HParamsPluginData.FromString(
            value.metadata.plugin_data.content
        )
        for tag, _, value in values
        if tag.startswith("_hparams_/")
    }
    session = records["_hparams_/session_start_info"].session_start_info
    # As text, which TensorBoard does not round to five digits.
    assert session.hparams["hidden_size"].string_value == "32"
    assert session.hparams["label_smoothing"].number_value == 0.1
    assert session.hparams["attention_bias"].bool_value is False
    assert session.hparams["problem"].string_value == "translate_ende_toy"
    assert session.hparams.keys() == hparam_values(loaded.run).keys()
    metrics = records["_hparams_/experiment"].experiment.metric_infos
    assert {
        ("eval", "bleu_best"),
        ("eval", "bleu"),
        ("eval", "nll"),
        ("train", "nll"),
    } < {(metric.name.group, metric.name.tag) for metric in metrics}
    infos = records["_hparams_/experiment"].experiment.hparam_infos
    assert len(infos) == len(session.hparams)
    first = {info.name for info in infos if info.differs}
    assert len(first) == 5 and "batch_size" in first
    assert "_hparams_/session_end_info" in records
    norms = _scalars(tmp_path / "train")
    assert norms["weight_norm/all", 1] == pytest.approx(
        sum(
            np.sum(np.square(weight.numpy())) for weight in loaded.model.weights
        )
        ** 0.5,
        rel=1e-4,
    )


def test_a_run_that_goes_on_or_stops_early(tmp_path, loaded):
    summaries = Summaries(tmp_path, 5, 10)
    summaries.begin(loaded.run, loaded.model)
    summaries.step(6, _result(1.0, 1.0, 1.0), 1, 0.0, True)
    summaries.close()
    tags = {tag for tag, _, _ in _events(tmp_path)}
    assert "_hparams_/session_start_info" in tags
    assert "_hparams_/session_end_info" not in tags


def test_two_runs_of_the_same_hparams_are_two_trials(tmp_path, loaded):
    """As TensorBoard's own server reads a folder with both."""
    for name, bleu in (("one", 20.0), ("two", 40.0)):
        summaries = Summaries(tmp_path / name, 0, 1)
        summaries.begin(loaded.run, loaded.model)
        summaries.evaluation(1, Evaluation(1.0, 2.0, 0.5, "bleu", bleu))
        summaries.close()
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(tmp_path))
    context = base_plugin.TBContext(data_provider=provider)
    groups = list_session_groups.Handler(
        request_context=RequestContext(),
        backend_context=backend_context.Context(context),
        experiment_id="",
        request=api_pb2.ListSessionGroupsRequest(
            allowed_statuses=[api_pb2.STATUS_UNKNOWN],
            slice_size=10,
            include_metrics=True,
        ),
    ).run()
    found = {
        group.name: {m.name.tag: m.value for m in group.metric_values}
        for group in groups.session_groups
    }
    assert found.keys() == {"one", "two"}
    assert (found["one"]["bleu"], found["two"]["bleu"]) == (20.0, 40.0)


def test_a_file_where_events_belong(tmp_path):
    (tmp_path / "train").touch()
    with pytest.raises(InputError, match="train: File exists"):
        Summaries(tmp_path, 0, 10)


def test_samples_are_of_all_lengths(tmp_path):
    samples = [Sample("a " * n, "b", "b") for n in range(1, 31)]
    summaries = Summaries(tmp_path, 0, 10)
    summaries.samples(5, samples)
    summaries.close()
    ((_, _, value),) = _events(tmp_path / "eval")
    rows = tf.make_ndarray(value.tensor).ravel()[0].decode().split("\n")[2:]
    lengths = [row.split("|")[2].count("a") for row in rows]
    # Ten of thirty, the shortest and the longest among them.
    assert lengths == [1, 4, 7, 10, 13, 17, 20, 23, 26, 30]


def test_samples_and_pictures(tmp_path, loaded):
    summaries = Summaries(tmp_path, 0, 60)
    summaries.begin(loaded.run, loaded.model)
    for step in (10, 20, 30, 40, 50, 60):
        summaries.samples(step, _SAMPLES)
    summaries.close()
    values = _events(tmp_path / "eval")
    texts = {
        step: tf.make_ndarray(value.tensor)[()].decode()
        if tf.make_ndarray(value.tensor).ndim == 0
        else tf.make_ndarray(value.tensor).ravel()[0].decode()
        for tag, step, value in values
        if tag.startswith("samples")
    }
    assert sorted(texts) == [10, 20, 30, 40, 50, 60]
    assert "| 0.0 | ab cd ef | **cd** | **ef** |" in texts[10]
    assert "cd&#124;ab" in texts[10]
    images = {
        (tag, step): tf.make_ndarray(value.tensor)
        for tag, step, value in values
        if tag.endswith("/attention")
    }
    # The 1st, 2nd and 4th time, and the last step, of one layer.
    assert {step for _, step in images} == {10, 20, 40, 60}
    assert {tag for tag, _ in images} == {
        "encoder/layer_0/self_attention/attention",
        "decoder/layer_0/self_attention/attention",
        "decoder/layer_0/encdec_attention/attention",
    }
    # A picture of each of the two heads, as high as TensorBoard shows it.
    width, height, *heads = images[
        "encoder/layer_0/self_attention/attention", 10
    ]
    sizes = [Image.open(io.BytesIO(png)).size for png in heads]
    assert sizes == [(int(width), int(height))] * 2 and int(height) == 215
    histograms = {
        (tag, step)
        for tag, step, value in values
        if value.metadata.plugin_data.plugin_name == "histograms"
    }
    assert ("weights/encoder/layer_0", 40) in histograms
    assert {step for _, step in histograms} == {10, 20, 40, 60}


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([3, 9, 20], 9), ([30, 60], 30), ([81], None)],
)
def test_whose_attention_is_shown(
    lengths, expected, tmp_path, loaded, monkeypatch
):
    """Of as many pieces as have legible labels, else the shortest."""
    encoder = loaded.run.encoder()
    line = {n: " ".join(["ab"] * n) for n in lengths}
    seen = []
    monkeypatch.setattr(
        attention_maps,
        "of_sentence",
        lambda inside, source, target: (target, seen.append(source) or []),
    )
    monkeypatch.setattr(type(encoder), "encode", lambda self, x: x.split())
    summaries = Summaries(tmp_path, 0, 60)
    summaries.begin(loaded.run, loaded.model)
    summaries.samples(10, [Sample(line[n], "ab", "ab") for n in lengths])
    summaries.close()
    assert seen == ([line[expected]] if expected else [])
