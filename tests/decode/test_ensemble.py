"""Several models as one: what they agree on, in every step."""

import numpy as np
import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro import checkpoints
from t2t_repro.bin import t2t_decoder
from t2t_repro.decode.beam_search import beam_search
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.errors import InputError, UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.text.lines import read_lines
from tests.decode import random_model
from tests.export import random_run

_VOCABULARY = 13
_INPUTS = np.array([[5, 6, 7, 1], [8, 1, 0, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 1], [3, 1, 0, 0]], np.int32)


def _model(name, **changes):
    return random_model.new(name, _VOCABULARY, hidden_size=16, **changes)


@pytest.fixture(scope="module")
def members():
    transformer = _model(
        "transformer_tiny", filter_size=16, num_heads=2, num_hidden_layers=1
    )
    return transformer, _model("rnn_tiny")


def test_logits_are_the_mean_of_the_log_probabilities(members):
    ensemble = Ensemble(members)
    found = ensemble.logits(ensemble(_INPUTS, _TARGETS))
    expected = 0.0
    for model in members:
        scores = np.asarray(model.logits(model(_INPUTS, _TARGETS)), np.float64)
        sums = np.log(np.exp(scores).sum(-1, keepdims=True))
        expected = expected + (scores - sums) / 2
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_search_scores_what_the_ensemble_says_of_its_outputs(members):
    ensemble = Ensemble(members)
    limits = tf.constant([6, 6])
    found = beam_search(ensemble, tf.constant(_INPUTS), limits, 3, 0.0)
    ids = found.ids[:, 0]
    logits = ensemble.logits(ensemble(_INPUTS, ids))
    each = tf.gather(tf.nn.log_softmax(logits), ids, batch_dims=2)
    expected = tf.reduce_sum(each * tf.cast(ids != 0, tf.float32), 1)
    np.testing.assert_allclose(found.scores[:, 0], expected, atol=1e-4)


def test_maps_of_members_have_places_of_their_own(members):
    maps = {}
    # Restricted attention spreads its map where it has put it.
    restricted = _model(
        "transformer_restricted_tiny", filter_size=16, num_hidden_layers=1
    )
    ensemble = Ensemble([members[1], restricted])
    ensemble(_INPUTS, _TARGETS, mode=Mode(maps=maps))
    assert maps["model_1/encoder/layer_0/self_attention"].shape[2:] == (4, 4)
    assert any(place.startswith("model_0/") for place in maps)


@pytest.fixture(scope="module")
def folders(trained, tmp_path_factory):
    """Two runs of one vocabulary with different weights."""
    folder = tmp_path_factory.mktemp("ensemble")
    for i in range(2):
        random_run.make(trained.output_dir, folder / f"run{i}")
    run, weights = (
        folder / "run1",
        checkpoints.read(f"{folder}/run1/model.ckpt-7"),
    )
    changed = {
        path: value if path.endswith("matrix") else np.roll(value, 1)
        for path, value in weights.items()
        if path != "step"
    }
    checkpoints.save(run, 8, changed)
    return [str(folder / "run0"), str(run)]


def test_one_model_twice_is_that_model(folders):
    alone = t2t_repro.load(folders[0], decode_hparams="extra_length=4")
    model = alone.model
    lines = ["the dog sleeps.", "my hungry elephant eats."]
    twice = type(alone)(alone.run, Ensemble([model, model]), alone.options)
    for own, of_both in zip(
        alone.translate(lines), twice.translate(lines), strict=True
    ):
        assert own[0].text == of_both[0].text
        assert own[0].score == pytest.approx(of_both[0].score, abs=1e-4)


def test_the_decoder_and_load_agree(folders, tmp_path):
    lines = ["the dog sleeps.", "my hungry elephant eats."]
    (tmp_path / "in").write_text("\n".join(lines))
    arguments = [
        f"--output_dirs={','.join(folders)}",
        f"--decode_from_file={tmp_path / 'in'}",
        "--decode_hparams=extra_length=4",
    ]
    assert t2t_decoder.main(arguments) == 0
    (path,) = tmp_path.glob("in.ensemble2.*.decodes")
    loaded = t2t_repro.load(folders, decode_hparams="extra_length=4")
    assert read_lines(path) == loaded(lines)
    first = t2t_repro.load(folders[0], decode_hparams="extra_length=4")
    assert loaded(lines) != first(lines)


def test_a_comma_too_many_is_no_folder(folders, capsys):
    given = [f"--output_dirs={folders[0]},", "--decode_from_file=-"]
    assert t2t_decoder.main(given) == 2
    assert "each once, with commas between them" in capsys.readouterr().err


def test_another_vocabulary_is_refused(folders, tmp_path):
    other = random_run.make(folders[0], tmp_path / "run")
    problem = other.folder / "problem.json"
    problem.write_text(
        problem.read_text().replace('"en",\n"de"', '"de",\n"en"')
    )
    assert '"de",\n"en"' in problem.read_text()
    with pytest.raises(UsageError, match="one run directory or more"):
        t2t_repro.load([])
    with pytest.raises(InputError, match="one vocabulary and direction"):
        t2t_repro.load([folders[0], tmp_path / "run"])
