"""CTranslate2 in TensorFlow's place: the same scores, limits and output."""

import dataclasses
import sys
import tempfile
import types

import pytest

import t2t_repro
from t2t_repro import checkpoints, registry, run_directory
from t2t_repro.bin import t2t_decoder
from t2t_repro.decode import ctranslate2_engine
from t2t_repro.decode.beam_step import IMPOSSIBLE
from t2t_repro.decode.ctranslate2_engine import EngineScorer, EngineTranslator
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.errors import InputError, UsageError
from t2t_repro.progress import Progress
from t2t_repro.text.lines import read_lines
from tests.export import random_run

_LINES = ["the dog sleeps.", "", "a cat.", "naïve 漢字 😀"]
_SHORT = "extra_length=4"
_ENGINE = "engine=ctranslate2"


@pytest.fixture(scope="module")
def output_dir(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine") / "run"
    return random_run.make(trained.output_dir, folder).folder


@pytest.fixture(scope="module")
def installed():
    return pytest.importorskip(
        "ctranslate2", reason="the extra ctranslate2 is not installed"
    )


@pytest.fixture(scope="module")
def ours(output_dir):
    return t2t_repro.load(output_dir, decode_hparams=f"beam_size=1,{_SHORT}")


@pytest.fixture(scope="module")
def theirs(installed, output_dir):
    return t2t_repro.load(
        output_dir, decode_hparams=f"beam_size=3,n_best=3,{_SHORT},{_ENGINE}"
    )


def test_greedy_translations_are_tensorflows(ours, theirs):
    options = dataclasses.replace(ours.options, engine="ctranslate2")
    found = theirs.with_options(options).translate(_LINES)
    for expected, own in zip(ours.translate(_LINES), found, strict=True):
        assert [h.text for h in own] == [h.text for h in expected]
        assert own[0].ids == expected[0].ids
        # A sum of some twenty numbers of size 5.
        assert own[0].score == pytest.approx(expected[0].score, rel=1e-4)


def test_scores_are_log_probabilities_by_our_penalty(ours, theirs):
    found = theirs.translate(_LINES)
    assert found[1] == [Translation("", 0.0, ())]
    pairs, hypotheses = [], []
    for line, own in zip(_LINES, found, strict=True):
        assert [h.score for h in own] == sorted(
            (h.score for h in own), reverse=True
        )
        for hypothesis in own if line else ():
            source = [*theirs.encoder.encode(line), 1]
            assert 0 < len(hypothesis.ids) <= len(source) + 4
            pairs.append((source, hypothesis.ids))
            hypotheses.append(hypothesis)
    kinds = set()
    for hypothesis, values in zip(
        hypotheses, ours._engine.scorer.score_ids(pairs), strict=True
    ):
        has_ended = hypothesis.ids[-1] == 1
        kinds.add(has_ended)
        length = len(hypothesis.ids)
        # What met the limit has its log probability alone.
        penalty = ((5 + length) / 6) ** 0.6 if has_ended else 1.0
        expected = values.sum() / penalty
        assert hypothesis.score == pytest.approx(expected, rel=1e-4)
    assert kinds == {True, False}


def test_given_translations_have_tensorflows_scores(ours, theirs):
    pairs = [("the dog.", "der Hund."), ("", ""), ("a", ""), ("", "naïve 😀")]
    scores = [
        list(loaded.score(pairs, Progress("scoring", "lines", 4)))
        for loaded in (ours, theirs)
    ]
    for expected, found in zip(*scores, strict=True):
        assert found.pieces == expected.pieces
        assert found.log_probabilities == pytest.approx(
            expected.log_probabilities, abs=2e-4
        )


def test_a_new_beam_keeps_the_model_and_new_weights_do_not(output_dir, theirs):
    wider = dataclasses.replace(theirs.options, beam_size=5)
    assert theirs.with_options(wider)._engine.opened is theirs._engine.opened
    rounded = dataclasses.replace(theirs.options, quantize="int8")
    other = theirs.with_options(rounded)
    assert other._engine.opened is not theirs._engine.opened
    before = other.translate(_LINES)
    exact = theirs.translate(_LINES)
    assert before != exact
    # Eight bits of a factor: some nats in twenty.
    assert before[0][0].score == pytest.approx(exact[0][0].score, rel=0.3)
    weights = random_run.drawn_weights(other.model, end=8.0)
    checkpoints.save(output_dir, 8, weights)
    other.restore("8")
    assert other.translate(_LINES) != before
    other.restore("7")
    assert other.translate(_LINES) == before


def test_the_command_writes_the_same_files(
    installed, output_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    source = tmp_path / "in"
    source.write_text("\n".join(_LINES), encoding="utf-8")
    arguments = [f"--output_dir={output_dir}", "--checkpoint=7"]
    written = {}
    for name, more in (
        ("tensorflow", []),
        ("float32", ["--engine=ctranslate2"]),
        ("int8", ["--engine=ctranslate2", "--quantize=int8"]),
    ):
        status = t2t_decoder.main(
            [
                *arguments,
                f"--decode_from_file={source}",
                f"--decode_to_file={tmp_path / name}",
                f"--decode_hparams=beam_size=1,write_beam_scores=1,{_SHORT}",
                *more,
            ]
        )
        assert status == 0
        written[name] = [
            line.split("\t") for line in read_lines(tmp_path / name)
        ]
    assert "CTranslate2" in capsys.readouterr().err
    texts = {name: [row[0] for row in rows] for name, rows in written.items()}
    assert texts["float32"] == texts["tensorflow"]
    scores = {
        name: [float(row[1]) for row in rows] for name, rows in written.items()
    }
    assert scores["float32"] == pytest.approx(scores["tensorflow"], rel=1e-4)
    assert scores["int8"] != scores["float32"]
    assert not list((tmp_path / "tmp").iterdir())


# From here on CTranslate2 itself is not needed.


class _Opened:
    """What CTranslate2 would find: by limit and count, in its own form."""

    def __init__(self, found):
        self.found = found
        self.asked = []

    def translate_batch(self, sources, **asked):
        limit, count = asked["max_decoding_length"], asked["num_hypotheses"]
        assert asked["patience"] * asked["beam_size"] == count
        assert asked["length_penalty"] == 0
        self.asked.append((sources, limit, count))
        return [
            types.SimpleNamespace(
                hypotheses=[ids.split() for ids, _ in hypotheses],
                scores=[score for _, score in hypotheses],
            )
            for hypotheses in self.found[limit, count]
        ]


def _search(opened, options, *sources):
    numbers = range(1, len(sources) + 1)
    return EngineTranslator(opened, None, options).search(sources, numbers)


_TWO_BEAMS = DecodeOptions(beam_size=2, alpha=1.0, extra_length=5)


def test_the_papers_penalty_ranks():
    opened = _Opened({(7, 2): [[("3 1", -3.5), ("4 4 4 4 4 4 1", -4.0)]]})
    (found,) = _search(opened, _TWO_BEAMS, [9, 1])
    # 7 ids with the end: (5 + 7) / 6 = 2; 2 ids: 7/6.
    assert found == [
        ([4, 4, 4, 4, 4, 4, 1], pytest.approx(-2.0)),
        ([3, 1], pytest.approx(-3.0)),
    ]
    assert opened.asked == [([["9", "1"]], 7, 2)]


def test_a_sentence_that_passes_its_own_limit_is_searched_alone():
    long = " ".join(["4"] * 7) + " 1"
    opened = _Opened(
        {
            # 3 + 5 ids for the longer sentence, and 2 + 5 for the other.
            (8, 2): [
                [("3 1", -3.5), (long, -3.8)],
                [("3 1", -3.5), (long, -3.8)],
            ],
            (7, 4): [[(long[:-2], -1.0), ("3 1", -3.5)] * 2],
        }
    )
    longer, shorter = _search(opened, _TWO_BEAMS, [8, 9, 1], [9, 1])
    assert [len(ids) for ids, _ in longer] == [8, 2]
    # What met the limit without an end has no place beside what ended.
    assert shorter == [([3, 1], pytest.approx(-3.0))] * 2
    assert opened.asked[1] == ([["9", "1"]], 7, 4)


def test_what_has_no_end_has_no_penalty_where_nothing_ended():
    opened = _Opened(
        {
            (7, 2): [[("3 3 3 3 3 3 3", -1.0), ("3 3 3 3 3 3 4", -2.0)]],
            (7, 4): [[("3 3 3 3 3 3 3", -1.0), ("3 3 3 3 3 3 4", -2.0)]],
        }
    )
    (found,) = _search(opened, _TWO_BEAMS, [9, 1])
    assert [score for _, score in found] == [-1.0, -2.0]
    one = {(7, 2): [[("3 3 3 3 3 3 3", -1.0)] * 2], (7, 4): [[("3 1", -3.5)]]}
    (found,) = _search(_Opened(one), _TWO_BEAMS, [9, 1])
    assert found == [([3, 1], pytest.approx(-3.0)), ((), IMPOSSIBLE)]


def test_a_greedy_score_is_the_log_probability():
    greedy = dataclasses.replace(_TWO_BEAMS, beam_size=1)
    (found,) = _search(_Opened({(7, 1): [[("3 1", -3.5)]]}), greedy, [9, 1])
    assert found == [([3, 1], -3.5)]


@pytest.mark.parametrize(
    "given", [dict(max_input_size=-1), dict(extra_length=1537)]
)
def test_more_positions_than_there_are(given):
    options = dataclasses.replace(_TWO_BEAMS, **given)
    with pytest.raises(UsageError, match="2048 positions: max_input_size="):
        EngineTranslator(None, None, options)


def test_a_pair_longer_than_the_positions():
    scorer = EngineScorer(None, None, _TWO_BEAMS)
    with pytest.raises(InputError, match="a line has 2049"):
        scorer.score_ids([([1], [3] * 2049)])


def test_an_ensemble_is_refused(output_dir):
    member = types.SimpleNamespace(vocab_size=9)
    with pytest.raises(UsageError, match="^--engine=ctranslate2 searches with"):
        _open(output_dir, Ensemble([member, member]))


def test_without_the_package_it_is_named(output_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(InputError) as caught:
        _open(output_dir)
    assert str(caught.value) == (
        "--engine=ctranslate2 needs the package ctranslate2: install it with"
        " pip install 't2t_repro[ctranslate2]'."
    )


def test_products_that_the_processor_has_not(output_dir, monkeypatch):
    stand_in = types.SimpleNamespace(
        get_supported_compute_types=lambda device: {"int8"}
    )
    monkeypatch.setitem(sys.modules, "ctranslate2", stand_in)
    with pytest.raises(UsageError, match="^--quantize=bfloat16: .* int8:"):
        _open(output_dir)


def test_another_family_is_named(output_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", sys)  # as if installed
    with pytest.raises(UsageError) as caught:
        _open(output_dir, hparams=registry.hparams("transformer_moe_tiny"))
    assert str(caught.value) == (
        "--engine=ctranslate2: the run has the model transformer_moe, which"
        " CTranslate2 cannot express: leave it out."
    )


def _open(output_dir, model=None, **changes):
    run = dataclasses.replace(run_directory.load(output_dir), **changes)
    options = DecodeOptions(engine="ctranslate2", quantize="bfloat16")
    ctranslate2_engine.open_model(run, model, options)
