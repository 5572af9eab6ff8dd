"""From lines to lines, with an untrained model: order, limits, neighbours."""

import dataclasses

import keras
import pytest

from hparams.transformer import transformer_tiny
from t2t_repro.decode import line_translator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translator
from t2t_repro.models.transformer import Transformer

_OPTIONS = DecodeOptions(beam_size=3, extra_length=4, batch_size=4)
_LINES = ["a b c", "", "d", "e f g a b c d e", "   ", "b", "c c c c", "g f"]


class _Letters:
    """A vocabulary of letters a to g, ids from 2; spaces do not count."""

    vocab_size = 9

    def encode(self, text):
        return [ord(c) - ord("a") + 2 for c in text if c != " "]

    def decode(self, ids):
        return "".join(chr(i - 2 + ord("a")) for i in ids if i > 1)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(11)
    hparams = transformer_tiny().replace(hidden_size=16, filter_size=16)
    return Transformer(hparams, _Letters.vocab_size)


@pytest.fixture(scope="module")
def expected(model):
    return Translator(model, _Letters(), _OPTIONS).translate(_LINES)


def test_every_line_has_a_translation_in_its_place(expected):
    assert len(expected) == len(_LINES)
    assert [bool(best[0].ids) for best in expected] == [
        bool(line.strip()) for line in _LINES
    ]
    assert expected[1][0].text == "" and expected[1][0].score == 0.0


def test_no_translation_passes_its_limit(expected):
    for line, best in zip(_LINES, expected, strict=True):
        source = len(line.replace(" ", "")) + 1  # with the end of sentence
        assert len(best[0].ids) <= source + 4


@pytest.mark.parametrize("batch_size", [1, 32])
def test_batch_size_and_neighbours_change_nothing(model, expected, batch_size):
    options = dataclasses.replace(_OPTIONS, batch_size=batch_size)
    translator = Translator(model, _Letters(), options)
    found = translator.translate(_LINES[::-1])[::-1]
    for one, other in zip(expected, found, strict=True):
        assert one[0].text == other[0].text
        assert one[0].score == pytest.approx(other[0].score, abs=1e-4)


def test_all_beams_best_first(model):
    options = dataclasses.replace(_OPTIONS, return_beams=True)
    (beams,) = Translator(model, _Letters(), options).translate(["a b c"])
    scores = [hypothesis.score for hypothesis in beams]
    assert len(beams) == 3 and scores == sorted(scores, reverse=True)


def test_a_long_line_is_cut(model):
    options = dataclasses.replace(_OPTIONS, max_input_size=4)
    translator = Translator(model, _Letters(), options)
    cut, whole = translator.translate(["a b c d e f", "a b c"])
    assert cut == whole  # three letters and the end are left of it


def test_a_stream_is_read_in_windows(model, expected):
    read, batches = [], []

    def lines():
        for line in _LINES:
            read.append(line)
            yield line

    found = Translator(model, _Letters(), _OPTIONS).stream(
        lines(), at_once=3, translated=batches.append
    )
    first = next(found)
    assert len(read) == 3
    # None had to be searched for the empty line.
    assert batches[0] == 1 and sum(batches) == 3
    rest = list(found)
    assert read == _LINES and sum(batches) == len(_LINES)
    for one, other in zip(expected, [first, *rest], strict=True):
        assert one[0].text == other[0].text
        assert one[0].score == pytest.approx(other[0].score, abs=1e-4)


def test_lines_are_numbered_over_windows(model, monkeypatch, caplog):
    options = dataclasses.replace(_OPTIONS, max_input_size=2)
    translator = Translator(model, _Letters(), options)
    said = []
    monkeypatch.setattr(
        line_translator.logger, "warning", lambda text, *v: said.append(v)
    )
    list(translator.stream(["a", "b", "a b c"], first=10, at_once=2))
    # Its number, and how many ids it had and has.
    assert said == [(12, 4, 2)]


def test_the_best_few_are_the_first_of_all_beams(model):
    many = dataclasses.replace(_OPTIONS, return_beams=True)
    few = dataclasses.replace(_OPTIONS, n_best=2)
    (all_beams,) = Translator(model, _Letters(), many).translate(["a b c"])
    (best,) = Translator(model, _Letters(), few).translate(["a b c"])
    assert len(best) == 2 and best[0].ids == all_beams[0].ids
    assert best[0].score >= best[1].score
