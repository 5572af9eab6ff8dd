"""LiteRT's file finds what the search finds, without us."""

import dataclasses

import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro.decode import options as decode_options
from t2t_repro.decode.translator import padded
from t2t_repro.errors import UsageError
from t2t_repro.export import exporter, litert_model
from t2t_repro.text.encoder import EOS_ID, PAD_ID
from tests.export import random_run

_LINES = ["the dog sleeps.", "this man sees my house.", "a"]


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random") / "run"
    return random_run.make(trained.output_dir, folder)


def _searched(path, inputs):
    """What a client does with ids `[batch, source]`."""
    program = tf.lite.Interpreter(str(path), num_threads=1)
    state = program.get_signature_runner("encode")(inputs=inputs)
    step = program.get_signature_runner("step")
    while not state["is_done"].all():
        found = step(**state)
        state |= {name: found.pop(name) for name in state.keys() & found.keys()}
    assert sorted(found) == ["outputs", "scores"]
    return found


def test_a_batch_is_searched_as_ever(run, tmp_path):
    words = "beam_size=3,n_best=2,extra_length=4"
    options = decode_options.parse(words, engine="litert")
    exporter.write(run, "litert", tmp_path / "export", options)
    translator = t2t_repro.load(run.folder, decode_hparams=words)
    expected = translator.translate(_LINES)
    ids = [[*translator.encoder.encode(line), EOS_ID] for line in _LINES]
    inputs, _ = padded(ids)
    found = _searched(tmp_path / "export" / litert_model.FILE, inputs)
    assert found["outputs"].shape[:2] == found["scores"].shape == (3, 3)
    for outputs, scores, hypotheses in zip(
        found["outputs"], found["scores"], expected, strict=True
    ):
        assert scores[:2].tolist() == pytest.approx(
            [hypothesis.score for hypothesis in hypotheses], abs=1e-4
        )
        for row, hypothesis in zip(outputs, hypotheses, strict=False):
            assert tuple(row[row != PAD_ID]) == hypothesis.ids


def test_what_it_cannot_hold_is_one_sentence(run, tmp_path):
    options = decode_options.parse("", engine="litert")
    for changes, words in (
        ({"model": "rnn"}, "^--format=litert: .* model rnn.* another --format"),
        ({"problem": "parsing_ptb_sample"}, "parsing_ptb_sample makes its"),
    ):
        other = dataclasses.replace(run, **changes)
        with pytest.raises(UsageError, match=words):
            exporter.write(other, "litert", tmp_path / "no", options)
    assert not (tmp_path / "no").exists()
