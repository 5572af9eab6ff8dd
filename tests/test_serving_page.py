"""docs/serving.md: its commands are run, its clients too, each on its own.

The clients of forms that leave this project behind run in a process that
cannot import it. What they print is what `t2t_repro.load` translates.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest

import t2t_repro
from t2t_repro.bin import t2t_exporter
from tests import source_tree
from tests.export import random_run

_TEXT = (source_tree.ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# A client in this project finds it; one that leaves it behind must not.
_OURS = {"PYTHONPATH": str(source_tree.ROOT)}
_ALONE = "import sys; sys.modules['t2t_repro'] = None\n"


def _client(word: str) -> str:
    """The one Python block that has a word."""
    found = [
        code
        for language, code in _BLOCK.findall(_TEXT)
        if language == "python" and word in code
    ]
    assert len(found) == 1, word
    return found[0]


def _export_command(form: str) -> list[str]:
    """The flags of the page's command for a form."""
    (line,) = re.findall(rf"^t2t-exporter .*--format={form}$", _TEXT, re.M)
    return shlex.split(line)[1:]


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    """Where `O` of the page lies."""
    place = tmp_path_factory.mktemp("page")
    # Hypotheses that end: CTranslate2 has another limit for the others.
    random_run.make(trained.output_dir, place / "O", end=8.0)
    return place


@pytest.fixture(scope="module")
def translator(folder):
    return t2t_repro.load(str(folder / "O"))


@pytest.fixture
def run(folder, monkeypatch):
    """Runs the page's command, where there is one, and then a client.

    Returns:
      A function from a word of the client, the form, and what stands in front
      of it to the lines that it prints.
    """

    def run(word: str, form: str = "", first: str = "") -> list[str]:
        monkeypatch.chdir(folder)
        if form:
            assert t2t_exporter.main(_export_command(form)) == 0
        done = subprocess.run(
            [sys.executable, "-c", first + _client(word)],
            cwd=folder,
            env=os.environ | ({} if first else _OURS),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_three_lines_of_python(run, translator):
    assert run("print(translator(") == [translator("A man rides a bicycle.")]


def test_attention(run, translator):
    lines = run(".attention(")
    seen = translator.attention("A man rides a bicycle.")
    assert [line.split(" looks at ")[0] for line in lines] == list(seen.target)
    assert {line.split(" looks at ")[1] for line in lines} <= set(seen.source)


def test_saved_model(run, translator):
    lines = run("tf.saved_model.load", "saved_model", _ALONE)
    sentences = ["A man rides a bicycle.", "Two dogs play in the snow."]
    assert len(lines) == 2
    for line, (best,) in zip(
        lines, translator.translate(sentences), strict=True
    ):
        score, text = line.split("\t", 1)
        assert text == best.text
        assert float(score) == pytest.approx(best.score, rel=1e-4)


def test_litert(run, translator):
    (line,) = run("get_signature_runner", "litert", _ALONE)
    (best,) = translator.translate(["A man rides a bicycle."])[0]
    score, text = line.split("\t", 1)
    assert text == best.text
    assert float(score) == pytest.approx(best.score, rel=0.05)


def test_ctranslate2(run, translator):
    pytest.importorskip(
        "ctranslate2", reason="the extra ctranslate2 is not installed"
    )
    lines = run("ctranslate2.Translator", "ctranslate2", _ALONE)
    assert lines == [translator("A man rides a bicycle.")]


def test_keras_weights(run, translator):
    lines = run("load_weights", "keras_weights")
    assert lines == [f"{translator.model.count_params()} weights"]


def test_clients_are_short():
    for language, code in _BLOCK.findall(_TEXT):
        if language == "python":
            lines = [line for line in code.splitlines() if line.strip()]
            assert len(lines) <= 12
