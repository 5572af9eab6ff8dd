"""t2t_repro.load: strings to strings, scores, and who looks at whom."""

import subprocess
import sys

import numpy as np
import pytest

import t2t_repro
from t2t_repro.bin import t2t_decoder
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.text.lines import read_lines
from tests import source_tree
from tests.export import random_run

_LINES = ["the dog sleeps.", "", "this man sees my house.", "naïve 漢字 😀"]
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


def test_a_string_for_a_string_and_a_list_for_a_list(translator, decoded):
    texts = [text for text, _ in decoded]
    assert len(set(texts)) == 4
    assert translator(_LINES) == texts
    assert translator(tuple(_LINES)) == texts
    assert translator(_LINES[0]) == texts[0]
    assert translator("") == "" and translator([]) == []


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
