"""t2t_repro.load: strings to strings, scores, and who looks at whom."""

import collections
import copy
import logging
import shutil
import subprocess
import sys

import numpy as np
import pytest

import t2t_repro
from t2t_repro import checkpoints, registry
from t2t_repro.bin import t2t_decoder
from t2t_repro.decode import line_translator
from t2t_repro.decode.output import Translation
from t2t_repro.errors import InputError, UsageError
from t2t_repro.text.lines import read_lines
from tests import source_tree
from tests.export import random_run

_LINES = ["the dog sleeps.", "", "my hungry elephant eats.", "naïve 漢字 😀"]
_DECODE_HPARAMS = "beam_size=3,extra_length=4"


@pytest.fixture(scope="module")
def output_dir(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api") / "run"
    return random_run.make(trained.output_dir, folder).folder


@pytest.fixture(scope="module")
def translator(output_dir):
    return t2t_repro.load(str(output_dir), decode_hparams=_DECODE_HPARAMS)


@pytest.fixture(scope="module")
def decoded(output_dir, tmp_path_factory):
    """What t2t-decoder writes: text, tab, score."""
    folder = tmp_path_factory.mktemp("decoded")
    (folder / "in").write_text("\n".join(_LINES), encoding="utf-8")
    arguments = [
        f"--output_dir={output_dir}",
        f"--decode_from_file={folder / 'in'}",
        f"--decode_to_file={folder / 'out'}",
        f"--decode_hparams={_DECODE_HPARAMS},write_beam_scores=true",
    ]
    assert t2t_decoder.main(arguments) == 0
    return [line.rsplit("\t", 1) for line in read_lines(folder / "out")]


@pytest.mark.parametrize("which", ["newest", "best", 3])
def test_a_checkpoint_by_name(trained, which):
    # By nll the last of two evaluations of a falling loss.
    step = 3 if which == 3 else 6
    loaded = t2t_repro.load(trained.output_dir, checkpoint=which)
    expected = checkpoints.read(f"{trained.output_dir}/model.ckpt-{step}")
    np.testing.assert_array_equal(
        loaded.model.weights_by_path()["embedding/matrix"].numpy(),
        expected["embedding/matrix"],
    )


def test_a_string_for_a_string_and_a_list_for_a_list(translator, decoded):
    texts = [text for text, _ in decoded]
    assert len(set(texts)) == 4
    assert translator(_LINES) == texts
    assert translator(tuple(_LINES)) == texts
    assert translator(_LINES[0]) == texts[0]
    assert translator("") == "" and translator([]) == []
    # As a file is read line by line.
    ends = ("\n", "\r\n", "\n", "")
    assert (
        translator([a + b for a, b in zip(_LINES, ends, strict=True)]) == texts
    )


def test_scores_are_the_decoder_s(translator, decoded):
    found = translator.translate(_LINES)
    assert [f"{best.score:.4f}" for (best,) in found] == [
        score for _, score in decoded
    ]


def test_several_hypotheses(output_dir):
    translator = t2t_repro.load(
        output_dir, decode_hparams="beam_size=3,n_best=2,extra_length=4"
    )
    (hypotheses,) = translator.translate(_LINES[:1])
    first, second = hypotheses
    assert first.score > second.score and first.ids != second.ids


def test_translate_is_not_given_letters(translator):
    with pytest.raises(TypeError, match="list"):
        translator.translate("the dog sleeps.")


def test_attention_has_a_row_for_each_piece_and_it_sums_to_1(translator):
    found = translator.attention(_LINES[0])
    source, target = len(found.source), len(found.target)
    assert found.text == translator(_LINES[0])
    assert found.source[-1] == found.target[-1] == "</s>"
    # Two heads, one layer a stack.
    assert {place: weights.shape for place, weights in found.maps.items()} == {
        "encoder/layer_0/self_attention": (2, source, source),
        "decoder/layer_0/self_attention": (2, target, target),
        "decoder/layer_0/encdec_attention": (2, target, source),
    }
    for weights in found.maps.values():
        assert np.allclose(weights.sum(axis=-1), 1.0, atol=1e-5)
    own = found.maps["decoder/layer_0/self_attention"]
    assert not np.triu(own, 1).any()  # nothing behind a position
    assert own[:, 1:].max() < 1.0  # and not only itself


def test_a_cut_line_is_named_once(output_dir, monkeypatch):
    said = []
    monkeypatch.setattr(
        line_translator.logger, "warning", lambda *words: said.append(words)
    )
    cut = t2t_repro.load(
        output_dir, decode_hparams=f"{_DECODE_HPARAMS},max_input_size=3"
    )
    assert len(cut.attention(_LINES[0]).source) == 3
    assert len(said) == 1


def test_attention_to_a_given_translation(translator):
    found = translator.attention("the dog sleeps.", "der Hund")
    pieces = "".join(found.target[:-1]).replace("\u2581", " ")
    assert (pieces, found.text) == ("der Hund", "der Hund")
    empty = translator.attention("")
    assert empty.source == ("</s>",) and empty.text == ""


def test_mistakes_are_said(output_dir, tmp_path):
    with pytest.raises(InputError, match="is not a run directory"):
        t2t_repro.load(tmp_path)
    with pytest.raises(UsageError, match="Did you mean beam_size"):
        t2t_repro.load(output_dir, decode_hparams="beam_sise=3")
    with pytest.raises(InputError, match="no checkpoint"):
        t2t_repro.load(output_dir, f"{output_dir}/model.ckpt-8")


_OWN = """
from t2t_repro import registry
from t2t_repro.problems.translate_toy import TranslateEndeToy

@registry.register_problem
class TranslateOwn(TranslateEndeToy):
    pass
"""


def test_a_run_on_a_problem_of_one_s_own(output_dir, tmp_path, monkeypatch):
    own, usr_dir = tmp_path / "run", tmp_path / "usr_of_api"
    shutil.copytree(output_dir, own)
    path = own / "problem.json"
    path.write_text(
        path.read_text().replace('"translate_ende_toy"', '"translate_own"')
    )
    usr_dir.mkdir()
    (usr_dir / "own.py").write_text(_OWN)
    registry.load_built_in()
    table = registry._problems
    monkeypatch.setattr(table, "_entries", dict(table._entries))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(registry, "_usr_dir", None)
    with pytest.raises(UsageError, match="with the problem 'translate_own'"):
        t2t_repro.load(own)
    options = "beam_size=1,extra_length=2"
    loaded = t2t_repro.load(own, None, options, usr_dir=usr_dir)
    theirs = t2t_repro.load(output_dir, None, options)
    assert loaded(_LINES[0]) == theirs(_LINES[0])


def test_the_package_alone_imports_no_tensorflow():
    program = (
        "import sys, t2t_repro\n"
        "print([n for n in ('tensorflow', 'keras', 'numpy') if n in"
        " sys.modules], callable(t2t_repro.load))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=source_tree.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[] True"


def test_nothing_on_standard_error(output_dir):
    """TensorFlow's C++ part has much to say, Keras about lengths of 1."""
    program = (
        "import sys, t2t_repro\n"
        "loaded = t2t_repro.load(sys.argv[1])\n"
        "print(len(loaded.attention('a', target='').target))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(output_dir)],
        cwd=source_tree.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


class _Shouted:
    """Reads capitals; a model's text without `!` has to be repaired."""

    has_plain_lines = False

    def input_line(self, line):
        return line.upper()

    def output_line(self, line, text):
        repairs = collections.Counter()
        if not text.endswith("!"):
            repairs.update(["calm", "calm"])
        if not text:
            repairs["silent"] += 1
        return f"{line}: {text.rstrip('!')}!", repairs


class _Search:
    """Says what stands in its table for what it reads."""

    def __init__(self, table):
        self._table = table

    def stream(self, lines, first=1, **ways):
        for line in lines:
            yield [Translation(t, -1.0, (5, 1)) for t in self._table[line]]


@pytest.fixture
def shouting(translator, monkeypatch):
    """A run on that problem, and its messages."""
    loaded = copy.copy(translator)
    loaded.problem = _Shouted()
    search = _Search({"A": ["x!", "y"], "B": ["", "z!"], "C": ["v!"]})
    loaded._engine = loaded._engine._replace(translator=search)
    texts: list[str] = []
    monkeypatch.setattr(
        logging.getLogger("t2t_repro"),
        "info",
        lambda text, *values: texts.append(text % values),
    )
    return loaded, texts


def test_all_hypotheses_get_the_problems_text(shouting):
    loaded, messages = shouting
    found = loaded.translate(["a", "b\r\n"])
    assert [[h.text for h in hypotheses] for hypotheses in found] == [
        ["a: x!", "a: y!"],
        ["b: !", "b: z!"],
    ]
    # Sentences, not repairs, and of the best hypotheses alone.
    assert messages == [
        "1 of 2 sentences were repaired (sentences by kind: calm 1, silent 1)"
    ]


def test_repairs_are_counted_over_a_stream(shouting):
    loaded, messages = shouting
    found = loaded.stream(iter(["a", "c"]))
    assert next(found)[0].text == "a: x!" and messages == []
    assert [h[0].text for h in found] == ["c: v!"]
    assert messages == ["0 of 2 sentences were repaired"]
