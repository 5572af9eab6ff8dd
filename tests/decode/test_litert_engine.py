"""LiteRT in TensorFlow's place: the same translations, scores and files."""

import concurrent.futures
import dataclasses
import types

import pytest

import t2t_repro
from t2t_repro import checkpoints, registry, run_directory
from t2t_repro.bin import t2t_decoder
from t2t_repro.decode import litert_engine
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.errors import UsageError
from t2t_repro.progress import Progress
from t2t_repro.text.lines import read_lines
from tests.export import random_run

_LINES = ["the dog sleeps.", "", "a cat.", "naïve 漢字 😀"]
_SEARCH = "beam_size=3,n_best=3,extra_length=4"


@pytest.fixture(scope="module")
def output_dir(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine") / "run"
    return random_run.make(trained.output_dir, folder).folder


@pytest.fixture(scope="module")
def ours(output_dir):
    return t2t_repro.load(output_dir, decode_hparams=_SEARCH)


@pytest.fixture(scope="module")
def theirs(output_dir):
    return t2t_repro.load(output_dir, decode_hparams=f"{_SEARCH},engine=litert")


@pytest.fixture(scope="module")
def narrow(output_dir):
    return t2t_repro.load(
        output_dir, decode_hparams=f"{_SEARCH},engine=litert,quantize=int8"
    )


def test_hypotheses_are_tensorflows(ours, theirs):
    found = theirs.translate(_LINES)
    assert found[1] == [Translation("", 0.0, ())]
    for expected, own in zip(ours.translate(_LINES), found, strict=True):
        assert [h.ids for h in own] == [h.ids for h in expected]
        assert [h.text for h in own] == [h.text for h in expected]
        # Sums of some twenty numbers of size 5.
        assert [h.score for h in own] == pytest.approx(
            [h.score for h in expected], rel=1e-5
        )


def test_searches_side_by_side(theirs):
    alone = theirs.translate(_LINES)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for found in pool.map(theirs.translate, [_LINES] * 6):
            assert found == alone


def test_8_bits_are_close(ours, narrow):
    pairs, scores = [], []
    for line, own in zip(_LINES, narrow.translate(_LINES), strict=True):
        for hypothesis in own if line else ():
            penalty = 1.0
            if hypothesis.ids[-1] == 1:
                penalty = ((5 + len(hypothesis.ids)) / 6) ** 0.6
            source = [*narrow.encoder.encode(line), 1]
            pairs.append((source, hypothesis.ids))
            scores.append(hypothesis.score * penalty)
    assert len(pairs) == 9
    exact = [sum(v) for v in ours._engine.scorer.score_ids(pairs)]
    assert scores != pytest.approx(exact, rel=1e-4)
    # The models are random, and so large that attention is not even: 8 bits of
    # each factor are some nats in a hundred.
    assert scores == pytest.approx(exact, rel=0.1)


def test_given_translations_are_scored_in_32_bits(ours, narrow):
    pairs = [("the dog.", "der Hund."), ("", "")]
    expected, found = (
        list(loaded.score(pairs, Progress("scoring", "lines", 2)))
        for loaded in (ours, narrow)
    )
    assert found == expected


def test_programs_are_kept_for_the_same_search_and_weights(output_dir, theirs):
    def opened(**changes):
        options = dataclasses.replace(theirs.options, **changes)
        return theirs.with_options(options)._engine.opened

    assert opened(batch_size=7) is theirs._engine.opened
    # The search's rules are a part of the programs.
    assert opened(alpha=1.0) is not theirs._engine.opened
    weights = random_run.drawn_weights(theirs.model, end=8.0)
    checkpoints.save(output_dir, 8, weights)
    before = theirs.translate(_LINES)
    theirs.restore("8")
    assert theirs.translate(_LINES) != before
    theirs.restore("7")
    assert theirs.translate(_LINES) == before


def test_the_command_writes_the_same_files(output_dir, tmp_path, capsys):
    source = tmp_path / "in"
    source.write_text("\n".join(_LINES), encoding="utf-8")
    texts = {}
    for name, more in (
        ("tensorflow", []),
        ("litert", ["--engine=litert"]),
    ):
        status = t2t_decoder.main(
            [
                f"--output_dir={output_dir}",
                "--checkpoint=7",
                f"--decode_from_file={source}",
                f"--decode_to_file={tmp_path / name}",
                f"--decode_hparams={_SEARCH}",
                *more,
            ]
        )
        assert status == 0
        # Line, rank, score, which is rounded in another order, and text.
        rows = [line.split("\t") for line in read_lines(tmp_path / name)]
        texts[name] = [(*row[:2], *row[3:]) for row in rows]
    error = capsys.readouterr().err
    assert "LiteRT, float32" in error
    assert "XNNPACK" not in error
    assert texts["litert"] == texts["tensorflow"]


def test_an_ensemble_is_refused(output_dir):
    member = types.SimpleNamespace(vocab_size=9)
    with pytest.raises(UsageError, match="^--engine=litert searches with one"):
        _open(output_dir, Ensemble([member, member]))


def test_another_family_is_named(output_dir):
    with pytest.raises(UsageError) as caught:
        _open(output_dir, hparams=registry.hparams("transformer_moe_tiny"))
    assert str(caught.value) == (
        "--engine=litert: the run has the model transformer_moe, which is not"
        " made into programs of LiteRT: leave it out."
    )


def _open(output_dir, model=None, **changes):
    run = dataclasses.replace(run_directory.load(output_dir), **changes)
    litert_engine.open_model(run, model, DecodeOptions(engine="litert"))
