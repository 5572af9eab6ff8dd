"""The SavedModel says what t2t-decoder says, in a process without us."""

import dataclasses
import json
import subprocess
import sys

import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError
from t2t_repro.export import exporter, saved_model
from tests.export import random_run

_OPTIONS = DecodeOptions(beam_size=3, extra_length=4, max_input_size=12)
_DECODE_HPARAMS = "beam_size=3,extra_length=4,max_input_size=12"
# Empty, blank (a no-break and an ideographic space), unseen characters, and
# longer than max_input_size.
_LINES = [
    "the dog sleeps.",
    "",
    "this man sees my house.",
    " \u00a0\u3000",
    "naïve 漢字 😀",
    "the cat " * 12,
    "a",
]

# None in sys.modules is what makes an import fail.
_CLIENT = """
import json, sys
sys.modules["t2t_repro"] = None
import tensorflow as tf
import tensorflow_text
lines = json.load(sys.stdin)
loaded = tf.saved_model.load(sys.argv[1])
result = loaded.signatures["serving_default"](inputs=tf.constant(lines))
one = loaded.translate(tf.constant(lines[:1]))
none = loaded.translate(tf.constant([], tf.string))
print(json.dumps({
    "outputs": [text.decode() for text in result["outputs"].numpy()],
    "scores": result["scores"].numpy().tolist(),
    "one": one["scores"].numpy().tolist(),
    "none": [none["outputs"].shape.as_list(), none["scores"].shape.as_list()],
}))
"""


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random") / "run"
    return random_run.make(trained.output_dir, folder)


@pytest.fixture(scope="module")
def answer(run, tmp_path_factory):
    """What a fresh process prints."""
    folder = tmp_path_factory.mktemp("export") / "saved_model"
    exporter.write(run, "saved_model", folder, _OPTIONS)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CLIENT, str(folder)],
        input=json.dumps(_LINES),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected(run):
    translator = t2t_repro.load(run.folder, decode_hparams=_DECODE_HPARAMS)
    return [hypotheses[0] for hypotheses in translator.translate(_LINES)]


def test_a_fresh_process_gives_the_decoder_s_texts(answer, expected):
    assert answer["outputs"] == [best.text for best in expected]
    assert len(set(answer["outputs"])) > 3 and answer["outputs"][1] == ""


def test_and_its_scores(answer, expected):
    assert answer["scores"] == pytest.approx(
        [best.score for best in expected], abs=1e-4
    )
    assert answer["scores"][1] == answer["scores"][3] == 0.0


def test_a_sentence_alone_scores_as_in_company(answer):
    assert answer["one"] == pytest.approx(answer["scores"][:1], abs=1e-4)


def test_a_batch_of_none(answer):
    assert answer["none"] == [[0], [0]]


def test_several_hypotheses_and_greedy(run, tmp_path):
    for changes, words in (
        (dict(beam_size=3, n_best=2), "beam_size=3,n_best=2"),
        (dict(beam_size=1), "beam_size=1"),
    ):
        options = dataclasses.replace(_OPTIONS, **changes)
        folder = tmp_path / words
        exporter.write(run, "saved_model", folder, options)
        loaded = tf.saved_model.load(str(folder))  # alive while it is called
        result = loaded.translate(tf.constant(_LINES[:3]))
        translator = t2t_repro.load(
            run.folder,
            decode_hparams=f"{words},extra_length=4,max_input_size=12",
        )
        # An empty line has one empty translation, in the graph two.
        found = tf.reshape(result["scores"], [3, -1]).numpy()[[0, 2]]
        first, _, last = translator.translate(_LINES[:3])
        for scores, hypotheses in zip(found, (first, last), strict=True):
            assert scores.tolist() == pytest.approx(
                [hypothesis.score for hypothesis in hypotheses], abs=1e-4
            )


def test_blank_is_what_python_strips():
    # Every white space of Unicode lies below U+3001.
    characters = [chr(code) for code in range(1, 0x3100)]
    blank = saved_model.is_blank(tf.constant(characters)).numpy()
    assert blank.tolist() == [not text.strip() for text in characters]
    lines = tf.constant(["", "\t \u2028", " a "])
    assert saved_model.is_blank(lines).numpy().tolist() == [True, True, False]


def test_what_has_no_place_in_a_graph(run, tmp_path):
    subwords = dataclasses.replace(run, vocabulary=tmp_path / "v.subwords")
    parsing = dataclasses.replace(run, problem="parsing_ptb_sample")
    drawn = DecodeOptions(beam_size=1, sampling_method="random")
    for case, options, words in (
        (subwords, _OPTIONS, "subwords"),
        (parsing, _OPTIONS, "parsing_ptb_sample"),
        (run, drawn, "sampling_method"),
    ):
        with pytest.raises(UsageError, match=words):
            exporter.write(case, "saved_model", tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
